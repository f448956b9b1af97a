//! What the steps that compute columns share: all columns of the input, and the node that computes
//! new ones.

use std::collections::BTreeSet;

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::StepContext;
use super::expr::invalid;
use crate::error::{Code, EngineError, Result};
use crate::reject::row_node::{Output, RowNode, RowOp, identity_columns, user_columns};

/// Names of output columns and what computes them, in order.
pub type Outputs = Vec<(String, Expr)>;

/// The input's columns as they are, without identity.
#[must_use]
pub fn all_columns(schema: &DFSchema) -> Outputs {
    user_columns(schema)
        .map(|(qualifier, field)| (field.name().clone(), Expr::from((qualifier, field))))
        .collect()
}

/// Computes columns, one row at a time; identity is kept.
///
/// # Errors
/// `PLAN_INVALID` when two columns have one name, `EXPRESSION_INVALID` when one has no type.
pub fn project(
    outputs: Outputs,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let outputs = row_outputs(outputs, input.schema())?;
    RowNode::plan(&context.node, true, RowOp::Project(outputs), input)
        .map_err(|error| invalid(&error, ""))
}

/// The outputs of a row node: these columns, then the identity of its input.
///
/// # Errors
/// `PLAN_INVALID` when two columns have one name.
pub fn row_outputs(outputs: Outputs, input: &DFSchema) -> Result<Vec<Output>> {
    let mut seen = BTreeSet::new();
    if let Some((name, _)) = outputs.iter().find(|(name, _)| !seen.insert(name.as_str())) {
        let text = format!("two columns would be named '{name}'");
        return Err(
            EngineError::new(Code::PlanInvalid, text).hint("Give each output column its own name")
        );
    }
    let identity = identity_columns(input)
        .into_iter()
        .flatten()
        .map(|column| (column.name.clone(), Expr::Column(column)));
    Ok(outputs
        .into_iter()
        .chain(identity)
        .map(|(name, expr)| Output {
            expr,
            qualifier: None,
            name,
        })
        .collect())
}
