//! A cast that refuses to lose anything: it fails for a row instead of rounding, cutting or
//! wrapping. Truncation that the caller names (`date` of a timestamp, `round`, `trunc`) stays.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options, kernels::cmp};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr};

use super::RejectCode;
use super::fault::RowFault;

const STRICT: CastOptions<'static> = CastOptions {
    safe: false,
    format_options: FormatOptions::new(),
};
const LENIENT: CastOptions<'static> = CastOptions {
    safe: true,
    format_options: FormatOptions::new(),
};

/// Replaces every cast of an expression by a checked one and makes integer arithmetic fail instead
/// of wrapping.
///
/// # Errors
/// When the expression cannot be rebuilt.
pub fn harden(expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let hardened = expr.transform_up(|expr| {
        if let Some(cast) = expr.downcast_ref::<CastExpr>() {
            return Ok(Transformed::yes(
                Arc::new(CheckedCast { cast: cast.clone() }) as _,
            ));
        }
        if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
            let checked = binary.clone().with_fail_on_overflow(true);
            return Ok(Transformed::yes(Arc::new(checked) as _));
        }
        Ok(Transformed::no(expr))
    })?;
    Ok(hardened.data)
}

#[derive(Debug, Clone, Eq)]
struct CheckedCast {
    cast: CastExpr,
}

impl PartialEq for CheckedCast {
    fn eq(&self, other: &Self) -> bool {
        self.cast == other.cast
    }
}

impl Hash for CheckedCast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.cast.hash(state);
    }
}

impl fmt::Display for CheckedCast {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cast.fmt(out)
    }
}

impl PhysicalExpr for CheckedCast {
    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.cast.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let to = self.cast.cast_type();
        match self.cast.expr().evaluate(batch)? {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(checked_cast(&array, to)?)),
            ColumnarValue::Scalar(scalar) => {
                let array = checked_cast(&scalar.to_array()?, to)?;
                let scalar = datafusion::common::ScalarValue::try_from_array(&array, 0)?;
                Ok(ColumnarValue::Scalar(scalar))
            }
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![self.cast.expr()]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let rebuilt = Arc::new(self.cast.clone()).with_new_children(children)?;
        match rebuilt.downcast_ref::<CastExpr>() {
            Some(cast) => Ok(Arc::new(Self { cast: cast.clone() })),
            None => Ok(rebuilt),
        }
    }

    fn fmt_sql(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cast.fmt_sql(out)
    }
}

/// Casts an array without loss.
///
/// # Errors
/// A [`RowFault`] that names the first value that does not fit.
pub fn checked_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let cast = cast_with_options(array, to, &LENIENT)?;
    if cast.null_count() > array.logical_null_count() {
        return Err(first_null(array, &cast, to));
    }
    if let Some(row) = first_loss(array, &cast)? {
        return Err(fault(array, row, to, "it would lose digits"));
    }
    Ok(cast)
}

fn first_null(
    array: &ArrayRef,
    cast: &ArrayRef,
    to: &DataType,
) -> datafusion::error::DataFusionError {
    let nulls = array.logical_nulls();
    let row = (0..array.len())
        .find(|&row| cast.is_null(row) && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)));
    fault(
        array,
        row.unwrap_or_default(),
        to,
        "it is not a value of that type",
    )
}

fn fault(
    array: &ArrayRef,
    row: usize,
    to: &DataType,
    why: &str,
) -> datafusion::error::DataFusionError {
    let value = ArrayFormatter::try_new(array, &FormatOptions::new()).map_or_else(
        |error| error.to_string(),
        |format| format.value(row).to_string(),
    );
    let value: String = value.chars().take(200).collect();
    let to = crate::plan::types::type_name(to);
    let code = if array.data_type().is_numeric() {
        RejectCode::OutOfRange
    } else {
        RejectCode::ConversionFailed
    };
    RowFault::error(code, format!("cannot convert '{value}' to {to}: {why}"))
}

/// The first row whose value changed. Pairs that cannot lose anything are not compared.
fn first_loss(array: &ArrayRef, cast: &ArrayRef) -> Result<Option<usize>> {
    let (from, to) = (array.data_type(), cast.data_type());
    if from.is_string() {
        return Ok(first_text_loss(array, to));
    }
    if from.is_floating() && to.is_floating() {
        return Ok(first_infinite(array, cast));
    }
    let shrinks = match (from, to) {
        (from, to) if from.is_floating() => to.is_integer() || to.is_decimal(),
        (from, to) if from.is_decimal() => to.is_integer() || to.is_decimal(),
        (from, to) if from.is_integer() => to.is_floating(),
        (DataType::Timestamp(..), DataType::Timestamp(..)) => true,
        _ => false,
    };
    if !shrinks {
        return Ok(None);
    }
    let back = cast_with_options(cast, from, &STRICT)?;
    let same = cmp::not_distinct(&back, array)?;
    Ok(same.values().iter().position(|same| !same))
}

/// Parsing text rounds surplus digits of decimals and cuts times off dates; both are losses.
fn first_text_loss(array: &ArrayRef, to: &DataType) -> Option<usize> {
    let lost: fn(&str, &DataType) -> bool = match to {
        DataType::Decimal128(..) | DataType::Decimal256(..) => |text, to| {
            let scale = match to {
                DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
                _ => 0,
            };
            surplus_digits(text, usize::try_from(scale).unwrap_or(0))
        },
        DataType::Date32 => |text, _| text.trim().len() > "-262143-01-01".len(),
        _ => return None,
    };
    let texts = cast_with_options(array, &DataType::Utf8, &STRICT).ok()?;
    let texts = texts.as_string::<i32>();
    texts
        .iter()
        .position(|text| text.is_some_and(|text| lost(text, to)))
}

fn surplus_digits(text: &str, scale: usize) -> bool {
    let text = text.trim();
    if text.contains(['e', 'E']) {
        // An exponent moves the point; exactness cannot be read off the digits.
        return true;
    }
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    fraction.trim_end_matches('0').len() > scale
}

fn first_infinite(array: &ArrayRef, cast: &ArrayRef) -> Option<usize> {
    let narrowed = cast.as_primitive_opt::<Float32Type>()?;
    let wide = array.as_primitive_opt::<arrow::datatypes::Float64Type>()?;
    wide.iter().zip(narrowed.iter()).position(|(wide, narrow)| {
        matches!((wide, narrow), (Some(wide), Some(narrow)) if wide.is_finite() && narrow.is_infinite())
    })
}
