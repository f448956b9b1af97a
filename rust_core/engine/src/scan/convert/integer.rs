//! Whole numbers.

use super::digits::number;
use super::{Fault, trim};

/// A whole number of 64 bits: an optional sign and digits.
///
/// # Errors
/// [`Fault::Syntax`], [`Fault::Range`], and with `strict` [`Fault::Disguised`] for leading zeros, a
/// plus sign and minus zero.
#[inline]
pub fn parse(field: &[u8], strict: bool) -> Result<i64, Fault> {
    let field = trim(field);
    let (negative, digits) = match field {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => {
            if strict {
                return Err(if all_digits(rest) {
                    Fault::Disguised
                } else {
                    Fault::Syntax
                });
            }
            (false, rest)
        }
        _ => (false, field),
    };
    let Some(value) = number(digits).map(u64::cast_signed) else {
        return parse_long(digits, negative, strict);
    };
    if strict && digits.first() == Some(&b'0') && (digits.len() > 1 || negative) {
        return Err(Fault::Disguised);
    }
    Ok(if negative { -value } else { value })
}

/// A whole number of a narrower type.
///
/// # Errors
/// As for [`parse`].
#[inline]
pub fn parse_narrow<T: TryFrom<i64>>(field: &[u8], strict: bool) -> Result<T, Fault> {
    T::try_from(parse(field, strict)?).map_err(|_| Fault::Range)
}

#[cold]
fn parse_long(digits: &[u8], negative: bool, strict: bool) -> Result<i64, Fault> {
    if digits.is_empty() || !all_digits(digits) {
        return Err(Fault::Syntax);
    }
    if strict && digits.first() == Some(&b'0') {
        return Err(Fault::Disguised);
    }
    let mut value = 0_i64;
    for &byte in digits {
        let digit = i64::from(byte - b'0');
        let signed = if negative { -digit } else { digit };
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(signed))
            .ok_or(Fault::Range)?;
    }
    Ok(value)
}

fn all_digits(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_edges_of_the_range() {
        assert_eq!(parse(b"9223372036854775807", true), Ok(i64::MAX));
        assert_eq!(parse(b"-9223372036854775808", true), Ok(i64::MIN));
        assert_eq!(parse(b"9223372036854775808", true), Err(Fault::Range));
        assert_eq!(parse(b"-9223372036854775809", false), Err(Fault::Range));
        assert_eq!(parse_narrow::<i16>(b"32768", true), Err(Fault::Range));
        assert_eq!(parse(b"00000000000000000000000000007", false), Ok(7));
    }

    #[test]
    fn strict_reading_refuses_disguised_text() {
        for text in [
            &b"007"[..],
            b"+7",
            b"-0",
            b"00",
            b"-01",
            b"0000000000000000000007",
        ] {
            assert_eq!(parse(text, true), Err(Fault::Disguised));
            assert!(parse(text, false).is_ok());
        }
        assert_eq!(parse(b"0", true), Ok(0));
        assert_eq!(parse(b" 42\t", true), Ok(42));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            &b""[..],
            b"-",
            b"+",
            b"1.0",
            b"1e3",
            b"0x10",
            b"12 3",
            b"--1",
            b"\xb2",
            b"1_000",
            b"+x",
        ] {
            assert_eq!(parse(text, false), Err(Fault::Syntax), "{text:?}");
            assert_eq!(parse(text, true), Err(Fault::Syntax), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_number_survives(value: i64) {
            prop_assert_eq!(parse(value.to_string().as_bytes(), true), Ok(value));
        }

        #[test]
        fn text_is_read_as_the_standard_library_does(text in "[-+0-9. a]{0,22}") {
            let expected = text.trim_matches(' ').parse::<i64>().ok();
            prop_assert_eq!(parse(text.as_bytes(), false).ok(), expected);
        }
    }
}
