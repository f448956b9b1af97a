//! A column's values in the few forms that the encoder knows.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
    Float32Array, Float64Array, Int64Array, IntervalMonthDayNanoArray, StringArray,
    StringViewArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int64Type,
    IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use arrow::error::ArrowError;

use super::fit::Fit;
use crate::sink::json_form::to_json;

/// The values of a column of one batch.
#[derive(Debug)]
pub(super) enum Values {
    /// All missing.
    Null,
    /// Booleans.
    Bool(BooleanArray),
    /// Integers, or counted time.
    Int(Int64Array),
    /// Decimals.
    Decimal(Decimal128Array, i8),
    /// Floats of 32 bits.
    Float32(Float32Array),
    /// Floats of 64 bits.
    Float64(Float64Array),
    /// Texts.
    Text(StringArray),
    /// Texts in views.
    View(StringViewArray),
    /// Bytes.
    Bytes(BinaryViewArray),
    /// Dates.
    Days(Date32Array),
    /// Months, days and nanoseconds.
    Span(IntervalMonthDayNanoArray),
}

/// Brings a column into the form that its fit reads.
///
/// # Errors
/// When the column is not of the type that was compiled.
pub(super) fn values(array: &ArrayRef, fit: &Fit) -> Result<Values, ArrowError> {
    let from = array.data_type();
    if let DataType::Dictionary(_, value) = from {
        return values(&cast(array, value)?, fit);
    }
    if matches!(fit, Fit::Text(_) | Fit::Json(_) | Fit::Label(_)) && !from.is_string() {
        return text_of(array);
    }
    Ok(match from {
        DataType::Null => Values::Null,
        DataType::Boolean => Values::Bool(array.as_boolean().clone()),
        DataType::UInt64 => Values::Decimal(
            cast(array, &DataType::Decimal128(20, 0))?
                .as_primitive::<Decimal128Type>()
                .clone(),
            0,
        ),
        _ if from.is_integer() => ints(array)?,
        DataType::Decimal256(_, scale) if *scale >= 0 => text_of(array)?,
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale) => {
            let wide = cast(array, &DataType::Decimal128(38, *scale))?;
            Values::Decimal(wide.as_primitive::<Decimal128Type>().clone(), *scale)
        }
        DataType::Float16 | DataType::Float32 => Values::Float32(
            cast(array, &DataType::Float32)?
                .as_primitive::<Float32Type>()
                .clone(),
        ),
        DataType::Float64 => Values::Float64(array.as_primitive::<Float64Type>().clone()),
        DataType::Utf8 => Values::Text(array.as_string::<i32>().clone()),
        DataType::LargeUtf8 | DataType::Utf8View => {
            Values::View(cast(array, &DataType::Utf8View)?.as_string_view().clone())
        }
        DataType::FixedSizeBinary(_) => values(&cast(array, &DataType::Binary)?, fit)?,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            Values::Bytes(cast(array, &DataType::BinaryView)?.as_binary_view().clone())
        }
        DataType::Date32 | DataType::Date64 => Values::Days(
            cast(array, &DataType::Date32)?
                .as_primitive::<Date32Type>()
                .clone(),
        ),
        DataType::Time32(_) => ints(&cast(array, &DataType::Int32)?)?,
        DataType::Timestamp(..) | DataType::Time64(_) | DataType::Duration(_) => ints(array)?,
        DataType::Interval(_) => {
            let spans = cast(array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
            Values::Span(spans.as_primitive::<IntervalMonthDayNanoType>().clone())
        }
        other => return Err(ArrowError::NotYetImplemented(format!("{other} in binary"))),
    })
}

impl Values {
    /// Which rows have a value.
    pub(super) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Null => None,
            Self::Bool(array) => array.nulls(),
            Self::Int(array) => array.nulls(),
            Self::Decimal(array, _) => array.nulls(),
            Self::Float32(array) => array.nulls(),
            Self::Float64(array) => array.nulls(),
            Self::Text(array) => array.nulls(),
            Self::View(array) => array.nulls(),
            Self::Bytes(array) => array.nulls(),
            Self::Days(array) => array.nulls(),
            Self::Span(array) => array.nulls(),
        }
    }
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    // A cast that cannot keep a value must fail: the lenient one makes it missing.
    cast_with_options(
        array,
        to,
        &CastOptions {
            safe: false,
            ..CastOptions::default()
        },
    )
}

fn ints(array: &ArrayRef) -> Result<Values, ArrowError> {
    Ok(Values::Int(
        cast(array, &DataType::Int64)?
            .as_primitive::<Int64Type>()
            .clone(),
    ))
}

/// Values that are not texts as texts: nested ones as JSON.
fn text_of(array: &ArrayRef) -> Result<Values, ArrowError> {
    match array.data_type() {
        nested if nested.is_nested() => Ok(Values::Text(to_json(array)?)),
        DataType::Date64 => text_of(&cast(array, &DataType::Date32)?),
        DataType::Time32(TimeUnit::Second) => {
            text_of(&cast(array, &DataType::Time64(TimeUnit::Microsecond))?)
        }
        _ => Ok(Values::Text(
            cast(array, &DataType::Utf8)?.as_string::<i32>().clone(),
        )),
    }
}
