//! The `drop` step: removes columns.

use datafusion::logical_expr::LogicalPlan;

use super::StepContext;
use super::columns::{all_columns, project};
use super::expr::column;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;

/// Removes columns.
pub fn build(
    spec: &pb::DropStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    for name in &spec.columns {
        column(name, input.schema())?;
    }
    let mut outputs = all_columns(input.schema());
    outputs.retain(|(name, _)| !spec.columns.contains(name));
    if outputs.is_empty() {
        return Err(EngineError::new(Code::PlanInvalid, "no column is left")
            .hint("Keep at least one column"));
    }
    project(outputs, input, context)
}
