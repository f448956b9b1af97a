//! Infers a column's type from its values in a sample.
//!
//! A type is inferred only when every value of the sample can be kept in it without loss: leading
//! zeros make a column text, whole numbers beyond 64 bits make it a decimal, digits that a double
//! would lose make it a decimal or text.

use arrow::datatypes::{DataType, TimeUnit};

use super::dialect::Dialect;
use super::fields::value;
use super::nulls::NullTokens;
use crate::plan::types::{MAX_PRECISION, UTC};
use crate::scan::convert::decimal::Parts;
use crate::scan::convert::{boolean, float, integer, temporal, trim};

/// The largest scale that is taken for a fixed number of digits, as in money, rather than for the
/// digits of a measurement.
const FIXED_SCALE: usize = 9;
/// The precision of decimals whose values leave room in it.
const USUAL_PRECISION: u8 = 18;

/// What the values of a column have in common so far.
#[derive(Clone, Debug)]
pub struct Guess {
    values: u64,
    boolean: bool,
    integer: bool,
    number: bool,
    exact: bool,
    fixed: bool,
    special: bool,
    date: bool,
    timestamp: bool,
    instant: bool,
    time: bool,
    whole_digits: usize,
    scale: Option<usize>,
    widest_scale: usize,
}

impl Default for Guess {
    fn default() -> Self {
        Self {
            values: 0,
            boolean: true,
            integer: true,
            number: true,
            exact: true,
            fixed: true,
            special: false,
            date: true,
            timestamp: true,
            instant: true,
            time: true,
            whole_digits: 0,
            scale: None,
            widest_scale: 0,
        }
    }
}

impl Guess {
    /// Takes note of a field.
    pub fn note(&mut self, field: &[u8], dialect: &Dialect, nulls: &NullTokens) {
        let (value, quoted) = value(field, dialect);
        let text = trim(&value);
        if text.is_empty() && nulls.empty() || !quoted && nulls.matches(text) {
            return;
        }
        self.note_text(text);
    }

    /// Takes note of a value's text.
    pub fn note_text(&mut self, text: &[u8]) {
        self.values += 1;
        self.boolean = self.boolean && boolean::parse(text, true).is_ok();
        self.integer = self.integer && integer::parse(text, true).is_ok();
        self.date = self.date && text.len() == 10 && temporal::parse_date(text).is_ok();
        self.timestamp = self.timestamp && temporal::parse_timestamp(text).is_ok();
        self.instant = self.instant && temporal::parse_instant(text, true).is_ok();
        self.time = self.time && temporal::parse_time(text).is_ok();
        if self.number {
            self.note_number(text);
        }
    }

    fn note_number(&mut self, text: &[u8]) {
        let Some(parts) = Parts::read(text) else {
            self.special = true;
            self.number = matches!(
                text.to_ascii_lowercase().as_slice(),
                b"nan" | b"inf" | b"-inf"
            );
            return;
        };
        let disguised = parts.plus || parts.whole.len() > 1 && parts.whole.first() == Some(&b'0');
        let minus_zero = parts.negative && parts.fraction.is_empty() && parts.whole == b"0";
        if disguised || minus_zero || parts.whole.is_empty() {
            self.number = false;
            return;
        }
        let scale = parts.fraction.len();
        self.exact = self.exact && float::parse_f64(text, true).is_ok();
        self.fixed = self.fixed
            && !parts.scientific
            && (1..=FIXED_SCALE).contains(&scale)
            && self.scale.is_none_or(|known| known == scale);
        self.special |= parts.scientific;
        self.scale = Some(scale);
        self.widest_scale = self.widest_scale.max(scale);
        self.whole_digits = self.whole_digits.max(parts.whole.len());
    }

    /// The type that keeps every value seen; text when none was seen.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        match self {
            Self { values: 0, .. } => DataType::Utf8,
            Self { boolean: true, .. } => DataType::Boolean,
            Self { integer: true, .. } => DataType::Int64,
            Self { number: true, .. } => self.number_type(),
            Self { date: true, .. } => DataType::Date32,
            Self {
                timestamp: true, ..
            } => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self { instant: true, .. } => {
                DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
            }
            Self { time: true, .. } => DataType::Time64(TimeUnit::Microsecond),
            _ => DataType::Utf8,
        }
    }

    /// Whether a type other than text was inferred.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.data_type() != DataType::Utf8
    }

    /// Whether any value was seen.
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.values > 0
    }

    fn number_type(&self) -> DataType {
        let digits = self.whole_digits + self.widest_scale;
        let fits = !self.special && digits <= usize::from(MAX_PRECISION);
        let scale = i8::try_from(self.widest_scale).unwrap_or(i8::MAX);
        if self.fixed && fits {
            // Room for a million times the largest value seen.
            let usual = digits + 6 <= usize::from(USUAL_PRECISION);
            return DataType::Decimal128(
                if usual {
                    USUAL_PRECISION
                } else {
                    MAX_PRECISION
                },
                scale,
            );
        }
        if self.exact && (self.special || self.widest_scale > 0) {
            return DataType::Float64;
        }
        if fits {
            DataType::Decimal128(MAX_PRECISION, scale)
        } else {
            DataType::Utf8
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::types::type_name;

    fn inferred(values: &[&str]) -> String {
        let mut guess = Guess::default();
        for value in values {
            guess.note(value.as_bytes(), &Dialect::default(), &NullTokens::new(&[]));
        }
        type_name(&guess.data_type())
    }

    #[test]
    fn a_type_is_inferred_only_when_nothing_is_lost() {
        for (values, expected) in [
            (&["1", "-20", "NA", ""][..], "bigint"),
            (&["9007199254740993"], "bigint"),
            (&["007", "12"], "text"),
            (&["+1"], "text"),
            (&["-0"], "text"),
            (&["9223372036854775808", "1"], "decimal(38,0)"),
            (&["123456789012345678901234567890123456789"], "text"),
            (&["1.50", "20.00"], "decimal(18,2)"),
            (&["1.5", "20"], "double"),
            (&["1e3", "2"], "double"),
            (&["1.5", "nan"], "double"),
            (&["1.5", "9007199254740993"], "decimal(38,1)"),
            (&["0.1234567890123456789", "1"], "decimal(38,19)"),
            (&["01.5"], "text"),
            (&["true", "FALSE"], "boolean"),
            (&["yes", "no"], "text"),
            (&["2024-01-31"], "date"),
            (&["2024-02-30"], "text"),
            (&["2024-01-31", "2024-01-31 10:00:00.5"], "timestamp"),
            (&["2013-01-01T10:00:00Z"], "timestamptz"),
            (&["2013-01-01T10:00:00Z", "2013-01-01T10:00:00"], "text"),
            (&["12:30", "23:59:59"], "time"),
            (&["", "NA"], "text"),
            (&["\"NA\"", "1"], "text"),
            (&["\"12\"", "\"\""], "bigint"),
            (&["nan"], "double"),
        ] {
            assert_eq!(inferred(values), expected, "{values:?}");
        }
    }
}
