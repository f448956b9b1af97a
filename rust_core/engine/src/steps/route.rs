//! The `route` step: sends each row to one of several outputs.
//!
//! A row's output is decided once, in a column that the outputs' plans look at. Where several outputs
//! are read, the rows between are written to disk as for any step with several readers.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col, lit};

use super::StepContext;
use super::columns::{all_columns, row_outputs};
use super::expr::{condition, invalid};
use crate::error::Result;
use crate::plan::pb;
use crate::reject::row_node::{ROUTED, RowNode, RowOp};
use crate::reject::state::NodeRef;
use crate::reject::tap::{Edge, Tap};

/// The names of a route's outputs, in order, as they are read: `step.output`.
pub fn outputs<'a>(step: &'a str, spec: &'a pb::RouteStep) -> impl Iterator<Item = String> {
    let named = spec.outputs.iter().map(|output| output.name.as_str());
    let default = Some(spec.default.as_str()).filter(|name| !name.is_empty());
    named
        .chain(default)
        .map(move |name| format!("{step}.{name}"))
}

/// Decides the output of each row; rows without one are filtered.
///
/// # Errors
/// `EXPRESSION_INVALID`, `COLUMN_UNKNOWN` for a condition that cannot be judged.
pub fn build(
    spec: &pb::RouteStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let fail = |error| invalid(&error, "");
    let mut columns = all_columns(input.schema());
    columns.push((ROUTED.to_owned(), number(spec, &input, context)?));
    let input = Tap::plan(&context.node, Edge::In, input);
    let decided = RowOp::Project(row_outputs(columns, input.schema())?);
    let plan = RowNode::plan(&context.node, false, decided, input).map_err(fail)?;
    let sent = RowOp::Filter(col(ROUTED).is_not_null());
    let plan = RowNode::plan(&context.node, false, sent, plan).map_err(fail)?;
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}

/// The number of the first output whose condition is true. Conditions behind it are not looked at.
fn number(spec: &pb::RouteStep, input: &LogicalPlan, context: &StepContext<'_>) -> Result<Expr> {
    let mut cases = Vec::with_capacity(spec.outputs.len());
    for (output, number) in spec.outputs.iter().zip(0_i32..) {
        let found = condition(&output.when, input.schema(), context)
            .map_err(|error| error.place(format!("output {}", output.name)))?;
        cases.push((Box::new(found), Box::new(lit(number))));
    }
    let default = i32::try_from(spec.outputs.len()).ok();
    let default = ScalarValue::Int32(default.filter(|_| !spec.default.is_empty()));
    let default = Expr::Literal(default, None);
    Ok(Expr::Case(Case::new(None, cases, Some(Box::new(default)))))
}

/// The rows of one output, from the rows of the step.
///
/// # Errors
/// When the columns cannot be planned.
pub fn output(number: usize, node: &NodeRef, routed: LogicalPlan) -> Result<LogicalPlan> {
    let fail = |error| invalid(&error, "");
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    let columns = routed.schema().columns().into_iter();
    let columns: Vec<Expr> = columns
        .filter(|column| column.name != ROUTED)
        .map(Expr::Column)
        .collect();
    let own = RowOp::Filter(col(ROUTED).eq(lit(number)));
    let plan = RowNode::plan(node, true, own, routed).map_err(fail)?;
    LogicalPlanBuilder::from(plan)
        .project(columns)
        .and_then(LogicalPlanBuilder::build)
        .map_err(fail)
}
