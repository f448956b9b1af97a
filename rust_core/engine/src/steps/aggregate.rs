//! The `aggregate` step: makes one row for each group.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::utils::find_aggregate_exprs;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::StepContext;
use super::expr::{column, invalid, parse_aggregate};
use super::guard::Guard;
use super::sql::{InputTable, analyzed, unqualified};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::tap::{Edge, Tap};

/// Groups rows. What an aggregate reads is computed row by row below it, so that a row that cannot
/// be computed is a reject.
pub fn build(
    spec: &pb::AggregateStep,
    from: &str,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    unique_names(spec)?;
    let fail = |error| invalid(&error, "");
    let table = Arc::new(InputTable::new(from, &context.plan(from)?));
    let input = LogicalPlanBuilder::scan(from, provider_as_source(table), None).map_err(fail)?;
    let schema = Arc::clone(input.schema());
    let by = spec.by.iter().map(|name| column(name, &schema));
    let by = by.collect::<Result<Vec<_>>>()?;
    let columns = spec.columns.iter();
    let columns = columns
        .map(|column| computed(column, &spec.by, &schema, context))
        .collect::<Result<Vec<_>>>()?;
    let aggregates = find_aggregate_exprs(&columns);
    // Sums of a column and of its conversion would have one name.
    let named = aggregates.iter();
    let named = named.map(|expr| expr.clone().alias(expr.to_string()));
    let grouped = input
        .aggregate(by.clone(), named)
        .and_then(LogicalPlanBuilder::build)
        .map_err(fail)?;
    let names = spec.columns.iter().map(|column| &column.name);
    let columns = columns.into_iter().zip(names).map(|(expr, name)| {
        expr.transform_down(|expr| Ok(result(expr, &aggregates)))
            .map(|expr| expr.data.alias(name))
    });
    let columns = columns
        .collect::<datafusion::error::Result<Vec<_>>>()
        .map_err(fail)?;
    context.node.0.merges.store(true, Ordering::Relaxed);
    let plan = LogicalPlanBuilder::from(grouped)
        .project(by.into_iter().chain(columns))
        .and_then(LogicalPlanBuilder::build)
        .and_then(|plan| analyzed(plan, context.state))
        .and_then(|plan| Guard::new(context).rewrite(plan))
        .and_then(unqualified)
        .map_err(fail)?;
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}

fn unique_names(spec: &pb::AggregateStep) -> Result<()> {
    let computed = spec.columns.iter().map(|column| &column.name);
    let mut seen = BTreeSet::new();
    match spec
        .by
        .iter()
        .chain(computed)
        .find(|name| !seen.insert(*name))
    {
        Some(name) => {
            let text = format!("two columns would be named '{name}'");
            Err(EngineError::new(Code::PlanInvalid, text)
                .hint("Give each output column its own name"))
        }
        None if seen.is_empty() => Err(EngineError::new(
            Code::PlanInvalid,
            "an aggregate needs by or columns",
        )
        .hint("Name the groups' columns in by, or what is computed in columns")),
        None => Ok(()),
    }
}

/// An output column's expression. Outside of aggregate functions it may refer to `by` only.
fn computed(
    assignment: &pb::Assignment,
    by: &[String],
    schema: &DFSchema,
    context: &StepContext<'_>,
) -> Result<Expr> {
    let sql = &assignment.expr;
    let expr = parse_aggregate(sql, schema, context)?;
    let outside = expr
        .clone()
        .transform_down(|expr| Ok(blank(expr)))
        .map_err(|error| invalid(&error, sql))?;
    let mut stray = outside.data.column_refs().into_iter();
    let Some(found) = stray.find(|column| !by.contains(&column.name)) else {
        return Ok(expr);
    };
    let text = format!(
        "'{}' has many values in a group: it is neither in by nor inside an aggregate function",
        found.name
    );
    Err(EngineError::new(Code::ExpressionInvalid, text)
        .place(format!("in `{sql}`"))
        .hint(format!(
            "Add it to by, or write as max({}) what is to become of its values",
            found.name
        )))
}

/// Replaces an aggregate function, so that what is left is what is outside of it.
fn blank(expr: Expr) -> Transformed<Expr> {
    match expr {
        Expr::AggregateFunction(_) => Transformed::yes(datafusion::logical_expr::lit(0)),
        other => Transformed::no(other),
    }
}

/// Refers to an aggregate function's result by its column.
fn result(expr: Expr, aggregates: &[Expr]) -> Transformed<Expr> {
    if aggregates.contains(&expr) {
        let name = expr.to_string();
        return Transformed::yes(Expr::Column(Column::new_unqualified(name)));
    }
    Transformed::no(expr)
}
