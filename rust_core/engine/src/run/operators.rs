//! What the operators of a plan tell when its rows are read: how long each step's worked, and how
//! much they wrote to disk for want of memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::physical_plan::ExecutionPlan;

use super::compile::Compiled;
use crate::reject::state::Node;
use crate::reject::tap::{Edge, TapExec};

/// Adds what a plan's operators tell to the run's figures. Call it when the rows are read: operators
/// that have not begun have nothing to tell.
pub fn note(compiled: &Compiled, plan: &Arc<dyn ExecutionPlan>) {
    let spilled = walk(plan, None);
    compiled
        .session
        .spilled
        .fetch_add(spilled, Ordering::Relaxed);
}

/// Gives each step the time of the operators between its edges, and returns what all spilled. Scans
/// and row programs count their own time as they go.
fn walk(plan: &Arc<dyn ExecutionPlan>, step: Option<&Arc<Node>>) -> u64 {
    let step = match plan.downcast_ref::<TapExec>() {
        Some(tap) => (tap.edge == Edge::Out).then_some(&tap.step.0),
        None => step,
    };
    let metrics = plan.metrics();
    let time = metrics
        .as_ref()
        .and_then(|metrics| metrics.elapsed_compute());
    if let (Some(step), Some(nanos)) = (step, time) {
        step.counters.worked(Duration::from_nanos(nanos as u64));
    }
    let spilled = metrics.and_then(|metrics| metrics.spilled_bytes());
    let below = plan.children().into_iter().map(|child| walk(child, step));
    below.sum::<u64>() + spilled.map_or(0, |bytes| bytes as u64)
}
