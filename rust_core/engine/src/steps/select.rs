//! The `select` step: keeps columns, in the order given.

use datafusion::logical_expr::LogicalPlan;

use super::StepContext;
use super::columns::project;
use super::expr::column;
use crate::error::Result;
use crate::plan::pb;

/// Keeps columns, in the order given.
pub fn build(
    spec: &pb::SelectStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let outputs = spec
        .columns
        .iter()
        .map(|name| Ok((name.clone(), column(name, input.schema())?)))
        .collect::<Result<Vec<_>>>()?;
    project(outputs, input, context)
}
