//! Parses and types the SQL expressions of steps, with errors that say where and what next.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::common::{Column, DFSchema, ScalarValue, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, ExprSchemable, expr::Placeholder};
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;
use datafusion::sql::sqlparser::{ast, parser::ParserError};

use super::numbers::{beside_floats, mark_doubles};
use super::{StepContext, constants, syntax};
use crate::error::{Code, EngineError, Result};
use crate::plan::{pb, types};
use crate::reject::checked_cast;
use crate::reject::row_node::user_columns;

/// Bound parameters by placeholder, as in `$params_day`.
pub type Params = BTreeMap<String, ScalarValue>;

/// Converts a plan's bound parameters.
///
/// # Errors
/// `PLAN_INVALID` when a value does not fit its type.
pub fn params(bound: &[pb::BoundParam]) -> Result<Params> {
    bound
        .iter()
        .map(|param| Ok((format!("${}", param.name), param_value(param)?)))
        .collect()
}

fn param_value(param: &pb::BoundParam) -> Result<ScalarValue> {
    let to = match param.r#type.as_str() {
        "" | "string" => DataType::Utf8,
        "int" => DataType::Int64,
        "float" => DataType::Float64,
        other => types::parse_type(other)?,
    };
    let refused = |error: DataFusionError| {
        let text = format!("parameter {}: {}", param.name, error.strip_backtrace());
        EngineError::new(Code::PlanInvalid, text).hint("Give a value of the parameter's type")
    };
    if param.is_null {
        return ScalarValue::try_from(&to).map_err(refused);
    }
    let text: ArrayRef = Arc::new(StringArray::from(vec![param.value.as_str()]));
    checked_cast(&text, &to)
        .and_then(|array| ScalarValue::try_from_array(&array, 0))
        .map_err(refused)
}

/// Parses an expression over a schema's columns.
///
/// # Errors
/// `EXPRESSION_INVALID` or `COLUMN_UNKNOWN`, with the expression as the place.
pub fn parse(sql: &str, schema: &DFSchema, context: &StepContext<'_>) -> Result<Expr> {
    parse_with(sql, schema, context, |_| true)
}

/// As [`parse`], for an expression that may use aggregate functions.
///
/// # Errors
/// As [`parse`].
pub fn parse_aggregate(sql: &str, schema: &DFSchema, context: &StepContext<'_>) -> Result<Expr> {
    parse_with(sql, schema, context, |kind| kind != AGGREGATE)
}

fn parse_with(
    sql: &str,
    schema: &DFSchema,
    context: &StepContext<'_>,
    refused: fn(&str) -> bool,
) -> Result<Expr> {
    let fail = |error: DataFusionError| invalid(&error, sql);
    let expr = planned(sql, schema, context).map_err(fail)?;
    if let Some(kind) = unusable(&expr, refused) {
        return Err(one_row(kind).place(format!("in `{sql}`")));
    }
    let expr = unaliased(expr);
    expr.get_type(schema).map_err(fail)?;
    let expr = beside_floats(expr, schema)
        .and_then(|expr| {
            let mut coercion = TypeCoercionRewriter::new(schema);
            expr.data.rewrite(&mut coercion)
        })
        .and_then(|expr| constants::fold(expr.data))
        .map_err(fail)?;
    Ok(expr.data)
}

fn planned(
    sql: &str,
    schema: &DFSchema,
    context: &StepContext<'_>,
) -> Result<Expr, DataFusionError> {
    let dialect = context.state.config().options().sql_parser.dialect;
    let mut parsed = context.state.sql_to_expr_with_alias(sql, &dialect)?;
    if has_query(&parsed.expr) {
        return Err(one_row("a query").into());
    }
    mark_doubles(&mut parsed.expr);
    let expr = context
        .state
        .create_logical_expr_from_sql_expr(parsed, schema)?;
    bind(expr, context.params)
}

fn one_row(kind: &str) -> EngineError {
    let text = format!("{kind} cannot be used here: an expression sees one row at a time");
    EngineError::new(Code::ExpressionInvalid, text).hint("Use a sql step")
}

/// Whether there is a query inside an expression.
fn has_query(parsed: &ast::Expr) -> bool {
    struct Queries;
    impl ast::Visitor for Queries {
        type Break = ();

        fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    ast::Visit::visit(parsed, &mut Queries).is_break()
}

/// As [`parse`], for an expression that must be true or false.
///
/// # Errors
/// As [`parse`], and when the type is not boolean.
pub fn condition(sql: &str, schema: &DFSchema, context: &StepContext<'_>) -> Result<Expr> {
    let expr = parse(sql, schema, context)?;
    let found = expr
        .get_type(schema)
        .map_err(|error| invalid(&error, sql))?;
    if matches!(found, DataType::Boolean | DataType::Null) {
        return Ok(expr);
    }
    let found = types::type_name(&found);
    let text = format!("a condition must be true or false, but this is of type {found}");
    Err(EngineError::new(Code::ExpressionInvalid, text)
        .place(format!("in `{sql}`"))
        .hint("Compare it with something, as in `amount > 0`"))
}

/// The expression for an existing column.
///
/// # Errors
/// `COLUMN_UNKNOWN`, with similar names.
pub fn column(name: &str, schema: &DFSchema) -> Result<Expr> {
    user_columns(schema)
        .find(|(_, field)| field.name() == name)
        .map(|(qualifier, _)| Expr::Column(Column::new(qualifier.cloned(), name)))
        .ok_or_else(|| unknown_column(name, schema))
}

/// The column that an expression is about, where it is about one.
#[must_use]
pub fn single_column(expr: &Expr) -> Option<String> {
    let columns = expr.column_refs();
    let mut names = columns.iter().map(|column| column.name.clone());
    match (names.next(), names.next()) {
        (Some(name), None) => Some(name),
        _ => None,
    }
}

/// The error for a column that does not exist.
#[must_use]
pub fn unknown_column(name: &str, schema: &DFSchema) -> EngineError {
    let names: Vec<&str> = user_columns(schema)
        .map(|(_, field)| field.name().as_str())
        .collect();
    no_such_column(name, &names)
}

fn no_such_column(name: &str, names: &[&str]) -> EngineError {
    let error = EngineError::new(Code::ColumnUnknown, format!("there is no column '{name}'"));
    if let Some(near) = nearest(name, names) {
        return error.hint(format!("Did you mean '{near}'?"));
    }
    let names: Vec<_> = names
        .iter()
        .filter(|name| !name.starts_with("__"))
        .take(20)
        .copied()
        .collect();
    error.hint(format!("The columns are: {}", names.join(", ")))
}

fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .map(|known| {
            (
                levenshtein(&name.to_lowercase(), &known.to_lowercase()),
                *known,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= name.len().max(3) / 3)
        .map(|(_, known)| known)
}

/// Replaces placeholders by bound values.
///
/// # Errors
/// For a placeholder without a value.
pub fn bind(expr: Expr, params: &Params) -> datafusion::error::Result<Expr> {
    let bound = expr.transform_up(|expr| match expr {
        Expr::Placeholder(Placeholder { id, .. }) => match params.get(&id) {
            Some(value) => Ok(Transformed::yes(Expr::Literal(value.clone(), None))),
            None => Err(DataFusionError::Plan(format!(
                "the parameter '{id}' has no value"
            ))),
        },
        other => Ok(Transformed::no(other)),
    })?;
    Ok(bound.data)
}

const AGGREGATE: &str = "an aggregate function";

fn unusable(expr: &Expr, refused: fn(&str) -> bool) -> Option<&'static str> {
    let kind = |expr: &Expr| match expr {
        Expr::AggregateFunction(_) => Some(AGGREGATE),
        Expr::WindowFunction(_) => Some("a window function"),
        Expr::Unnest(_) => Some("unnest"),
        _ => None,
    };
    let mut found = None;
    // The closure never fails, so neither does the search.
    let _ = expr.exists(|expr| {
        found = found.or_else(|| kind(expr).filter(|kind| refused(kind)));
        Ok(found.is_some())
    });
    found
}

/// An expression without the aliases around it.
#[must_use]
pub fn unaliased(expr: Expr) -> Expr {
    match expr {
        Expr::Alias(alias) => unaliased(*alias.expr),
        other => other,
    }
}

/// The engine's error for a query engine's refusal; `place` is the SQL text or empty.
#[must_use]
pub fn invalid(error: &DataFusionError, place: &str) -> EngineError {
    let unknown = match error.find_root() {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, .. } => Some(field.name.as_str()),
            _ => None,
        },
        _ => None,
    };
    let position = unknown.and_then(|name| syntax::position(place, name));
    let error = match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<EngineError>() {
            Some(inner) => inner.clone(),
            None => EngineError::new(Code::ExpressionInvalid, inner.to_string()),
        },
        DataFusionError::SchemaError(schema, _) => schema_error(schema),
        DataFusionError::SQL(error, _) => syntax_error(error),
        other => {
            let text = other.strip_backtrace();
            let prefixes = [
                "Error during planning: ",
                "This feature is not implemented: ",
            ];
            let text = prefixes.iter().fold(text.as_str(), |text, prefix| {
                text.strip_prefix(prefix).unwrap_or(text)
            });
            EngineError::new(Code::ExpressionInvalid, text)
        }
    };
    match position {
        _ if place.is_empty() => error,
        Some((line, column)) => error.place(format!("line {line}, column {column} of `{place}`")),
        None => error.place(format!("in `{place}`")),
    }
}

fn syntax_error(error: &ParserError) -> EngineError {
    let text = match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => "it is nested too deeply",
    };
    EngineError::new(Code::ExpressionInvalid, text).hint(
        "Mend the SQL there. Text stands in 'single quotes', names that are no plain words in \
         \"double quotes\"",
    )
}

fn schema_error(error: &SchemaError) -> EngineError {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => {
            let names: Vec<&str> = valid_fields
                .iter()
                .map(|field| field.name.as_str())
                .collect();
            no_such_column(&field.name, &names)
        }
        SchemaError::AmbiguousReference { field } if field.relation.is_some() => {
            same_names(&field.name)
        }
        SchemaError::DuplicateUnqualifiedField { name } => same_names(name),
        other => EngineError::new(Code::ExpressionInvalid, other.to_string()),
    }
}

/// The error for a query with two columns of one name.
#[must_use]
pub fn same_names(name: &str) -> EngineError {
    let text = format!("two columns of the query are named '{name}'");
    EngineError::new(Code::PlanInvalid, text).hint("Name one of them with AS")
}

/// An expression as its author wrote it: the language layer gives parameters names of their own.
#[must_use]
pub fn as_written(sql: &str, params: &Params) -> String {
    // Longer names first, for one may begin with another.
    let mut names: Vec<&String> = params.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.iter().fold(sql.to_owned(), |text, name| {
        match name.strip_prefix("$params_") {
            Some(bare) => text.replace(name.as_str(), &format!("${{params.{bare}}}")),
            None => text,
        }
    })
}
