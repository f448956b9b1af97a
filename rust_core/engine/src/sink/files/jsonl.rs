//! Files with one JSON object a line. A missing value is `null`, so every line has every column.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::json::writer::{LineDelimited, WriterBuilder};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use super::Place;
use super::lines::{Encode, LineWriter};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::{Reason, RejectCode};
use crate::sink::json_form::{has_form, may_lack_form};
use crate::sink::{Sink, SinkEnv, StageContext, StagingWriter, columns};

const KIND: &str = "jsonl";

#[derive(Debug)]
struct JsonlSink {
    place: Place,
    schema: SchemaRef,
}

/// Compiles a JSON lines sink.
///
/// # Errors
/// `PATH_REFUSED`, `PLAN_INVALID`, `SINK_UNWRITABLE`.
pub(in crate::sink) fn compile(
    name: &str,
    options: &pb::JsonlSink,
    schema: SchemaRef,
    env: &SinkEnv,
) -> Result<Arc<dyn Sink>> {
    let place = Place::compile(name, &options.uri, &options.mode, ".jsonl", env)?;
    Ok(Arc::new(JsonlSink { place, schema }))
}

#[async_trait]
impl Sink for JsonlSink {
    fn report(&self) -> pb::SinkReport {
        self.place.report(KIND, columns(&self.schema))
    }

    fn refused(&self, batch: &RecordBatch) -> Vec<(usize, Vec<Reason>)> {
        let floats: Vec<_> = self.schema.fields().iter().zip(batch.columns()).collect();
        let floats: Vec<_> = floats
            .into_iter()
            .filter(|(_, column)| may_lack_form(column.data_type()))
            .collect();
        if floats.is_empty() {
            return Vec::new();
        }
        let reasons = |row: usize| -> Vec<Reason> {
            let bad = floats.iter().filter(|(_, column)| !has_form(column, row));
            bad.map(|(field, _)| Reason {
                column: Some(field.name().clone()),
                code: RejectCode::TargetRefused,
                message: "JSON has no NaN and no infinity".into(),
            })
            .collect()
        };
        (0..batch.num_rows())
            .map(|row| (row, reasons(row)))
            .filter(|(_, reasons)| !reasons.is_empty())
            .collect()
    }

    async fn open(&self, context: &StageContext) -> Result<Box<dyn StagingWriter>> {
        let (place, schema) = (self.place.clone(), Arc::clone(&self.schema));
        LineWriter::open(KIND, place, schema, Arc::new(JsonText), context).await
    }
}

#[derive(Debug)]
struct JsonText;

impl Encode for JsonText {
    fn start(&self, _schema: &SchemaRef, _out: &mut Vec<u8>) {}

    fn rows(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let fail = |error: arrow::error::ArrowError| {
            EngineError::new(
                Code::TargetMismatch,
                format!("a column has no form in JSON: {error}"),
            )
            .hint("Cast the column to text, or write parquet")
        };
        let builder = WriterBuilder::new().with_explicit_nulls(true);
        let mut writer = builder.build::<_, LineDelimited>(out);
        writer.write(batch).map_err(fail)?;
        writer.finish().map_err(fail)
    }
}
