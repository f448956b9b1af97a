//! Floating point numbers.

use super::decimal::Parts;
use super::{Fault, trim};

/// The nearest double of a number, `nan`, `inf` or `infinity`.
///
/// # Errors
/// [`Fault::Syntax`]; [`Fault::Range`] for a number too large; with `strict` (the type was inferred)
/// also [`Fault::Digits`] for a number that a double cannot give back with the same digits, and
/// [`Fault::Disguised`] for leading zeros and a plus sign.
#[inline]
pub fn parse_f64(field: &[u8], strict: bool) -> Result<f64, Fault> {
    let field = trim(field);
    let value: f64 = fast_float2::parse(field).map_err(|_| Fault::Syntax)?;
    if !value.is_finite() && !spelled_out(field) {
        return Err(Fault::Range);
    }
    if strict {
        check_strict(field, value)?;
    }
    Ok(value)
}

/// The nearest single-precision number.
///
/// # Errors
/// As for [`parse_f64`].
#[inline]
pub fn parse_f32(field: &[u8]) -> Result<f32, Fault> {
    let field = trim(field);
    let value: f32 = fast_float2::parse(field).map_err(|_| Fault::Syntax)?;
    if value.is_finite() || spelled_out(field) {
        Ok(value)
    } else {
        Err(Fault::Range)
    }
}

/// A single-precision number whose shortest text has the digits that were written.
///
/// # Errors
/// As for [`parse_f32`]; [`Fault::Digits`] for other digits.
pub fn parse_exact_f32(field: &[u8]) -> Result<f32, Fault> {
    let value = parse_f32(field)?;
    if gives_back(field, 6, || format!("{value:e}")) {
        Ok(value)
    } else {
        Err(Fault::Digits)
    }
}

fn spelled_out(field: &[u8]) -> bool {
    field.iter().any(|byte| matches!(byte, b'n' | b'N'))
}

#[inline]
fn check_strict(field: &[u8], value: f64) -> Result<(), Fault> {
    let disguised = matches!(
        field,
        [b'+', ..] | [b'0', b'0'..=b'9', ..] | [b'-', b'0', b'0'..=b'9', ..]
    );
    if disguised {
        return Err(Fault::Disguised);
    }
    // Fifteen digits always come back; the text is longer than its digits.
    if field.len() <= 15 || gives_back(field, 15, || format!("{value:e}")) {
        Ok(())
    } else {
        Err(Fault::Digits)
    }
}

/// Whether a float's shortest text has the digits that were written; up to `sure` always come back.
#[cold]
fn gives_back(field: &[u8], sure: usize, shortest: impl Fn() -> String) -> bool {
    let Some(parts) = Parts::read(field) else {
        return true;
    };
    let written = significant(&parts);
    if written.len() <= sure {
        return true;
    }
    Parts::read(shortest().as_bytes()).is_some_and(|parts| significant(&parts) == written)
}

/// The digits without zeros at either end.
fn significant(parts: &Parts<'_>) -> Vec<u8> {
    let digits = parts.whole.iter().chain(parts.fraction).copied();
    let mut digits: Vec<u8> = digits.skip_while(|&digit| digit == b'0').collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_beyond_the_range_are_refused() {
        assert_eq!(parse_f64(b"1e999", false), Err(Fault::Range));
        assert_eq!(parse_f32(b"1e39"), Err(Fault::Range));
        assert_eq!(parse_f64(b"-inf", false), Ok(f64::NEG_INFINITY));
        assert!(parse_f64(b"NaN", false).is_ok_and(f64::is_nan));
        assert_eq!(parse_f64(b"1,5", false), Err(Fault::Syntax));
        assert_eq!(parse_f64(b"", false), Err(Fault::Syntax));
    }

    #[test]
    fn strict_reading_loses_no_digit() {
        assert_eq!(parse_f64(b"0.1", true), Ok(0.1));
        assert_eq!(
            parse_f64(b"0.30000000000000004", true),
            Ok(0.300_000_000_000_000_04)
        );
        assert_eq!(parse_f64(b"9007199254740993.5", true), Err(Fault::Digits));
        assert_eq!(
            parse_f64(b"0.1234567890123456789", true),
            Err(Fault::Digits)
        );
        assert_eq!(
            parse_f64(b"0.1234567890123456789", false),
            Ok(0.123_456_789_012_345_68)
        );
        assert_eq!(parse_f64(b"1000000000000000000000000", true), Ok(1e24));
        assert_eq!(parse_f64(b"007.5", true), Err(Fault::Disguised));
    }

    proptest! {
        #[test]
        fn every_double_survives(value in proptest::num::f64::NORMAL) {
            prop_assert_eq!(parse_f64(format!("{value:?}").as_bytes(), true), Ok(value));
            prop_assert_eq!(parse_f64(format!("{value:e}").as_bytes(), true), Ok(value));
        }
    }
}
