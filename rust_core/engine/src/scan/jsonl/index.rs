//! Finds where the values of a chunk's lines are.

use std::collections::HashMap;

use super::text::{BadText, decode};
use super::token::{Invalid, object};
use crate::reject::{Reason, RejectCode};
use crate::scan::build::ColumnSpec;
use crate::scan::chunk::{Piece, Segment};
use crate::scan::convert::excerpt;

/// The rows of one batch. Positions are relative to the chunk's data; an empty span is a missing key.
#[derive(Debug, Default)]
pub struct ValueIndex {
    /// Where each row's line starts.
    pub starts: Vec<u32>,
    /// Where it ends.
    pub ends: Vec<u32>,
    /// Each row's physical line.
    pub lines: Vec<u64>,
    /// The spans of all values, row by row.
    pub spans: Vec<(u32, u32)>,
    /// Lines that are no rows.
    pub refused: Vec<Refused>,
}

/// A line that is not a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its physical line.
    pub line: u64,
    /// Why it is refused.
    pub reason: Reason,
}

/// Finds columns by their keys.
#[derive(Debug)]
pub struct Keys {
    names: Vec<Vec<u8>>,
    places: HashMap<Vec<u8>, usize>,
}

impl Keys {
    /// The keys of columns.
    #[must_use]
    pub fn new(columns: &[ColumnSpec]) -> Self {
        let names: Vec<Vec<u8>> = columns
            .iter()
            .map(|column| column.name.clone().into_bytes())
            .collect();
        let places = names.iter().cloned().zip(0..).collect();
        Self { names, places }
    }

    /// The column of a key; objects mostly have their keys in one order, so `guess` is tried first.
    #[inline]
    fn find(&self, key: &[u8], guess: usize) -> Option<usize> {
        if self.names.get(guess).is_some_and(|name| name == key) {
            return Some(guess);
        }
        if memchr::memchr(b'\\', key).is_none() {
            return self.places.get(key).copied();
        }
        let mut decoded = Vec::new();
        decode(key, &mut decoded).ok()?;
        self.places.get(&decoded).copied()
    }
}

/// Where indexing stands in a segment; always at the start of a line.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    at: usize,
    line: u64,
}

impl Cursor {
    /// At the segment's first line.
    #[must_use]
    pub fn new(segment: &Segment) -> Self {
        Self {
            at: segment.start,
            line: segment.line,
        }
    }
}

impl ValueIndex {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.len()
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.starts.clear();
        self.ends.clear();
        self.lines.clear();
        self.spans.clear();
        self.refused.clear();
    }

    /// The bytes of a row's line.
    #[must_use]
    pub fn line<'a>(&self, row: usize, data: &'a [u8]) -> &'a [u8] {
        let span = self.starts.get(row).zip(self.ends.get(row));
        span.and_then(|(&start, &end)| data.get(start as usize..end as usize))
            .unwrap_or_default()
    }

    /// Adds lines of a piece from the cursor on, until there are `limit` of them or the piece ends.
    /// `valid` says that the whole piece is valid UTF-8.
    pub fn fill(
        &mut self,
        piece: &Piece,
        cursor: &mut Cursor,
        keys: &Keys,
        bounds: &Bounds,
        valid: bool,
    ) {
        let data = &piece.chunk.data;
        while self.rows() + self.refused.len() < bounds.rows {
            let Some(rest) = data.get(cursor.at..).filter(|rest| !rest.is_empty()) else {
                return;
            };
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let raw = rest.get(..length).unwrap_or_default();
            let line = raw.strip_suffix(b"\r").unwrap_or(raw);
            let (start, number) = (cursor.at, cursor.line);
            cursor.at += length + 1;
            cursor.line += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let result = if line.len() > bounds.max_record {
                let text = format!("the line is longer than {} bytes", bounds.max_record);
                Err(Reason {
                    column: None,
                    code: RejectCode::RecordTooLong,
                    message: text,
                })
            } else if !valid && let Err(error) = simdutf8::compat::from_utf8(line) {
                let at = error.valid_up_to() + 1;
                let text = format!("the line is not valid UTF-8 from its byte {at} on");
                Err(Reason {
                    column: None,
                    code: RejectCode::InvalidEncoding,
                    message: text,
                })
            } else {
                self.values(line, start, keys)
            };
            match result {
                Ok(()) => {
                    self.starts.push(start as u32);
                    self.ends.push((start + line.len()) as u32);
                    self.lines.push(number);
                }
                Err(reason) => {
                    let end = start + line.len().min(bounds.max_record);
                    self.refused.push(Refused {
                        start,
                        end,
                        line: number,
                        reason,
                    });
                }
            }
        }
    }

    /// Adds the spans of a line's values, or says why it has none.
    fn values(&mut self, line: &[u8], start: usize, keys: &Keys) -> Result<(), Reason> {
        let first = self.spans.len();
        self.spans.resize(first + keys.names.len(), (0, 0));
        let spans = self.spans.get_mut(first..).unwrap_or_default();
        let mut problem: Option<Reason> = None;
        let mut guess = 0;
        let read = object(line, |member| {
            let key = line.get(member.name.0..member.name.1).unwrap_or_default();
            let place = keys.find(key, guess);
            let span = place.and_then(|place| spans.get_mut(place));
            match span {
                Some(span) if *span == (0, 0) => {
                    *span = (
                        (start + member.value.0) as u32,
                        (start + member.value.1) as u32,
                    );
                }
                Some(_) => {
                    problem.get_or_insert_with(|| repeated(key));
                }
                None => {
                    problem.get_or_insert_with(|| unknown(key));
                }
            }
            guess = place.unwrap_or(guess) + 1;
        });
        let result = match (read, problem) {
            (Err(invalid), _) => Err(explain(invalid)),
            (Ok(()), Some(problem)) => Err(problem),
            (Ok(()), None) => return Ok(()),
        };
        self.spans.truncate(first);
        result
    }
}

/// What bounds a batch.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Rows of a batch.
    pub rows: usize,
    /// Bytes of a line.
    pub max_record: usize,
}

fn explain(invalid: Invalid) -> Reason {
    let message = format!("{} (at byte {} of the line)", invalid.what, invalid.at + 1);
    Reason {
        column: None,
        code: RejectCode::InvalidJson,
        message,
    }
}

fn repeated(key: &[u8]) -> Reason {
    let message = format!("the key '{}' occurs twice", excerpt(key));
    Reason {
        column: Some(shown(key)),
        code: RejectCode::InvalidJson,
        message,
    }
}

fn unknown(key: &[u8]) -> Reason {
    let message = format!(
        "the key '{}' is no column; declare it in `columns` to read it",
        excerpt(key)
    );
    Reason {
        column: Some(shown(key)),
        code: RejectCode::TooManyFields,
        message,
    }
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// The message for a string that is not text.
#[must_use]
pub fn explain_text(bad: BadText, value: &[u8]) -> (RejectCode, String) {
    match bad {
        BadText::Nul => (
            RejectCode::NulByte,
            format!("{} holds a NUL character", excerpt(value)),
        ),
        BadText::Surrogate => (
            RejectCode::InvalidEncoding,
            format!("{} holds half of a character", excerpt(value)),
        ),
    }
}
