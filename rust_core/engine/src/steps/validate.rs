//! The `validate` step: rows that break rules become rejects, each with every reason.

use std::sync::Arc;

use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, col, lit};

use super::StepContext;
use super::expr::{column, condition, invalid, single_column};
use crate::error::Result;
use crate::plan::pb;
use crate::reject::RejectCode;
use crate::reject::row_node::{Check, RowNode, RowOp, identity_columns, user_columns};
use crate::reject::tap::{Edge, Tap};

/// The name under which the window function numbers the rows of a key.
const OCCURRENCE: &str = "__occurrence";

/// Checks missing values and rules first, then repeated keys among the rows that are left.
pub fn build(
    spec: &pb::ValidateStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let mut checks = Vec::new();
    for name in &spec.not_null {
        checks.push(Check {
            column: Some(name.clone()),
            code: RejectCode::MissingValue,
            message: format!("{name} has no value"),
            expr: column(name, input.schema())?.is_not_null(),
        });
    }
    for rule in &spec.rules {
        let expr = condition(&rule.expr, input.schema(), context)
            .map_err(|error| error.place(format!("rule {}", rule.name)))?;
        let said = if rule.message.is_empty() {
            &rule.expr
        } else {
            &rule.message
        };
        checks.push(Check {
            column: single_column(&expr),
            code: RejectCode::RuleBroken,
            message: format!("rule {}: {said}", rule.name),
            expr,
        });
    }
    let plan = Tap::plan(&context.node, Edge::In, input);
    let plan = RowNode::plan(&context.node, false, RowOp::Check(checks), plan)
        .map_err(|error| invalid(&error, ""))?;
    let plan = if spec.unique.is_empty() {
        plan
    } else {
        unique(&spec.unique, plan, context)?
    };
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}

/// Numbers the rows of each key in the source's order, so that the same row is kept whatever the
/// number of threads, and refuses all but the first. A key with a missing value repeats nothing.
/// Rows that have no place in a source, such as groups, are ordered by their values.
fn unique(keys: &[String], input: LogicalPlan, context: &StepContext<'_>) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let columns = keys
        .iter()
        .map(|name| column(name, &schema))
        .collect::<Result<Vec<_>>>()?;
    let order: Vec<Expr> = match identity_columns(&schema) {
        Some(identity) => identity.map(Expr::Column).into(),
        None => user_columns(&schema)
            .filter(|(_, field)| !field.data_type().is_nested())
            .map(Expr::from)
            .collect(),
    };
    let order: Vec<Sort> = order
        .into_iter()
        .map(|column| column.sort(true, false))
        .collect();
    let number = row_number()
        .partition_by(columns.clone())
        .order_by(order)
        .build();
    let numbered = number
        .and_then(|number| {
            LogicalPlanBuilder::from(input)
                .window(vec![number.alias(OCCURRENCE)])?
                .build()
        })
        .map_err(|error| invalid(&error, ""))?;
    let first = col(OCCURRENCE).eq(lit(1_u64));
    let check = Check {
        column: Some(keys.join(", ")),
        code: RejectCode::DuplicateKey,
        message: format!("the key ({}) occurred before", keys.join(", ")),
        expr: columns
            .into_iter()
            .fold(first, |expr, key| expr.or(key.is_null())),
    };
    RowNode::plan(&context.node, false, RowOp::Check(vec![check]), numbered)
        .and_then(|checked| {
            LogicalPlanBuilder::from(checked)
                .project(schema.columns().into_iter().map(Expr::Column))?
                .build()
        })
        .map_err(|error| invalid(&error, ""))
}
