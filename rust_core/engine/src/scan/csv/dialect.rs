//! How records and fields are written in a file.

use crate::error::{Code, EngineError, Result};
use crate::plan::pb;

/// The longest record, where a source does not say.
pub const DEFAULT_MAX_RECORD: usize = 16 << 20;
/// The most that `max_record` may be: positions in a chunk are 32 bits wide.
pub const MAX_RECORD_LIMIT: usize = 1 << 30;

/// The characters that shape a file. All are ASCII, so that they never occur inside a character of
/// UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: u8,
    /// Around fields that hold delimiters or line ends.
    pub quote: u8,
    /// Makes the next character literal inside quotes. A doubled quote always means one quote.
    pub escape: Option<u8>,
    /// Whether a blank line is a record (of one missing value) rather than nothing. It is in files
    /// of one column, where nothing else tells a missing value from no record.
    pub blank_is_record: bool,
    /// The most bytes of a record, without its line end.
    pub max_record: usize,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: b'"',
            escape: None,
            blank_is_record: false,
            max_record: DEFAULT_MAX_RECORD,
        }
    }
}

impl Dialect {
    /// The dialect that a source declares. The delimiter is a comma where none is declared.
    ///
    /// # Errors
    /// `PLAN_INVALID` for characters that cannot be used or that clash.
    pub fn declared(options: &pb::CsvSource) -> Result<Self> {
        let mut dialect = Self { max_record: parse_size(&options.max_record)?, ..Self::default() };
        if let Some(byte) = character("delimiter", &options.delimiter)? {
            dialect.delimiter = byte;
        }
        if let Some(byte) = character("quote", &options.quote)? {
            dialect.quote = byte;
        }
        dialect.escape = character("escape", &options.escape)?.filter(|&byte| byte != dialect.quote);
        if dialect.delimiter == dialect.quote || dialect.escape == Some(dialect.delimiter) {
            return Err(EngineError::new(
                Code::PlanInvalid,
                "delimiter, quote and escape must be different characters",
            ));
        }
        Ok(dialect)
    }
}

fn character(option: &str, text: &str) -> Result<Option<u8>> {
    match text.as_bytes() {
        [] => Ok(None),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(Some(*byte)),
        _ => Err(EngineError::new(
            Code::PlanInvalid,
            format!("'{}' cannot be used as {option}", text.escape_debug()),
        )
        .place(option)
        .hint("Use one ASCII character that is not a line end")),
    }
}

/// Reads a size as in `16MiB`; the default where the text is empty.
///
/// # Errors
/// `PLAN_INVALID` for anything that is no size, and above 1 GiB.
pub fn parse_size(text: &str) -> Result<usize> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(DEFAULT_MAX_RECORD);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: Option<usize> = match unit.trim().trim_end_matches('B') {
        "" => Some(1),
        "K" => Some(1_000),
        "M" => Some(1_000_000),
        "G" => Some(1_000_000_000),
        "Ki" => Some(1 << 10),
        "Mi" => Some(1 << 20),
        "Gi" => Some(1 << 30),
        _ => None,
    };
    let size = number.parse::<usize>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    match size {
        Some(size) if (1..=MAX_RECORD_LIMIT).contains(&size) => Ok(size),
        _ => Err(EngineError::new(Code::PlanInvalid, format!("'{text}' cannot be used as max_record"))
            .place("max_record")
            .hint("Write a size from 1 B to 1 GiB, as in `16MiB`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("").ok(), Some(DEFAULT_MAX_RECORD));
        assert_eq!(parse_size("64KiB").ok(), Some(65_536));
        assert_eq!(parse_size("2 M").ok(), Some(2_000_000));
        assert_eq!(parse_size("17").ok(), Some(17));
        for bad in ["0", "2GiB", "x", "1TB", "99999999999999999999G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn characters_that_clash_are_refused() {
        let declared = |delimiter: &str, quote: &str, escape: &str| {
            Dialect::declared(&pb::CsvSource {
                delimiter: delimiter.into(),
                quote: quote.into(),
                escape: escape.into(),
                ..Default::default()
            })
        };
        assert!(declared(";", "'", "\\").is_ok());
        assert_eq!(declared("", "", "\"").ok().and_then(|dialect| dialect.escape), None);
        for (delimiter, quote, escape) in [("\"", "", ""), ("é", "", ""), ("\n", "", ""), ("\\", "", "\\")] {
            assert!(declared(delimiter, quote, escape).is_err());
        }
    }
}
