//! The `sort` step: puts rows in order.

use datafusion::logical_expr::LogicalPlan;

use super::StepContext;
use super::order::{named, total};
use super::ordered::Ordered;
use crate::error::Result;
use crate::plan::pb;
use crate::reject::tap::{Edge, Tap};

/// Sorts all rows into one stream.
pub fn build(
    spec: &pb::SortStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let order = total(named(&spec.by, input.schema())?, &input, context.sources);
    let input = Tap::plan(&context.node, Edge::In, input);
    let plan = Ordered::plan(order, input);
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}
