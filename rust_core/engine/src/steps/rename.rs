//! The `rename` step: gives columns other names.

use datafusion::logical_expr::LogicalPlan;

use super::StepContext;
use super::columns::{all_columns, project};
use super::expr::column;
use crate::error::Result;
use crate::plan::pb;

/// Renames columns.
pub fn build(
    spec: &pb::RenameStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    for renaming in &spec.columns {
        column(&renaming.column, input.schema())?;
    }
    let outputs = all_columns(input.schema())
        .into_iter()
        .map(|(name, expr)| {
            let renaming = spec.columns.iter().find(|renaming| renaming.column == name);
            (renaming.map_or(name, |renaming| renaming.to.clone()), expr)
        })
        .collect();
    project(outputs, input, context)
}
