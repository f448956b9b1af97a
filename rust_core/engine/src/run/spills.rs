//! How much a run wrote to disk for want of memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::physical_plan::ExecutionPlan;

use super::compile::Compiled;

/// Adds what the operators of a plan spilled to the run's figures. Call it when the rows are read:
/// operators that have not begun have nothing to tell.
pub fn note(compiled: &Compiled, plan: &Arc<dyn ExecutionPlan>) {
    let spilled = spilled(plan);
    compiled
        .session
        .spilled
        .fetch_add(spilled, Ordering::Relaxed);
}

fn spilled(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let own = plan.metrics().and_then(|metrics| metrics.spilled_bytes());
    let below = plan.children().into_iter().map(spilled).sum::<u64>();
    below + own.map_or(0, |bytes| bytes as u64)
}
