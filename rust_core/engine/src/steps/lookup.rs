//! What a join does for `how: lookup`: at most one partner for each row, or a reject.

use datafusion::common::DFSchema;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFunctionDefinition, col, lit,
};

use super::StepContext;
use super::expr::column;
use super::keys::Keys;
use crate::error::Result;
use crate::plan::pb;
use crate::reject::RejectCode;
use crate::reject::row_node::{Check, RowNode, RowOp};

/// The column with the number of rows that have a key.
pub const MATCHES: &str = "__matches";
const OCCURRENCE: &str = "__occurrence";

/// One row for each key, with the number of rows that have it.
///
/// # Errors
/// `COLUMN_UNKNOWN`, or when the window functions cannot be planned.
pub fn single(right: LogicalPlan, keys: &Keys) -> Result<LogicalPlan> {
    let fail = |error| super::expr::invalid(&error, "");
    let names = keys.iter().map(|(_, name)| column(name, right.schema()));
    let names = names.collect::<Result<Vec<_>>>()?;
    let count = WindowFunctionDefinition::AggregateUDF(count_udaf());
    let count = Expr::from(WindowFunction::new(count, vec![lit(1_i64)]));
    let matches = count.partition_by(names.clone()).build().map_err(fail)?;
    let number = row_number().partition_by(names).build().map_err(fail)?;
    LogicalPlanBuilder::from(right)
        .window(vec![matches.alias(MATCHES), number.alias(OCCURRENCE)])
        .and_then(|plan| plan.filter(col(OCCURRENCE).eq(lit(1_u64)))?.build())
        .map_err(fail)
}

/// Refuses the rows whose key was found several times, and where the step says so, not at all.
///
/// # Errors
/// When the checks cannot be planned.
pub fn checked(
    spec: &pb::JoinStep,
    keys: &Keys,
    joined: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let names: Vec<_> = keys.iter().map(|(name, _)| name.as_str()).collect();
    let check = |code, text: &str, expr| Check {
        column: Some(names.join(", ")),
        code,
        message: format!("{} has {text} with this key", spec.with),
        expr,
        tally: None,
    };
    let mut checks = Vec::new();
    if spec.missing == "reject" {
        let found = col(MATCHES).is_not_null();
        checks.push(check(RejectCode::KeyNotFound, "no row", found));
    }
    let single = col(MATCHES).is_null().or(col(MATCHES).lt_eq(lit(1_i64)));
    checks.push(check(RejectCode::AmbiguousKey, "several rows", single));
    let own = without_matches(joined.schema());
    RowNode::plan(&context.node, false, RowOp::Check(checks), joined)
        .and_then(|plan| LogicalPlanBuilder::from(plan).project(own)?.build())
        .map_err(|error| super::expr::invalid(&error, ""))
}

fn without_matches(schema: &DFSchema) -> Vec<Expr> {
    let columns = schema.columns().into_iter();
    columns
        .filter(|column| column.name != MATCHES)
        .map(Expr::Column)
        .collect()
}
