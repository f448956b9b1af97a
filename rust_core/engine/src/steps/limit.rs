//! The `limit` step: keeps the first rows.

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::StepContext;
use super::expr::invalid;
use crate::error::Result;
use crate::plan::pb;
use crate::reject::tap::{Edge, Tap};

/// Keeps the first rows. Sources beneath are read in order, so that these are the first.
pub fn build(
    spec: &pb::LimitStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let rows = usize::try_from(spec.rows).unwrap_or(usize::MAX);
    let plan = LogicalPlanBuilder::from(Tap::plan(&context.node, Edge::In, input))
        .limit(0, Some(rows))
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| invalid(&error, ""))?;
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}
