//! The `dedupe` step: keeps one row for each key.

use std::sync::Arc;

use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, col, lit};

use super::StepContext;
use super::expr::{column, invalid};
use super::order::{named, reversed, total};
use crate::error::Result;
use crate::plan::pb;
use crate::reject::row_node::{RowNode, RowOp, user_columns};
use crate::reject::tap::{Edge, Tap};

/// The name under which the window function numbers the rows of a key.
const OCCURRENCE: &str = "__occurrence";

/// Numbers the rows of each key and merges all but the first into it.
pub fn build(
    spec: &pb::DedupeStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let keys = if spec.keys.is_empty() {
        user_columns(&schema).map(Expr::from).collect()
    } else {
        let keys = spec.keys.iter().map(|name| column(name, &schema));
        keys.collect::<Result<Vec<_>>>()?
    };
    let mut order = total(named(&spec.order_by, &schema)?, &input, context.sources);
    if spec.keep == "last" {
        order = reversed(order);
    }
    let input = Tap::plan(&context.node, Edge::In, input);
    let number = row_number().partition_by(keys).order_by(order).build();
    let plan = number
        .and_then(|number| {
            LogicalPlanBuilder::from(input)
                .window(vec![number.alias(OCCURRENCE)])?
                .build()
        })
        .and_then(|numbered| {
            let first = RowOp::Merge(col(OCCURRENCE).eq(lit(1_u64)));
            RowNode::plan(&context.node, false, first, numbered)
        })
        .and_then(|kept| {
            LogicalPlanBuilder::from(kept)
                .project(schema.columns().into_iter().map(Expr::Column))?
                .build()
        })
        .map_err(|error| invalid(&error, ""))?;
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}
