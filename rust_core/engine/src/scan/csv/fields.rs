//! The fields of one well-formed record, and their values.

use std::borrow::Cow;

use super::dialect::Dialect;

/// Walks over the fields of a well-formed record without its line end. A field keeps its quotes.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
    dialect: Dialect,
}

impl<'a> Fields<'a> {
    /// The fields of `record`.
    #[must_use]
    pub fn new(record: &'a [u8], dialect: &Dialect) -> Self {
        Self {
            rest: Some(record),
            dialect: *dialect,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let from = closing_quote(rest, &self.dialect).map_or(0, |at| at + 1);
        let delimiter = rest
            .get(from..)
            .and_then(|tail| self.dialect.delimiter.find(tail));
        let Some(at) = delimiter.map(|at| from + at) else {
            self.rest = None;
            return Some(rest);
        };
        self.rest = rest.get(at + self.dialect.delimiter.len()..);
        rest.get(..at)
    }
}

/// The fields of a malformed record, as a person would read it: a quote counts where it encloses a
/// whole field, and is text where it does not.
#[must_use]
pub fn lenient<'a>(record: &'a [u8], dialect: &Dialect) -> Vec<&'a [u8]> {
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let enclosed = closing_quote(rest, dialect)
            .map(|at| at + 1)
            .filter(|&end| {
                let after = rest.get(end..).unwrap_or_default();
                after.is_empty() || dialect.delimiter.starts(after) == Some(true)
            });
        let end = enclosed.or_else(|| dialect.delimiter.find(rest));
        let Some(end) = end.filter(|&end| end < rest.len()) else {
            fields.push(rest);
            return fields;
        };
        fields.push(rest.get(..end).unwrap_or_default());
        rest = rest
            .get(end + dialect.delimiter.len()..)
            .unwrap_or_default();
    }
}

/// Where the quote that opens `text` is closed; none when `text` does not start with a quote.
#[must_use]
pub fn closing_quote(text: &[u8], dialect: &Dialect) -> Option<usize> {
    if text.first() != Some(&dialect.quote) {
        return None;
    }
    let escape = dialect.escape.unwrap_or(dialect.quote);
    let mut at = 1;
    loop {
        at += memchr::memchr2(dialect.quote, escape, text.get(at..)?)?;
        let is_quote = text.get(at) == Some(&dialect.quote);
        if is_quote && text.get(at + 1) != Some(&dialect.quote) {
            return Some(at);
        }
        at += 2;
    }
}

/// A field's value: without its quotes, doubled and escaped characters made single. The second
/// value says whether the field was quoted.
#[must_use]
pub fn value<'a>(field: &'a [u8], dialect: &Dialect) -> (Cow<'a, [u8]>, bool) {
    let Some(inner) = inside(field, dialect.quote) else {
        return (Cow::Borrowed(field), false);
    };
    let escape = dialect.escape.unwrap_or(dialect.quote);
    if memchr::memchr2(dialect.quote, escape, inner).is_none() {
        return (Cow::Borrowed(inner), true);
    }
    let mut out = Vec::with_capacity(inner.len());
    unescape(inner, dialect, &mut out);
    (Cow::Owned(out), true)
}

/// What stands between the quotes of a quoted field; none for an unquoted one.
#[inline]
#[must_use]
pub fn inside(field: &[u8], quote: u8) -> Option<&[u8]> {
    match field {
        [first, inner @ .., last] if *first == quote && *last == quote => Some(inner),
        _ => None,
    }
}

/// Appends what stands between quotes to `out`, doubled and escaped characters made single.
pub fn unescape(inner: &[u8], dialect: &Dialect, out: &mut Vec<u8>) {
    let escape = dialect.escape.unwrap_or(dialect.quote);
    let mut rest = inner;
    while let Some(at) = memchr::memchr2(dialect.quote, escape, rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.extend(rest.get(at + 1));
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(record: &str, dialect: &Dialect) -> Vec<(String, bool)> {
        Fields::new(record.as_bytes(), dialect)
            .map(|field| value(field, dialect))
            .map(|(value, quoted)| (String::from_utf8_lossy(&value).into_owned(), quoted))
            .collect()
    }

    #[test]
    fn fields_and_values() {
        let dialect = Dialect::default();
        let plain = |text: &str| (text.to_owned(), false);
        let quoted = |text: &str| (text.to_owned(), true);
        assert_eq!(values("", &dialect), [plain("")]);
        assert_eq!(
            values("a,,b", &dialect),
            [plain("a"), plain(""), plain("b")]
        );
        assert_eq!(
            values(r#""a,b","","c""d""#, &dialect),
            [quoted("a,b"), quoted(""), quoted("c\"d")]
        );
        assert_eq!(values(r#"6"2,a"#, &dialect), [plain("6\"2"), plain("a")]);
        assert_eq!(values(r#""""""#, &dialect), [quoted("\"")]);
    }

    #[test]
    fn a_malformed_record_is_read_as_people_would() {
        let fields = lenient(b"1,\"x,2,\"y,z\",\"\",\"", &Dialect::default());
        let expected: [&[u8]; 6] = [b"1", b"\"x", b"2", b"\"y,z\"", b"\"\"", b"\""];
        assert_eq!(fields, expected);
    }

    #[test]
    fn an_escape_character_makes_the_next_literal() {
        let dialect = Dialect {
            escape: Some(b'\\'),
            ..Dialect::default()
        };
        let expected = ["a\"b", "c\\", "d\"", "e"].map(String::from);
        let found: Vec<_> = values(r#""a\"b","c\\","d""",e"#, &dialect)
            .into_iter()
            .map(|(value, _)| value)
            .collect();
        assert_eq!(found, expected);
    }
}
