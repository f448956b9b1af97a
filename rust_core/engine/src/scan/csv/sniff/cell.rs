//! What a cell looks like to a person: a number, a date, text.
//!
//! Looser than the types that values are read as: `$1.50` and `28/01/2018` are no numbers or dates to
//! the engine, but they tell a row of values from a row of names.

/// What a cell looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing, or a word that stands for nothing.
    Empty,
    /// A number, an amount of money, a share, a date, a time or a truth value.
    Typed,
    /// Anything else.
    Text,
}

/// The longest text that is looked at for a number or date.
const LONGEST: usize = 40;
/// Words that stand for a missing value.
pub const MISSING_WORDS: [&str; 12] = [
    "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown", "-", "--", "?",
];

/// What `text`, a cell without quotes, looks like.
#[must_use]
pub fn look(text: &[u8]) -> Look {
    let text = text.trim_ascii();
    if text.is_empty() || is_missing_word(text) {
        Look::Empty
    } else if text.len() <= LONGEST && (is_number(text) || is_moment(text) || is_truth(text)) {
        Look::Typed
    } else {
        Look::Text
    }
}

/// Whether `text` is a word that stands for a missing value.
#[must_use]
pub fn is_missing_word(text: &[u8]) -> bool {
    MISSING_WORDS
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

fn is_truth(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"false")
}

/// Digits with separators, perhaps a sign, a currency or a percent sign around them.
fn is_number(text: &[u8]) -> bool {
    const SIGNS: [&str; 9] = ["+", "-", "$", "€", "£", "¥", "%", "(", ")"];
    let mut text = text;
    loop {
        let shorter = SIGNS.iter().map(|sign| sign.as_bytes()).find_map(|sign| {
            let inner = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign));
            inner.map(<[u8]>::trim_ascii)
        });
        match shorter {
            Some(shorter) => text = shorter,
            None => break,
        }
    }
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (text.get(..at), text.get(at + 1..)),
        None => (Some(text), None),
    };
    let digit_at_ends = |text: &[u8]| {
        text.first()
            .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
            && text.last().is_some_and(u8::is_ascii_digit)
    };
    let plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'\'' | b' ');
    let mantissa = mantissa.unwrap_or_default();
    let exponent = exponent.map(|text| text.strip_prefix(b"-").unwrap_or(text));
    let exponent = exponent.map(|text| text.strip_prefix(b"+").unwrap_or(text));
    digit_at_ends(mantissa)
        && mantissa.iter().all(plain)
        && exponent.is_none_or(|text| !text.is_empty() && text.iter().all(u8::is_ascii_digit))
}

/// A date, a time, or both.
fn is_moment(text: &[u8]) -> bool {
    let split = text.iter().position(|byte| matches!(byte, b'T' | b' '));
    match split.map(|at| (text.get(..at), text.get(at + 1..))) {
        Some((Some(date), Some(time))) => is_date(date) && is_time(time),
        _ => is_date(text) || is_time(text),
    }
}

fn is_date(text: &[u8]) -> bool {
    [b'-', b'/', b'.'].iter().any(|mark| {
        let parts: Vec<&[u8]> = text.split(|byte| byte == mark).collect();
        parts.len() == 3
            && parts
                .iter()
                .all(|part| (1..=4).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
    })
}

fn is_time(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"Z").unwrap_or(text);
    let end = text
        .iter()
        .position(|byte| matches!(byte, b'+' | b'-' | b'.'));
    let clock = end.and_then(|end| text.get(..end)).unwrap_or(text);
    let parts: Vec<&[u8]> = clock.split(|&byte| byte == b':').collect();
    (2..=3).contains(&parts.len())
        && parts
            .iter()
            .all(|part| (1..=2).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_look_like_what_people_take_them_for() {
        for text in [
            "1",
            "-1.5",
            "$74.69",
            "1 234,50",
            "1'000",
            "12 %",
            "1e-7",
            "(12.00)",
            "28/01/2018",
            "2018-01-28",
            "28.1.2018",
            "00:15",
            "2018-01-28T00:15:00Z",
            "2018-01-28 00:15:00.5+01:00",
            "TRUE",
            ".5",
            "€ 5",
        ] {
            assert_eq!(look(text.as_bytes()), Look::Typed, "{text}");
        }
        for text in [
            "id",
            "MG-8769",
            "2XL",
            "Q1",
            "10:a",
            "1.2.3.4.5x",
            "$",
            "e",
            "size 10",
        ] {
            assert_eq!(look(text.as_bytes()), Look::Text, "{text}");
        }
        for text in ["", "  ", "N/A", "NULL", "-"] {
            assert_eq!(look(text.as_bytes()), Look::Empty, "{text}");
        }
    }
}
