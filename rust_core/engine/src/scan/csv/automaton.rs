//! The definition of a record: an exact automaton over bytes, one at a time.
//!
//! Everything else in this folder is a faster way to the same result; tests hold it to that.
//!
//! - A record ends at LF, CRLF or a lone CR outside quotes, or at the end of the file.
//! - Fields are delimited by one byte or a few; the first place where all of them stand counts.
//! - A field is quoted when its first byte is the quote. Inside, a doubled quote is a quote, the
//!   escape character makes the next byte literal, and line ends are part of the value.
//! - A quote inside an unquoted field is literal.
//! - A closing quote is followed by a delimiter or the record's end. Anything else makes the record
//!   malformed, and so does a quote that is still open at the end of the file or once the record is
//!   longer than the dialect's `max_record`.
//! - A malformed record is its first physical line; reading resumes on the next. So one stray quote
//!   costs one line and never the rest of the file.
//! - A physical line longer than `max_record` is a malformed record of its own.

use super::dialect::Dialect;
use crate::scan::chunk::Defect;

/// A record, found. Positions are relative to its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where its bytes end, without the line end.
    pub end: usize,
    /// Where the next record starts.
    pub next: usize,
    /// How many physical lines it takes.
    pub lines: u64,
    /// What is wrong with it, and in which field, from 0.
    pub defect: Option<(Defect, usize)>,
    /// How many bytes were looked at beyond `next` to find that it is malformed.
    pub wasted: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Unquoted,
    Quoted,
    Escaped,
    QuoteInQuoted,
    /// In a malformed record, on the way to the end of its physical line.
    Damaged,
}

/// Where a record stands; goes on where it stopped when more bytes are there.
#[derive(Clone, Debug)]
pub struct Scan {
    state: State,
    position: usize,
    lines: u64,
    field: usize,
    quoted_field: usize,
    first_line: Option<Line>,
    last_line: Option<Line>,
    defect: Option<(Defect, usize)>,
    patient: bool,
}

/// The end of a physical line inside quotes: where it ends, where the next starts, its number.
#[derive(Clone, Copy, Debug)]
struct Line {
    end: usize,
    next: usize,
    number: u64,
}

impl Scan {
    /// At the start of a record. A scan that is not patient takes everything it has looked at for
    /// the malformed record, rather than its first line: see [`Patience`].
    #[must_use]
    pub fn new(patience: &Patience) -> Self {
        Self {
            state: State::FieldStart,
            position: 0,
            lines: 0,
            field: 0,
            quoted_field: 0,
            first_line: None,
            last_line: None,
            defect: None,
            patient: patience.left(),
        }
    }

    /// Reads on in `window`, which starts at the record's start and reaches as far as the file has
    /// been read; `eof` says that it reaches the file's end. Gives the record, or none when more
    /// bytes are needed. An empty window at the file's end gives none.
    ///
    /// A line that is too long gives a record of `max_record` bytes as soon as that is certain;
    /// [`LineSkip`] then finds the end of the line.
    pub fn advance(&mut self, window: &[u8], eof: bool, dialect: &Dialect) -> Option<Record> {
        while let Some(&byte) = window.get(self.position) {
            if matches!(byte, b'\n' | b'\r') {
                let after = match window.get(self.position + 1) {
                    Some(b'\n') if byte == b'\r' => self.position + 2,
                    None if byte == b'\r' && !eof => return None,
                    _ => self.position + 1,
                };
                if let Some(record) = self.line_end(after, dialect) {
                    return Some(record);
                }
            } else if self.position >= dialect.max_record {
                return Some(self.too_long());
            } else {
                let delimited = byte == dialect.delimiter.first() && self.may_delimit();
                let delimited = match delimited.then(|| self.delimits(window, dialect)) {
                    Some(None) if !eof => return None,
                    found => found.flatten().unwrap_or(false),
                };
                if delimited {
                    self.next_field(dialect);
                } else if let Some(record) = self.step(byte, dialect) {
                    return Some(record);
                }
            }
        }
        (eof && !window.is_empty()).then(|| self.end_of_file(window.len()))
    }

    fn line_end(&mut self, after: usize, dialect: &Dialect) -> Option<Record> {
        self.lines += 1;
        if matches!(self.state, State::Quoted | State::Escaped) {
            if self.position >= dialect.max_record {
                let whole = self.whole(after, Some((Defect::UnterminatedQuote, self.quoted_field)));
                return Some(self.cut().unwrap_or(whole));
            }
            let line = Line {
                end: self.position,
                next: after,
                number: self.lines,
            };
            self.first_line.get_or_insert(line);
            self.last_line = Some(line);
            self.state = State::Quoted;
            self.position = after;
            return None;
        }
        Some(self.whole(after, self.defect))
    }

    #[inline]
    fn step(&mut self, byte: u8, dialect: &Dialect) -> Option<Record> {
        self.state = match self.state {
            State::FieldStart if byte == dialect.quote => {
                self.quoted_field = self.field;
                State::Quoted
            }
            State::FieldStart | State::Unquoted => State::Unquoted,
            State::Quoted if byte == dialect.quote => State::QuoteInQuoted,
            State::Quoted if Some(byte) == dialect.escape => State::Escaped,
            State::Quoted | State::Escaped => State::Quoted,
            State::QuoteInQuoted if byte == dialect.quote => State::Quoted,
            State::QuoteInQuoted => {
                if let Some(record) = self.cut() {
                    return Some(record);
                }
                self.defect = Some((Defect::StrayQuote, self.quoted_field));
                State::Damaged
            }
            State::Damaged => State::Damaged,
        };
        self.position += 1;
        None
    }

    /// Whether a delimiter here would end the field.
    fn may_delimit(&self) -> bool {
        matches!(
            self.state,
            State::FieldStart | State::Unquoted | State::QuoteInQuoted
        )
    }

    /// Whether the delimiter stands here; none when more bytes must be seen.
    fn delimits(&self, window: &[u8], dialect: &Dialect) -> Option<bool> {
        let rest = window.get(self.position..).unwrap_or_default();
        dialect.delimiter.starts(rest)
    }

    fn next_field(&mut self, dialect: &Dialect) {
        self.field += 1;
        self.position += dialect.delimiter.len();
        self.state = State::FieldStart;
    }

    fn end_of_file(&self, length: usize) -> Record {
        if !matches!(self.state, State::Quoted | State::Escaped) {
            let lines = self.lines + 1;
            return Record {
                end: length,
                next: length,
                lines,
                defect: self.defect,
                wasted: 0,
            };
        }
        self.cut().unwrap_or(Record {
            end: length,
            next: length,
            lines: 1,
            defect: Some((Defect::UnterminatedQuote, self.quoted_field)),
            wasted: 0,
        })
    }

    fn too_long(&self) -> Record {
        self.cut().unwrap_or(Record {
            end: self.position,
            next: self.position,
            lines: 1,
            defect: Some((Defect::TooLong, self.field)),
            wasted: 0,
        })
    }

    /// The record up to the line end at the current position.
    fn whole(&self, after: usize, defect: Option<(Defect, usize)>) -> Record {
        Record {
            end: self.position,
            next: after,
            lines: self.lines,
            defect,
            wasted: 0,
        }
    }

    /// The malformed record, when it runs over several physical lines.
    fn cut(&self) -> Option<Record> {
        let line = if self.patient {
            self.first_line
        } else {
            self.last_line
        }?;
        Some(Record {
            end: line.end,
            next: line.next,
            lines: line.number,
            defect: Some((Defect::UnterminatedQuote, self.quoted_field)),
            wasted: self.position.saturating_sub(line.next),
        })
    }
}

/// Keeps the time for a file linear. Resuming right after the first line of a malformed record reads
/// what follows again; a hostile file could ask for that on each of its lines. Once that has cost
/// this many times the bytes of the file so far, malformed records are taken whole.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    wasted: u64,
    passed: u64,
    grace: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self::with_grace(1 << 30)
    }
}

impl Patience {
    const FACTOR: u64 = 8;

    /// Patience that bears `grace` wasted bytes at the start.
    #[must_use]
    pub fn with_grace(grace: u64) -> Self {
        Self {
            wasted: 0,
            passed: 0,
            grace,
        }
    }

    /// Takes note of a record.
    pub fn note(&mut self, record: &Record) {
        self.wasted += record.wasted as u64;
        self.pass(record.next);
    }

    /// Takes note of bytes of well-formed records.
    pub fn pass(&mut self, bytes: usize) {
        self.passed += bytes as u64;
    }

    fn left(&self) -> bool {
        self.wasted <= self.grace + Self::FACTOR * self.passed
    }
}

/// Skips to the end of a physical line in bounded memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineSkip {
    after_cr: bool,
}

impl LineSkip {
    /// Looks for the line's end in the next bytes of the file. Gives where the next line starts, or
    /// none when all of `bytes` belong to the line.
    pub fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.after_cr && !bytes.is_empty() {
            return Some(usize::from(bytes.first() == Some(&b'\n')));
        }
        let at = memchr::memchr2(b'\n', b'\r', bytes)?;
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => Some(at + 2),
            (Some(b'\r'), None) => {
                self.after_cr = true;
                None
            }
            _ => Some(at + 1),
        }
    }
}
