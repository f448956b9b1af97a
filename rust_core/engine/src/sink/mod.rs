//! Sinks: each stages rows where no reader of the target sees them. Python publishes.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use crate::error::Result;
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

    /// Opens the staging area.
    ///
    /// # Errors
    /// `SINK_UNWRITABLE`, `CONNECTION_FAILED`, `DISK_FULL` and their kin.
    async fn open(&self, context: &StageContext) -> Result<Box<dyn StagingWriter>>;
}

/// Takes batches of the sink's schema. Dropped without `finish`, it removes what it staged as far
/// as it can.
#[async_trait]
pub trait StagingWriter: Send {
    /// Stages a batch; returns when there is room for the next. Batches arrive in stream order.
    ///
    /// # Errors
    /// `DATABASE_ERROR`, `DISK_FULL` and their kin; nothing is published.
    async fn write(&mut self, batch: RecordBatch) -> Result<()>;

    /// Makes what was staged durable and describes it. `books` is left for the caller.
    ///
    /// # Errors
    /// As for [`StagingWriter::write`].
    async fn finish(self: Box<Self>) -> Result<pb::StagedSink>;
}

/// Compiles a sink for rows of `schema` (without identity columns).
///
/// # Errors
/// `TARGET_MISMATCH`, `TABLE_NOT_FOUND`, `PATH_REFUSED` and their kin.
pub type CompileSink = dyn Fn(&pb::Sink, SchemaRef) -> Result<Arc<dyn Sink>> + Send + Sync;
