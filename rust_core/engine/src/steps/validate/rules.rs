//! Rules for single rows: missing values, the values of columns, and expressions.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::kernels::regexp::regexp_is_match_scalar;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::functions::regex::expr_fn::regexp_like;
use datafusion::functions::unicode::expr_fn::character_length;
use datafusion::logical_expr::{Expr, ScalarUDF, lit};

use super::convertible::Convertible;
use super::{Checks, Condition};
use crate::error::{Code, EngineError, Result};
use crate::plan::{pb, types};
use crate::reject::{RejectCode, checked_cast};
use crate::steps::StepContext;
use crate::steps::expr::{as_written, column, condition, invalid, single_column};

/// Columns that must have a value.
pub fn not_null(names: &[String], schema: &DFSchema, checks: &mut Checks) -> Result<()> {
    for name in names {
        let found = Condition {
            column: Some(name.clone()),
            code: RejectCode::MissingValue,
            message: format!("{name} has no value"),
            rule: String::new(),
            expr: column(name, schema)?.is_not_null(),
        };
        checks.add(found, "");
    }
    Ok(())
}

/// Rules as expressions.
pub fn rules(
    rules: &[pb::Rule],
    schema: &DFSchema,
    context: &StepContext<'_>,
    checks: &mut Checks,
) -> Result<()> {
    for rule in rules {
        let expr = condition(&rule.expr, schema, context)
            .map_err(|error| error.place(format!("rule {}", rule.name)))?;
        let said = if rule.message.is_empty() {
            as_written(&rule.expr, context.params)
        } else {
            rule.message.clone()
        };
        let found = Condition {
            column: single_column(&expr),
            code: RejectCode::RuleBroken,
            message: format!("rule {}: {said}", rule.name),
            rule: rule.name.clone(),
            expr,
        };
        checks.add(found, &rule.severity);
    }
    Ok(())
}

/// What the values of a column must keep, one condition for each option.
pub fn column_rule(rule: &pb::ColumnRule, schema: &DFSchema, checks: &mut Checks) -> Result<()> {
    let value = column(&rule.column, schema)?;
    let field = schema.field_with_unqualified_name(&rule.column);
    let of = field
        .map_err(|error| invalid(&error, &rule.column))?
        .data_type()
        .clone();
    let found = [
        convertible(rule, &value, &of)?,
        range(rule, &value, &of)?,
        length(rule, &value, &of)?,
        pattern(rule, &value, &of)?,
        one_of(rule, &value, &of)?,
    ];
    for (code, message, expr) in found.into_iter().flatten() {
        let found = Condition {
            column: Some(rule.column.clone()),
            code,
            message,
            rule: String::new(),
            expr,
        };
        checks.add(found, &rule.severity);
    }
    Ok(())
}

/// Conditions with what their breach means, none where the option is absent.
type Found = Vec<(RejectCode, String, Expr)>;

fn convertible(rule: &pb::ColumnRule, value: &Expr, of: &DataType) -> Result<Found> {
    if rule.r#type.is_empty() {
        return Ok(Vec::new());
    }
    let to = types::parse_type(&rule.r#type)?;
    if !arrow::compute::can_cast_types(of, &to) {
        let (of, to) = (types::type_name(of), types::type_name(&to));
        let text = format!("{of} cannot be converted to {to}");
        return Err(EngineError::new(Code::ExpressionInvalid, text));
    }
    let message = format!("{} is not of type {}", rule.column, rule.r#type);
    let expr = ScalarUDF::new_from_impl(Convertible::new(to)).call(vec![value.clone()]);
    Ok(vec![(RejectCode::ConversionFailed, message, expr)])
}

fn range(rule: &pb::ColumnRule, value: &Expr, of: &DataType) -> Result<Found> {
    let mut found = Found::new();
    if !rule.min.is_empty() {
        let message = format!("{} is less than {}", rule.column, rule.min);
        let expr = value.clone().gt_eq(constant(&rule.min, of)?);
        found.push((RejectCode::NotInRange, message, expr));
    }
    if !rule.max.is_empty() {
        let message = format!("{} is greater than {}", rule.column, rule.max);
        let expr = value.clone().lt_eq(constant(&rule.max, of)?);
        found.push((RejectCode::NotInRange, message, expr));
    }
    Ok(found)
}

fn length(rule: &pb::ColumnRule, value: &Expr, of: &DataType) -> Result<Found> {
    let mut found = Found::new();
    if rule.min_length.is_some() || rule.max_length.is_some() {
        text_only(of, "min_length and max_length")?;
    }
    let characters = || character_length(value.clone());
    if let Some(least) = rule.min_length {
        let message = format!("{} has fewer than {least} characters", rule.column);
        let expr = characters().gt_eq(lit(i64::try_from(least).unwrap_or(i64::MAX)));
        found.push((RejectCode::WrongLength, message, expr));
    }
    if let Some(most) = rule.max_length {
        let message = format!("{} has more than {most} characters", rule.column);
        let expr = characters().lt_eq(lit(i64::try_from(most).unwrap_or(i64::MAX)));
        found.push((RejectCode::WrongLength, message, expr));
    }
    Ok(found)
}

fn pattern(rule: &pb::ColumnRule, value: &Expr, of: &DataType) -> Result<Found> {
    if rule.r#match.is_empty() {
        return Ok(Vec::new());
    }
    text_only(of, "match")?;
    let sample = StringArray::from(vec![""]);
    regexp_is_match_scalar(&sample, &rule.r#match, None).map_err(|error| {
        let error = error.to_string();
        // The parser draws a picture around its reason.
        let why = error.lines().find_map(|line| line.strip_prefix("error: "));
        let text = format!("the pattern cannot be read: {}", why.unwrap_or(&error));
        EngineError::new(Code::ExpressionInvalid, text)
            .place(format!("in `{}`", rule.r#match))
            .hint("Write a regular expression without look-around and back-references")
    })?;
    let message = format!("{} does not match {}", rule.column, rule.r#match);
    let expr = regexp_like(value.clone(), lit(rule.r#match.clone()), None);
    Ok(vec![(RejectCode::PatternMismatch, message, expr)])
}

fn one_of(rule: &pb::ColumnRule, value: &Expr, of: &DataType) -> Result<Found> {
    if rule.one_of.is_empty() {
        return Ok(Vec::new());
    }
    let allowed = rule.one_of.iter().map(|text| constant(text, of));
    let expr = value
        .clone()
        .in_list(allowed.collect::<Result<_>>()?, false);
    let shown: Vec<_> = rule.one_of.iter().take(20).map(String::as_str).collect();
    let message = format!("{} is none of {}", rule.column, shown.join(", "));
    Ok(vec![(RejectCode::NotAllowed, message, expr)])
}

/// A value of the column's type, written as text.
fn constant(text: &str, of: &DataType) -> Result<Expr> {
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let value = checked_cast(&array, of).and_then(|array| ScalarValue::try_from_array(&array, 0));
    let value = value.map_err(|_| {
        let text = format!("'{text}' is not a value of type {}", types::type_name(of));
        EngineError::new(Code::ExpressionInvalid, text).hint("Write a value of the column's type")
    })?;
    Ok(Expr::Literal(value, None))
}

fn text_only(of: &DataType, options: &str) -> Result<()> {
    if of.is_string() {
        return Ok(());
    }
    let text = format!(
        "{options} need text, but the column is {}",
        types::type_name(of)
    );
    Err(EngineError::new(Code::ExpressionInvalid, text)
        .hint("Check numbers and dates with min and max"))
}
