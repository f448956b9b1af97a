//! The steps that work on one row at a time: `filter`, `select`, `map`, `rename`, `drop`, `cast`.

use std::collections::BTreeSet;

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, LogicalPlan, cast as cast_expr};

use super::StepContext;
use super::expr::{column, condition, invalid, parse, unknown_column};
use crate::error::{Code, EngineError, Result};
use crate::plan::{pb, types};
use crate::reject::row_node::{Output, RowNode, RowOp, identity_columns, user_columns};

type Outputs = Vec<(String, Expr)>;

/// Keeps rows for which a condition is true.
pub fn filter(
    spec: &pb::FilterStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let expr = condition(&spec.expr, input.schema(), context)?;
    RowNode::plan(&context.node, true, RowOp::Filter(expr), input)
        .map_err(|error| invalid(&error, &spec.expr))
}

/// Keeps columns, in the order given.
pub fn select(
    spec: &pb::SelectStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let outputs = spec
        .columns
        .iter()
        .map(|name| Ok((name.clone(), column(name, input.schema())?)))
        .collect::<Result<Vec<_>>>()?;
    project(outputs, input, context)
}

/// Sets columns to expressions.
pub fn map(
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

/// Renames columns.
pub fn rename(
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

/// Removes columns.
pub fn drop(
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

/// Changes the types of columns.
pub fn cast(
    spec: &pb::CastStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let mut outputs = all_columns(input.schema());
    for wanted in &spec.columns {
        let to = types::parse_type(&wanted.r#type)
            .map_err(|error| error.place(format!("column {}", wanted.name)))?;
        let Some((_, expr)) = outputs.iter_mut().find(|(name, _)| *name == wanted.name) else {
            return Err(unknown_column(&wanted.name, input.schema()));
        };
        let field = input.schema().field_with_unqualified_name(&wanted.name);
        let from = field
            .map_err(|error| invalid(&error, &wanted.name))?
            .data_type();
        if !arrow::compute::can_cast_types(from, &to) {
            let (from, to) = (types::type_name(from), types::type_name(&to));
            let text = format!("{from} cannot be converted to {to}");
            return Err(EngineError::new(Code::ExpressionInvalid, text)
                .place(format!("column {}", wanted.name))
                .hint("Convert it to text first, or compute it in a map step"));
        }
        *expr = cast_expr(expr.clone(), to);
    }
    project(outputs, input, context)
}

fn all_columns(schema: &DFSchema) -> Outputs {
    user_columns(schema)
        .map(|(qualifier, field)| (field.name().clone(), Expr::from((qualifier, field))))
        .collect()
}

fn project(outputs: Outputs, input: LogicalPlan, context: &StepContext<'_>) -> Result<LogicalPlan> {
    let mut seen = BTreeSet::new();
    if let Some((name, _)) = outputs.iter().find(|(name, _)| !seen.insert(name.as_str())) {
        let text = format!("two columns would be named '{name}'");
        return Err(
            EngineError::new(Code::PlanInvalid, text).hint("Give each output column its own name")
        );
    }
    let identity = identity_columns(input.schema())
        .into_iter()
        .flatten()
        .map(|column| (column.name.clone(), Expr::Column(column)));
    let outputs = outputs
        .into_iter()
        .chain(identity)
        .map(|(name, expr)| Output {
            expr,
            qualifier: None,
            name,
        })
        .collect();
    RowNode::plan(&context.node, true, RowOp::Project(outputs), input)
        .map_err(|error| invalid(&error, ""))
}
