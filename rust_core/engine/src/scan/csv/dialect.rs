//! How records and fields are written in a file.

use super::delimiter::Delimiter;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::plan::size::parse_size;

/// The longest record, where a source does not say.
pub const DEFAULT_MAX_RECORD: usize = 16 << 20;
/// The most that `max_record` may be: positions in a chunk are 32 bits wide.
pub const MAX_RECORD_LIMIT: usize = 1 << 30;

/// How many times a record is in memory while it moves: its chunk, its column, and what is made of it.
const COPIES: usize = 4;

/// The characters that shape a file. Quote and escape are ASCII, so that they never occur inside a
/// character of UTF-8; a delimiter is whole characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: Delimiter,
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
            delimiter: Delimiter::byte(b','),
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
    pub fn declared(options: &pb::CsvSource, memory: Option<usize>) -> Result<Self> {
        let mut dialect = Self {
            max_record: max_record(&options.max_record, memory)?,
            ..Self::default()
        };
        if let Some(delimiter) = delimiter(&options.delimiter)? {
            dialect.delimiter = delimiter;
        }
        if let Some(byte) = character("quote", &options.quote)? {
            dialect.quote = byte;
        }
        dialect.escape =
            character("escape", &options.escape)?.filter(|&byte| byte != dialect.quote);
        let within = dialect.delimiter.as_bytes();
        if within.contains(&dialect.quote) || dialect.escape.is_some_and(|e| within.contains(&e)) {
            return Err(EngineError::new(
                Code::PlanInvalid,
                "delimiter, quote and escape must be different characters",
            ));
        }
        Ok(dialect)
    }
}

fn delimiter(text: &str) -> Result<Option<Delimiter>> {
    if text.is_empty() {
        return Ok(None);
    }
    Delimiter::new(text.as_bytes())
        .filter(|_| !text.contains(['\n', '\r', '\0']))
        .map(Some)
        .ok_or_else(|| {
            let text = format!("'{}' cannot be used as delimiter", text.escape_debug());
            EngineError::new(Code::PlanInvalid, text)
                .place("delimiter")
                .hint("Use at most 8 bytes without a line end")
        })
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

/// The longest record that a source's `max_record` allows.
///
/// # Errors
/// `PLAN_INVALID` for anything that is no size, above 1 GiB, and above what fits into `memory`.
pub fn max_record(text: &str, memory: Option<usize>) -> Result<usize> {
    let most = memory.map_or(MAX_RECORD_LIMIT, |memory| memory / COPIES);
    match parse_size(text).map_err(|error| error.place("max_record"))? {
        None => Ok(DEFAULT_MAX_RECORD.min(most)),
        Some(size) if (most + 1..=MAX_RECORD_LIMIT).contains(&size) => {
            let need = (size * COPIES).div_ceil(1 << 20);
            let text = format!("records of up to {text} do not fit into limits.memory");
            Err(EngineError::new(Code::PlanInvalid, text)
                .place("max_record")
                .hint(format!("Write `memory: {need}MiB` at least, or allow less")))
        }
        Some(size) if (1..=MAX_RECORD_LIMIT).contains(&size) => Ok(size),
        Some(_) => Err(EngineError::new(
            Code::PlanInvalid,
            format!("'{text}' cannot be used as max_record"),
        )
        .place("max_record")
        .hint("Write a size from 1 B to 1 GiB, as in `16MiB`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(max_record("", None).ok(), Some(DEFAULT_MAX_RECORD));
        assert_eq!(max_record("64KiB", None).ok(), Some(65_536));
        assert_eq!(max_record("17", None).ok(), Some(17));
        for bad in ["0", "2GiB", "x", "1TB", "99999999999999999999G"] {
            assert!(max_record(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn records_fit_into_memory() {
        assert_eq!(max_record("", Some(8 << 20)).ok(), Some(2 << 20));
        assert_eq!(max_record("2MiB", Some(8 << 20)).ok(), Some(2 << 20));
        let hint = max_record("100MiB", Some(256 << 20)).unwrap_err().hint;
        assert!(hint.unwrap_or_default().contains("400MiB"));
    }

    #[test]
    fn characters_that_clash_are_refused() {
        let declared = |delimiter: &str, quote: &str, escape: &str| {
            Dialect::declared(
                &pb::CsvSource {
                    delimiter: delimiter.into(),
                    quote: quote.into(),
                    escape: escape.into(),
                    ..Default::default()
                },
                None,
            )
        };
        assert!(declared(";", "'", "\\").is_ok());
        assert!(declared(", ", "", "").is_ok() && declared("¦", "", "").is_ok());
        assert_eq!(
            declared("", "", "\"")
                .ok()
                .and_then(|dialect| dialect.escape),
            None
        );
        for (delimiter, quote, escape) in [
            ("\"", "", ""),
            (", \"", "", ""),
            ("123456789", "", ""),
            ("\n", "", ""),
            ("\\", "", "\\"),
        ] {
            assert!(declared(delimiter, quote, escape).is_err());
        }
    }
}
