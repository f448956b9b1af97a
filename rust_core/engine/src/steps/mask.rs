//! The `mask` step: hides the values of columns.

use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, ScalarUDF, cast, lit, when};

use super::StepContext;
use super::columns::{all_columns, project};
use super::expr::{invalid, parse, unknown_column};
use super::hide::{Hide, Way};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;

/// Replaces columns by what hides them.
pub fn build(
    spec: &pb::MaskStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let mut outputs = all_columns(input.schema());
    for mask in &spec.columns {
        let Some((_, expr)) = outputs.iter_mut().find(|(name, _)| *name == mask.column) else {
            return Err(unknown_column(&mask.column, input.schema()));
        };
        *expr = hidden(mask, expr.clone(), input.schema(), context)
            .map_err(|error| error.place(format!("column {}", mask.column)))?;
    }
    project(outputs, input, context)
}

fn hidden(
    mask: &pb::Mask,
    value: Expr,
    schema: &DFSchema,
    context: &StepContext<'_>,
) -> Result<Expr> {
    let way = match mask.how.as_str() {
        "hash" => Way::Hash(key(mask, context)?),
        "tokenise" => Way::Token(key(mask, context)?),
        "partial" => Way::Partial {
            first: mask.keep_first,
            last: mask.keep_last,
            with: mask.with.chars().next().unwrap_or('*'),
        },
        "redact" => return redacted(mask, value, schema),
        other => {
            let text = format!("'{other}' is no way to mask");
            return Err(EngineError::new(Code::PlanInvalid, text)
                .hint("Use hash, tokenise, partial or redact"));
        }
    };
    let text = cast(value, arrow::datatypes::DataType::Utf8);
    Ok(ScalarUDF::new_from_impl(Hide::new(way)).call(vec![text]))
}

/// A missing value stays missing, so that `with` does not claim a value where there was none.
fn redacted(mask: &pb::Mask, value: Expr, schema: &DFSchema) -> Result<Expr> {
    let fail = |error| invalid(&error, "");
    if !mask.with.is_empty() {
        let nothing = Expr::Literal(ScalarValue::Utf8(None), None);
        return when(value.is_null(), nothing)
            .otherwise(lit(mask.with.clone()))
            .map_err(fail);
    }
    let field = schema.field_with_unqualified_name(&mask.column);
    let field = field.map_err(|error| invalid(&error, &mask.column))?;
    let missing = ScalarValue::try_from(field.data_type()).map_err(fail)?;
    Ok(Expr::Literal(missing, None))
}

/// The key's bytes. It is a bound parameter, so that no plan shows it.
fn key(mask: &pb::Mask, context: &StepContext<'_>) -> Result<Vec<u8>> {
    let missing = || {
        EngineError::new(
            Code::PlanInvalid,
            "the key of a mask is a secret that is text",
        )
        .hint("Write key: \"${secret.NAME}\"")
    };
    match parse(&mask.key, &DFSchema::empty(), context).map_err(|_| missing())? {
        Expr::Literal(ScalarValue::Utf8(Some(key)), _) if !key.is_empty() => Ok(key.into_bytes()),
        _ => Err(missing()),
    }
}
