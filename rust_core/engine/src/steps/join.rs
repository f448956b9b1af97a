//! The `join` step: adds columns of another step or source by key.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, JoinType, TableReference};
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::StepContext;
use super::expr::{column, invalid};
use crate::error::{Code, EngineError, Result};
use crate::plan::{pb, types};
use crate::reject::row_node::{identity_columns, user_columns};
use crate::reject::tap::{Edge, Tap};

const LEFT: &str = "left";
const RIGHT: &str = "right";

/// Pairs of key columns: the input's and the other side's.
type Keys = Vec<(String, String)>;

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
    let keys = keys(spec, left.schema(), right.schema())?;
    let outputs = outputs(spec, how, &keys, left.schema(), right.schema())?;
    let (left_keys, right_keys): (Vec<_>, Vec<_>) = keys
        .iter()
        .map(|(left, right)| (qualified(LEFT, left), qualified(RIGHT, right)))
        .unzip();
    let right_columns: Vec<Expr> = user_columns(right.schema()).map(Expr::from).collect();
    let plan = LogicalPlanBuilder::from(Tap::plan(&context.node, Edge::Side, right))
        .project(right_columns)
        .and_then(|plan| plan.alias(RIGHT)?.build())
        .and_then(|right| {
            LogicalPlanBuilder::from(Tap::plan(&context.node, Edge::In, left))
                .alias(LEFT)?
                .join(right, how, (left_keys, right_keys), None)?
                .project(outputs)?
                .build()
        })
        .map_err(|error| invalid(&error, ""))?;
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}

fn join_type(how: &str) -> Result<JoinType> {
    match how {
        "" | "inner" => Ok(JoinType::Inner),
        "left" => Ok(JoinType::Left),
        "right" => Ok(JoinType::Right),
        "full" => Ok(JoinType::Full),
        "semi" => Ok(JoinType::LeftSemi),
        "anti" => Ok(JoinType::LeftAnti),
        other => Err(
            EngineError::new(Code::PlanInvalid, format!("there is no join '{other}'"))
                .place("how")
                .hint("Use inner, left, right, full, semi or anti"),
        ),
    }
}

fn keys(spec: &pb::JoinStep, left: &DFSchema, right: &DFSchema) -> Result<Keys> {
    let same = spec.on.iter().map(|name| (name.clone(), name.clone()));
    let pairs = spec
        .keys
        .iter()
        .map(|key| (key.left.clone(), key.right.clone()));
    let keys: Keys = same.chain(pairs).collect();
    if keys.is_empty() {
        return Err(
            EngineError::new(Code::PlanInvalid, "a join needs key columns").hint("Set on or keys"),
        );
    }
    for (left_key, right_key) in &keys {
        column(left_key, left)?;
        column(right_key, right).map_err(|error| error.place(format!("in {}", spec.with)))?;
        let type_of = |schema: &DFSchema, name: &str| {
            let field = schema.field_with_unqualified_name(name);
            field
                .map(|field| field.data_type().clone())
                .map_err(|error| invalid(&error, ""))
        };
        comparable(
            left_key,
            &type_of(left, left_key)?,
            &type_of(right, right_key)?,
        )?;
    }
    Ok(keys)
}

/// Keys of unlike types would be converted, and a failed conversion would match nothing silently.
fn comparable(name: &str, left: &DataType, right: &DataType) -> Result<()> {
    let alike = left == right
        || (left.is_string() && right.is_string())
        || (left.is_numeric() && right.is_numeric());
    if alike {
        return Ok(());
    }
    let (left, right) = (types::type_name(left), types::type_name(right));
    let text = format!("the key {name} is {left} here and {right} on the other side");
    Err(EngineError::new(Code::PlanInvalid, text)
        .hint("Put a cast step before the join, so that a value that does not fit is a reject"))
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
