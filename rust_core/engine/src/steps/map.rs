//! The `map` step: sets columns to expressions.

use datafusion::logical_expr::LogicalPlan;

use super::StepContext;
use super::columns::{all_columns, project};
use super::expr::parse;
use crate::error::Result;
use crate::plan::pb;

/// Sets columns to expressions.
pub fn build(
    spec: &pb::MapStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let mut outputs = all_columns(input.schema());
    for assignment in &spec.columns {
        let expr = parse(&assignment.expr, input.schema(), context)?;
        match outputs
            .iter_mut()
            .find(|(name, _)| *name == assignment.name)
        {
            Some((_, old)) => *old = expr,
            None => outputs.push((assignment.name.clone(), expr)),
        }
    }
    project(outputs, input, context)
}
