//! The run's rejects on disk: one Arrow IPC file, one row for each refused row.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::{ArrayRef, Int64Builder, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use parking_lot::Mutex;

use super::{Reject, RejectCode};
use crate::error::{Code, EngineError, Result};

const BATCH_ROWS: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;

/// The columns of the reject dataset, which a pipeline reads as `rejects`.
///
/// `column`, `code` and `message` are the first reason's; `reasons` is JSON with all of them.
#[must_use]
pub fn reject_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("source", true),
        Field::new("line", DataType::Int64, true),
        Field::new("byte_offset", DataType::Int64, true),
        text("raw", false),
        text("step", false),
        text("column", true),
        text("code", false),
        text("message", false),
        text("reasons", false),
    ]))
}

/// How many rows were refused, by step, column and code.
pub type RejectCounts = BTreeMap<(String, Option<String>, RejectCode), u64>;

/// Collects the rejects of a run. Shared by all threads; writing is bounded by the local disk, so
/// it never waits for another part of the run.
pub struct RejectLog {
    path: PathBuf,
    rows: AtomicU64,
    closed: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    pending: Vec<Reject>,
    pending_bytes: usize,
    counts: RejectCounts,
    writer: Option<StreamWriter<BufWriter<File>>>,
}

impl std::fmt::Debug for RejectLog {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RejectLog")
            .field("path", &self.path)
            .field("rows", &self.rows())
            .finish()
    }
}

impl RejectLog {
    /// A log that writes to `path` once there is something to write.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            rows: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            inner: Mutex::new(Inner::default()),
        }
    }

    /// Where the rejects are written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rows refused so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows refused so far, by step, column and code.
    #[must_use]
    pub fn counts(&self) -> RejectCounts {
        self.inner.lock().counts.clone()
    }

    /// Whether the file is closed: no further row can be refused.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Adds refused rows.
    ///
    /// # Errors
    /// `DISK_FULL` or `SINK_UNWRITABLE` when the file cannot be written.
    pub fn push(&self, rejects: impl IntoIterator<Item = Reject>) -> Result<()> {
        let mut inner = self.inner.lock();
        if self.is_closed() {
            // The run has failed already; what still moves is of no consequence.
            return Ok(());
        }
        for mut reject in rejects {
            cut(&mut reject.raw);
            for reason in &reject.reasons {
                let key = (reject.step.clone(), reason.column.clone(), reason.code);
                *inner.counts.entry(key).or_default() += 1;
            }
            inner.pending_bytes += reject.raw.len() + 256;
            inner.pending.push(reject);
            self.rows.fetch_add(1, Ordering::Relaxed);
            if inner.pending.len() >= BATCH_ROWS || inner.pending_bytes >= BATCH_BYTES {
                self.flush(&mut inner)?;
            }
        }
        Ok(())
    }

    /// Writes what is pending and closes the file. Returns its path, or none when nothing was
    /// refused.
    ///
    /// # Errors
    /// As for [`RejectLog::push`].
    pub fn finish(&self) -> Result<Option<PathBuf>> {
        let mut inner = self.inner.lock();
        self.flush(&mut inner)?;
        self.closed.store(true, Ordering::Release);
        let Some(mut writer) = inner.writer.take() else {
            return Ok(self.path.is_file().then(|| self.path.clone()));
        };
        writer.finish().map_err(|error| self.unwritable(&error))?;
        let file = writer
            .into_inner()
            .map_err(|error| self.unwritable(&error))?
            .into_inner()
            .map_err(|error| self.unwritable(error.error()))?;
        file.sync_all().map_err(|error| self.unwritable(&error))?;
        Ok(Some(self.path.clone()))
    }

    fn flush(&self, inner: &mut Inner) -> Result<()> {
        if inner.pending.is_empty() {
            return Ok(());
        }
        let batch = to_batch(&inner.pending).map_err(|error| self.unwritable(&error))?;
        if inner.writer.is_none() {
            let file = File::create(&self.path).map_err(|error| self.unwritable(&error))?;
            let writer = StreamWriter::try_new(BufWriter::new(file), &reject_schema());
            inner.writer = Some(writer.map_err(|error| self.unwritable(&error))?);
        }
        if let Some(writer) = inner.writer.as_mut() {
            writer
                .write(&batch)
                .map_err(|error| self.unwritable(&error))?;
        }
        inner.pending.clear();
        inner.pending_bytes = 0;
        Ok(())
    }

    fn unwritable(&self, error: &dyn std::error::Error) -> EngineError {
        let text = error.to_string();
        let full = text.contains("No space left") || text.contains("os error 28");
        let code = if full {
            Code::DiskFull
        } else {
            Code::SinkUnwritable
        };
        EngineError::new(
            code,
            format!("cannot write rejects to {}: {text}", self.path.display()),
        )
        .hint("Free space beneath the data directory or set limits.rejects")
    }
}

fn to_batch(rejects: &[Reject]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut texts: [StringBuilder; 7] = std::array::from_fn(|_| StringBuilder::new());
    let [source, raw, step, column, code, message, reasons] = &mut texts;
    let mut line = Int64Builder::new();
    let mut offset = Int64Builder::new();
    for reject in rejects {
        let origin = reject.origin.as_ref();
        source.append_option(origin.map(|origin| origin.source.as_str()));
        line.append_option(origin.and_then(|origin| signed(origin.line)));
        offset.append_option(origin.and_then(|origin| signed(origin.offset)));
        raw.append_value(shown(&reject.raw));
        step.append_value(&reject.step);
        let first = reject.reasons.first();
        column.append_option(first.and_then(|reason| reason.column.as_deref()));
        code.append_value(first.map_or("", |reason| reason.code.as_str()));
        message.append_value(first.map_or("", |reason| reason.message.as_str()));
        reasons.append_value(reasons_json(reject));
    }
    let [source, raw, step, column, code, message, reasons] = &mut texts;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(source.finish()),
        Arc::new(line.finish()),
        Arc::new(offset.finish()),
        Arc::new(raw.finish()),
        Arc::new(step.finish()),
        Arc::new(column.finish()),
        Arc::new(code.finish()),
        Arc::new(message.finish()),
        Arc::new(reasons.finish()),
    ];
    RecordBatch::try_new(reject_schema(), columns)
}

/// Keeps the beginning of a long record, up to a whole character.
fn cut(raw: &mut Vec<u8>) {
    if raw.len() < Reject::RAW_LIMIT {
        return;
    }
    raw.truncate(Reject::RAW_LIMIT);
    if let Err(error) = std::str::from_utf8(raw)
        && error.error_len().is_none()
    {
        let whole = error.valid_up_to();
        raw.truncate(whole);
    }
}

/// A record as text that keeps its bytes: those that are no UTF-8 as in `\xff`, and in such a record a
/// backslash as two.
fn shown(raw: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(raw) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(raw.len() + 16);
    for chunk in raw.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(text)
}

/// Databases know no unsigned integers.
fn signed(number: Option<u64>) -> Option<i64> {
    number.and_then(|number| i64::try_from(number).ok())
}

fn reasons_json(reject: &Reject) -> String {
    let reasons: Vec<_> = reject
        .reasons
        .iter()
        .map(|reason| {
            serde_json::json!({
                "column": reason.column, "code": reason.code.as_str(), "message": reason.message,
            })
        })
        .collect();
    serde_json::Value::Array(reasons).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_their_bytes() {
        assert_eq!(shown("a\\b, ü".as_bytes()), "a\\b, ü");
        let mut long = "ü".repeat(Reject::RAW_LIMIT).into_bytes();
        long.insert(0, b'a');
        cut(&mut long);
        assert_eq!(long.len(), Reject::RAW_LIMIT - 1);
        assert_eq!(shown(b"a\\b,\xff\xc3"), "a\\\\b,\\xff\\xc3");
    }
}
