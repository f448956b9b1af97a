//! Moves rows: executes a plan and writes its batches to disk or to sinks.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlanProperties;
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::compile::Compiled;
use super::failure::engine_error;
use super::staged::Written;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::log_refused;
use crate::reject::row_node::IDENTITY;
use crate::reject::state::{Counters, Node};
use crate::sink::{Sink, StageContext};

/// Batches that wait for a sink, at the most.
const QUEUE: usize = 2;

/// Executes a plan; one stream a partition.
///
/// # Errors
/// Whatever planning finds.
pub async fn execute(
    compiled: &Compiled,
    plan: &LogicalPlan,
) -> Result<Vec<SendableRecordBatchStream>> {
    let state = compiled.session.context.state();
    let physical = state
        .create_physical_plan(plan)
        .await
        .map_err(engine_error)?;
    let partitions = physical.output_partitioning().partition_count();
    (0..partitions)
        .map(|partition| {
            physical
                .execute(partition, state.task_ctx())
                .map_err(engine_error)
        })
        .collect()
}

/// Writes a plan's rows to disk, one file a partition.
///
/// # Errors
/// Whatever execution finds; `DISK_FULL`.
pub async fn to_disk(compiled: &Compiled, name: &str, plan: &LogicalPlan) -> Result<Written> {
    let mut tasks = JoinSet::new();
    let mut files = Vec::new();
    let rows = Arc::new(AtomicUsize::new(0));
    for (partition, stream) in execute(compiled, plan).await?.into_iter().enumerate() {
        let path =
            PathBuf::from(&compiled.runtime.work_dir).join(format!("{name}-{partition}.arrow"));
        files.push(path.clone());
        let cancel = compiled.state.cancel.clone();
        let write = write_file(path, stream, Arc::clone(&rows));
        tasks.spawn(async move {
            cancel
                .run_until_cancelled(write)
                .await
                .unwrap_or_else(cancelled)
        });
    }
    join_all(tasks).await?;
    let rows = rows.load(Ordering::Relaxed);
    Ok(Written { files, rows })
}

async fn write_file(
    path: PathBuf,
    mut stream: SendableRecordBatchStream,
    rows: Arc<AtomicUsize>,
) -> Result<()> {
    let fail = |error: &dyn std::fmt::Display| unwritable(&path, error);
    let file = File::create(&path).map_err(|error| fail(&error))?;
    let mut writer = StreamWriter::try_new(BufWriter::new(file), &stream.schema())
        .map_err(|error| fail(&error))?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine_error)?;
        rows.fetch_add(batch.num_rows(), Ordering::Relaxed);
        writer.write(&batch).map_err(|error| fail(&error))?;
    }
    writer.finish().map_err(|error| fail(&error))?;
    let inner = writer.into_inner().map_err(|error| fail(&error))?;
    inner.into_inner().map_err(|error| fail(error.error()))?;
    Ok(())
}

fn unwritable(path: &std::path::Path, error: &dyn std::fmt::Display) -> EngineError {
    let text = error.to_string();
    let full = text.contains("No space left") || text.contains("os error 28");
    let code = if full {
        Code::DiskFull
    } else {
        Code::SinkUnwritable
    };
    EngineError::new(code, format!("cannot write {}: {text}", path.display()))
        .hint("Free space beneath the data directory")
}

/// A sink and its node.
#[derive(Clone)]
pub struct Target {
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// Its counters.
    pub node: Arc<Node>,
}

/// Writes a plan's rows to sinks, all from one pass. Returns what each staged, in order.
///
/// # Errors
/// Whatever execution or a sink finds; nothing is published.
pub async fn to_sinks(
    compiled: &Compiled,
    plan: &LogicalPlan,
    targets: Vec<Target>,
) -> Result<Vec<pb::StagedSink>> {
    let context = StageContext {
        load_id: compiled.runtime.load_id.as_str().into(),
        epoch: compiled.runtime.epoch,
        writers: compiled.threads,
    };
    let mut writers = JoinSet::new();
    let mut queues = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let (sender, receiver) = mpsc::channel(QUEUE);
        queues.push((target.clone(), sender));
        let (target, context) = (target.clone(), context.clone());
        writers.spawn(async move {
            let name = Arc::clone(&target.node.name);
            let staged = drain(target, context, receiver).await;
            staged
                .map(|staged| (index, staged))
                .map_err(|error| error.at(name.as_ref()))
        });
    }
    let mut readers = JoinSet::new();
    for stream in execute(compiled, plan).await? {
        let cancel = compiled.state.cancel.clone();
        let pump = pump(stream, queues.clone(), compiled.budget());
        readers.spawn(async move {
            cancel
                .run_until_cancelled(pump)
                .await
                .unwrap_or_else(cancelled)
        });
    }
    drop(queues);
    let read = join_all(readers).await;
    if let Err(error) = &read
        && error.code != Code::SinkUnwritable
    {
        // A writer that is gone has removed what it staged; the run ends only then.
        writers.shutdown().await;
        return Err(error.clone());
    }
    // A reader that stops because a writer is gone says less than the writer, which comes first.
    let mut staged = Vec::new();
    while let Some(result) = writers.join_next().await {
        match result.map_err(panicked).and_then(|result| result) {
            Ok(written) => staged.push(written),
            Err(error) => {
                writers.shutdown().await;
                return Err(error);
            }
        }
    }
    read?;
    staged.sort_by_key(|(index, _)| *index);
    Ok(staged.into_iter().map(|(_, staged)| staged).collect())
}

async fn drain(
    target: Target,
    context: StageContext,
    mut batches: mpsc::Receiver<RecordBatch>,
) -> Result<pb::StagedSink> {
    let mut writer = target.sink.open(&context).await?;
    while let Some(batch) = batches.recv().await {
        let rows = batch.num_rows();
        writer.write(batch).await?;
        Counters::add(&target.node.counters.rows_out, rows);
    }
    let mut staged = writer.finish().await?;
    staged.name = target.node.name.to_string();
    let counted = target.node.counters.rows_out.load(Ordering::Relaxed);
    if staged.rows != counted {
        let text = format!("{counted} rows were given, {} are staged", staged.rows);
        return Err(EngineError::new(Code::BooksUnbalanced, text));
    }
    Ok(staged)
}

async fn pump(
    mut stream: SendableRecordBatchStream,
    queues: Vec<(Target, mpsc::Sender<RecordBatch>)>,
    budget: Budget,
) -> Result<()> {
    let schema = stream.schema();
    let own: Vec<usize> = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| !IDENTITY.contains(&field.name().as_str()))
        .map(|(index, _)| index)
        .collect();
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine_error)?;
        for (target, queue) in &queues {
            let rows = accepted(target, &batch, &own)?;
            if rows.num_rows() > 0 && queue.send(rows).await.is_err() {
                return Err(
                    EngineError::new(Code::SinkUnwritable, "the sink stopped early")
                        .at(target.node.name.as_ref()),
                );
            }
        }
        budget.check()?;
    }
    Ok(())
}

/// The rows that a sink's target takes; the others become rejects of the sink.
fn accepted(target: &Target, batch: &RecordBatch, own: &[usize]) -> Result<RecordBatch> {
    let counters = &target.node.counters;
    Counters::add(&counters.rows_in, batch.num_rows());
    let fail = |error: arrow::error::ArrowError| engine_error(error.into());
    let rows = batch.project(own).map_err(fail)?;
    let refused = target.sink.refused(&rows);
    if refused.is_empty() {
        return Ok(rows);
    }
    if target.node.run.rejects.is_closed() {
        let reason = refused.first().and_then(|(_, reasons)| reasons.first());
        let text = reason.map_or_else(String::new, |reason| reason.message.clone());
        return Err(EngineError::new(Code::TargetMismatch, text)
            .hint("A target of rejects must take every reject: use text columns"));
    }
    let refused = refused.into_iter().collect();
    log_refused(&target.node, batch, &refused)?;
    Counters::add(&counters.rejected, refused.len());
    let keep: BooleanArray = (0..rows.num_rows())
        .map(|row| Some(!refused.contains_key(&row)))
        .collect();
    filter_record_batch(&rows, &keep).map_err(fail)
}

fn cancelled() -> Result<()> {
    Err(EngineError::new(Code::Cancelled, "the run was cancelled"))
}

/// Waits for all tasks; the first failure ends the others.
async fn join_all(mut tasks: JoinSet<Result<()>>) -> Result<()> {
    while let Some(result) = tasks.join_next().await {
        result.map_err(panicked)??;
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err calls")]
fn panicked(error: tokio::task::JoinError) -> EngineError {
    if error.is_cancelled() {
        return EngineError::new(Code::Cancelled, "the run was cancelled");
    }
    EngineError::new(
        Code::EngineBug,
        format!("a task of the run ended badly: {error}"),
    )
    .hint("Nothing was published. Please report this with the pipeline")
}

/// How many rejects are borne while the run goes on.
#[derive(Clone)]
pub struct Budget {
    max: Option<u64>,
    rejects: Arc<crate::reject::RejectLog>,
}

impl Budget {
    /// Stops a run whose rejects exceed the absolute bound; the ratio is known at the end.
    fn check(&self) -> Result<()> {
        match self.max {
            Some(max) if self.rejects.rows() > max => {
                Err(exceeded(self.rejects.rows(), &max.to_string()))
            }
            _ => Ok(()),
        }
    }
}

fn exceeded(rejected: u64, bound: &str) -> EngineError {
    let text = format!("{rejected} rows were rejected; limits.rejects allows {bound}");
    EngineError::new(Code::RejectBudgetExceeded, text)
        .hint("Nothing was published. Look at the rejects, then mend the source or raise the limit")
}

impl Compiled {
    /// The run's reject budget.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let limits = self
            .spec
            .limits
            .as_ref()
            .and_then(|limits| limits.rejects.as_ref());
        Budget {
            max: limits.and_then(|limits| limits.max),
            rejects: Arc::clone(&self.state.rejects),
        }
    }

    /// Checks both bounds of the reject budget at the end of a run.
    ///
    /// # Errors
    /// `REJECT_BUDGET_EXCEEDED`.
    pub fn check_budget(&self, read: u64) -> Result<()> {
        self.budget().check()?;
        let limits = self
            .spec
            .limits
            .as_ref()
            .and_then(|limits| limits.rejects.as_ref());
        let rejected = self.state.rejects.rows();
        match limits.and_then(|limits| limits.max_ratio) {
            Some(ratio) if rejected as f64 > ratio * read as f64 => {
                Err(exceeded(rejected, &format!("a share of {ratio} of {read}")))
            }
            _ => Ok(()),
        }
    }
}
