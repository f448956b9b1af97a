//! Detects how a file is written and where the table in it is, without hints.
//!
//! Detection looks at a sample only, never at names of files, and what is declared is not detected.

pub mod cell;
pub mod dialect;
pub mod table;

use std::fmt::Display;

use super::compile;
use crate::error::Result;
use crate::plan::pb;
use crate::plan::types::type_name;
use crate::scan::{ScanEnv, Source};

/// What was detected: an option of the source, its value as the option would be written, and how
/// sure it is, from 0 to 1; what is declared is certain.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The option's name.
    pub option: &'static str,
    /// Its value.
    pub value: String,
    /// How sure it is.
    pub sure: f64,
}

impl Finding {
    /// A finding.
    #[must_use]
    pub fn new(option: &'static str, value: &dyn Display, sure: f64) -> Self {
        Self {
            option,
            value: value.to_string(),
            sure,
        }
    }
}

/// Looks at the files of a source and says what it found. Reads samples, no rows.
///
/// # Errors
/// As compiling the source.
pub fn sniff(options: &pb::CsvSource, env: &ScanEnv) -> Result<pb::SniffReport> {
    let source = compile::compile(options, env)?;
    let finding = |finding: &Finding| pb::SniffFinding {
        option: finding.option.to_owned(),
        value: finding.value.clone(),
        sure: finding.sure,
    };
    let schema = source.schema();
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| pb::Column {
        name: field.name().clone(),
        r#type: type_name(field.data_type()),
    };
    Ok(pb::SniffReport {
        findings: source.findings.iter().map(finding).collect(),
        columns: schema.fields().iter().map(column).collect(),
        notes: source.notes(),
    })
}
