//! Reads row groups, one at a time for each partition.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::file::metadata::ColumnChunkMetaData;
use futures::stream;
use parking_lot::Mutex;

use super::normal::{may_fail, normalise};
use crate::error::{Code, EngineError, Result};
use crate::plan::types::type_name;
use crate::reject::{Origin, Reason, Reject, RejectCode, row_json};
use crate::scan::build;
use crate::scan::convert::excerpt;
use crate::scan::files::FoundFile;
use crate::scan::{BatchStream, ScanContext};

/// About how many bytes a batch holds at most.
const BATCH_BYTES: u64 = 16 << 20;

/// A file, its footer, and its columns in the source's order.
#[derive(Clone, Debug)]
pub struct ParquetFile {
    /// The file.
    pub found: FoundFile,
    /// What its footer says.
    pub footer: ArrowReaderMetadata,
    /// For each column of the source, the column of the file.
    pub fields: Vec<usize>,
    /// The file's index in the source.
    pub src: u32,
}

/// A row group of a file.
#[derive(Clone, Copy, Debug)]
pub struct RowGroup {
    /// The file's index in the source.
    pub file: usize,
    /// The row group's index in the file.
    pub group: usize,
    /// The rows of the file before it.
    pub first: u64,
}

impl ParquetFile {
    /// The compressed size of a row group in bytes.
    #[must_use]
    pub fn bytes(&self, group: usize) -> u64 {
        let groups = self.footer.metadata().row_groups();
        groups.get(group).map_or(0, |group| {
            u64::try_from(group.compressed_size()).unwrap_or(0)
        })
    }

    /// How many rows of a row group make a batch: `most`, or fewer where they are large.
    #[must_use]
    pub fn batch_rows(&self, group: usize, most: usize) -> usize {
        let Some(group) = self.footer.metadata().row_groups().get(group) else {
            return most.max(1);
        };
        let size = |column: &ColumnChunkMetaData| {
            // A dictionary hides how long the values are that it stands for.
            let values = column.unencoded_byte_array_data_bytes().unwrap_or(0);
            u64::try_from(column.uncompressed_size().max(values)).unwrap_or(0)
        };
        let bytes: u64 = group.columns().iter().map(size).sum();
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let fitting = BATCH_BYTES.saturating_mul(rows) / bytes.max(1);
        usize::try_from(fitting)
            .unwrap_or(most)
            .clamp(1, most.max(1))
    }

    /// Runs a step of reading. Damaged files can make the decoder fail in any way, so that panics
    /// are caught too.
    ///
    /// # Errors
    /// `SOURCE_CORRUPT` with file, row group and offset.
    pub fn guard<T>(
        &self,
        group: usize,
        step: impl FnOnce() -> Result<T, Box<dyn std::error::Error>>,
    ) -> Result<T> {
        let message = match catch_unwind(AssertUnwindSafe(step)) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its bytes make no sense".to_owned(),
        };
        let offset = self
            .footer
            .metadata()
            .row_groups()
            .get(group)
            .and_then(|group| group.columns().first());
        let offset = offset.map_or(0, |column| column.byte_range().0);
        let text = format!("{} is damaged: {message}", self.found.name);
        Err(EngineError::new(Code::SourceCorrupt, text)
            .place(format!("row group {}, from byte {offset} on", group + 1))
            .hint("Fetch or write the file again"))
    }

    /// A reader of a row group with the columns of the source in `wanted`.
    ///
    /// # Errors
    /// As for [`ParquetFile::guard`].
    pub fn reader(
        &self,
        file: File,
        group: usize,
        wanted: &[usize],
        rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        self.guard(group, || {
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone());
            let roots = wanted
                .iter()
                .filter_map(|&column| self.fields.get(column).copied());
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            let builder = builder.with_row_groups(vec![group]).with_projection(mask);
            Ok(builder.with_batch_size(rows).build()?)
        })
    }
}

/// What the partitions share.
#[derive(Debug)]
pub struct Shared {
    /// The files.
    pub files: Arc<[ParquetFile]>,
    /// The row groups that nobody has taken yet.
    pub queue: Mutex<VecDeque<RowGroup>>,
    /// The columns that are read: those that are wanted, and those whose values may be refused.
    pub read: Vec<usize>,
    /// The columns of a batch.
    pub schema: SchemaRef,
}

/// One partition: takes row groups and reads them.
pub fn partition(shared: Arc<Shared>, context: &ScanContext) -> BatchStream {
    let worker = Worker {
        shared,
        context: context.clone(),
        open: None,
    };
    Box::pin(stream::try_unfold(worker, |mut worker| async move {
        let batch = worker
            .next_batch()
            .map_err(|error| error.at(worker.context.name.as_ref()))?;
        Ok(batch.map(|batch| (batch, worker)))
    }))
}

/// The columns to read for a projection: also those whose values may be refused.
#[must_use]
pub fn columns_to_read(files: &[ParquetFile], projection: &[usize]) -> Vec<usize> {
    let may_fail = |file: &ParquetFile, column: usize| {
        let field = file
            .fields
            .get(column)
            .and_then(|&at| file.footer.schema().fields().get(at));
        field.is_some_and(|field| may_fail(field.data_type()))
    };
    let count = files.first().map_or(0, |file| file.fields.len());
    let is_read = |&column: &usize| {
        projection.contains(&column) || files.iter().any(|file| may_fail(file, column))
    };
    (0..count).filter(is_read).collect()
}

struct Worker {
    shared: Arc<Shared>,
    context: ScanContext,
    open: Option<Open>,
}

struct Open {
    file: usize,
    group: usize,
    handle: File,
    reader: ParquetRecordBatchReader,
    next: u64,
}

impl Worker {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.context.cancel.is_cancelled() {
                return Err(EngineError::new(Code::Cancelled, "the run was cancelled"));
            }
            let Some(open) = self.open.as_mut() else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let shared = Arc::clone(&self.shared);
            let Some(file) = shared.files.get(open.file) else {
                return Ok(None);
            };
            let reader = &mut open.reader;
            let Some(batch) = file.guard(open.group, || Ok(reader.next().transpose()?))? else {
                file.found.check(&open.handle)?;
                self.context.counters.add(0, 0, file.bytes(open.group));
                self.open = None;
                continue;
            };
            let first = open.next;
            open.next += batch.num_rows() as u64;
            let batch = self.finish(file, &batch, first)?;
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    fn open_next(&mut self) -> Result<bool> {
        let Some(next) = self.shared.queue.lock().pop_front() else {
            return Ok(false);
        };
        let Some(file) = self.shared.files.get(next.file) else {
            return Ok(false);
        };
        let handle = file.found.open()?;
        let kept = handle
            .try_clone()
            .map_err(|error| file.found.unreadable(&error))?;
        let rows = file.batch_rows(next.group, self.context.batch_rows);
        let reader = file.reader(handle, next.group, &self.shared.read, rows)?;
        let (file, group) = (next.file, next.group);
        self.open = Some(Open {
            file,
            group,
            handle: kept,
            reader,
            next: next.first,
        });
        Ok(true)
    }

    /// Normalises types, splits off what does not fit, adds identity.
    fn finish(&self, file: &ParquetFile, batch: &RecordBatch, first: u64) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let bug = |error| {
            EngineError::new(
                Code::EngineBug,
                format!("a column could not be read: {error}"),
            )
        };
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.context.projection.len() + 3);
        let mut faults: Vec<(usize, ArrayRef, BooleanArray)> = Vec::new();
        for &column in &self.shared.read {
            // A reader keeps the file's order, so that columns are found by name.
            let name = file
                .fields
                .get(column)
                .and_then(|&at| file.footer.schema().fields().get(at));
            let Some(array) = name.and_then(|field| batch.column_by_name(field.name())) else {
                continue;
            };
            let (normal, bad) = normalise(array).map_err(bug)?;
            faults.extend(bad.map(|bad| (column, Arc::clone(array), bad)));
            if self.context.projection.contains(&column) {
                columns.push(normal);
            }
        }
        let lines: Vec<u64> = (first + 1..=first + rows as u64).collect();
        let [src, line, _] = build::identity(file.src, lines, Vec::new());
        columns.extend([src, line, Arc::new(UInt64Array::new_null(rows))]);
        let is_bad = |row: &u32| faults.iter().any(|(.., bad)| bad.value(*row as usize));
        let bad: Vec<u32> = match faults.as_slice() {
            [] => Vec::new(),
            _ => (0..rows as u32).filter(is_bad).collect(),
        };
        if !bad.is_empty() {
            let rejects = bad
                .iter()
                .map(|&row| self.reject(file, batch, row as usize, first, &faults));
            self.context.rejects.push(rejects.collect::<Vec<_>>())?;
        }
        self.context.counters.add(rows as u64, bad.len() as u64, 0);
        build::batch(&self.shared.schema, columns, &bad)
    }

    fn reject(
        &self,
        file: &ParquetFile,
        batch: &RecordBatch,
        row: usize,
        first: u64,
        faults: &[(usize, ArrayRef, BooleanArray)],
    ) -> Reject {
        let found = faults.iter().filter(|(.., bad)| bad.value(row));
        let reasons = found.map(|(column, array, _)| {
            let shown = excerpt(text(array, row).as_bytes());
            let field = self.shared.files.first().and_then(|first| {
                first
                    .footer
                    .schema()
                    .fields()
                    .get(*first.fields.get(*column)?)
            });
            let name = type_name(&super::normal::normal_type(array.data_type()));
            Reason {
                column: field.map(|field| field.name().clone()),
                code: RejectCode::ConversionFailed,
                message: format!("'{shown}' has more digits than {name} keeps"),
            }
        });
        Reject {
            step: self.context.name.to_string(),
            origin: Some(Origin {
                source: file.found.name.clone(),
                line: Some(first + row as u64 + 1),
                offset: None,
            }),
            raw: row_json(batch, row).unwrap_or_default(),
            reasons: reasons.collect(),
        }
    }
}

fn text(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options);
    formatter
        .map(|formatter| formatter.value(row).to_string())
        .unwrap_or_default()
}
