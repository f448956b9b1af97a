//! Sinks: each stages rows where no reader of the target sees them. Python publishes.

mod checksum;
mod files;
mod json_form;
mod postgres;

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::Reason;

/// What staging works with.
#[derive(Clone, Debug)]
pub struct StageContext {
    /// The load's id, in lower-case hexadecimal: names staging tables and files.
    pub load_id: Arc<str>,
    /// The claim's epoch: a later claim of the same load never touches what an earlier one staged.
    pub epoch: u64,
    /// How many writers may work side by side.
    pub writers: usize,
}

/// Where sinks may write.
#[derive(Clone, Debug, Default)]
pub struct SinkEnv {
    /// The folder that relative paths start from.
    pub base_dir: PathBuf,
    /// Folders beneath which files may be written.
    pub file_roots: Vec<PathBuf>,
    /// Connections with their secrets.
    pub connections: Vec<pb::ResolvedConnection>,
}

impl SinkEnv {
    /// What a run's runtime allows.
    #[must_use]
    pub fn from_runtime(runtime: &pb::Runtime) -> Self {
        Self {
            base_dir: PathBuf::from(&runtime.base_dir),
            file_roots: runtime.file_roots.iter().map(PathBuf::from).collect(),
            connections: runtime.connections.clone(),
        }
    }
}

/// The column that numbers rows as their source does, Int64.
pub const ORDER: &str = "__order";

/// A compiled sink: its target was looked at, its columns fit.
#[async_trait]
pub trait Sink: Debug + Send + Sync {
    /// What will be done to the target.
    fn report(&self) -> pb::SinkReport;

    /// The rows of a batch that the target would refuse, with every reason, in ascending order of
    /// row: too long, out of range, a missing value where the target needs one, a NUL in text. The
    /// caller turns them into rejects and stages the others.
    fn refused(&self, _batch: &RecordBatch) -> Vec<(usize, Vec<Reason>)> {
        Vec::new()
    }

    /// Whether it must know which of two rows comes later in the source. Batches then end in the
    /// column [`ORDER`], where rows have one origin each; other rows count in the order they arrive.
    fn needs_order(&self) -> bool {
        false
    }

    /// Opens the staging area.
    ///
    /// # Errors
    /// `SINK_UNWRITABLE`, `CONNECTION_FAILED`, `DISK_FULL` and their kin.
    async fn open(&self, context: &StageContext) -> Result<Box<dyn StagingWriter>>;
}

/// Takes batches of the sink's schema. Dropped without `finish`, it removes what it staged as far
/// as it can; after `abandon` nothing is left.
#[async_trait]
pub trait StagingWriter: Send {
    /// Stages a batch; returns when there is room for the next. Batches arrive in stream order.
    ///
    /// # Errors
    /// `DATABASE_ERROR`, `DISK_FULL` and their kin; nothing is published.
    async fn write(&mut self, batch: RecordBatch) -> Result<()>;

    /// Makes what was staged durable and describes it. `name` and `books` are left for the caller.
    ///
    /// # Errors
    /// As for [`StagingWriter::write`].
    async fn finish(self: Box<Self>) -> Result<pb::StagedSink>;

    /// Removes what was staged, and returns when it is gone or cannot be removed.
    async fn abandon(self: Box<Self>) {
        drop(self);
    }
}

/// Compiles a sink for rows of `schema` (without identity columns).
///
/// # Errors
/// `TARGET_MISMATCH`, `TABLE_NOT_FOUND`, `PATH_REFUSED` and their kin.
pub async fn compile(sink: &pb::Sink, schema: SchemaRef, env: &SinkEnv) -> Result<Arc<dyn Sink>> {
    use pb::sink::Kind;
    match &sink.kind {
        Some(Kind::Postgres(options)) => postgres::compile(&sink.name, options, &schema, env).await,
        Some(Kind::Parquet(options)) => files::parquet::compile(&sink.name, options, schema, env),
        Some(Kind::Csv(options)) => files::csv::compile(&sink.name, options, schema, env),
        Some(Kind::Jsonl(options)) => files::jsonl::compile(&sink.name, options, schema, env),
        None => Err(EngineError::new(Code::PlanInvalid, "the sink has no kind")),
    }
}

/// The sink's columns, for reports.
fn columns(schema: &SchemaRef) -> Vec<pb::ColumnReport> {
    let report = |field: &Arc<arrow::datatypes::Field>| pb::ColumnReport {
        name: field.name().clone(),
        r#type: crate::plan::types::type_name(field.data_type()),
        nullable: field.is_nullable(),
    };
    schema.fields().iter().map(report).collect()
}

/// Runs work that computes or waits for a disk where it holds up no other task.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(EngineError::new(
            Code::EngineBug,
            format!("a sink's thread ended badly: {error}"),
        )),
    }
}
