//! Infers columns from the objects of a sample.

use std::collections::HashMap;

use arrow::datatypes::DataType;

use super::text::decode;
use super::token::object;
use crate::scan::csv::infer::Guess;

/// The columns seen so far, in the order of their first appearance.
#[derive(Debug, Default)]
pub struct Columns {
    places: HashMap<String, usize>,
    columns: Vec<(String, Seen)>,
    /// How many objects were seen.
    pub objects: usize,
}

#[derive(Debug, Default)]
struct Seen {
    numbers: Guess,
    strings: Guess,
    booleans: bool,
    nested: bool,
}

impl Columns {
    /// Takes note of a line; a line that is not an object is left to the reader.
    pub fn note(&mut self, line: &[u8]) {
        let mut members = Vec::new();
        if std::str::from_utf8(line).is_err()
            || object(line, |member| members.push(member)).is_err()
        {
            return;
        }
        self.objects += 1;
        for member in members {
            let mut name = Vec::new();
            let key = line.get(member.name.0..member.name.1).unwrap_or_default();
            if decode(key, &mut name).is_err() {
                continue;
            }
            let value = line.get(member.value.0..member.value.1).unwrap_or_default();
            let name = String::from_utf8_lossy(&name).into_owned();
            let place = *self.places.entry(name).or_insert_with_key(|name| {
                self.columns.push((name.clone(), Seen::default()));
                self.columns.len() - 1
            });
            if let Some((_, seen)) = self.columns.get_mut(place) {
                seen.note(value);
            }
        }
    }

    /// The columns and their types; the last value says whether nested values were seen.
    #[must_use]
    pub fn finish(self) -> Vec<(String, DataType, bool)> {
        let columns = self.columns.into_iter();
        columns
            .map(|(name, seen)| (name, seen.data_type(), seen.nested))
            .collect()
    }
}

impl Seen {
    fn note(&mut self, value: &[u8]) {
        match value {
            [b'n', ..] => {}
            [b't' | b'f', ..] => self.booleans = true,
            [b'{' | b'[', ..] => self.nested = true,
            [b'"', inner @ .., b'"'] => self.strings.note_text(inner),
            number => self.numbers.note_text(number),
        }
    }

    /// Strings are dates or instants when all of them are written so; otherwise a column keeps one
    /// kind of value, or any value as its JSON text.
    fn data_type(&self) -> DataType {
        let (numbers, strings) = (self.numbers.has_values(), self.strings.has_values());
        match (numbers, strings, self.booleans, self.nested) {
            (true, false, false, false) => self.numbers.data_type(),
            (false, true, false, false) => match self.strings.data_type() {
                temporal @ (DataType::Date32 | DataType::Timestamp(..)) => temporal,
                _ => DataType::Utf8,
            },
            (false, false, true, false) => DataType::Boolean,
            _ => DataType::Utf8,
        }
    }
}
