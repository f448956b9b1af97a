//! Finds the table in a file: what stands before it, its names, and how many fields its rows have.

use super::cell::{Look, is_missing_word, look};
use super::dialect::usual_width;
use crate::scan::csv::dialect::Dialect;
use crate::scan::csv::fields::{Fields, lenient, value};
use crate::scan::csv::infer::Guess;
use crate::scan::csv::nulls::NullTokens;
use crate::scan::csv::sample::SampleRecord;

/// The longest text that passes for a column's name.
const NAME_LENGTH: usize = 64;
/// The most rows of names that are looked for.
const MOST_HEADER_ROWS: usize = 8;
/// How many rows with a value a column needs to say that a text above them is a name.
const FEWEST_VALUES: usize = 3;
/// How many columns of numbers, dates and the like tell a second row of names from a row of values.
const FEWEST_TYPED_COLUMNS: usize = 2;

/// Where the table is, counted in records that are not blank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Table {
    /// How many records stand before it.
    pub preamble: usize,
    /// How many records hold names.
    pub header_rows: usize,
    /// How many fields its rows have.
    pub width: usize,
    /// The record, from 0, that repeats the names further down, where there is one.
    pub repeated: Option<usize>,
    /// How sure it is whether there are names, from 0 to 1.
    pub sure: f64,
}

/// What is declared about a table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declared {
    /// How many records stand before it.
    pub preamble: Option<usize>,
    /// How many records hold names.
    pub header_rows: Option<usize>,
    /// Whether the record behind the preamble is known to hold the names, so that there are as many
    /// columns as names.
    pub named: bool,
}

/// A sample's records with their cells.
pub struct Grid<'a> {
    rows: Vec<Row<'a>>,
    dialect: &'a Dialect,
    nulls: &'a NullTokens,
}

struct Row<'a> {
    fields: Vec<&'a [u8]>,
    looks: Vec<Look>,
    sound: bool,
    /// Whether blank lines stand before it.
    apart: bool,
}

impl Row<'_> {
    fn filled(&self) -> usize {
        self.looks
            .iter()
            .filter(|&&look| look != Look::Empty)
            .count()
    }

    fn has_typed(&self) -> bool {
        self.looks.contains(&Look::Typed)
    }
}

impl<'a> Grid<'a> {
    /// The cells of `records`.
    #[must_use]
    pub fn new(records: &[SampleRecord<'a>], dialect: &'a Dialect, nulls: &'a NullTokens) -> Self {
        let mut end = None;
        let rows = records.iter().map(|record| {
            let fields: Vec<&[u8]> = if record.sound {
                Fields::new(record.bytes, dialect).collect()
            } else {
                lenient(record.bytes, dialect)
            };
            let looks = fields.iter().map(|field| look(&value(field, dialect).0));
            let apart = end.is_some_and(|end| record.at.line > end);
            end = Some(record.after.line);
            Row {
                looks: looks.collect(),
                fields,
                sound: record.sound,
                apart,
            }
        });
        Self {
            rows: rows.collect(),
            dialect,
            nulls,
        }
    }

    /// Finds the table; none without records.
    #[must_use]
    pub fn table(&self, records: &[SampleRecord<'a>], declared: Declared) -> Option<Table> {
        let (usual, share) = usual_width(records, self.dialect)
            .or_else(|| Some((self.rows.first()?.fields.len(), 0.0)))?;
        let top = self.rows.first()?;
        let preamble = declared
            .preamble
            .unwrap_or_else(|| self.preamble(usual, declared));
        let header = self.rows.get(preamble)?;
        let header_rows = declared
            .header_rows
            .unwrap_or_else(|| self.header_rows(preamble));
        // Names count where rows do not clearly have another number of fields.
        let body_is_clear = share > 0.5 && self.rows.len() > preamble + header_rows + 1;
        let by_rows = header_rows == 0 || !declared.named && (!header.sound || body_is_clear);
        let width = match by_rows {
            true if preamble == 0 && header_rows == 0 && !body_is_clear => top.fields.len(),
            true => usual,
            false => header.fields.len(),
        };
        Some(Table {
            preamble,
            header_rows,
            width,
            repeated: self.repeated(preamble, header_rows),
            sure: self.sure(preamble, header_rows),
        })
    }

    /// How sure it is that names are there, or that none are.
    fn sure(&self, at: usize, header_rows: usize) -> f64 {
        let row = self.rows.get(at);
        match header_rows {
            0 if row.is_some_and(Row::has_typed) => 0.95,
            0 => 0.6,
            _ if self.confirms(at + header_rows - 1) => 0.95,
            _ => 0.7,
        }
    }

    /// How many records stand before the table: narrower ones, or ones with next to nothing in them,
    /// above a row of names that the rows below it confirm.
    fn preamble(&self, usual: usize, declared: Declared) -> usize {
        if usual < 2 {
            return 0;
        }
        let narrow = |row: &Row<'_>| row.sound && row.fields.len() < usual && row.filled() < usual;
        let mut start = self.rows.iter().take_while(|row| narrow(row)).count();
        if start > 0 && self.names_are_above(start, usual) {
            start -= 1;
        }
        while self.is_sparse(start, usual) {
            start += 1;
        }
        let apart = self.rows.get(start).is_some_and(|row| row.apart);
        let gap = apart
            || (1..=start).any(|at| self.rows.get(at - 1).is_some_and(|row| row.filled() == 0));
        let confirmed = match declared.header_rows {
            Some(0) => gap,
            _ => self.confirms(start) || gap && self.has_header(start),
        };
        if confirmed { start } else { 0 }
    }

    /// Whether the row above `first` holds the names of the rows from there on, although it has
    /// another number of fields.
    fn names_are_above(&self, first: usize, usual: usize) -> bool {
        let (Some(above), Some(row)) = (self.rows.get(first - 1), self.rows.get(first)) else {
            return false;
        };
        let near = above.fields.len() >= 2 && above.fields.len() + usual.div_ceil(4) >= usual;
        near && !above.has_typed() && row.has_typed()
    }

    /// Whether a row of full width has next to nothing in it, unlike those below.
    fn is_sparse(&self, at: usize, usual: usize) -> bool {
        let Some(row) = self.rows.get(at).filter(|row| row.fields.len() == usual) else {
            return false;
        };
        let below = self.rows.get(at + 1..).unwrap_or_default();
        let full = below
            .iter()
            .filter(|other| other.filled() > row.filled() + 1);
        usual >= 3 && row.filled() <= (usual / 4).max(1) && 2 * full.count() > below.len()
    }

    /// Whether a column of numbers, dates or the like below the row at `at` says that it has names.
    fn confirms(&self, at: usize) -> bool {
        let Some(row) = self.rows.get(at).filter(|row| !row.has_typed()) else {
            return false;
        };
        (0..row.fields.len()).any(|column| self.is_typed_below(at, column))
    }

    /// Whether every value of a column below `at` is a number, a date or the like.
    fn is_typed_below(&self, at: usize, column: usize) -> bool {
        let width = self.rows.get(at).map_or(0, |row| row.fields.len());
        let looks = self
            .below(at)
            .filter(|row| row.sound && row.fields.len() == width)
            .filter_map(|row| row.looks.get(column));
        let values: Vec<&Look> = looks.filter(|&&look| look != Look::Empty).collect();
        !values.is_empty() && values.iter().all(|&&look| look == Look::Typed)
    }

    /// Whether the row at `at` holds names: no cell of it is a number, a date or a truth value, and
    /// either a column below it is of such a type, or its texts look like names: none is missing,
    /// long, repeated, or a value of its column.
    #[must_use]
    pub fn has_header(&self, at: usize) -> bool {
        let Some(row) = self.rows.get(at) else {
            return false;
        };
        let alone = row.fields.iter().map(|field| self.guess(field));
        if row.has_typed() || alone.into_iter().any(|guess| guess.is_typed()) {
            return false;
        }
        let is_typed =
            |column| self.is_typed_below(at, column) || self.is_strictly_typed(at, column);
        (0..row.fields.len()).any(is_typed) || self.has_names(at)
    }

    fn guess(&self, field: &[u8]) -> Guess {
        let mut guess = Guess::default();
        guess.note(field, self.dialect, self.nulls);
        guess
    }

    fn is_strictly_typed(&self, at: usize, column: usize) -> bool {
        let mut guess = Guess::default();
        for field in self.below(at).filter_map(|row| row.fields.get(column)) {
            guess.note(field, self.dialect, self.nulls);
        }
        guess.is_typed()
    }

    fn has_names(&self, at: usize) -> bool {
        let Some(row) = self.rows.get(at) else {
            return false;
        };
        let unique: std::collections::BTreeSet<_> = row.fields.iter().collect();
        let is_value = |(column, field): (usize, &&[u8])| {
            self.below(at)
                .any(|row| row.fields.get(column) == Some(field))
        };
        unique.len() == row.fields.len()
            && row.fields.iter().all(|field| {
                self.guess(field).has_values() && value(field, self.dialect).0.len() <= NAME_LENGTH
            })
            && !row.fields.iter().enumerate().any(is_value)
    }

    /// How many rows of names there are from `at` on.
    fn header_rows(&self, at: usize) -> usize {
        // Values that repeat the names count as rows of names, not as values.
        let same = |row: usize| self.is_same(at, row);
        let repeats = (at + 1..self.rows.len())
            .take_while(|&row| same(row))
            .count();
        if !self.has_header(at + repeats) {
            return 0;
        }
        let mut rows = repeats + 1;
        while rows < MOST_HEADER_ROWS && self.continues_names(at, at + rows) {
            rows += 1;
        }
        rows
    }

    /// Whether the row at `row` is a further row of names: text above every column of values.
    fn continues_names(&self, at: usize, row: usize) -> bool {
        let (Some(first), Some(next)) = (self.rows.get(at), self.rows.get(row)) else {
            return false;
        };
        let width = first.fields.len();
        let below = self.rows.get(row + 1..).unwrap_or_default();
        let fitting = below.iter().filter(|row| row.fields.len() == width).count();
        if next.fields.len() != width || !next.sound || next.has_typed() || fitting < FEWEST_VALUES
        {
            return false;
        }
        let typed: Vec<usize> = (0..width)
            .filter(|&column| self.is_typed_below(row, column))
            .collect();
        let texts = next.fields.iter().map(|field| value(field, self.dialect).0);
        let short = texts.clone().all(|text| text.len() <= NAME_LENGTH);
        let named = |column: &usize| next.looks.get(*column) == Some(&Look::Text);
        let missing = texts.clone().any(|text| is_missing_word(&text));
        typed.len() >= FEWEST_TYPED_COLUMNS && typed.iter().all(named) && short && !missing
    }

    /// Whether two rows have the same texts.
    fn is_same(&self, one: usize, other: usize) -> bool {
        let (Some(one), Some(other)) = (self.rows.get(one), self.rows.get(other)) else {
            return false;
        };
        let same = |(one, other): (&&[u8], &&[u8])| {
            value(one, self.dialect).0 == value(other, self.dialect).0
        };
        one.fields.len() == other.fields.len() && one.fields.iter().zip(&other.fields).all(same)
    }

    /// The rows below `at`, without those that repeat it.
    fn below(&self, at: usize) -> impl Iterator<Item = &Row<'a>> {
        let rows = self.rows.iter().enumerate().skip(at + 1);
        rows.filter(move |(row, _)| !self.is_same(at, *row))
            .map(|(_, row)| row)
    }

    /// A row further down that repeats the names: the head of a second table, or of a second file
    /// that was added to the first.
    fn repeated(&self, at: usize, header_rows: usize) -> Option<usize> {
        if header_rows == 0 || self.rows.get(at)?.fields.len() < 2 {
            return None;
        }
        (at + header_rows..self.rows.len()).find(|&row| self.is_same(at, row))
    }
}
