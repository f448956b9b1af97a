//! Delimited text files with a header, as RFC 4180 says.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use super::Place;
use super::csv_text::CsvText;
use super::lines::LineWriter;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::sink::{Sink, SinkEnv, StageContext, StagingWriter, columns};

const KIND: &str = "csv";

#[derive(Debug)]
struct CsvSink {
    place: Place,
    schema: SchemaRef,
    text: CsvText,
}

/// Compiles a CSV sink.
///
/// # Errors
/// `PATH_REFUSED`, `PLAN_INVALID`, `SINK_UNWRITABLE`; `TARGET_MISMATCH` for nested columns.
pub(in crate::sink) fn compile(
    name: &str,
    options: &pb::CsvSink,
    schema: SchemaRef,
    env: &SinkEnv,
) -> Result<Arc<dyn Sink>> {
    let place = Place::compile(name, &options.uri, &options.mode, ".csv", env)?;
    let delimiter = match options.delimiter.as_bytes() {
        [] => b',',
        [one] if !matches!(one, b'"' | b'\r' | b'\n' | 0) && one.is_ascii() => *one,
        _ => {
            let text = format!("{:?} cannot separate fields", options.delimiter);
            return Err(EngineError::new(Code::PlanInvalid, text)
                .place("delimiter")
                .hint("Use one ASCII character other than a quote or a line's end"));
        }
    };
    if let Some(nested) = schema
        .fields()
        .iter()
        .find(|field| field.data_type().is_nested())
    {
        let text = format!(
            "the column '{}' holds {}",
            nested.name(),
            nested.data_type()
        );
        return Err(EngineError::new(
            Code::TargetMismatch,
            format!("{text}, which CSV cannot hold"),
        )
        .hint("Select its parts in a `sql` step, or write jsonl or parquet"));
    }
    Ok(Arc::new(CsvSink {
        place,
        schema,
        text: CsvText { delimiter },
    }))
}

#[async_trait]
impl Sink for CsvSink {
    fn report(&self) -> pb::SinkReport {
        self.place.report(KIND, columns(&self.schema))
    }

    async fn open(&self, context: &StageContext) -> Result<Box<dyn StagingWriter>> {
        let (place, schema) = (self.place.clone(), Arc::clone(&self.schema));
        LineWriter::open(KIND, place, schema, Arc::new(self.text), context).await
    }
}
