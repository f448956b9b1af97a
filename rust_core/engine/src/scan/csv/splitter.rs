//! Cuts a file into chunks of whole, well-formed records.
//!
//! The splitter is the only serial part of a scan. A chunk says at which byte and physical line of
//! the file each of its segments starts; malformed records are taken out, so that a parser sees
//! only what the automaton accepts. At most one chunk and one unfinished record are held here.

use std::io::Read;

use super::automaton::{LineSkip, Patience, Record, Scan};
use super::dialect::Dialect;
use super::runs::regular_run;
use crate::reject::Reject;
use crate::scan::chunk::{Chunk, Damaged, Defect, Place, Segment, Split};
use crate::scan::text::unit::Unit;

/// Reads one file.
pub struct Splitter<R> {
    reader: R,
    dialect: Dialect,
    chunk_size: usize,
    buffer: Vec<u8>,
    place: Place,
    reported: u64,
    eof: bool,
    scan: Option<Scan>,
    skip: Option<LineSkip>,
    patience: Patience,
    unit: Unit,
}

impl<R: Read> Splitter<R> {
    /// Reads on from `place`, where `reader` stands, in pieces of `chunk_size` bytes.
    pub fn new(
        reader: R,
        dialect: Dialect,
        chunk_size: usize,
        place: Place,
        patience: Patience,
    ) -> Self {
        let chunk_size = chunk_size.max(1);
        Self {
            reader,
            dialect,
            chunk_size,
            buffer: Vec::new(),
            place,
            reported: 0,
            eof: false,
            scan: None,
            skip: None,
            patience,
            unit: Unit::Byte,
        }
    }

    /// The same for text that was decoded: places are those of the file it was decoded from.
    #[must_use]
    pub fn of_decoded(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// Where the next record starts.
    pub fn place(&self) -> Place {
        self.place
    }
}

impl<R: Read + Send> Split for Splitter<R> {
    fn next_chunk(&mut self) -> std::io::Result<Option<Chunk>> {
        loop {
            self.skip_line()?;
            let held = self.buffer.len();
            self.fill(if held < self.chunk_size {
                self.chunk_size
            } else {
                held * 2
            })?;
            if self.buffer.is_empty() {
                return Ok(self.last_bytes());
            }
            let chunk = if self.is_plain() {
                self.cut_plain()
            } else {
                self.cut_exactly()
            };
            if chunk.is_some() {
                return Ok(chunk);
            }
        }
    }
}

impl<R: Read> Splitter<R> {
    /// A chunk without records for bytes that were skipped at the end of the file.
    fn last_bytes(&mut self) -> Option<Chunk> {
        let bytes = self.place.offset - self.reported;
        self.reported = self.place.offset;
        (bytes > 0).then(|| Chunk {
            bytes,
            ..Chunk::default()
        })
    }

    fn fill(&mut self, wanted: usize) -> std::io::Result<()> {
        let missing = wanted.saturating_sub(self.buffer.len());
        if self.eof || missing == 0 {
            return Ok(());
        }
        // One byte more, so that the read ends without growing the buffer.
        self.buffer.reserve(missing + 1);
        let read = self
            .reader
            .by_ref()
            .take(missing as u64)
            .read_to_end(&mut self.buffer)?;
        self.eof = read < missing;
        Ok(())
    }

    /// Whether line ends alone decide where records end, and none is too long.
    fn is_plain(&mut self) -> bool {
        let plain = self.buffer.len() <= self.dialect.max_record
            && memchr::memchr(self.dialect.quote, &self.buffer).is_none();
        if plain {
            self.scan = None;
        }
        plain
    }

    fn cut_plain(&mut self) -> Option<Chunk> {
        let length = self.buffer.len();
        // A CR at the end of what was read may be the first half of a line end.
        let certain = if self.eof || self.buffer.last() != Some(&b'\r') {
            length
        } else {
            length - 1
        };
        let end = if self.eof {
            length
        } else {
            memchr::memrchr2(b'\n', b'\r', self.buffer.get(..certain)?)? + 1
        };
        let (lines, lone_cr) = count_lines(self.buffer.get(..end)?);
        let segment = Segment {
            start: 0,
            end,
            offset: self.place.offset,
            line: self.place.line,
            quotes: false,
            regular: true,
            lone_cr,
        };
        self.patience.pass(end);
        let chunk = Chunk {
            segments: vec![segment],
            ..Chunk::default()
        };
        Some(self.take(chunk, end, lines))
    }

    /// Splits run by run where quotes are regular, and record by record with the automaton where
    /// they are not.
    fn cut_exactly(&mut self) -> Option<Chunk> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut cut = Cut {
            buffer: &buffer,
            place: self.place,
            unit: self.unit,
            at: 0,
            lines: 0,
            open: Segment::default(),
            chunk: Chunk::default(),
        };
        let runs = self.dialect.escape.is_none()
            && self.dialect.delimiter.is_byte()
            && buffer.len() <= self.dialect.max_record;
        while let Some(window) = buffer.get(cut.at..).filter(|window| !window.is_empty()) {
            if runs && self.scan.is_none() {
                let run = regular_run(window, &self.dialect);
                self.patience.pass(run);
                if run > 0 {
                    cut.extend(
                        run,
                        count_lines(window.get(..run).unwrap_or_default()).0,
                        true,
                    );
                    continue;
                }
            }
            let scan = self.scan.take();
            let mut scan = scan.unwrap_or_else(|| Scan::new(&self.patience));
            let Some(record) = scan.advance(window, self.eof, &self.dialect) else {
                self.scan = Some(scan);
                break;
            };
            self.patience.note(&record);
            match record.defect {
                None => cut.extend(record.next, record.lines, false),
                Some((defect, field)) => cut.damage(&record, defect, field),
            }
            if matches!(record.defect, Some((Defect::TooLong, _))) {
                self.skip = Some(LineSkip::default());
                break;
            }
        }
        let (mut chunk, at, lines) = cut.finish();
        for segment in &mut chunk.segments {
            let bytes = buffer.get(segment.start..segment.end).unwrap_or_default();
            segment.quotes = memchr::memchr(self.dialect.quote, bytes).is_some();
            segment.lone_cr = has_lone_cr(bytes);
        }
        self.buffer = buffer;
        (at > 0).then(|| self.take(chunk, at, lines))
    }

    /// Hands out the first `end` bytes and keeps the rest.
    fn take(&mut self, mut chunk: Chunk, end: usize, lines: u64) -> Chunk {
        let mut rest = Vec::with_capacity(self.chunk_size + 1 + self.buffer.len() - end);
        rest.extend_from_slice(self.buffer.get(end..).unwrap_or_default());
        chunk.data = std::mem::replace(&mut self.buffer, rest);
        chunk.data.truncate(end);
        chunk.unit = self.unit;
        self.place.offset += self.unit.length(&chunk.data);
        self.place.line += lines;
        chunk.bytes = self.place.offset - self.reported;
        self.reported = self.place.offset;
        chunk
    }

    /// Drops the rest of a line that is too long.
    fn skip_line(&mut self) -> std::io::Result<()> {
        let Some(mut skip) = self.skip.take() else {
            return Ok(());
        };
        loop {
            if self.buffer.is_empty() {
                self.fill(self.chunk_size)?;
            }
            let found = skip.advance(&self.buffer);
            let dropped = found.unwrap_or(self.buffer.len());
            let bytes = self.buffer.get(..dropped).unwrap_or_default();
            self.place.offset += self.unit.length(bytes);
            self.buffer.drain(..dropped);
            if found.is_some() || self.eof && self.buffer.is_empty() {
                return Ok(());
            }
        }
    }
}

/// A chunk in the making: the buffer's records up to `at`.
struct Cut<'a> {
    buffer: &'a [u8],
    /// Where the record at `at` is in the file, but for its line.
    place: Place,
    unit: Unit,
    at: usize,
    lines: u64,
    open: Segment,
    chunk: Chunk,
}

impl Cut<'_> {
    /// Adds well-formed records.
    fn extend(&mut self, bytes: usize, lines: u64, regular: bool) {
        if self.open.regular != regular {
            self.close();
        }
        if self.open.start == self.at {
            self.open.offset = self.place.offset;
            self.open.line = self.place.line + self.lines;
            self.open.regular = regular;
        }
        self.pass(bytes, lines);
    }

    fn pass(&mut self, bytes: usize, lines: u64) {
        let passed = self.buffer.get(self.at..self.at + bytes);
        self.place.offset += self.unit.length(passed.unwrap_or_default());
        self.at += bytes;
        self.lines += lines;
    }

    /// Ends the open segment at the current position.
    fn close(&mut self) {
        self.open.end = self.at;
        if self.open.end > self.open.start {
            self.chunk.segments.push(self.open);
        }
        self.open.start = self.at;
    }

    /// Takes a malformed record out.
    fn damage(&mut self, record: &Record, defect: Defect, field: usize) {
        self.close();
        let window = self.buffer.get(self.at..).unwrap_or_default();
        let raw = window
            .get(..record.end.min(Reject::RAW_LIMIT))
            .unwrap_or_default();
        self.chunk.damaged.push(Damaged {
            offset: self.place.offset,
            line: self.place.line + self.lines,
            raw: raw.to_vec(),
            defect,
            field,
        });
        self.pass(record.next, record.lines);
        self.open.start = self.at;
    }

    fn finish(mut self) -> (Chunk, usize, u64) {
        self.close();
        (self.chunk, self.at, self.lines)
    }
}

/// How many line ends there are, and whether one is a CR alone.
fn count_lines(bytes: &[u8]) -> (u64, bool) {
    let feeds = memchr::memchr_iter(b'\n', bytes).count();
    let (returns, pairs) = count_returns(bytes);
    ((feeds + returns - pairs) as u64, returns > pairs)
}

fn has_lone_cr(bytes: &[u8]) -> bool {
    let (returns, pairs) = count_returns(bytes);
    returns > pairs
}

/// How many CRs there are, and how many of them belong to a CRLF.
fn count_returns(bytes: &[u8]) -> (usize, usize) {
    let returns = memchr::memchr_iter(b'\r', bytes).count();
    if returns == 0 {
        return (0, 0);
    }
    let pairs = bytes
        .iter()
        .zip(bytes.iter().skip(1))
        .filter(|&(a, b)| *a == b'\r' && *b == b'\n')
        .count();
    (returns, pairs)
}
