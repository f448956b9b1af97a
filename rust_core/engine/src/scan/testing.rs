//! Runs sources in tests.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{BatchStream, ScanContext, ScanCounters, ScanEnv, Source};
use crate::error::Result;
use crate::reject::RejectLog;

/// A row of text values, none for null, with its file, line and offset.
pub type Row = (Vec<Option<String>>, u32, u64, u64);
/// A reject: source, line, offset, raw record, and its reasons as `column CODE`.
pub type Refused = (String, u64, u64, String, Vec<String>);

/// Everything that came out of a source, sorted by position.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub rows: Vec<Row>,
    pub refused: Vec<Refused>,
    pub records: u64,
    pub rejected: u64,
    pub bytes: u64,
}

pub fn env(base: &Path) -> ScanEnv {
    ScanEnv {
        base_dir: base.to_owned(),
        file_roots: vec![base.to_owned()],
        ..ScanEnv::default()
    }
}

pub fn context(projection: &[usize], batch_rows: usize, rejects: &Path) -> ScanContext {
    ScanContext {
        name: "orders".into(),
        projection: projection.into(),
        batch_rows,
        rejects: Arc::new(RejectLog::new(rejects)),
        counters: Arc::new(ScanCounters::default()),
        cancel: CancellationToken::new(),
        only: None,
    }
}

/// Reads a whole source with every column.
///
/// # Errors
/// Whatever opening and reading find.
pub fn read(source: &dyn Source, partitions: usize) -> Result<Outcome> {
    let all: Vec<usize> = (0..source.schema().fields().len()).collect();
    read_with(&all, |context| source.open(partitions, context))
}

/// Reads what `open` opens, all partitions in turn, a batch at a time.
///
/// # Errors
/// Whatever opening and reading find.
pub fn read_with(
    projection: &[usize],
    open: impl FnOnce(&ScanContext) -> Result<Vec<BatchStream>>,
) -> Result<Outcome> {
    let dir = tempfile::tempdir().unwrap();
    let context = context(projection, 8192, &dir.path().join("rejects"));
    let streams = open(&context)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut merged = futures::stream::select_all(streams);
    let mut rows = Vec::new();
    runtime.block_on(async {
        while let Some(batch) = merged.next().await {
            rows.extend(text_rows(&batch?));
        }
        Ok::<_, crate::error::EngineError>(())
    })?;
    let refused = match context.rejects.finish()? {
        None => Vec::new(),
        Some(path) => read_rejects(&path),
    };
    rows.sort_by_key(|row| (row.1, row.3, row.2));
    let mut refused = refused;
    refused.sort();
    let load =
        |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    let counters = &context.counters;
    Ok(Outcome {
        rows,
        refused,
        records: load(&counters.records),
        rejected: load(&counters.rejected),
        bytes: load(&counters.bytes),
    })
}

fn text_rows(batch: &RecordBatch) -> Vec<Row> {
    let own = batch.num_columns() - 3;
    let options = FormatOptions::default();
    let formatters: Vec<_> = batch.columns()[..own]
        .iter()
        .map(|column| (column, ArrayFormatter::try_new(column, &options).unwrap()))
        .collect();
    let src = batch.column(own).as_primitive::<UInt32Type>();
    let line = batch.column(own + 1).as_primitive::<UInt64Type>();
    let offset = batch.column(own + 2).as_primitive::<UInt64Type>();
    (0..batch.num_rows())
        .map(|row| {
            let values = formatters.iter().map(|(column, formatter)| {
                column
                    .is_valid(row)
                    .then(|| formatter.value(row).to_string())
            });
            (
                values.collect(),
                src.value(row),
                line.value(row),
                offset.value(row),
            )
        })
        .collect()
}

fn read_rejects(path: &Path) -> Vec<Refused> {
    let file = std::fs::File::open(path).unwrap();
    let reader = arrow::ipc::reader::StreamReader::try_new(file, None).unwrap();
    reader
        .flat_map(|batch| reject_rows(&batch.unwrap()))
        .collect()
}

fn reject_rows(batch: &RecordBatch) -> Vec<Refused> {
    let text = |name: &str| {
        batch
            .column_by_name(name)
            .unwrap()
            .as_string::<i32>()
            .clone()
    };
    let number = |name: &str| {
        batch
            .column_by_name(name)
            .unwrap()
            .as_primitive::<Int64Type>()
            .clone()
    };
    let (source, raw, reasons) = (text("source"), text("raw"), text("reasons"));
    let (line, offset) = (number("line"), number("byte_offset"));
    (0..batch.num_rows())
        .map(|row| {
            let reasons: Vec<serde_json::Value> = serde_json::from_str(reasons.value(row)).unwrap();
            let reasons = reasons.iter().map(|reason| {
                let column = reason["column"].as_str().unwrap_or("-");
                format!("{column} {}", reason["code"].as_str().unwrap())
            });
            let raw = raw.value(row).to_owned();
            (
                source.value(row).to_owned(),
                line.value(row).cast_unsigned(),
                offset.value(row).cast_unsigned(),
                raw,
                reasons.collect(),
            )
        })
        .collect()
}
