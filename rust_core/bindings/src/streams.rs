//! Rows handed in by Python.

use std::io::Cursor;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema_from_seekable;
use arrow::record_batch::RecordBatch;
use etlplus_engine::error::{Code, EngineError, Result};
use etlplus_engine::scan::stream::StreamInput;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::{PyRecordBatch, PyRecordBatchReader};

use crate::error::{bug, raise};

/// The exception that a Python source raised, so that it comes out of the run unchanged.
#[derive(Clone, Default)]
pub struct Raised(Arc<Mutex<Option<PyErr>>>);

impl Raised {
    /// The exception, if there is one.
    pub fn take(&self, py: Python<'_>) -> Option<PyErr> {
        self.0.lock().as_ref().map(|error| error.clone_ref(py))
    }

    fn keep(&self, error: PyErr) -> EngineError {
        let text = format!("the source raised: {error}");
        *self.0.lock() = Some(error);
        EngineError::new(Code::SourceRaised, text)
    }
}

/// Accepts bytes of JSON lines, anything with `__arrow_c_stream__`, or an iterable of batches.
pub fn from_python(value: &Bound<'_, PyAny>, raised: &Raised) -> PyResult<StreamInput> {
    if let Ok(lines) = value.cast::<PyBytes>() {
        return from_json(lines.as_bytes().to_vec()).map_err(raise);
    }
    if value.hasattr("__arrow_c_stream__")? {
        let reader = value.extract::<PyRecordBatchReader>()?.into_reader()?;
        let schema = reader.schema();
        let batches = reader.map(|batch| {
            batch.map_err(|error| EngineError::new(Code::SourceRaised, error.to_string()))
        });
        return Ok(StreamInput {
            schema,
            batches: Box::new(batches),
        });
    }
    let mut batches = Batches {
        iterator: value.try_iter()?.into_any().unbind(),
        raised: raised.clone(),
        first: None,
    };
    let first = batches
        .pull()
        .transpose()
        .map_err(|error| raised.take(value.py()).unwrap_or_else(|| raise(error)))?;
    let schema = first.as_ref().map_or_else(
        || Arc::new(arrow::datatypes::Schema::empty()),
        RecordBatch::schema,
    );
    batches.first = first;
    Ok(StreamInput {
        schema,
        batches: Box::new(batches),
    })
}

fn from_json(lines: Vec<u8>) -> Result<StreamInput> {
    let (schema, _) =
        infer_json_schema_from_seekable(Cursor::new(&lines), None).map_err(refused)?;
    let schema: SchemaRef = Arc::new(schema);
    let reader = ReaderBuilder::new(Arc::clone(&schema))
        .build(Cursor::new(lines))
        .map_err(refused)?;
    let batches = reader.map(|batch| batch.map_err(bug));
    Ok(StreamInput {
        schema,
        batches: Box::new(batches),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err calls")]
fn refused(error: arrow::error::ArrowError) -> EngineError {
    EngineError::new(
        Code::SourceCorrupt,
        format!("the rows are not JSON lines: {error}"),
    )
}

/// A Python iterable of batches. Each step takes the interpreter for as long as it needs.
struct Batches {
    iterator: Py<PyAny>,
    raised: Raised,
    first: Option<RecordBatch>,
}

impl Batches {
    fn pull(&self) -> Option<Result<RecordBatch>> {
        Python::attach(|py| {
            let item = self.iterator.bind(py).call_method0("__next__");
            match item.and_then(|item| item.extract::<PyRecordBatch>()) {
                Ok(batch) => Some(Ok(batch.into_inner())),
                Err(error) if error.is_instance_of::<pyo3::exceptions::PyStopIteration>(py) => None,
                Err(error) => Some(Err(self.raised.keep(error))),
            }
        })
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // Without the interpreter the iterator would be closed only at the next call of the module.
        Python::try_attach(|py| drop(std::mem::replace(&mut self.iterator, py.None())));
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.take().map(Ok).or_else(|| self.pull())
    }
}
