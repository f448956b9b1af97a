//! Files with one JSON object a line. A missing value is `null`, so every line has every column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type, SchemaRef};
use arrow::json::writer::{LineDelimited, WriterBuilder};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use super::Place;
use super::lines::{Encode, LineWriter};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::{Reason, RejectCode};
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
        let floats: Vec<_> =
            floats.into_iter().filter(|(_, column)| holds_floats(column.data_type())).collect();
        if floats.is_empty() {
            return Vec::new();
        }
        let reasons = |row: usize| -> Vec<Reason> {
            let bad = floats.iter().filter(|(_, column)| !is_finite(column, row));
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

fn holds_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => value.is_floating(),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            holds_floats(field.data_type())
        }
        DataType::Struct(fields) => fields.iter().any(|field| holds_floats(field.data_type())),
        other => other.is_floating(),
    }
}

/// Whether a row's value has a form in JSON.
fn is_finite(column: &ArrayRef, row: usize) -> bool {
    if column.is_null(row) {
        return true;
    }
    match column.data_type() {
        DataType::Float16 => column.as_primitive::<Float16Type>().value(row).is_finite(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).is_finite(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).is_finite(),
        DataType::List(_) => all_finite(&column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => all_finite(&column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => all_finite(&column.as_fixed_size_list().value(row)),
        DataType::Struct(_) => {
            column.as_struct().columns().iter().all(|part| is_finite(part, row))
        }
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            dictionary.normalized_keys().get(row).is_none_or(|key| is_finite(dictionary.values(), *key))
        }
        _ => true,
    }
}

fn all_finite(values: &ArrayRef) -> bool {
    (0..values.len()).all(|row| is_finite(values, row))
}

#[derive(Debug)]
struct JsonText;

impl Encode for JsonText {
    fn start(&self, _schema: &SchemaRef, _out: &mut Vec<u8>) {}

    fn rows(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let fail = |error: arrow::error::ArrowError| {
            EngineError::new(Code::TargetMismatch, format!("a column has no form in JSON: {error}"))
                .hint("Cast the column to text, or write parquet")
        };
        let builder = WriterBuilder::new().with_explicit_nulls(true);
        let mut writer = builder.build::<_, LineDelimited>(out);
        writer.write(batch).map_err(fail)?;
        writer.finish().map_err(fail)
    }
}
