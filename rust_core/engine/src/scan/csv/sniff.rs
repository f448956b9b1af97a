//! Detects the delimiter, and whether the first record holds names.

use arrow::datatypes::DataType;

use super::dialect::Dialect;
use super::fields::{Fields, value};
use super::infer::Guess;
use super::nulls::NullTokens;
use super::sample::Sample;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const RECORDS: usize = 1000;
/// The longest text that passes for a column's name.
const NAME_LENGTH: usize = 64;

/// The delimiter that splits the sample's records most evenly into more than one field; the
/// dialect's own when none does.
#[must_use]
pub fn delimiter(sample: &Sample, dialect: &Dialect) -> u8 {
    let mut best = (0.0, 0, dialect.delimiter);
    for delimiter in DELIMITERS {
        if delimiter == dialect.quote || Some(delimiter) == dialect.escape {
            continue;
        }
        let (share, fields) = evenness(
            sample,
            &Dialect {
                delimiter,
                ..*dialect
            },
        );
        if fields > 1 && (share, fields) > (best.0, best.1) {
            best = (share, fields, delimiter);
        }
    }
    best.2
}

/// The share of records that have the most frequent number of fields, and that number.
fn evenness(sample: &Sample, dialect: &Dialect) -> (f64, usize) {
    let records = sample.records(dialect, RECORDS);
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for record in records.iter().filter(|record| record.sound) {
        *counts
            .entry(Fields::new(record.bytes, dialect).count())
            .or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|&(fields, records)| (records, fields));
    let (fields, even) = most.unwrap_or((0, 0));
    (even as f64 / records.len().max(1) as f64, fields)
}

/// Whether the first record holds names: no field of it is a number, a date or a truth value, and
/// either a column below it is of such a type, or its texts look like names: none is missing, long,
/// repeated, or a value of its column.
#[must_use]
pub fn has_header(sample: &Sample, dialect: &Dialect, nulls: &NullTokens) -> bool {
    let records = sample.records(dialect, RECORDS);
    let Some((first, rest)) = records.split_first() else {
        return false;
    };
    let names: Vec<&[u8]> = Fields::new(first.bytes, dialect).collect();
    let alone: Vec<Guess> = names
        .iter()
        .map(|name| guess([*name], dialect, nulls))
        .collect();
    if alone
        .iter()
        .any(|guess| guess.data_type() != DataType::Utf8)
    {
        return false;
    }
    let mut below = vec![Guess::default(); names.len()];
    let mut is_value = vec![false; names.len()];
    for record in rest.iter().filter(|record| record.sound) {
        let columns = below.iter_mut().zip(&mut is_value).zip(&names);
        for (field, ((guess, is_value), name)) in Fields::new(record.bytes, dialect).zip(columns) {
            guess.note(field, dialect, nulls);
            *is_value |= field == *name;
        }
    }
    let typed = below
        .iter()
        .any(|guess| guess.data_type() != DataType::Utf8);
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    let like_names = unique.len() == names.len()
        && alone.iter().all(Guess::has_values)
        && names
            .iter()
            .all(|name| value(name, dialect).0.len() <= NAME_LENGTH)
        && !is_value.contains(&true);
    typed || like_names
}

fn guess<const N: usize>(fields: [&[u8]; N], dialect: &Dialect, nulls: &NullTokens) -> Guess {
    let mut guess = Guess::default();
    for field in fields {
        guess.note(field, dialect, nulls);
    }
    guess
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Sample {
        Sample {
            bytes: text.as_bytes().to_vec(),
            complete: true,
            mark: 0,
        }
    }

    #[test]
    fn the_most_even_delimiter_wins() {
        let dialect = Dialect::default();
        for (text, expected) in [
            ("a;b\n1,5;2\n3,5;4\n", b';'),
            ("a\tb\n1, 2\t3\n", b'\t'),
            ("a|b|c\n1|2|3\n", b'|'),
            ("a,b\n\"x;y\",2\n", b','),
            ("a\nb\n", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter(&sample(text), &dialect), expected, "{text:?}");
        }
    }

    #[test]
    fn names_are_told_from_values() {
        let dialect = Dialect::default();
        let nulls = NullTokens::new(&[]);
        for (text, expected) in [
            ("id,name\n1,x\n", true),
            ("1,x\n2,y\n", false),
            ("id,name\n", true),
            ("name,city\nAnna,Bonn\n", true),
            ("x,x\ny,z\n", false),
            ("x,\ny,z\n", false),
            (",id\na,1\n", true),
            ("a,b\na,c\n", false),
            ("", false),
        ] {
            assert_eq!(
                has_header(&sample(text), &dialect, &nulls),
                expected,
                "{text:?}"
            );
        }
    }
}
