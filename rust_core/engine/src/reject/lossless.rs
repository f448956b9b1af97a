//! Conversions that lose nothing: a value that does not fit is named instead of being rounded, cut,
//! wrapped or shifted. Text is read exactly as sources read it.

mod number;
mod text;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::{CastOptions, cast_with_options, kernels::cmp, nullif};
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::{DataFusionError, Result};

use super::RejectCode;
use super::fault::RowFault;

/// The query engine's own conversion: null where it fails, and it may lose digits.
const LENIENT: CastOptions<'static> = CastOptions {
    safe: true,
    format_options: FormatOptions::new(),
};

/// A converted array and the rows, in ascending order, whose values the type does not hold.
struct Converted {
    array: ArrayRef,
    bad: Vec<u32>,
}

impl Converted {
    fn whole(array: ArrayRef) -> Self {
        let bad = Vec::new();
        Self { array, bad }
    }
}

/// Converts an array without loss.
///
/// # Errors
/// A [`RowFault`] that names the first value that does not fit.
pub fn checked_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let converted = convert(array, to)?;
    match converted.bad.first() {
        None => Ok(converted.array),
        Some(&row) => Err(fault(array, row as usize, to)),
    }
}

/// Converts an array without loss; null where a value does not fit.
///
/// # Errors
/// When there is no conversion between the types.
pub fn cast_or_null(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let converted = convert(array, to)?;
    if converted.bad.is_empty() {
        return Ok(converted.array);
    }
    let rows = 0..array.len() as u32;
    let bad: BooleanArray = rows
        .map(|row| Some(converted.bad.binary_search(&row).is_ok()))
        .collect();
    Ok(nullif(&converted.array, &bad)?)
}

/// The nearest floats of decimals, which may have other digits.
///
/// # Errors
/// When the query engine cannot convert the type.
pub fn nearest_floats(decimals: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(number::float_of_decimal(decimals, to)?.array)
}

fn convert(array: &ArrayRef, to: &DataType) -> Result<Converted> {
    let from = array.data_type();
    if from == to {
        return Ok(Converted::whole(Arc::clone(array)));
    }
    if from.is_string()
        && let Some(converted) = text::convert(array, to)?
    {
        return Ok(converted);
    }
    if matches!(from, DataType::Decimal128(..)) && to.is_floating() {
        return number::float_of_decimal(array, to);
    }
    let cast = cast_with_options(array, to, &LENIENT)?;
    let bad = match lossless_form(array, &cast)? {
        Some((before, after)) => different(&before, &after)?,
        None if cast.null_count() > array.logical_null_count() => {
            let nulls = array.logical_nulls();
            let had = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            let rows = 0..array.len();
            let lost = rows.filter(|&row| cast.is_null(row) && had(row));
            lost.map(|row| row as u32).collect()
        }
        None => Vec::new(),
    };
    Ok(Converted { array: cast, bad })
}

/// What must be equal for nothing to be lost; none for types that hold all values of the other.
fn lossless_form(array: &ArrayRef, cast: &ArrayRef) -> Result<Option<(ArrayRef, ArrayRef)>> {
    let (from, to) = (array.data_type(), cast.data_type());
    let number = |kind: &DataType| kind.is_integer() || kind.is_decimal() || kind.is_floating();
    let back = |array: &ArrayRef| cast_with_options(cast, array.data_type(), &LENIENT);
    Ok(match (from, to) {
        (from, DataType::Float32) if from.is_floating() => Some((
            finite(array)?,
            finite(&cast_with_options(cast, from, &LENIENT)?)?,
        )),
        (from, to) if from.is_floating() && matches!(to, DataType::Decimal128(..)) => {
            let near = number::float_of_decimal(cast, &DataType::Float64)?;
            let near = cast_with_options(&near.array, from, &LENIENT)?;
            Some((Arc::clone(array), near))
        }
        (from, to)
            if (from.is_floating() && (to.is_integer() || to.is_decimal()))
                || (from.is_decimal() && number(to))
                || (from.is_integer() && to.is_floating())
                || (number(from) && *to == DataType::Boolean) =>
        {
            Some((Arc::clone(array), back(array)?))
        }
        (DataType::Timestamp(unit, _), DataType::Date32 | DataType::Date64) => {
            // A date is the day of the local time.
            let local = DataType::Timestamp(*unit, None);
            let local = cast_with_options(array, &local, &LENIENT)?;
            let midnight = back(&local)?;
            Some((local, midnight))
        }
        (DataType::Timestamp(..), DataType::Time32(_) | DataType::Time64(_)) => {
            let of_first_day = cast_with_options(cast, &DataType::Int64, &LENIENT)?;
            let of_first_day = cast_with_options(&of_first_day, from, &LENIENT)?;
            Some((Arc::clone(array), of_first_day))
        }
        (DataType::Timestamp(..), DataType::Timestamp(..))
        | (DataType::Time32(_) | DataType::Time64(_), DataType::Time32(_) | DataType::Time64(_))
        | (DataType::Date64, DataType::Date32) => Some((Arc::clone(array), back(array)?)),
        _ => None,
    })
}

/// Floats as truth values: whether they are finite.
fn finite(array: &ArrayRef) -> Result<ArrayRef> {
    let array = cast_with_options(array, &DataType::Float64, &LENIENT)?;
    let array = array.as_primitive::<Float64Type>();
    let finite: BooleanArray = array
        .iter()
        .map(|value| value.map(f64::is_finite))
        .collect();
    Ok(Arc::new(finite))
}

fn different(before: &ArrayRef, after: &ArrayRef) -> Result<Vec<u32>> {
    let differ = cmp::distinct(before, after)?;
    let rows = differ.values().set_indices_u32();
    Ok(rows.collect())
}

fn fault(array: &ArrayRef, row: usize, to: &DataType) -> DataFusionError {
    let (code, why) = if array.data_type().is_string() {
        text::why(array, row, to)
    } else {
        why(&array.slice(row, 1), to)
    };
    let value = ArrayFormatter::try_new(array, &FormatOptions::new()).map_or_else(
        |error| error.to_string(),
        |format| format.value(row).to_string(),
    );
    let value: String = value.chars().take(200).collect();
    let to = crate::plan::types::type_name(to);
    RowFault::error(code, format!("cannot convert '{value}' to {to}: {why}"))
}

/// Why a single value that is not text cannot be converted.
fn why(value: &ArrayRef, to: &DataType) -> (RejectCode, String) {
    let from = value.data_type();
    let failed = |why: &str| (RejectCode::ConversionFailed, why.to_owned());
    if from.is_numeric() && to.is_numeric() {
        let nulled = cast_with_options(value, to, &LENIENT).is_ok_and(|cast| cast.is_null(0));
        let is_number = finite(value).is_ok_and(|finite| finite.as_boolean().value(0));
        return match (
            nulled || (from.is_floating() && to.is_floating()),
            is_number,
        ) {
            (true, true) => (RejectCode::OutOfRange, "it is out of range".to_owned()),
            (true, false) => failed("it is not a value of that type"),
            _ => failed("it would lose digits"),
        };
    }
    match (from, to) {
        (DataType::Timestamp(..), DataType::Date32 | DataType::Date64) => {
            failed("it has a time of day, which date does not keep")
        }
        (DataType::Timestamp(..), DataType::Time32(_) | DataType::Time64(_)) => {
            failed("it has a day, which time does not keep")
        }
        (DataType::Timestamp(..), DataType::Timestamp(..)) => failed("it would lose digits"),
        _ => failed("it is not a value of that type"),
    }
}
