//! Text to values, straight from bytes, without loss.
//!
//! Each function takes a field's bytes and gives the value or the [`Fault`] that keeps it from being
//! one. Spaces and tabs around a value that is not text are ignored. A type that was inferred rather
//! than declared is read strictly: what contradicts it is a fault even where it could be converted,
//! so that `007` is never silently turned into 7.

pub mod boolean;
pub mod decimal;
mod digits;
pub mod float;
pub mod integer;
pub mod temporal;

use arrow::datatypes::DataType;

use crate::plan::types::type_name;
use crate::reject::RejectCode;

/// Why bytes are not a value of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not written as a value of the type.
    Syntax,
    /// Written as one, but outside of what the type holds.
    Range,
    /// More digits than the type keeps.
    Digits,
    /// A leading zero or plus sign in a column that was inferred as a number.
    Disguised,
    /// A time zone where the type has none.
    Zone,
    /// No time zone where the inferred type has one.
    NoZone,
}

impl Fault {
    /// The code and the message of a reject for this fault.
    #[must_use]
    pub fn explain(self, field: &[u8], data_type: &DataType) -> (RejectCode, String) {
        let shown = excerpt(field);
        let name = type_name(data_type);
        let text = match self {
            Self::Syntax => format!("'{shown}' is not a {name}"),
            Self::Range => format!("'{shown}' is out of the range of {name}"),
            Self::Digits => format!("'{shown}' has more digits than {name} keeps"),
            Self::Disguised => format!("'{shown}' would lose its leading zeros or sign as {name}"),
            Self::Zone => format!("'{shown}' has a time zone, which {name} does not keep"),
            Self::NoZone => format!("'{shown}' has no time zone, unlike the column's other values"),
        };
        (self.code(data_type), text)
    }

    /// The code of a reject: numbers are out of range, days and times that do not exist are none.
    #[must_use]
    pub fn code(self, data_type: &DataType) -> RejectCode {
        if self == Self::Range && data_type.is_numeric() {
            RejectCode::OutOfRange
        } else {
            RejectCode::ConversionFailed
        }
    }

    /// What is wrong with a value that is shown already.
    #[must_use]
    pub fn why(self, data_type: &DataType) -> String {
        let name = type_name(data_type);
        match self {
            Self::Range if data_type.is_numeric() => "it is out of range".to_owned(),
            Self::Syntax | Self::Range => "it is not a value of that type".to_owned(),
            Self::Digits if data_type.is_numeric() => "it would lose digits".to_owned(),
            Self::Digits if *data_type == DataType::Date32 => {
                "it has a time of day, which date does not keep".to_owned()
            }
            Self::Digits => format!("it has more digits than {name} keeps"),
            Self::Disguised => "it would lose its leading zeros or sign".to_owned(),
            Self::Zone => format!("it has a time zone, which {name} does not keep"),
            Self::NoZone => "it has no time zone".to_owned(),
        }
    }
}

/// A field's text for a message: at most 80 characters, what is not text made visible.
#[must_use]
pub fn excerpt(field: &[u8]) -> String {
    const LIMIT: usize = 80;
    let head = field.get(..field.len().min(4 * LIMIT)).unwrap_or_default();
    let text = String::from_utf8_lossy(head);
    let mut shown: String = text
        .chars()
        .take(LIMIT)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().count() > LIMIT || field.len() > head.len() {
        shown.push('…');
    }
    shown.replace("\\'", "'").replace("\\\"", "\"")
}

/// A field without the spaces and tabs around it.
#[inline]
#[must_use]
pub fn trim(field: &[u8]) -> &[u8] {
    match (field.first(), field.last()) {
        (Some(b' ' | b'\t'), _) | (_, Some(b' ' | b'\t')) => trim_slow(field),
        _ => field,
    }
}

#[cold]
fn trim_slow(mut field: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = field {
        field = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = field {
        field = rest;
    }
    field
}

/// Bytes written as `\x` and pairs of hexadecimal digits, as PostgreSQL does.
///
/// # Errors
/// [`Fault::Syntax`] for anything else.
pub fn binary(field: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let digits = trim(field).strip_prefix(b"\\x").ok_or(Fault::Syntax)?;
    if !digits.len().is_multiple_of(2) {
        return Err(Fault::Syntax);
    }
    let nibble = |byte: u8| char::from(byte).to_digit(16).ok_or(Fault::Syntax);
    let start = out.len();
    for pair in digits.chunks_exact(2) {
        let [high, low] = *pair else { continue };
        match (nibble(high), nibble(low)) {
            (Ok(high), Ok(low)) => out.push(u8::try_from(high * 16 + low).unwrap_or_default()),
            _ => {
                out.truncate(start);
                return Err(Fault::Syntax);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_is_hexadecimal_after_a_backslash_x() {
        let mut out = vec![7];
        assert_eq!(binary(b" \\x00fF ", &mut out), Ok(()));
        assert_eq!(out, [7, 0, 255]);
        for bad in [&b"00"[..], b"\\x0", b"\\xzz", b"\\x00g0"] {
            assert_eq!(binary(bad, &mut out), Err(Fault::Syntax));
        }
        assert_eq!(out, [7, 0, 255]);
    }

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt(b"it's\x00\xff"), "it's\\0\u{fffd}");
        assert_eq!(excerpt(&[b'a'; 200]).chars().count(), 81);
    }
}
