//! Reads a source again for the records that an earlier run refused, and only for them.
//!
//! The whole file is parsed as ever, so that a record means what it meant then; what is not wanted is
//! left out before it is counted. A wanted record is known by its file, line and offset. When one is
//! not found where it was, or a file was written to since, the run fails rather than load other rows.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, UInt64Type};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;

use super::chunk::Parsed;
use super::files::FoundFile;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::Origin;

/// The record's offset and line.
type Record = (u64, u64);

/// The records of a source that are wanted.
#[derive(Debug, Default)]
pub struct Wanted {
    /// By the file's name, in ascending order.
    files: HashMap<String, Vec<Record>>,
    /// Microseconds since 1970; files that were written to later are refused.
    since: i64,
    total: u64,
    found: AtomicU64,
    readers: AtomicUsize,
}

impl Wanted {
    /// The records that rejects tell of.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE` when the rejects cannot be read.
    pub fn load(replay: &pb::Replay) -> Result<Self> {
        let unreadable = |error: &dyn std::fmt::Display| {
            let path = &replay.rejects_path;
            let text = format!("cannot read the rejects in {path}: {error}");
            EngineError::new(Code::SourceUnreadable, text)
                .hint("Run the whole pipeline again: the rejects are not kept any more")
        };
        let file = File::open(&replay.rejects_path).map_err(|error| unreadable(&error))?;
        let reader = StreamReader::try_new(BufReader::new(file), None);
        let mut wanted = Self {
            since: replay.unchanged_since,
            ..Self::default()
        };
        for batch in reader.map_err(|error| unreadable(&error))? {
            let added = batch.and_then(|batch| wanted.add(&batch, &replay.steps));
            added.map_err(|error| unreadable(&error))?;
        }
        for records in wanted.files.values_mut() {
            records.sort_unstable();
            records.dedup();
        }
        wanted.total = wanted.files.values().map(|each| each.len() as u64).sum();
        Ok(wanted)
    }

    fn add(&mut self, rejects: &RecordBatch, steps: &[String]) -> Result<(), ArrowError> {
        let column = |name: &str| {
            let column = rejects.column_by_name(name);
            column.ok_or_else(|| ArrowError::SchemaError(format!("there is no column {name}")))
        };
        let (source, step) = (column("source")?.as_string_opt::<i32>(), column("step")?);
        let texts = source.zip(step.as_string_opt::<i32>());
        let line = column("line")?.as_primitive_opt::<Int64Type>();
        let offset = column("byte_offset")?.as_primitive_opt::<Int64Type>();
        let columns = texts.zip(line.zip(offset));
        let ((source, step), (line, offset)) =
            columns.ok_or_else(|| ArrowError::SchemaError("a column has another type".into()))?;
        for (row, step) in step.iter().enumerate() {
            let known = [source as &dyn Array, line, offset];
            let is_placed = known.iter().all(|column| column.is_valid(row));
            if !is_placed || !step.is_some_and(|step| steps.iter().any(|each| each == step)) {
                continue;
            }
            let place = (
                u64::try_from(offset.value(row)),
                u64::try_from(line.value(row)),
            );
            if let (Ok(offset), Ok(line)) = place {
                let records = self.files.entry(source.value(row).to_owned()).or_default();
                records.push((offset, line));
            }
        }
        Ok(())
    }

    /// Whether records of a file are wanted.
    ///
    /// # Errors
    /// `SOURCE_CHANGED` when they are, and the file was written to since.
    pub fn concerns(&self, file: &FoundFile) -> Result<bool> {
        if !self.files.contains_key(&file.name) {
            return Ok(false);
        }
        if file.stamp.modified_micros() <= self.since {
            return Ok(true);
        }
        let text = format!(
            "{} was written to since its records were refused",
            file.name
        );
        Err(changed(text))
    }

    /// What is wanted of a part of a file.
    ///
    /// # Errors
    /// `ENGINE_BUG` when a batch has no identity.
    pub fn keep(&self, file: &str, mut parsed: Parsed) -> Result<Parsed> {
        let none = Vec::new();
        let records = self.files.get(file).unwrap_or(&none);
        let is_wanted = |record: Record| records.binary_search(&record).is_ok();
        let place = |origin: &Origin| origin.offset.zip(origin.line);
        parsed.rejects.retain(|reject| {
            let record = reject.origin.as_ref().and_then(place);
            record.is_some_and(is_wanted)
        });
        let mask = identity(&parsed.batch).map(|(offsets, lines)| {
            let rows = offsets.iter().zip(lines);
            let rows = rows.map(|(offset, line)| is_wanted((*offset, *line)));
            BooleanArray::from(rows.collect::<Vec<_>>())
        });
        let kept = mask.and_then(|mask| filter_record_batch(&parsed.batch, &mask).ok());
        parsed.batch = kept
            .ok_or_else(|| EngineError::new(Code::EngineBug, "a source's batch has no identity"))?;
        let found = parsed.batch.num_rows() + parsed.rejects.len();
        self.found.fetch_add(found as u64, Ordering::Relaxed);
        Ok(parsed)
    }

    /// Says that one more partition reads.
    pub fn enter(&self) {
        self.readers.fetch_add(1, Ordering::AcqRel);
    }

    /// Says that a partition has read all.
    ///
    /// # Errors
    /// `SOURCE_CHANGED` from the last one, when a record was not found.
    pub fn leave(&self) -> Result<()> {
        let is_last = self.readers.fetch_sub(1, Ordering::AcqRel) == 1;
        let found = self.found.load(Ordering::Acquire);
        if !is_last || found == self.total {
            return Ok(());
        }
        let text = format!(
            "of {} refused records, {found} stand where they stood",
            self.total
        );
        Err(changed(text))
    }
}

fn changed(text: String) -> EngineError {
    EngineError::new(Code::SourceChanged, text)
        .hint("Run the whole pipeline again, or bring back the file as it was")
}

/// Offsets and lines of a source's batch.
fn identity(batch: &RecordBatch) -> Option<(&[u64], &[u64])> {
    let from_end = |place: usize| {
        let column = batch
            .columns()
            .get(batch.num_columns().checked_sub(place)?)?;
        Some(column.as_primitive_opt::<UInt64Type>()?.values().as_ref())
    };
    from_end(1).zip(from_end(2))
}
