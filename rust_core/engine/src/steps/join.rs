//! The `join` step: adds columns of another step or source by key.

use std::sync::Arc;

use datafusion::common::{Column, DFSchema, JoinType, TableReference};
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col};

use super::expr::{column, invalid};
use super::keys::{Keys, Pairs, common_types, pairs, typed};
use super::{StepContext, lookup};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::row_node::{identity_columns, user_columns};
use crate::reject::tap::{Edge, Tap};

const LEFT: &str = "left";
const RIGHT: &str = "right";
const LOOKUP: &str = "lookup";

/// Joins the step's input with another plan. The rows keep the identity of the input's rows.
pub fn build(
    spec: &pb::JoinStep,
    left: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let right = context
        .plan(&spec.with)
        .map_err(|error| error.place("with"))?;
    let how = join_type(&spec.how)?;
    let wanted = Pairs {
        on: &spec.on,
        keys: &spec.keys,
        with: &spec.with,
    };
    let keys = pairs(&wanted, left.schema(), right.schema())?;
    let looks_up = spec.how == LOOKUP;
    let mut outputs = outputs(spec, how, &keys, left.schema(), right.schema())?;
    let common = common_types(&keys, left.schema(), right.schema())?;
    let (left_names, right_names): (Vec<_>, Vec<_>) = keys.iter().cloned().unzip();
    let left = Tap::plan(&context.node, Edge::In, left);
    let right = Tap::plan(&context.node, Edge::Side, right);
    let (left_keys, left) = typed(&left_names, &common, left, context)?;
    let (right_keys, mut right) = typed(&right_names, &common, right, context)?;
    let left_keys: Vec<_> = left_keys.iter().map(|key| qualified(LEFT, key)).collect();
    let right_keys: Vec<_> = right_keys.iter().map(|key| qualified(RIGHT, key)).collect();
    let mut right_columns: Vec<Expr> = user_columns(right.schema()).map(Expr::from).collect();
    if looks_up {
        right = lookup::single(right, &keys)?;
        right_columns.push(col(lookup::MATCHES));
        outputs.push(qualified_expr(RIGHT, lookup::MATCHES).alias(lookup::MATCHES));
    }
    let plan = LogicalPlanBuilder::from(right)
        .project(right_columns)
        .and_then(|plan| plan.alias(RIGHT)?.build())
        .and_then(|right| {
            LogicalPlanBuilder::from(left)
                .alias(LEFT)?
                .join(right, how, (left_keys, right_keys), None)?
                .project(outputs)?
                .build()
        })
        .map_err(|error| invalid(&error, ""))?;
    let plan = if looks_up {
        lookup::checked(spec, &keys, plan, context)?
    } else {
        plan
    };
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}

fn join_type(how: &str) -> Result<JoinType> {
    match how {
        "" | "inner" => Ok(JoinType::Inner),
        "left" | LOOKUP => Ok(JoinType::Left),
        "right" => Ok(JoinType::Right),
        "full" => Ok(JoinType::Full),
        "semi" => Ok(JoinType::LeftSemi),
        "anti" => Ok(JoinType::LeftAnti),
        other => Err(
            EngineError::new(Code::PlanInvalid, format!("there is no join '{other}'"))
                .place("how")
                .hint("Use inner, left, right, full, semi, anti or lookup"),
        ),
    }
}

fn outputs(
    spec: &pb::JoinStep,
    how: JoinType,
    keys: &Keys,
    left: &DFSchema,
    right: &DFSchema,
) -> Result<Vec<Expr>> {
    let either = matches!(how, JoinType::Right | JoinType::Full);
    let mut names: Vec<String> = Vec::new();
    let mut outputs: Vec<Expr> = Vec::new();
    for (_, field) in user_columns(left) {
        let name = field.name().as_str();
        let own = qualified_expr(LEFT, name);
        let expr = match keys.iter().find(|(key, _)| either && key == name) {
            Some((_, other)) => coalesce(vec![own, qualified_expr(RIGHT, other)]),
            None => own,
        };
        outputs.push(expr.alias(name));
        names.push(name.to_owned());
    }
    if !matches!(how, JoinType::LeftSemi | JoinType::LeftAnti) {
        for (name, from) in right_columns(spec, keys, right)? {
            if names.contains(&name) {
                let text = format!("both sides of the join have a column '{name}'");
                let with = &spec.with;
                return Err(EngineError::new(Code::PlanInvalid, text).hint(format!(
                    "Name the columns to take, as in columns: {{{with}_{name}: {name}}}"
                )));
            }
            outputs.push(qualified_expr(RIGHT, &from).alias(&name));
            names.push(name);
        }
    }
    for column in identity_columns(left).into_iter().flatten() {
        outputs.push(qualified_expr(LEFT, &column.name).alias(&column.name));
    }
    Ok(outputs)
}

fn right_columns(spec: &pb::JoinStep, keys: &Keys, right: &DFSchema) -> Result<Keys> {
    if spec.columns.is_empty() {
        return Ok(user_columns(right)
            .map(|(_, field)| field.name().clone())
            .filter(|name| !keys.iter().any(|(_, key)| key == name))
            .map(|name| (name.clone(), name))
            .collect());
    }
    spec.columns
        .iter()
        .map(|wanted| {
            column(&wanted.column, right)
                .map_err(|error| error.place(format!("in {}", spec.with)))?;
            Ok((wanted.name.clone(), wanted.column.clone()))
        })
        .collect()
}

fn qualified(side: &str, name: &str) -> Column {
    Column::new(Some(TableReference::bare(Arc::<str>::from(side))), name)
}

fn qualified_expr(side: &str, name: &str) -> Expr {
    Expr::Column(qualified(side, name))
}
