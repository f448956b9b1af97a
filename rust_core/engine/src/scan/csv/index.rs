//! Finds where the rows and fields of a segment are.

use super::dialect::Dialect;
use super::fields::closing_quote;
use super::masks::{BLOCK, find_in, parity};
use crate::scan::chunk::Segment;

/// The rows of one batch that have the right number of fields, and those that have not.
///
/// Positions are relative to the chunk's data. Field `c` of row `r` ends before `ends[r * width + c]`
/// and starts at the row's start or a delimiter's length behind the end of the field before it.
#[derive(Debug, Default)]
pub struct RowIndex {
    /// How many fields a row has.
    pub width: usize,
    /// Where each row starts.
    pub starts: Vec<u32>,
    /// Each row's physical line.
    pub lines: Vec<u64>,
    /// The ends of all fields, row by row.
    pub ends: Vec<u32>,
    /// Rows with another number of fields.
    pub ragged: Vec<Ragged>,
}

/// A row with the wrong number of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ragged {
    /// Where it starts.
    pub start: usize,
    /// Where it ends, without its line end.
    pub end: usize,
    /// Its physical line.
    pub line: u64,
    /// How many fields it has.
    pub fields: usize,
}

/// Where indexing stands in a segment; always at the start of a row.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    at: usize,
    line: u64,
}

impl Cursor {
    /// At the segment's first row.
    #[must_use]
    pub fn new(segment: &Segment) -> Self {
        Self {
            at: segment.start,
            line: segment.line,
        }
    }

    /// Whether all rows were indexed.
    #[must_use]
    pub fn is_done(&self, segment: &Segment) -> bool {
        self.at >= segment.end
    }
}

impl RowIndex {
    /// An index for rows of `width` fields.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self {
            width: width.max(1),
            ..Self::default()
        }
    }

    /// How many well-shaped rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.len()
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.starts.clear();
        self.lines.clear();
        self.ends.clear();
        self.ragged.clear();
    }

    /// Where a row ends, without its line end.
    #[must_use]
    pub fn row_end(&self, row: usize) -> usize {
        self.ends
            .get((row + 1) * self.width - 1)
            .map_or(0, |&end| end as usize)
    }

    /// Takes rows out; `rows` is in ascending order.
    pub fn remove(&mut self, rows: &[u32]) {
        let mut kept = Self::new(self.width);
        let mut gone = rows.iter().peekable();
        for (row, ends) in (0_u32..).zip(self.ends.chunks_exact(self.width)) {
            if gone.next_if_eq(&&row).is_none() {
                kept.starts.extend(self.starts.get(row as usize));
                kept.lines.extend(self.lines.get(row as usize));
                kept.ends.extend_from_slice(ends);
            }
        }
        *self = kept;
    }

    /// Adds rows of `segment` from the cursor on, until there are `limit` rows or the segment ends.
    pub fn fill(
        &mut self,
        data: &[u8],
        segment: &Segment,
        cursor: &mut Cursor,
        dialect: &Dialect,
        limit: usize,
    ) {
        let exactly = segment.lone_cr || !segment.regular || !dialect.delimiter.is_byte();
        match (exactly, segment.quotes) {
            (true, _) => self.fill_exactly(data, segment, cursor, dialect, limit),
            (false, true) => self.fill_regular::<true>(data, segment, cursor, dialect, limit),
            (false, false) => self.fill_regular::<false>(data, segment, cursor, dialect, limit),
        }
    }

    /// The fast way, for segments where every delimiter and LF outside quotes counts.
    fn fill_regular<const QUOTED: bool>(
        &mut self,
        data: &[u8],
        segment: &Segment,
        cursor: &mut Cursor,
        dialect: &Dialect,
        limit: usize,
    ) {
        let bytes = data.get(..segment.end).unwrap_or_default();
        let mut block_start = cursor.at;
        let mut row_start = cursor.at;
        let mut row_line = cursor.line;
        let mut row_ends = self.ends.len();
        // All ones while inside quotes.
        let mut inside = 0_u64;
        while let Some(rest) = bytes.get(block_start..).filter(|rest| !rest.is_empty()) {
            let [mut delimiters, feeds] = find_in(rest, [dialect.delimiter.first(), b'\n']);
            let mut within = 0;
            if QUOTED {
                let [quotes] = find_in(rest, [dialect.quote]);
                within = parity(quotes) ^ inside;
                inside = 0_u64.wrapping_sub(within >> 63);
                delimiters &= !within;
            }
            let mut hits = delimiters | feeds;
            self.ends.reserve(BLOCK);
            while hits != 0 {
                let bit = hits.trailing_zeros();
                hits &= hits - 1;
                let at = block_start + bit as usize;
                if feeds >> bit & 1 == 0 {
                    self.ends.push(at as u32);
                    continue;
                }
                cursor.line += 1;
                if QUOTED && within >> bit & 1 == 1 {
                    continue;
                }
                let crlf = at > row_start && bytes.get(at - 1) == Some(&b'\r');
                let end = if crlf { at - 1 } else { at };
                self.finish_row(row_start, end, row_line, row_ends, dialect);
                row_line = cursor.line;
                row_start = at + 1;
                row_ends = self.ends.len();
                if self.rows() + self.ragged.len() >= limit {
                    cursor.at = row_start;
                    return;
                }
            }
            block_start += BLOCK;
        }
        if row_start < bytes.len() {
            self.finish_row(row_start, bytes.len(), row_line, row_ends, dialect);
        }
        cursor.at = segment.end;
    }

    /// Row by row, for segments with irregular quotes or lone CRs and for long delimiters.
    fn fill_exactly(
        &mut self,
        data: &[u8],
        segment: &Segment,
        cursor: &mut Cursor,
        dialect: &Dialect,
        limit: usize,
    ) {
        let bytes = data.get(..segment.end).unwrap_or_default();
        while cursor.at < bytes.len() && self.rows() + self.ragged.len() < limit {
            let row_start = cursor.at;
            let row_line = cursor.line;
            let row_ends = self.ends.len();
            let mut at = row_start;
            loop {
                let rest = bytes.get(at..).unwrap_or_default();
                if let Some(close) = closing_quote(rest, dialect) {
                    cursor.line += line_ends(rest.get(..close).unwrap_or_default());
                    at += close + 1;
                }
                let (end, delimited) = field_end(bytes, at, dialect);
                at = end;
                if !delimited {
                    break;
                }
                self.ends.push(at as u32);
                at += dialect.delimiter.len();
            }
            self.finish_row(row_start, at, row_line, row_ends, dialect);
            cursor.line += 1;
            let crlf = bytes.get(at..at + 2) == Some(b"\r\n");
            cursor.at = if crlf { at + 2 } else { at + 1 };
        }
    }

    /// Ends a row whose fields but the last are in `ends` from `row_ends` on.
    #[inline]
    fn finish_row(
        &mut self,
        start: usize,
        end: usize,
        line: u64,
        row_ends: usize,
        dialect: &Dialect,
    ) {
        self.ends.push(end as u32);
        let fields = self.ends.len() - row_ends;
        if fields == self.width && (self.width > 1 || end > start || dialect.blank_is_record) {
            self.starts.push(start as u32);
            self.lines.push(line);
            return;
        }
        self.ends.truncate(row_ends);
        if end > start || dialect.blank_is_record {
            self.ragged.push(Ragged {
                start,
                end,
                line,
                fields,
            });
        }
    }
}

/// Where an unquoted field, or what follows a quoted one, ends from `at` on, and whether a delimiter
/// is there rather than the record's end.
fn field_end(bytes: &[u8], mut at: usize, dialect: &Dialect) -> (usize, bool) {
    let delimiter = &dialect.delimiter;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += memchr::memchr3(delimiter.first(), b'\n', b'\r', rest).unwrap_or(rest.len());
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.starts_with(delimiter.as_bytes()) {
            return (at, true);
        }
        if rest.first() != Some(&delimiter.first()) {
            return (at, false);
        }
        at += 1;
    }
}

/// How many line ends a quoted field holds.
fn line_ends(bytes: &[u8]) -> u64 {
    let mut count = 0;
    let mut at = 0;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'\n', b'\r', rest))
    {
        at += found + 1;
        if bytes.get(at - 1) == Some(&b'\r') && bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
        count += 1;
    }
    count
}
