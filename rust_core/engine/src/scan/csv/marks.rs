//! How numbers are written: the decimal mark, and the mark between thousands.
//!
//! Files that write numbers as programs do need nothing of this. In the others a number is rewritten
//! before it is read, and only when it is written properly: `1.23,4` has a mark where none belongs,
//! and is refused.

use std::borrow::Cow;

use arrow::datatypes::DataType;

use super::dialect::Dialect;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::scan::convert::decimal::Parts;

/// What stands for a number that is not written properly: no type reads it.
const IMPROPER: &[u8] = b"?";
/// Marks between thousands.
const THOUSANDS: [&str; 6] = [",", ".", " ", "'", "\u{a0}", "\u{202f}"];

/// The marks within numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    decimal: u8,
    thousands: Option<&'static str>,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            decimal: b'.',
            thousands: None,
        }
    }
}

impl Marks {
    /// What a source declares; none when it declares neither mark.
    ///
    /// # Errors
    /// `PLAN_INVALID` for other marks than usual ones, and for the same mark twice.
    pub fn declared(options: &pb::CsvSource) -> Result<Option<Self>> {
        let (decimal, thousands) = (&options.decimal_mark, &options.thousands_mark);
        if decimal.is_empty() && thousands.is_empty() {
            return Ok(None);
        }
        let known = THOUSANDS.into_iter().find(|mark| mark == thousands);
        let decimal_mark = match (decimal.as_str(), known) {
            ("," | ".", _) => decimal.as_bytes().first().copied().unwrap_or(b'.'),
            (_, Some(".")) => b',',
            _ => b'.',
        };
        let unknown = !thousands.is_empty() && known.is_none();
        let same = known.is_some_and(|mark| mark.as_bytes() == [decimal_mark]);
        if unknown || same || !matches!(decimal.as_str(), "" | "," | ".") {
            let text = "decimal and thousands mark must be two different usual marks";
            return Err(EngineError::new(Code::PlanInvalid, text).place("thousands_mark"));
        }
        Ok(Some(Self {
            decimal: decimal_mark,
            thousands: known,
        }))
    }

    /// Whether numbers are written as programs do.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// The decimal mark.
    #[must_use]
    pub fn decimal(&self) -> char {
        char::from(self.decimal)
    }

    /// The mark between thousands.
    #[must_use]
    pub fn thousands(&self) -> Option<&'static str> {
        self.thousands
    }

    /// Whether values of a type are numbers.
    #[must_use]
    pub fn concern(data_type: &DataType) -> bool {
        data_type.is_numeric()
    }

    /// A number as programs write it. Text that is no number stays; a number that is not written
    /// properly becomes what no type reads.
    #[must_use]
    pub fn plain<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        if self.is_usual() || !text.iter().any(u8::is_ascii_digit) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(self.rewritten(text).unwrap_or_else(|| IMPROPER.to_vec()))
    }

    fn rewritten(&self, text: &[u8]) -> Option<Vec<u8>> {
        let exponent = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (number, exponent) = text.split_at_checked(exponent.unwrap_or(text.len()))?;
        let mut parts = number.splitn(2, |&byte| byte == self.decimal);
        let (whole, fraction) = (parts.next()?, parts.next());
        let (sign, digits) = match whole {
            [sign @ (b'+' | b'-'), digits @ ..] => (Some(*sign), digits),
            digits => (None, digits),
        };
        let mut out: Vec<u8> = sign.into_iter().collect();
        self.append_whole(digits, &mut out)?;
        if let Some(fraction) = fraction {
            let all_digits = fraction.iter().all(u8::is_ascii_digit);
            out.push(b'.');
            out.extend_from_slice(Some(fraction).filter(|_| all_digits)?);
        }
        out.extend_from_slice(exponent);
        Some(out)
    }

    fn append_whole(&self, digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mark = self.thousands.map(str::as_bytes);
        let marked = mark.filter(|mark| memchr::memmem::find(digits, mark).is_some());
        let Some(mark) = marked else {
            out.extend_from_slice(Some(digits).filter(|all| all.iter().all(u8::is_ascii_digit))?);
            return Some(());
        };
        let mut rest = digits;
        let mut first = true;
        loop {
            let end = memchr::memmem::find(rest, mark).unwrap_or(rest.len());
            let group = rest.get(..end)?;
            let proper = if first {
                (1..=3).contains(&group.len())
            } else {
                group.len() == 3
            };
            if !proper || !group.iter().all(u8::is_ascii_digit) {
                return None;
            }
            out.extend_from_slice(group);
            first = false;
            if end == rest.len() {
                return Some(());
            }
            rest = rest.get(end + mark.len()..)?;
        }
    }

    /// A value's text for the inference of its column's type: what is a number only with other marks
    /// is none.
    #[must_use]
    pub fn for_inference<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let plain = self.plain(text);
        if plain.as_ref() == IMPROPER && Parts::read(text).is_none() {
            return Cow::Borrowed(text);
        }
        plain
    }
}

/// Whether a number may hold a comma. Where none does, the marks are the usual ones, whatever else the
/// text holds; so most files need no look at their numbers.
#[must_use]
pub fn commas(text: &[u8], dialect: &Dialect) -> bool {
    if dialect.delimiter.as_bytes() != b"," {
        let is_digit = |at: Option<usize>| {
            at.and_then(|at| text.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        let beside = |at: usize| is_digit(at.checked_sub(1)) || is_digit(Some(at + 1));
        return memchr::memchr_iter(b',', text).any(beside);
    }
    // Between commas, a value with one needs a quote at its start, or an escape.
    let opens = |at: &usize| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        before.is_none_or(|byte| matches!(byte, b',' | b'\n' | b'\r' | b' '))
    };
    let holds = |at: usize| {
        let value = text.get(at + 1..).unwrap_or_default();
        let other = |byte: &u8| !byte.is_ascii_digit() && !b",.+- ".contains(byte);
        let (number, rest) = value.split_at(value.iter().position(other).unwrap_or(value.len()));
        number.contains(&b',') && rest.first() == Some(&dialect.quote)
    };
    let escaped = |escape| memchr::memchr(escape, text).is_some();
    dialect.escape.is_some_and(escaped)
        || memchr::memchr_iter(dialect.quote, text)
            .filter(opens)
            .any(holds)
}

/// What the numbers of a file say about its marks.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    columns: Vec<Column>,
}

#[derive(Clone, Debug, Default)]
struct Column {
    /// A value was no number with whatever marks.
    other: bool,
    comma_is_decimal: bool,
    dot_is_decimal: bool,
    comma_groups: bool,
    dot_groups: bool,
}

impl Evidence {
    /// Takes note of a value of a column.
    pub fn note(&mut self, column: usize, text: &[u8]) {
        if self.columns.len() <= column {
            self.columns.resize(column + 1, Column::default());
        }
        if let Some(column) = self.columns.get_mut(column) {
            column.note(text);
        }
    }

    /// The marks that the numbers agree on; the usual ones where nothing says otherwise.
    #[must_use]
    pub fn marks(&self) -> Marks {
        let numbers = || self.columns.iter().filter(|column| !column.other);
        let comma = numbers().any(|column| column.comma_is_decimal);
        let dot = numbers().any(|column| column.dot_is_decimal);
        let comma_groups = numbers().any(|column| column.comma_groups);
        let dot_groups = numbers().any(|column| column.dot_groups);
        match (comma, dot) {
            (true, false) if !comma_groups => Marks {
                decimal: b',',
                thousands: dot_groups.then_some("."),
            },
            (false, _) if comma_groups && !dot_groups => Marks {
                decimal: b'.',
                thousands: Some(","),
            },
            _ => Marks::default(),
        }
    }
}

impl Column {
    fn note(&mut self, text: &[u8]) {
        let digits = match text {
            [b'+' | b'-', rest @ ..] => rest,
            rest => rest,
        };
        let plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b',' | b'.');
        if digits.is_empty() || !digits.iter().all(plain) {
            self.other = true;
            return;
        }
        let count = |mark: u8| digits.iter().filter(|&&byte| byte == mark).count();
        let last = digits.iter().rposition(|byte| matches!(byte, b',' | b'.'));
        let Some(last) = last else { return };
        let after = digits.len() - last - 1;
        let mark = digits.get(last).copied().unwrap_or_default();
        let (own, others) = (count(mark), count(if mark == b',' { b'.' } else { b',' }));
        let (is_decimal, groups) = (
            own == 1 && (others > 0 || after != 3 || last > 3),
            own > 1 && after == 3,
        );
        if mark == b',' {
            self.comma_is_decimal |= is_decimal;
            self.comma_groups |= groups;
            self.dot_groups |= is_decimal && others > 0;
        } else {
            self.dot_is_decimal |= is_decimal;
            self.dot_groups |= groups;
            self.comma_groups |= is_decimal && others > 0;
        }
        self.other |= own > 1 && !groups;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(decimal: &str, thousands: &str) -> Result<Option<Marks>> {
        Marks::declared(&pb::CsvSource {
            decimal_mark: decimal.into(),
            thousands_mark: thousands.into(),
            ..Default::default()
        })
    }

    #[test]
    fn numbers_are_rewritten_only_when_they_are_proper() {
        let plain = |decimal: &str, thousands: &str, text: &str| {
            let marks = declared(decimal, thousands).unwrap().unwrap_or_default();
            String::from_utf8(marks.plain(text.as_bytes()).into_owned()).unwrap()
        };
        for (decimal, thousands, text, expected) in [
            (",", "", "-1,50", "-1.50"),
            (",", ".", "1.234.567,8", "1234567.8"),
            ("", ".", "1.234,8", "1234.8"),
            ("", ",", "1,234.5e3", "1234.5e3"),
            ("", "'", "1'000", "1000"),
            (",", "\u{a0}", "1\u{a0}000,5", "1000.5"),
            (",", " ", "1000,5", "1000.5"),
            (",", "", "1.5", "?"),
            (",", ".", "1.5", "?"),
            (",", ".", "12.34.567", "?"),
            (",", ".", "1,5.000", "?"),
            (",", ".", "nan", "nan"),
            ("", "", "1,5", "1,5"),
        ] {
            assert_eq!(plain(decimal, thousands, text), expected, "{text}");
        }
        assert!(
            declared(",", ",").is_err() && declared("x", "").is_err() && declared("", "x").is_err()
        );
    }

    #[test]
    fn a_comma_in_a_number_is_seen() {
        let comma = Dialect::default();
        let semicolon = Dialect {
            delimiter: super::super::delimiter::Delimiter::byte(b';'),
            ..comma
        };
        for text in ["\"1,5\"", "a,\" -1.234,5 \",b", "1,2\n\"1,000\""] {
            assert!(commas(text.as_bytes(), &comma), "{text}");
        }
        for text in ["1,2,3", "\"a, 1,5\",2", "\"x\",1,2,\"y\"", "1,\"15\""] {
            assert!(!commas(text.as_bytes(), &comma), "{text}");
        }
        assert!(commas(b"a;1,5", &semicolon) && commas(b"1,", &semicolon));
        assert!(!commas(b"so, it is;15", &semicolon));
        let escaped = Dialect {
            escape: Some(b'\\'),
            ..comma
        };
        assert!(commas(b"1\\,5", &escaped));
    }

    #[test]
    fn marks_are_detected_only_when_values_say_so() {
        let found = |columns: &[&[&str]]| {
            let mut evidence = Evidence::default();
            for (column, values) in columns.iter().enumerate() {
                values
                    .iter()
                    .for_each(|value| evidence.note(column, value.as_bytes()));
            }
            let marks = evidence.marks();
            (marks.decimal(), marks.thousands())
        };
        assert_eq!(found(&[&["1,5", "20"]]), (',', None));
        assert_eq!(found(&[&["1.234,50", "1,5"]]), (',', Some(".")));
        assert_eq!(found(&[&["1,234.50", "1.5"]]), ('.', Some(",")));
        assert_eq!(found(&[&["1,234,567"]]), ('.', Some(",")));
        assert_eq!(found(&[&["1.234.567"], &["1,5"]]), (',', Some(".")));
        for unclear in [
            &[&["1,234", "5"][..]][..],
            &[&["1,5"], &["2.5"]],
            &[&["1,5", "x"]],
            &[&["1.5"]],
        ] {
            assert_eq!(found(unclear), ('.', None), "{unclear:?}");
        }
    }
}
