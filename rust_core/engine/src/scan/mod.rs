//! Sources: each opens as partitions of record batches with row identity.
//!
//! A source is compiled (files found, dialect and types settled) before a run, so that a plan knows
//! its columns. Then each partition is a stream. Every batch holds the projected columns followed
//! by the three identity columns of [`identity_fields`]; identity lets a later step name the file,
//! line and offset of a row it refuses.

pub mod build;
pub mod chunk;
pub mod convert;
pub mod csv;
pub mod feed;
pub mod files;
pub mod jsonl;
pub mod parquet;
pub mod part;
pub mod postgres;
pub mod replay;
pub mod stream;
#[cfg(test)]
pub mod testing;
pub mod text;

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::Stream;
use tokio_util::sync::CancellationToken;

use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::{Origin, RejectLog};

/// The index of the file (or 0) within [`Source::origins`]. UInt32.
pub const SRC: &str = "__src";
/// The physical line, from 1, or the row's ordinal. UInt64.
pub const LINE: &str = "__line";
/// The byte offset, or 0. UInt64.
pub const OFFSET: &str = "__off";

/// What a field usually takes in a text file, with its delimiter, in bytes.
const FIELD_BYTES: u64 = 9;

/// The identity columns, in the order in which they follow a batch's own columns.
#[must_use]
pub fn identity_fields() -> [Field; 3] {
    [
        Field::new(SRC, DataType::UInt32, true),
        Field::new(LINE, DataType::UInt64, true),
        Field::new(OFFSET, DataType::UInt64, true),
    ]
}

/// What a source may reach.
#[derive(Clone, Debug, Default)]
pub struct ScanEnv {
    /// The folder that relative paths start from.
    pub base_dir: PathBuf,
    /// Folders beneath which files may be read. Empty: none.
    pub file_roots: Vec<PathBuf>,
    /// Connections by id.
    pub connections: HashMap<String, pb::ResolvedConnection>,
    /// The memory that a run may use, in bytes; no limit when absent.
    pub memory: Option<usize>,
    /// What is read of the source that is compiled; all of it when absent.
    pub part: Option<pb::Part>,
}

impl ScanEnv {
    /// What a runtime allows.
    #[must_use]
    pub fn from_runtime(runtime: &pb::Runtime) -> Self {
        let connections = runtime.connections.iter();
        Self {
            base_dir: PathBuf::from(&runtime.base_dir),
            file_roots: runtime.file_roots.iter().map(PathBuf::from).collect(),
            connections: connections
                .map(|found| (found.name.clone(), found.clone()))
                .collect(),
            memory: None,
            part: None,
        }
    }

    /// The same for a source of which only a part may be read.
    #[must_use]
    pub fn reading(&self, part: Option<&pb::Part>) -> Self {
        Self {
            part: part.cloned(),
            ..self.clone()
        }
    }
}

/// Compiles a source: finds its files or table, settles dialect and types. Takes a stream out of
/// `streams`.
///
/// # Errors
/// `SOURCE_NOT_FOUND`, `SOURCE_EMPTY`, `SOURCE_CORRUPT`, `SOURCE_MISMATCH`, `PATH_REFUSED` and their
/// kin, with the source's name.
pub async fn compile(
    source: &pb::Source,
    env: &ScanEnv,
    streams: &mut stream::Streams,
) -> Result<Arc<dyn Source>> {
    use pb::source::Kind;
    let compiled: Result<Arc<dyn Source>> = match &source.kind {
        Some(Kind::Csv(options)) => csv::compile(options, env),
        Some(Kind::Jsonl(options)) => jsonl::compile(options, env),
        Some(Kind::Postgres(options)) => postgres::compile(options, env).await,
        Some(Kind::Parquet(options)) => parquet::compile(options, env),
        Some(Kind::Stream(options)) => stream::compile(&source.name, options, streams),
        None => Err(EngineError::new(
            Code::PlanInvalid,
            "the source has no kind",
        )),
    };
    let compiled = compiled.and_then(|compiled| part::read_of(compiled, env));
    compiled.map_err(|error| error.at(&source.name))
}

/// Batches of one partition.
pub type BatchStream = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// Counters of one source. They only grow.
#[derive(Debug, Default)]
pub struct ScanCounters {
    /// Records that were read, good and bad.
    pub records: AtomicU64,
    /// Records that were rejected while reading.
    pub rejected: AtomicU64,
    /// Bytes that were read.
    pub bytes: AtomicU64,
}

impl ScanCounters {
    /// Adds to the counters.
    pub fn add(&self, records: u64, rejected: u64, bytes: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What a partition's stream works with.
#[derive(Clone, Debug)]
pub struct ScanContext {
    /// The source's name, for rejects and errors.
    pub name: Arc<str>,
    /// The indices of the columns that are needed, in ascending order. A source checks every column
    /// of a record, needed or not, so that a projection never changes which rows are rejected.
    pub projection: Arc<[usize]>,
    /// Rows in a batch, at the most.
    pub batch_rows: usize,
    /// Where refused records go.
    pub rejects: Arc<RejectLog>,
    /// The source's counters.
    pub counters: Arc<ScanCounters>,
    /// Checked at least once a batch.
    pub cancel: CancellationToken,
    /// The only records that are read; none for all.
    pub only: Option<Arc<replay::Wanted>>,
}

/// What a record of so many columns usually takes in a text file, in bytes.
fn usual_bytes(source: &(impl Source + ?Sized)) -> u64 {
    source.schema().fields().len().max(1) as u64 * FIELD_BYTES
}

/// A compiled source.
pub trait Source: Debug + Send + Sync {
    /// The kind, as in the pipeline.
    fn kind(&self) -> &'static str;

    /// The columns, without identity.
    fn schema(&self) -> SchemaRef;

    /// What was detected, for people: one short sentence each.
    fn notes(&self) -> Vec<String>;

    /// The bytes that will be read, where that is known.
    fn bytes_total(&self) -> Option<u64>;

    /// About how many rows will be read, where anything is known of it.
    fn rows_estimate(&self) -> Option<u64> {
        self.bytes_total().map(|bytes| bytes / usual_bytes(self))
    }

    /// How many partitions can be read side by side. `wanted` is the number of threads.
    fn partitions(&self, wanted: usize) -> usize;

    /// Opens all partitions, exactly once for a run. Returns `partitions(wanted)` streams; they may
    /// share one splitter, and together they yield each good record once.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE` and its kin when the source cannot be opened.
    fn open(&self, wanted: usize, context: &ScanContext) -> Result<Vec<BatchStream>>;

    /// The file or table behind an index of the `__src` column.
    fn origin_name(&self, src: u32) -> String;

    /// Whether [`Source::raw_record`] finds records.
    fn can_read_again(&self) -> bool {
        true
    }

    /// Whether records are known by file, line and offset, so that single ones can be read again.
    fn has_places(&self) -> bool {
        false
    }

    /// The record's bytes as they were read, found again by its origin, at most `limit` bytes. None
    /// when the source cannot be read again.
    fn raw_record(&self, origin: &Origin, limit: usize) -> Option<Vec<u8>>;
}
