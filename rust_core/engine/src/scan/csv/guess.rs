//! What is inferred about a column of a file: its type, and words in it that stand for no value.

use arrow::datatypes::DataType;

use super::dialect::Dialect;
use super::fields::value;
use super::infer::Guess;
use super::marks::Marks;
use super::nulls::NullTokens;
use super::sniff::cell::is_missing_word;
use crate::scan::convert::trim;

/// How many values tell that a word among them stands for none.
const FEWEST_VALUES: usize = 3;

/// The values of a column, with and without words such as `n/a`.
#[derive(Clone, Debug, Default)]
pub struct ColumnGuess {
    all: Guess,
    /// The same without words that may stand for a missing value.
    without: Guess,
    values: usize,
    words: Vec<Vec<u8>>,
}

impl ColumnGuess {
    /// Takes note of a field.
    pub fn note(&mut self, field: &[u8], dialect: &Dialect, nulls: &NullTokens, marks: &Marks) {
        let (text, quoted) = value(field, dialect);
        let text = trim(&text);
        if text.is_empty() && nulls.empty() || !quoted && nulls.matches(text) {
            return;
        }
        let text = marks.for_inference(text);
        self.all.note_text(&text);
        if !quoted && is_missing_word(&text) {
            if !self.words.iter().any(|word| *word == *text) {
                self.words.push(text.into_owned());
            }
            return;
        }
        self.values += 1;
        self.without.note_text(&text);
    }

    /// The words that stand for a missing value, when the column's other values are not text.
    #[must_use]
    pub fn missing_words(&self) -> Vec<Vec<u8>> {
        let tells = self.values >= FEWEST_VALUES && self.without.is_typed() && !self.all.is_typed();
        if tells {
            self.words.clone()
        } else {
            Vec::new()
        }
    }

    /// The type that keeps every value, where `words` stand for none.
    #[must_use]
    pub fn data_type(&self, words: &[Vec<u8>]) -> DataType {
        let known = self.words.iter().all(|word| words.contains(word));
        if known && !self.words.is_empty() && self.without.has_values() {
            self.without.data_type()
        } else {
            self.all.data_type()
        }
    }
}
