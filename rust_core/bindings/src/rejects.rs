//! Reads a run's rejects.

use std::fs::File;
use std::io::BufReader;

use arrow::array::{Array, AsArray, Int64Array, StringArray};
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use etlplus_engine::error::{Code, EngineError};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::error::raise;

type Text = Option<String>;
/// source, line, byte offset, raw, step, column, code, message, reasons.
type Row = (
    Text,
    Option<i64>,
    Option<i64>,
    Text,
    Text,
    Text,
    Text,
    Text,
    Text,
);

/// Iterates over a file of rejects, a list of rows at a time.
#[pyclass(frozen, module = "etlplus._core")]
pub struct RejectReader {
    reader: Mutex<StreamReader<BufReader<File>>>,
    path: String,
}

/// Opens a file of rejects.
#[pyfunction]
pub fn read_rejects(path: &str) -> PyResult<RejectReader> {
    let file = File::open(path).map_err(|error| {
        let text = format!("cannot read the rejects in {path}: {error}");
        raise(EngineError::new(Code::SourceUnreadable, text))
    })?;
    let reader = StreamReader::try_new(BufReader::new(file), None);
    let reader = reader.map_err(|error| corrupt(path, &error))?;
    Ok(RejectReader {
        reader: Mutex::new(reader),
        path: path.to_owned(),
    })
}

#[pymethods]
impl RejectReader {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Vec<Row>>> {
        let batch = py.detach(|| self.reader.lock().next());
        match batch {
            None => Ok(None),
            Some(Ok(batch)) => Ok(Some(rows(&batch))),
            Some(Err(error)) => Err(corrupt(&self.path, &error)),
        }
    }
}

fn corrupt(path: &str, error: &arrow::error::ArrowError) -> PyErr {
    let text = format!("the rejects in {path} are damaged: {error}");
    raise(EngineError::new(Code::SourceCorrupt, text))
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let text = |name: &str| {
        batch
            .column_by_name(name)
            .and_then(|array| array.as_string_opt::<i32>())
    };
    let number = |name: &str| {
        batch
            .column_by_name(name)
            .and_then(|array| array.as_primitive_opt::<Int64Type>())
    };
    let texts = [
        "source", "raw", "step", "column", "code", "message", "reasons",
    ]
    .map(text);
    let [source, raw, step, column, code, message, reasons] = texts;
    let (line, offset) = (number("line"), number("byte_offset"));
    (0..batch.num_rows())
        .map(|row| {
            (
                text_at(source, row),
                number_at(line, row),
                number_at(offset, row),
                text_at(raw, row),
                text_at(step, row),
                text_at(column, row),
                text_at(code, row),
                text_at(message, row),
                text_at(reasons, row),
            )
        })
        .collect()
}

fn text_at(array: Option<&StringArray>, row: usize) -> Text {
    array
        .filter(|array| array.is_valid(row))
        .map(|array| array.value(row).to_owned())
}

fn number_at(array: Option<&Int64Array>, row: usize) -> Option<i64> {
    array
        .filter(|array| array.is_valid(row))
        .map(|array| array.value(row))
}
