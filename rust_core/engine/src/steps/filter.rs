//! The `filter` step: keeps rows for which a condition is true.

use datafusion::logical_expr::LogicalPlan;

use super::StepContext;
use super::expr::{condition, invalid};
use crate::error::Result;
use crate::plan::pb;
use crate::reject::row_node::{RowNode, RowOp};

/// Keeps rows for which a condition is true.
pub fn build(
    spec: &pb::FilterStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let expr = condition(&spec.expr, input.schema(), context)?;
    RowNode::plan(&context.node, true, RowOp::Filter(expr), input)
        .map_err(|error| invalid(&error, &spec.expr))
}
