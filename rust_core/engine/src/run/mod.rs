//! Runs: compile, move rows, stage sinks, close the books.

mod books;
mod budget;
pub mod compile;
mod disk;
pub mod estimate;
mod failure;
mod graph;
mod held;
mod joins;
mod memory;
mod operators;
#[cfg(test)]
mod optimiser_tests;
mod order;
mod preview;
mod progress;
mod prune;
mod report;
pub mod runtime;
mod session;
mod stage;
mod staged;
mod stops;
pub mod table;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::error::{Code, EngineError, Result};
use crate::plan::pb::{self, step::Kind};
use crate::steps::validate::check_expectations;
use compile::Compiled;
use graph::REJECTS;
use stage::Target;
use staged::Written;

pub use failure::at_step;
pub use preview::preview;
pub use progress::progress;

/// How long a cancelled run may take to remove what it staged.
const GRACE: Duration = Duration::from_millis(1500);

/// Runs a compiled plan to its end: every sink is staged, nothing is published.
///
/// # Errors
/// Whatever goes wrong; what was staged is removed as far as possible.
pub async fn run(compiled: &Compiled) -> Result<pb::RunResult> {
    let started = Instant::now();
    let cancel = compiled.state.cancel.clone();
    let work = stages(compiled);
    tokio::pin!(work);
    let staged = tokio::select! {
        biased;
        staged = &mut work => staged,
        () = cancel.cancelled() => tokio::time::timeout(GRACE, work)
            .await
            .unwrap_or_else(|_| Err(EngineError::new(Code::Cancelled, "the run was cancelled"))),
    };
    // Whatever still runs of this plan stops, so that a failed run leaves the machine at once.
    cancel.cancel();
    let mut result = staged.map_err(|mut error| {
        error.message = compiled.redacted(&error.message);
        error
    })?;
    result.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(result)
}

async fn stages(compiled: &Compiled) -> Result<pb::RunResult> {
    let needed = compiled.graph.needed();
    let stages = compiled.staged.iter();
    for (name, plan, table) in stages.filter(|(name, ..)| needed.contains(name)) {
        let written = disk::to_disk(compiled, name, plan).await?;
        // Each stage runs once, so the cell is empty.
        let _ = table.written.set(written);
    }
    let mut staged = stage::Unsettled::default();
    for (node, names) in &compiled.graph.sinks {
        if node != REJECTS
            && let Some(plan) = compiled.plans.get(node)
        {
            staged.add(stage::to_sinks(compiled, plan, targets(compiled, names)?).await?);
        }
    }
    let progress = progress(compiled);
    compiled.check_budget(progress.rows_read)?;
    let mut nodes = progress.nodes;
    books::close(compiled, &mut nodes)?;
    expectations(compiled)?;
    let path = compiled.state.rejects.finish()?;
    if let Some(names) = compiled.graph.sinks.get(REJECTS) {
        let _ = compiled.rejects.written.set(Written {
            files: path.iter().cloned().collect(),
            rows: usize::try_from(compiled.state.rejects.rows()).unwrap_or(usize::MAX),
        });
        let plan = compile::scan(REJECTS, Arc::clone(&compiled.rejects) as _)?;
        staged.add(stage::to_sinks(compiled, &plan, targets(compiled, names)?).await?);
    }
    let result = settle(compiled, staged.sinks(), nodes, path)?;
    staged.keep();
    Ok(result)
}

/// Checks what `validate` steps expect of all their rows.
fn expectations(compiled: &Compiled) -> Result<()> {
    let needed = compiled.graph.needed();
    for step in &compiled.spec.steps {
        if needed.contains(&step.name)
            && let Some(Kind::Validate(validate)) = &step.kind
            && let Some(expect) = &validate.expect
        {
            check_expectations(expect, compiled.node(&step.name)?)?;
        }
    }
    Ok(())
}

fn targets(compiled: &Compiled, names: &[String]) -> Result<Vec<Target>> {
    names
        .iter()
        .map(|name| {
            let sink = compiled.sinks.get(name).ok_or_else(|| {
                EngineError::new(Code::PlanInvalid, format!("there is no sink '{name}'"))
            })?;
            Ok(Target {
                sink: Arc::clone(sink),
                node: Arc::clone(compiled.node(name)?),
            })
        })
        .collect()
}

fn settle(
    compiled: &Compiled,
    mut staged: Vec<pb::StagedSink>,
    mut nodes: Vec<pb::NodeCounters>,
    path: Option<std::path::PathBuf>,
) -> Result<pb::RunResult> {
    let mut progress = progress(compiled);
    for node in progress.nodes.iter_mut() {
        // The accounts of sources and steps are closed; those of reject sinks are final now.
        if let Some(closed) = nodes
            .iter()
            .find(|closed| closed.name == node.name && closed.rows_in > 0)
        {
            *node = closed.clone();
        }
    }
    nodes.clone_from(&progress.nodes);
    for sink in &compiled.spec.sinks {
        if let Some(staged) = staged.iter_mut().find(|staged| staged.name == sink.name) {
            let books = books::of_sink(compiled, sink, &nodes);
            books::check(&sink.name, &books)?;
            staged.books = Some(books);
        }
    }
    staged.sort_by_key(|staged| {
        compiled
            .spec
            .sinks
            .iter()
            .position(|sink| sink.name == staged.name)
    });
    Ok(pb::RunResult {
        sinks: staged,
        rejects: Some(summary(compiled, path)),
        progress: Some(progress),
        elapsed_ms: 0,
    })
}

/// What was rejected until now. Closes the rejects' file, so nothing is rejected after it.
///
/// # Errors
/// `DISK_FULL` or `SINK_UNWRITABLE` when the file cannot be closed.
pub fn reject_summary(compiled: &Compiled) -> Result<pb::RejectSummary> {
    Ok(summary(compiled, compiled.state.rejects.finish()?))
}

fn summary(compiled: &Compiled, path: Option<std::path::PathBuf>) -> pb::RejectSummary {
    let counts = compiled.state.rejects.counts().into_iter();
    let counts = counts.map(|((step, column, code), rows)| pb::RejectCount {
        step,
        column: column.unwrap_or_default(),
        code: code.as_str().to_owned(),
        rows,
        rule: String::new(),
    });
    pb::RejectSummary {
        rows: compiled.state.rejects.rows(),
        counts: counts.collect(),
        path: path
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        warnings: warnings(compiled),
    }
}

fn warnings(compiled: &Compiled) -> Vec<pb::RejectCount> {
    let tallies = compiled.nodes.iter().flat_map(|node| {
        let tallies = node.tallies.get().into_iter().flatten();
        tallies.map(|tally| (node.name.to_string(), tally))
    });
    let counts = tallies.map(|(step, tally)| pb::RejectCount {
        step,
        column: tally.column.clone().unwrap_or_default(),
        code: tally.code.as_str().to_owned(),
        rows: if tally.warns {
            tally.rows.load(Ordering::Relaxed)
        } else {
            0
        },
        rule: tally.rule.clone(),
    });
    counts.filter(|count| count.rows > 0).collect()
}
