//! Reads the head of a file, and of large files also pieces of its middle and end, for detection.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::automaton::{LineSkip, Patience, Scan};
use super::dialect::Dialect;
use crate::error::{Code, EngineError, Result};
use crate::scan::chunk::Place;
use crate::scan::files::FoundFile;
use crate::scan::text::Form;
use crate::scan::text::unit::{Unit, prefix};

/// How many bytes of a file's head are looked at.
const HEAD: usize = 1 << 20;
/// How many bytes of its middle and of its end.
const WINDOW: u64 = 256 << 10;
/// How many records are looked at.
pub const RECORDS: usize = 10_000;

/// The head of a file.
#[derive(Debug)]
pub struct Sample {
    /// The bytes behind a byte order mark.
    pub bytes: Vec<u8>,
    /// Whether that is the whole file.
    pub complete: bool,
    /// How many bytes of the file stand before it: the byte order mark and skipped lines.
    pub mark: u64,
    /// The physical line it starts on, from 1.
    pub line: u64,
    /// How the bytes tell those of the file they were made from.
    pub unit: Unit,
}

/// A record of a sample.
#[derive(Clone, Copy, Debug)]
pub struct SampleRecord<'a> {
    /// Its bytes without the line end.
    pub bytes: &'a [u8],
    /// Where it starts.
    pub at: Place,
    /// Where the next record starts.
    pub after: Place,
    /// Whether it is well-formed.
    pub sound: bool,
}

/// How many bytes of the file a record takes, on the average. None without records.
#[must_use]
pub fn record_bytes(records: &[SampleRecord<'_>]) -> Option<u64> {
    let (first, last) = (records.first()?, records.last()?);
    let bytes = last.after.offset.saturating_sub(first.at.offset);
    Some((bytes / records.len() as u64).max(1))
}

impl Sample {
    /// Reads the head of a file, long enough to hold one record.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE`; `SOURCE_CORRUPT` for files that are damaged or no text at all.
    pub fn read(found: &FoundFile, form: &Form, max_record: usize) -> Result<Self> {
        let unreadable = |error| found.unreadable(&error);
        let file = found.open()?;
        let mut file = form.read(file, form.mark).map_err(unreadable)?;
        let mut bytes = Vec::with_capacity(HEAD + 1);
        let mut wanted = HEAD;
        loop {
            let missing = wanted - bytes.len();
            file.by_ref()
                .take(missing as u64)
                .read_to_end(&mut bytes)
                .map_err(unreadable)?;
            let complete = bytes.len() < wanted;
            if complete || memchr::memchr2(b'\n', b'\r', &bytes).is_some() || wanted > max_record {
                refuse_other_formats(&bytes, found)?;
                return Ok(Self {
                    bytes,
                    complete,
                    mark: form.mark,
                    line: 1,
                    unit: form.encoding.unit(),
                });
            }
            wanted *= 4;
        }
    }

    /// The first `limit` bytes of the sample, or all of it when no line ends in them.
    #[must_use]
    pub fn head(&self, limit: usize) -> Self {
        let bytes = self
            .bytes
            .get(..limit)
            .filter(|bytes| bytes.contains(&b'\n'));
        Self {
            bytes: bytes.unwrap_or(&self.bytes).to_vec(),
            complete: self.complete && bytes.is_none(),
            mark: self.mark,
            line: self.line,
            unit: self.unit,
        }
    }

    /// A whole file of this text.
    #[cfg(test)]
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            complete: true,
            mark: 0,
            line: 1,
            unit: Unit::Byte,
        }
    }

    /// The whole records of the sample that are not blank, at most `limit`.
    #[must_use]
    pub fn records(&self, dialect: &Dialect, limit: usize) -> Vec<SampleRecord<'_>> {
        let text = Text {
            bytes: &self.bytes,
            complete: self.complete,
            unit: self.unit,
        };
        records(text, self.start(), dialect, limit)
    }

    /// Where it starts in the file.
    #[must_use]
    pub fn start(&self) -> Place {
        Place {
            offset: self.mark,
            line: self.line,
        }
    }

    /// Leaves out what stands before `place`.
    pub fn skip_to(&mut self, place: Place) {
        let before = place.offset.saturating_sub(self.mark);
        let dropped = prefix(self.unit, &self.bytes, before);
        self.bytes.drain(..dropped);
        self.mark = place.offset;
        self.line = place.line;
    }

    /// Leaves out the first physical lines. False when the sample ends before they do, although the
    /// file goes on.
    pub fn skip_lines(&mut self, lines: u64) -> bool {
        let mut at = 0;
        for _ in 0..lines {
            let rest = self.bytes.get(at..).unwrap_or_default();
            match LineSkip::default().advance(rest) {
                Some(next) => at += next,
                None if self.complete => at = self.bytes.len(),
                None => return false,
            }
        }
        self.mark += self.unit.length(self.bytes.get(..at).unwrap_or_default());
        self.bytes.drain(..at);
        self.line += lines;
        true
    }
}

/// Text that starts at a record.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    complete: bool,
    unit: Unit,
}

fn records<'a>(
    text: Text<'a>,
    start: Place,
    dialect: &Dialect,
    limit: usize,
) -> Vec<SampleRecord<'a>> {
    let mut found = Vec::new();
    let mut place = start;
    let mut patience = Patience::with_grace(64 << 20);
    let mut rest = text.bytes;
    while found.len() < limit && !rest.is_empty() {
        let Some(record) = Scan::new(&patience).advance(rest, text.complete, dialect) else {
            break;
        };
        patience.note(&record);
        let at = place;
        place.offset += text
            .unit
            .length(rest.get(..record.next).unwrap_or_default());
        place.line += record.lines;
        if record.end > 0 || dialect.blank_is_record {
            let bytes = rest.get(..record.end).unwrap_or_default();
            found.push(SampleRecord {
                bytes,
                at,
                after: place,
                sound: record.defect.is_none(),
            });
        }
        rest = rest.get(record.next..).unwrap_or_default();
    }
    found
}

/// Pieces of a large file's middle and end that start and end at line ends. Empty when the file is
/// small, compressed or not UTF-8, and when quotes make it uncertain where records start.
///
/// # Errors
/// `SOURCE_UNREADABLE`.
pub fn windows(
    found: &FoundFile,
    form: &Form,
    sample: &Sample,
    dialect: &Dialect,
) -> Result<Vec<Vec<u8>>> {
    let size = found.stamp.size;
    if !form.is_plain()
        || size < 4 * HEAD as u64
        || memchr::memchr(dialect.quote, &sample.bytes).is_some()
    {
        return Ok(Vec::new());
    }
    let mut file = found.open()?;
    let mut windows = Vec::new();
    for start in [size / 2, size - WINDOW] {
        let bytes = read_at(&mut file, start).map_err(|error| found.unreadable(&error))?;
        let from = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
        let to = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let whole = bytes.get(from..to).unwrap_or_default();
        if memchr::memchr(dialect.quote, whole).is_none() {
            windows.push(whole.to_vec());
        }
    }
    Ok(windows)
}

/// The records of a window.
#[must_use]
pub fn window_records<'a>(window: &'a [u8], dialect: &Dialect) -> Vec<SampleRecord<'a>> {
    let text = Text {
        bytes: window,
        complete: true,
        unit: Unit::Byte,
    };
    let start = Place { offset: 0, line: 1 };
    records(text, start, dialect, RECORDS)
}

fn read_at(file: &mut File, start: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::with_capacity(WINDOW as usize + 1);
    file.take(WINDOW).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Files that people mistake for delimited text, by their first bytes.
fn refuse_other_formats(bytes: &[u8], found: &FoundFile) -> Result<()> {
    const KNOWN: [(&[u8], &str, &str); 3] = [
        (
            b"PK\x03\x04",
            "is a ZIP archive",
            "Leave `compression` out, or write `zip`",
        ),
        (b"PAR1", "is a Parquet file", "Use a `parquet` source"),
        (
            b"%PDF-",
            "is a PDF document",
            "Extract its tables as text first",
        ),
    ];
    match KNOWN.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        None => Ok(()),
        Some((_, what, hint)) => {
            Err(EngineError::new(Code::SourceCorrupt, format!("{} {what}", found.name)).hint(*hint))
        }
    }
}
