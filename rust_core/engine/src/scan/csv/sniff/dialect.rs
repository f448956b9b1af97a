//! Finds delimiter, quote and escape by how well they split a sample.
//!
//! A dialect is good when its records have the same number of fields, more than one, and when the
//! fields look like values: no spaces or other quotes around them, many of them numbers or dates.

use super::cell::{Look, look};
use crate::scan::csv::delimiter::Delimiter;
use crate::scan::csv::dialect::Dialect;
use crate::scan::csv::fields::{Fields, value};
use crate::scan::csv::sample::{Sample, SampleRecord};

/// Delimiters that files usually have.
const USUAL: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Bytes that are more often part of values; they must split every record, and into three fields.
const UNUSUAL: [u8; 7] = [b' ', b':', b'^', b'~', b'#', 0x01, 0x1f];
const FEWEST_UNUSUAL_FIELDS: usize = 3;
/// How many records, and how many bytes of the sample, each dialect is tried on.
const RECORDS: usize = 500;
const BYTES: usize = 64 << 10;

/// What is declared, so that it is not looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The delimiter is declared.
    pub delimiter: bool,
    /// The quote is declared.
    pub quote: bool,
    /// The escape character is declared.
    pub escape: bool,
}

/// The best dialect, and how sure that is, from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The dialect.
    pub dialect: Dialect,
    /// How sure the delimiter is: the share of records it splits evenly, less where another one
    /// does nearly as well.
    pub sure: f64,
}

/// The dialect that splits the sample best; the given one when none splits it.
#[must_use]
pub fn find(sample: &Sample, given: &Dialect, known: Known) -> Found {
    let head = sample.head(BYTES);
    let mut best: Option<(f64, f64, Dialect)> = None;
    let mut second = 0.0_f64;
    for dialect in candidates(&head, given, known) {
        let Some(split) = Split::of(&head, &dialect) else {
            continue;
        };
        let score = split.score(&dialect);
        match best {
            // The first of equals stays: candidates come in the order of how usual they are.
            Some((highest, _, winner)) if score <= highest + 1e-9 => {
                if winner.delimiter.first() != dialect.delimiter.first() {
                    second = second.max(score);
                }
            }
            _ => {
                if let Some((highest, _, loser)) = best
                    && loser.delimiter.first() != dialect.delimiter.first()
                {
                    second = second.max(highest);
                }
                best = Some((score, split.even, dialect));
            }
        }
    }
    match best {
        None => Found {
            dialect: *given,
            sure: 0.5,
        },
        Some((score, even, dialect)) => Found {
            dialect,
            sure: even * (1.0 - (second / score - 0.5).max(0.0)),
        },
    }
}

fn candidates(head: &Sample, given: &Dialect, known: Known) -> Vec<Dialect> {
    let mut found = Vec::new();
    for delimiter in delimiters(head, given, known) {
        for quote in quotes(head, given, known) {
            for escape in escapes(head, quote, given, known) {
                let within = delimiter.as_bytes();
                if !within.contains(&quote) && escape.is_none_or(|byte| !within.contains(&byte)) {
                    found.push(Dialect {
                        delimiter,
                        quote,
                        escape,
                        ..*given
                    });
                }
            }
        }
    }
    found
}

/// Single characters, those of them that are mostly followed by a space also with it, and pairs.
fn delimiters(head: &Sample, given: &Dialect, known: Known) -> Vec<Delimiter> {
    if known.delimiter {
        return vec![given.delimiter];
    }
    let count = |pattern: &[u8]| memchr::memmem::find_iter(&head.bytes, pattern).count();
    let mut found = Vec::new();
    for byte in USUAL {
        let alone = count(&[byte]);
        if alone > 0 {
            found.push(Delimiter::byte(byte));
        }
        for second in [b' ', byte] {
            if byte != b'\t' && alone > 0 && 2 * count(&[byte, second]) >= alone {
                found.extend(Delimiter::new(&[byte, second]));
            }
        }
    }
    // Those that are rarer than lines cannot split every record.
    let lines = count(b"\n").max(count(b"\r"));
    let common = UNUSUAL.into_iter().filter(|&byte| count(&[byte]) > lines);
    found.extend(common.map(Delimiter::byte));
    if count("¦".as_bytes()) > 0 {
        found.extend(Delimiter::new("¦".as_bytes()));
    }
    found
}

fn quotes(head: &Sample, given: &Dialect, known: Known) -> Vec<u8> {
    let mut found = vec![given.quote];
    if !known.quote && memchr::memchr(b'\'', &head.bytes).is_some() {
        found.push(b'\'');
    }
    found
}

fn escapes(head: &Sample, quote: u8, given: &Dialect, known: Known) -> Vec<Option<u8>> {
    let mut found = vec![given.escape];
    if !known.escape && memchr::memmem::find(&head.bytes, &[b'\\', quote]).is_some() {
        found.push(Some(b'\\'));
    }
    found
}

/// How a dialect splits a sample.
struct Split {
    /// The share of records that have the most frequent number of fields.
    even: f64,
    /// The share of their cells that have nothing around them.
    clean: f64,
    /// The share of their cells that are numbers, dates and the like.
    typed: f64,
}

impl Split {
    /// None when the dialect splits nothing, or is not what the sample is written in.
    fn of(head: &Sample, dialect: &Dialect) -> Option<Self> {
        let records = head.records(dialect, RECORDS);
        let (width, even) = usual_width(&records, dialect)?;
        if width < 2 {
            return None;
        }
        let mut cells = Cells::default();
        let mut first_fits = None;
        for record in &records {
            let fields: Vec<&[u8]> = Fields::new(record.bytes, dialect).collect();
            let fits = record.sound && fields.len() == width;
            first_fits.get_or_insert(fits);
            if fits {
                fields.iter().for_each(|field| cells.note(field, dialect));
            }
        }
        let unusual = dialect.delimiter.is_byte() && UNUSUAL.contains(&dialect.delimiter.first());
        let fits = width >= FEWEST_UNUSUAL_FIELDS && first_fits == Some(true) && even > 0.95;
        let odd_quote = dialect.quote == b'\'' && cells.quoted < 2;
        (!odd_quote && (fits || !unusual)).then(|| Self {
            even,
            clean: cells.clean as f64 / cells.all.max(1) as f64,
            typed: cells.typed as f64 / cells.all.max(1) as f64,
        })
    }

    fn score(&self, dialect: &Dialect) -> f64 {
        let usual = USUAL.contains(&dialect.delimiter.first());
        let prior = if usual { 1.0 } else { 0.8 };
        prior * self.even * (0.5 + 0.5 * self.clean) * (0.9 + 0.1 * self.typed)
    }
}

#[derive(Default)]
struct Cells {
    all: usize,
    clean: usize,
    typed: usize,
    quoted: usize,
}

impl Cells {
    fn note(&mut self, field: &[u8], dialect: &Dialect) {
        let (text, quoted) = value(field, dialect);
        let spaced = text.first() == Some(&b' ') || text.last() == Some(&b' ');
        let wrapped = matches!(
            text.trim_ascii(),
            [b'"', .., b'"'] | [b'\'', .., b'\''] | [b'"' | b'\'', ..]
        );
        self.all += 1;
        self.quoted += usize::from(quoted);
        self.clean += usize::from(quoted || !spaced && !wrapped);
        self.typed += usize::from(look(&text) == Look::Typed);
    }
}

/// The number of fields that most records have, the first of equals, and the share of all records
/// that have it. None without records.
#[must_use]
pub fn usual_width(records: &[SampleRecord<'_>], dialect: &Dialect) -> Option<(usize, f64)> {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for record in records.iter().filter(|record| record.sound) {
        let width = Fields::new(record.bytes, dialect).count();
        match counts.iter_mut().find(|(known, _)| *known == width) {
            Some((_, count)) => *count += 1,
            None => counts.push((width, 1)),
        }
    }
    let most = counts.iter().map(|&(_, count)| count).max()?;
    let &(width, count) = counts.iter().find(|(_, count)| *count == most)?;
    Some((width, count as f64 / records.len().max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniffed(text: &str) -> (String, char, Option<u8>) {
        let found = find(&Sample::of(text), &Dialect::default(), Known::default());
        let dialect = found.dialect;
        (
            dialect.delimiter.to_string(),
            char::from(dialect.quote),
            dialect.escape,
        )
    }

    #[test]
    fn the_most_even_delimiter_wins() {
        for (text, expected) in [
            ("a;b\n1,5;2\n3,5;4\n", ";"),
            ("1,5;2,5\n3,5;4,5\n", ";"),
            ("a\tb\n1, 2\t3\n", "\\t"),
            ("a|b|c\n1|2|3\n", "|"),
            ("a||b||c\n1||2||3\n", "||"),
            ("a, b, c\n1, \"x, y\", 3\n4, z, \n", ", "),
            ("a,b\n\"x;y\",2\n", ","),
            ("a,b\n\"x, y\",\"u, v\"\n\"s, t\",w\n", ","),
            ("a b c\n1 2 3\n4 \"5 6\" 7\n", " "),
            ("2024-01-01 10:00\n2024-01-01 11:00\n", ","),
            ("name\nAda Lovelace\nGrace Hopper\n", ","),
            ("a\u{1f}b\u{1f}c\n1\u{1f}2\u{1f}3\n", "\\u{1f}"),
            ("a¦b\n1¦2\n", "¦"),
            ("a\nb\n", ","),
            ("", ","),
        ] {
            assert_eq!(sniffed(text).0, expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_and_escapes_are_told_by_what_they_keep_together() {
        assert_eq!(sniffed("a,b\n1,'x,y'\n2,'z,u'\n").1, '\'');
        assert_eq!(sniffed("a,b\n'1','x'\n'2','z'\n").1, '\'');
        assert_eq!(sniffed("a,b\nit's,men's\n'twas,x\n").1, '"');
        assert_eq!(sniffed("a,b\n1,\"x\" y\n2,z\n").1, '"');
        assert_eq!(sniffed("a,b\n1,\"x\\\", y\"\n2,z\n").2, Some(b'\\'));
        assert_eq!(sniffed("a,b\n1,\"x\"\", y\"\n2,z\\\n").2, None);
    }

    #[test]
    fn what_is_declared_is_not_looked_for() {
        let known = Known {
            delimiter: true,
            ..Known::default()
        };
        let found = find(&Sample::of("a;b\n1;2\n"), &Dialect::default(), known);
        assert_eq!(found.dialect, Dialect::default());
    }
}
