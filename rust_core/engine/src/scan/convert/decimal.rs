//! Exact decimal numbers.

use super::digits::number;
use super::{Fault, trim};

/// So many digits fit 64 bits.
const MOST_DIGITS: usize = 18;

/// A decimal as a whole number of units of 10^-scale, exact or refused.
///
/// Digits beyond `scale` are accepted only when they are zeros; an exponent is accepted when the
/// result is exact.
///
/// # Errors
/// [`Fault::Syntax`]; [`Fault::Digits`] for digits beyond the scale; [`Fault::Range`] beyond the
/// precision; with `strict` [`Fault::Disguised`] for leading zeros and a plus sign.
#[inline]
pub fn parse(field: &[u8], precision: u8, scale: u8, strict: bool) -> Result<i128, Fault> {
    let field = trim(field);
    let (negative, digits) = match field {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, field),
    };
    if let Some(scaled) = usual(digits, scale) {
        let needless = matches!(digits, [b'0', b'0'..=b'9', ..]);
        if strict && needless {
            return Err(Fault::Disguised);
        }
        let scaled = i128::from(scaled);
        return check(if negative { -scaled } else { scaled }, precision);
    }
    parse_any(field, precision, scale, strict)
}

/// The units of a number that is written as nearly all decimals of real data are: digits, and at
/// most `scale` more behind a point, which together fit 64 bits; none for any other.
#[inline]
fn usual(digits: &[u8], scale: u8) -> Option<u64> {
    let places = usize::from(scale);
    let units = |whole: &[u8]| {
        let fits = whole.len() + places <= MOST_DIGITS;
        Some(number(whole).filter(|_| fits)? * power_u64(scale))
    };
    // Most often there are as many digits behind the point as the scale has.
    if places > 0
        && let Some(point) = digits.len().checked_sub(places + 1)
        && let Some((whole, [b'.', fraction @ ..])) = digits.split_at_checked(point)
    {
        return Some(units(whole)? + number(fraction)?);
    }
    let Some(point) = digits.iter().position(|&byte| byte == b'.') else {
        return units(digits);
    };
    let (whole, fraction) = (digits.get(..point)?, digits.get(point + 1..)?);
    let missing = u8::try_from(places.checked_sub(fraction.len())?).ok()?;
    Some(units(whole)? + number(fraction)? * power_u64(missing))
}

#[cold]
fn parse_any(field: &[u8], precision: u8, scale: u8, strict: bool) -> Result<i128, Fault> {
    let parts = Parts::read(field).ok_or(Fault::Syntax)?;
    let needless = parts.whole.len() > 1 && parts.whole.first() == Some(&b'0');
    if strict && (parts.plus || needless) {
        return Err(Fault::Disguised);
    }
    // The number is digits × 10^shift once it is counted in units of 10^-scale.
    let fraction = i64::try_from(parts.fraction.len()).map_err(|_| Fault::Range)?;
    let mut shift = i64::from(scale) + parts.exponent - fraction;
    let mut digits: Vec<u8> = parts.whole.iter().chain(parts.fraction).copied().collect();
    while shift < 0 && digits.last() == Some(&b'0') {
        digits.pop();
        shift += 1;
    }
    if digits.iter().all(|&digit| digit == b'0') {
        return Ok(0);
    }
    if shift < 0 {
        return Err(Fault::Digits);
    }
    let mut value = 0_i128;
    let zeros = usize::try_from(shift).map_err(|_| Fault::Range)?.min(64);
    for digit in digits
        .iter()
        .copied()
        .chain(std::iter::repeat_n(b'0', zeros))
    {
        let digit = i128::from(digit - b'0');
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(digit))
            .ok_or(Fault::Range)?;
    }
    check(if parts.negative { -value } else { value }, precision)
}

/// The pieces of a number's text.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Whether a minus leads.
    pub negative: bool,
    /// Whether a plus leads.
    pub plus: bool,
    /// The digits before the point.
    pub whole: &'a [u8],
    /// The digits after the point.
    pub fraction: &'a [u8],
    /// The exponent, or 0.
    pub exponent: i64,
    /// Whether an exponent is written.
    pub scientific: bool,
}

impl<'a> Parts<'a> {
    /// Takes a number apart; none when it is not written as one.
    #[must_use]
    pub fn read(field: &'a [u8]) -> Option<Self> {
        let field = trim(field);
        let (sign, rest) = match field {
            [sign @ (b'-' | b'+'), rest @ ..] => (Some(*sign), rest),
            _ => (None, field),
        };
        let mark = rest.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (mantissa, exponent) = match mark {
            Some(at) => (rest.get(..at)?, parse_exponent(rest.get(at + 1..)?)?),
            None => (rest, 0),
        };
        let mut halves = mantissa.splitn(2, |&byte| byte == b'.');
        let whole = halves.next().unwrap_or_default();
        let fraction = halves.next().unwrap_or_default();
        let digits = whole.iter().chain(fraction);
        let valid =
            !(whole.is_empty() && fraction.is_empty()) && digits.clone().all(u8::is_ascii_digit);
        valid.then_some(Self {
            negative: sign == Some(b'-'),
            plus: sign == Some(b'+'),
            whole,
            fraction,
            exponent,
            scientific: mark.is_some(),
        })
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let digits = text
        .strip_prefix(b"-")
        .or_else(|| text.strip_prefix(b"+"))
        .unwrap_or(text);
    if digits.is_empty() || digits.len() > 6 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(if text.first() == Some(&b'-') {
        -value
    } else {
        value
    })
}

#[inline]
fn check(value: i128, precision: u8) -> Result<i128, Fault> {
    if value.unsigned_abs() < power_u128(precision) {
        Ok(value)
    } else {
        Err(Fault::Range)
    }
}

/// The powers of ten from 0 to 38.
const POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut rest: &mut [u128] = &mut powers;
    let mut power = 1_u128;
    while let [first, tail @ ..] = rest {
        *first = power;
        power = power.wrapping_mul(10);
        rest = tail;
    }
    powers
};

#[inline]
fn power_u128(exponent: u8) -> u128 {
    POWERS
        .get(usize::from(exponent))
        .copied()
        .unwrap_or(u128::MAX)
}

/// A power of ten up to 19.
#[inline]
fn power_u64(exponent: u8) -> u64 {
    power_u128(exponent) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_exact_or_refused() {
        assert_eq!(parse(b"21168.23", 15, 2, true), Ok(2_116_823));
        assert_eq!(parse(b"-0.05", 15, 2, true), Ok(-5));
        assert_eq!(parse(b".5", 15, 2, true), Ok(50));
        assert_eq!(parse(b"5.", 15, 2, true), Ok(500));
        assert_eq!(parse(b"1.2300", 15, 2, true), Ok(123));
        assert_eq!(parse(b"1.234", 15, 2, true), Err(Fault::Digits));
        assert_eq!(parse(b"1e3", 15, 2, true), Ok(100_000));
        assert_eq!(parse(b"1.5e-1", 15, 2, true), Ok(15));
        assert_eq!(parse(b"1.5e-2", 15, 2, true), Err(Fault::Digits));
        assert_eq!(parse(b"0e-900", 15, 2, true), Ok(0));
    }

    #[test]
    fn the_precision_is_a_bound() {
        assert_eq!(parse(b"999.99", 5, 2, true), Ok(99_999));
        assert_eq!(parse(b"1000", 5, 2, true), Err(Fault::Range));
        assert_eq!(parse(b"1e40", 38, 0, true), Err(Fault::Range));
        assert_eq!(parse(b"1e999999", 38, 0, true), Err(Fault::Range));
        let nines = [b'9'; 38];
        assert_eq!(parse(&nines, 38, 0, true), Ok(10_i128.pow(38) - 1));
        assert_eq!(parse(&[b'9'; 39], 38, 0, true), Err(Fault::Range));
        assert_eq!(parse(b"9", 38, 38, true), Err(Fault::Range));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            &b""[..],
            b".",
            b"-",
            b"1.2.3",
            b"1,5",
            b"e5",
            b"1e",
            b"nan",
            b"inf",
            b"1 2",
            b"$5",
        ] {
            assert_eq!(parse(text, 15, 2, false), Err(Fault::Syntax), "{text:?}");
        }
        assert_eq!(parse(b"01.5", 15, 2, true), Err(Fault::Disguised));
        assert_eq!(parse(b"+1.5", 15, 2, true), Err(Fault::Disguised));
        assert_eq!(parse(b"+01.5", 15, 2, false), Ok(150));
        assert_eq!(parse(b"0.5", 15, 2, true), Ok(50));
    }

    proptest! {
        #[test]
        fn the_fast_way_equals_the_general_way(
            text in "[-+]?[0-9]{0,21}[.]?[0-9]{0,21}", precision in 1_u8..=38, scale in 0_u8..=38, strict: bool
        ) {
            let scale = scale.min(precision);
            let general = parse_any(text.as_bytes(), precision, scale, strict);
            prop_assert_eq!(parse(text.as_bytes(), precision, scale, strict), general);
        }
    }
}
