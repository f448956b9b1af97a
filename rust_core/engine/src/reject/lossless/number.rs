//! Decimals as floats: the nearest one, where it says the same digits.

use arrow::array::{Float32Array, Float64Array, PrimitiveArray};
use arrow::datatypes::{Decimal128Type, DecimalType};

use super::*;
use crate::scan::convert::float;

/// A decimal becomes a float where the shortest text of that float has the decimal's digits, which
/// up to 15 digits (6 of a `real`) it always has. Bad rows get the nearest float.
pub(super) fn float_of_decimal(array: &ArrayRef, to: &DataType) -> Result<Converted> {
    let decimals = array.as_primitive::<Decimal128Type>();
    if *to == DataType::Float64 {
        let (floats, bad) = read(decimals, double);
        let array: Float64Array = floats.into_iter().collect();
        return Ok(Converted {
            array: Arc::new(array),
            bad,
        });
    }
    let (floats, bad) = read(decimals, single);
    let array: Float32Array = floats.into_iter().collect();
    let array: ArrayRef = Arc::new(array);
    let array = cast_with_options(&array, to, &LENIENT)?;
    Ok(Converted { array, bad })
}

fn read<T>(
    decimals: &PrimitiveArray<Decimal128Type>,
    float: fn(i128, u8, i8) -> (T, bool),
) -> (Vec<Option<T>>, Vec<u32>) {
    let (precision, scale) = (decimals.precision(), decimals.scale());
    let mut bad = Vec::new();
    let mut floats = Vec::with_capacity(decimals.len());
    for value in decimals {
        let float = value.map(|value| float(value, precision, scale));
        if matches!(float, Some((_, false))) {
            bad.push(floats.len() as u32);
        }
        floats.push(float.map(|(float, _)| float));
    }
    (floats, bad)
}

/// The nearest double and whether it says the same.
fn double(value: i128, precision: u8, scale: i8) -> (f64, bool) {
    // Both are exact as doubles, so their quotient is the nearest one.
    if value.unsigned_abs() < 10_u128.pow(15)
        && let Ok(scale @ 0..=19) = u32::try_from(scale)
    {
        return (value as f64 / 10_u64.pow(scale) as f64, true);
    }
    let text = Decimal128Type::format_decimal(value, precision, scale);
    match float::parse_f64(text.as_bytes(), true) {
        Ok(float) => (float, true),
        Err(_) => (nearest(&text), false),
    }
}

/// The nearest single-precision number and whether it says the same.
fn single(value: i128, precision: u8, scale: i8) -> (f32, bool) {
    if value.unsigned_abs() < 10_u128.pow(6)
        && let Ok(scale @ 0..=10) = u32::try_from(scale)
    {
        return (value as f32 / 10_u64.pow(scale) as f32, true);
    }
    let text = Decimal128Type::format_decimal(value, precision, scale);
    match float::parse_exact_f32(text.as_bytes()) {
        Ok(float) => (float, true),
        Err(_) => (nearest(&text) as f32, false),
    }
}

fn nearest(text: &str) -> f64 {
    float::parse_f64(text.as_bytes(), false).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn floats_are_the_nearest_and_say_the_same(
            digits in 1_u32..=38, value in any::<i128>(), scale in 0_i8..=38,
        ) {
            let value = value % 10_i128.pow(digits);
            let text = Decimal128Type::format_decimal(value, 38, scale);
            let (float, same) = double(value, 38, scale);
            prop_assert_eq!(Ok(float), text.parse::<f64>());
            prop_assert_eq!(same, float::parse_f64(text.as_bytes(), true).is_ok());
            let (float, same) = single(value, 38, scale);
            if same {
                prop_assert_eq!(Ok(float), text.parse::<f32>());
            }
        }
    }
}
