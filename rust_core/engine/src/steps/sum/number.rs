//! The numbers that are added: 128-bit integers, from and to the types of columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Int64Type, MAX_DECIMAL128_FOR_EACH_PRECISION, UInt64Type,
};
use datafusion::error::{DataFusionError, Result};

use crate::error::{Code, EngineError};
use crate::plan::types::{MAX_PRECISION, type_name};

/// Whether sums of this type are added here; floating point and durations are not.
#[must_use]
pub const fn is_exact(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int64 | DataType::UInt64 | DataType::Decimal128(..)
    )
}

/// The type of sums under way.
#[must_use]
pub fn state_type(result: &DataType) -> DataType {
    let scale = match result {
        DataType::Decimal128(_, scale) => *scale,
        _ => 0,
    };
    DataType::Decimal128(MAX_PRECISION, scale)
}

/// Values as 128-bit integers, decimals without their point.
///
/// # Errors
/// When the values are of a type that has no exact sums.
pub fn widened(array: &ArrayRef) -> Result<PrimitiveArray<Decimal128Type>> {
    fn wide<T: ArrowPrimitiveType>(array: &ArrayRef) -> PrimitiveArray<Decimal128Type>
    where
        i128: From<T::Native>,
    {
        array.as_primitive::<T>().unary(i128::from)
    }
    Ok(match array.data_type() {
        DataType::Int64 => wide::<Int64Type>(array),
        DataType::UInt64 => wide::<UInt64Type>(array),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().clone(),
        other => {
            let scale = match other {
                DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => *scale,
                _ => 0,
            };
            let to = DataType::Decimal128(MAX_PRECISION, scale);
            cast(array, &to)?.as_primitive::<Decimal128Type>().clone()
        }
    })
}

/// Sums in the type of the result.
///
/// # Errors
/// `SUM_OVERFLOW`.
pub fn narrowed(sums: &PrimitiveArray<Decimal128Type>, result: &DataType) -> Result<ArrayRef> {
    Ok(match result {
        DataType::Int64 => Arc::new(sums.try_unary::<_, Int64Type, _>(|sum| {
            i64::try_from(sum).map_err(|_| overflow(sum, result))
        })?),
        DataType::UInt64 => Arc::new(sums.try_unary::<_, UInt64Type, _>(|sum| {
            u64::try_from(sum).map_err(|_| overflow(sum, result))
        })?),
        DataType::Decimal128(precision, _) => {
            let most = MAX_DECIMAL128_FOR_EACH_PRECISION.get(usize::from(*precision));
            let most = most.copied().unwrap_or(i128::MAX);
            if let Some(sum) = sums
                .iter()
                .flatten()
                .find(|sum| !(-most..=most).contains(sum))
            {
                return Err(overflow(sum, result).into());
            }
            Arc::new(sums.clone().with_data_type(result.clone()))
        }
        other => {
            let text = format!("a sum cannot be of type {other}");
            return Err(DataFusionError::Internal(text));
        }
    })
}

/// The sum and a value more.
///
/// # Errors
/// `SUM_OVERFLOW`.
pub fn added(sum: i128, value: i128, result: &DataType) -> Result<i128, EngineError> {
    sum.checked_add(value).ok_or_else(|| overflow(sum, result))
}

/// The error for a sum that does not fit.
#[must_use]
pub fn overflow(sum: i128, result: &DataType) -> EngineError {
    let digits = match result {
        DataType::Decimal128(_, scale) => format!("{sum} (without its {scale} decimal places)"),
        _ => sum.to_string(),
    };
    let text = format!("a sum does not fit {}: {digits}", type_name(result));
    EngineError::new(Code::SumOverflow, text)
        .hint("Sum a wider type, as in sum(cast(amount as decimal(38,0)))")
}
