//! Keys that must not repeat.

use std::sync::Arc;

use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, col, lit};

use crate::error::Result;
use crate::reject::RejectCode;
use crate::reject::row_node::{Check, RowNode, RowOp};
use crate::steps::StepContext;
use crate::steps::expr::{column, invalid};
use crate::steps::order::total;

/// The name under which the window function numbers the rows of a key.
const OCCURRENCE: &str = "__occurrence";

/// Numbers the rows of each key in the source's order, so that the same row is kept whatever the
/// number of threads, and refuses all but the first. A key with a missing value repeats nothing.
pub fn build(
    keys: &[String],
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let columns = keys
        .iter()
        .map(|name| column(name, &schema))
        .collect::<Result<Vec<_>>>()?;
    let order = total(Vec::new(), &input, context.sources);
    let number = row_number()
        .partition_by(columns.clone())
        .order_by(order)
        .build();
    let first = col(OCCURRENCE).eq(lit(1_u64));
    let check = Check {
        column: Some(keys.join(", ")),
        code: RejectCode::DuplicateKey,
        message: format!("the key ({}) occurred before", keys.join(", ")),
        expr: columns
            .into_iter()
            .fold(first, |expr, key| expr.or(key.is_null())),
        tally: None,
    };
    number
        .and_then(|number| {
            LogicalPlanBuilder::from(input)
                .window(vec![number.alias(OCCURRENCE)])?
                .build()
        })
        .and_then(|numbered| {
            RowNode::plan(&context.node, false, RowOp::Check(vec![check]), numbered)
        })
        .and_then(|checked| {
            LogicalPlanBuilder::from(checked)
                .project(schema.columns().into_iter().map(Expr::Column))?
                .build()
        })
        .map_err(|error| invalid(&error, ""))
}
