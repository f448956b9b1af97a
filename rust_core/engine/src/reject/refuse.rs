//! Turns refused rows of a batch into rejects with their origin and their record.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{UInt32Type, UInt64Type};
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;

use super::row_node::IDENTITY;
use super::state::Node;
use super::{Origin, Reason, Reject};
use crate::error::{Code, EngineError, Result};
use crate::scan::{LINE, OFFSET, SRC};

/// Logs the refused rows of a batch. Gives their number, without records that the step has refused
/// before in another of its readings.
///
/// # Errors
/// When the log cannot be written.
pub fn log(
    step: &Node,
    batch: &RecordBatch,
    refusals: &BTreeMap<usize, Vec<Reason>>,
) -> Result<usize> {
    let masked = step.masked.load(Ordering::Relaxed);
    let rejects = refusals
        .iter()
        .map(|(&row, reasons)| (row, reasons, origin(step, batch, row)))
        .filter(|(_, _, found)| match found {
            Some((src, origin)) if origin.line.is_some() || origin.offset.is_some() => {
                step.refuses((*src, origin.line, origin.offset))
            }
            _ => true,
        })
        .map(|(row, reasons, found)| {
            let shown = found.as_ref().filter(|_| !masked);
            let raw = shown.and_then(|(src, origin)| step.run.raw_record(*src, origin));
            Ok(Reject {
                step: step.name.to_string(),
                raw: match raw {
                    Some(raw) => raw,
                    None => without_identity(batch, row)?,
                },
                origin: found.map(|(_, origin)| origin),
                reasons: reasons.clone(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let logged = rejects.len();
    step.run.rejects.push(rejects)?;
    Ok(logged)
}

/// Where a row came from, for messages.
#[must_use]
pub fn origin_text(step: &Node, batch: &RecordBatch, row: usize) -> Option<String> {
    let (_, origin) = origin(step, batch, row)?;
    Some(match origin.line {
        Some(line) => format!("{}, line {line}", origin.source),
        None => origin.source,
    })
}

fn origin(step: &Node, batch: &RecordBatch, row: usize) -> Option<(u32, Origin)> {
    let number = |name: &str| {
        let array = batch.column_by_name(name)?;
        let values = array.as_primitive_opt::<UInt64Type>()?;
        values.is_valid(row).then(|| values.value(row))
    };
    let sources = batch
        .column_by_name(SRC)?
        .as_primitive_opt::<UInt32Type>()?;
    if sources.is_null(row) {
        return None;
    }
    let src = sources.value(row);
    let origin = step.run.origin(src, number(LINE), number(OFFSET))?;
    Some((src, origin))
}

/// A row's values as a JSON object, in the order of the columns.
///
/// # Errors
/// When a type has no form in JSON.
pub fn row_json(batch: &RecordBatch, row: usize) -> Result<Vec<u8>, ArrowError> {
    let mut out = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut out);
    writer.write(&batch.slice(row, 1))?;
    writer.finish()?;
    drop(writer);
    out.truncate(out.trim_ascii_end().len());
    Ok(out)
}

/// The row's values as a JSON object, without identity.
fn without_identity(batch: &RecordBatch, row: usize) -> Result<Vec<u8>> {
    let columns: Vec<usize> = batch
        .schema_ref()
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| !IDENTITY.contains(&field.name().as_str()))
        .map(|(index, _)| index)
        .collect();
    let bug = |error: ArrowError| {
        EngineError::new(
            Code::EngineBug,
            format!("cannot render a refused row: {error}"),
        )
    };
    let own = batch.project(&columns).map_err(bug)?;
    row_json(&own, row).map_err(bug)
}
