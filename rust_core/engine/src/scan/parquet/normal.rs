//! The types that rows have after reading: one for each kind of value, none with hidden loss.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Time64NanosecondType, TimeUnit, TimestampNanosecondType};
use arrow::error::ArrowError;

use crate::plan::types::{MAX_PRECISION, UTC};

/// The type that a file's column gets: text and bytes of one layout, whole numbers with a sign,
/// microseconds for times. Nested types stay as they are.
#[must_use]
pub fn normal_type(stored: &DataType) -> DataType {
    use DataType as T;
    match stored {
        T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Null => T::Utf8,
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => T::Binary,
        T::UInt8 => T::Int16,
        T::UInt16 => T::Int32,
        T::UInt32 => T::Int64,
        T::UInt64 => T::Decimal128(20, 0),
        T::Float16 => T::Float32,
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) => {
            T::Decimal128(*precision, *scale)
        }
        T::Decimal256(_, scale) => T::Decimal128(MAX_PRECISION, *scale),
        T::Date64 => T::Date32,
        T::Time32(_) | T::Time64(_) => T::Time64(TimeUnit::Microsecond),
        T::Timestamp(_, None) => T::Timestamp(TimeUnit::Microsecond, None),
        T::Timestamp(_, Some(_)) => T::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        T::Dictionary(_, value) => normal_type(value),
        T::RunEndEncoded(_, value) => normal_type(value.data_type()),
        other => other.clone(),
    }
}

/// Whether a value may not fit the normal type, so that each must be looked at.
#[must_use]
pub fn may_fail(stored: &DataType) -> bool {
    match stored {
        DataType::Timestamp(unit, _) => *unit != TimeUnit::Microsecond,
        DataType::Time64(unit) => *unit == TimeUnit::Nanosecond,
        DataType::Decimal256(..) => true,
        DataType::Dictionary(_, value) => may_fail(value),
        _ => false,
    }
}

/// A column in its normal type; where a value does not fit it, the second array says so.
///
/// # Errors
/// When a type cannot be converted at all.
pub fn normalise(column: &ArrayRef) -> Result<(ArrayRef, Option<BooleanArray>), ArrowError> {
    let wanted = normal_type(column.data_type());
    if *column.data_type() == wanted {
        return Ok((Arc::clone(column), None));
    }
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let normal = cast_with_options(column, &wanted, &options)?;
    if !may_fail(column.data_type()) {
        return Ok((normal, None));
    }
    let finer = |row| match column.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            column.as_primitive::<TimestampNanosecondType>().value(row) % 1000 != 0
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            column.as_primitive::<Time64NanosecondType>().value(row) % 1000 != 0
        }
        _ => false,
    };
    let failed = |row| column.is_valid(row) && (normal.is_null(row) || finer(row));
    let bad: BooleanArray = (0..column.len()).map(|row| Some(failed(row))).collect();
    Ok((normal, (bad.true_count() > 0).then_some(bad)))
}
