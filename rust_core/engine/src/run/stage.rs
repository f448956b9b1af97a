//! Moves rows: executes a plan and writes its batches to sinks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::budget::Budget;
use super::compile::Compiled;
use super::failure::engine_error;
use super::operators;
use super::order;
use super::stops::stoppable;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::log_refused;
use crate::reject::row_node::IDENTITY;
use crate::reject::state::{Counters, Node};
use crate::sink::{Sink, StageContext};

/// Batches that wait for a sink, at the most.
const QUEUE: usize = 2;
/// How long writers of a failed run may take to remove what they staged.
const GRACE: Duration = Duration::from_secs(1);

/// Executes a plan: the operators, and one stream a partition.
///
/// # Errors
/// Whatever planning finds.
pub async fn execute(
    compiled: &Compiled,
    plan: &LogicalPlan,
) -> Result<(Arc<dyn ExecutionPlan>, Vec<SendableRecordBatchStream>)> {
    let state = compiled.session.context.state();
    let physical = state
        .create_physical_plan(plan)
        .await
        .and_then(|plan| stoppable(plan, &compiled.state.cancel))
        .map_err(engine_error)?;
    let partitions = physical.output_partitioning().partition_count();
    let streams = (0..partitions)
        .map(|partition| {
            physical
                .execute(partition, state.task_ctx())
                .map_err(engine_error)
        })
        .collect::<Result<_>>()?;
    Ok((physical, streams))
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
/// Whatever execution or a sink finds; then nothing is staged any more.
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
    let (operators, streams) = execute(compiled, plan).await?;
    let sorted = order::is_sorted(plan);
    let complete = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    let mut queues = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let (sender, receiver) = mpsc::channel(QUEUE);
        queues.push((target.clone(), sender));
        let (target, context, complete) = (target.clone(), context.clone(), Arc::clone(&complete));
        writers.spawn(async move {
            let name = Arc::clone(&target.node.name);
            let staged = drain(target, context, receiver, &complete).await;
            staged
                .map(|staged| staged.map(|staged| (index, staged)))
                .map_err(|error| error.at(name.as_ref()))
        });
    }
    let mut readers = JoinSet::new();
    for stream in streams {
        let cancel = compiled.state.cancel.clone();
        let pump = pump(stream, queues.clone(), compiled.budget(), sorted);
        readers.spawn(async move {
            cancel
                .run_until_cancelled(pump)
                .await
                .unwrap_or_else(cancelled)
        });
    }
    let read = join_all(readers).await;
    operators::note(compiled, &operators);
    drop(operators);
    // Only now does the end of a queue mean the end of the rows.
    complete.store(read.is_ok(), Ordering::Release);
    drop(queues);
    let written = match read {
        Ok(()) => wait(&mut writers).await,
        Err(error) => give_up(&mut writers, error).await,
    };
    let (mut staged, failure) = written;
    if let Some(error) = failure {
        abandon(staged.iter().map(|(_, staged)| staged));
        return Err(error);
    }
    staged.sort_by_key(|(index, _)| *index);
    Ok(staged.into_iter().map(|(_, staged)| staged).collect())
}

/// What became of a writer: what it staged and the sink's place, or nothing when it was given up.
type Ended = Result<Option<(usize, pb::StagedSink)>>;
type Written = (Vec<(usize, pb::StagedSink)>, Option<EngineError>);

/// Waits for writers that have all rows. The first failure ends the others.
async fn wait(writers: &mut JoinSet<Ended>) -> Written {
    let mut staged = Vec::new();
    while let Some(ended) = writers.join_next().await {
        match ended.map_err(panicked).and_then(|ended| ended) {
            Ok(written) => staged.extend(written),
            Err(error) => {
                writers.shutdown().await;
                return (staged, Some(error));
            }
        }
    }
    (staged, None)
}

/// Lets writers remove what they staged. A reader that stops because a writer is gone says less than
/// the writer, which comes first.
async fn give_up(writers: &mut JoinSet<Ended>, error: EngineError) -> Written {
    let mut staged = Vec::new();
    let mut failure = None;
    let all = async {
        while let Some(ended) = writers.join_next().await {
            match ended.map_err(panicked).and_then(|ended| ended) {
                Ok(written) => staged.extend(written),
                Err(error) => failure = failure.take().or(Some(error)),
            }
        }
    };
    let gone = tokio::time::timeout(GRACE, all).await;
    if gone.is_err() {
        writers.shutdown().await;
    }
    let said = failure.filter(|_| error.code == Code::SinkUnwritable);
    (staged, said.or(Some(error)))
}

/// What a run has staged so far. Dropped before [`Unsettled::keep`], it removes the files.
#[derive(Default)]
pub struct Unsettled(Vec<pb::StagedSink>);

impl Unsettled {
    /// Takes over what sinks staged.
    pub fn add(&mut self, staged: Vec<pb::StagedSink>) {
        self.0.extend(staged);
    }

    /// What is staged.
    pub fn sinks(&self) -> Vec<pb::StagedSink> {
        self.0.clone()
    }

    /// Leaves the files to be published.
    pub fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        abandon(self.0.iter());
    }
}

/// Removes staged files. Staging tables are found by their names and swept.
fn abandon<'a>(staged: impl Iterator<Item = &'a pb::StagedSink>) {
    for file in staged.flat_map(|sink| &sink.files) {
        if let Err(error) = std::fs::remove_file(&file.staged_path) {
            log::warn!("cannot remove {}: {error}", file.staged_path);
        }
    }
}

/// Writes a sink's rows. None when the run failed before the last of them.
async fn drain(
    target: Target,
    context: StageContext,
    mut batches: mpsc::Receiver<RecordBatch>,
    complete: &AtomicBool,
) -> Result<Option<pb::StagedSink>> {
    let counters = &target.node.counters;
    let mut writer = target.sink.open(&context).await?;
    while let Some(batch) = batches.recv().await {
        let (rows, begun) = (batch.num_rows(), Instant::now());
        writer.write(batch).await?;
        counters.worked(begun.elapsed());
        Counters::add(&counters.rows_out, rows);
    }
    if !complete.load(Ordering::Acquire) {
        writer.abandon().await;
        return Ok(None);
    }
    let begun = Instant::now();
    let mut staged = writer.finish().await?;
    counters.worked(begun.elapsed());
    staged.name = target.node.name.to_string();
    let counted = counters.rows_out.load(Ordering::Relaxed);
    if staged.rows != counted {
        let text = format!("{counted} rows were given, {} are staged", staged.rows);
        abandon(std::iter::once(&staged));
        return Err(EngineError::new(Code::BooksUnbalanced, text));
    }
    Ok(Some(staged))
}

async fn pump(
    mut stream: SendableRecordBatchStream,
    queues: Vec<(Target, mpsc::Sender<RecordBatch>)>,
    budget: Budget,
    sorted: bool,
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
            let rows = accepted(target, &batch, &own, sorted)?;
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
fn accepted(
    target: &Target,
    batch: &RecordBatch,
    own: &[usize],
    sorted: bool,
) -> Result<RecordBatch> {
    let counters = &target.node.counters;
    Counters::add(&counters.rows_in, batch.num_rows());
    let fail = |error: arrow::error::ArrowError| engine_error(error.into());
    let mut rows = batch.project(own).map_err(fail)?;
    let refused = target.sink.refused(&rows);
    if target.sink.needs_order() && !sorted {
        rows = order::numbered(rows, batch).map_err(fail)?;
    }
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

pub(super) fn cancelled() -> Result<()> {
    Err(EngineError::new(Code::Cancelled, "the run was cancelled"))
}

/// Waits for all tasks; the first failure ends the others.
pub(super) async fn join_all(mut tasks: JoinSet<Result<()>>) -> Result<()> {
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
