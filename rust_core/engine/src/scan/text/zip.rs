//! The files within a ZIP archive, found by its directory.
//!
//! Stored and deflated members are read, each a file of its own; encrypted ones are refused. Their
//! checksums are compared when they have been read to the end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;

use crate::error::{Code, EngineError, Result};
use crate::scan::files::FoundFile;

/// The first bytes of an archive.
pub const MAGIC: &[u8] = b"PK\x03\x04";
const MOST_MEMBERS: usize = 10_000;
const MOST_DIRECTORY: u64 = 64 << 20;
/// The record at the end of an archive, and the most bytes that may follow it.
const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: u64 = 22;
const LONGEST_COMMENT: u64 = 1 << 16;
const ENTRY: &[u8] = b"PK\x01\x02";
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// What a spreadsheet has, which is an archive too.
const SPREADSHEET: &str = "[Content_Types].xml";

/// A file within an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where its bytes start in the archive.
    pub start: u64,
    /// How many bytes it takes there.
    pub packed: u64,
    size: u64,
    crc: u32,
    deflated: bool,
}

impl Member {
    /// Reads it from `reader`, which stands at its start.
    pub fn decode(self, reader: impl Read + Send + 'static) -> Box<dyn Read + Send> {
        let reader = reader.take(self.packed);
        let text: Box<dyn Read + Send> = if self.deflated {
            Box::new(flate2::read::DeflateDecoder::new(reader))
        } else {
            Box::new(reader)
        };
        Box::new(Checked {
            reader: text,
            crc: Crc::new(),
            size: 0,
            member: self,
        })
    }
}

/// Compares size and checksum at the end.
struct Checked {
    reader: Box<dyn Read + Send>,
    crc: Crc,
    size: u64,
    member: Member,
}

impl Read for Checked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(out)?;
        self.crc.update(out.get(..read).unwrap_or_default());
        self.size += read as u64;
        let ended = read == 0 && !out.is_empty();
        if ended && (self.crc.sum(), self.size) != (self.member.crc, self.member.size) {
            let text = "its size or checksum is not what the archive's directory says";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(read)
    }
}

/// The files within an archive, sorted by name. Folders and hidden files are left out.
///
/// # Errors
/// `SOURCE_CORRUPT` for archives that are damaged, encrypted, compressed in another way, too large
/// or spreadsheets.
pub fn members(archive: &FoundFile) -> Result<Vec<FoundFile>> {
    let mut file = archive.open()?;
    let directory = directory(&mut file)
        .map_err(|error| archive.unreadable(&error))?
        .ok_or_else(|| corrupt(archive, "is a ZIP archive without a directory"))?;
    let mut found = Vec::new();
    let mut rest = directory.as_slice();
    while rest.starts_with(ENTRY) {
        let entry = Entry::read(rest).ok_or_else(|| corrupt(archive, "has a damaged directory"))?;
        if entry.name == SPREADSHEET {
            return Err(corrupt(archive, "is a spreadsheet").hint("Export it as text first"));
        }
        if found.len() >= MOST_MEMBERS {
            return Err(corrupt(archive, "holds more than 10000 files"));
        }
        let hidden = entry
            .name
            .split('/')
            .any(|part| part.starts_with('.') || part == "__MACOSX");
        if !entry.name.ends_with('/') && !hidden {
            found.push(entry.found(archive, &mut file)?);
        }
        rest = rest.get(entry.length..).unwrap_or_default();
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn corrupt(archive: &FoundFile, what: &str) -> EngineError {
    EngineError::new(Code::SourceCorrupt, format!("{} {what}", archive.name))
}

struct Entry {
    name: String,
    encrypted: bool,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    header: u64,
    length: usize,
}

impl Entry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [name, extra, comment] = [28, 30, 32].map(|at| short(bytes, at).map(usize::from));
        let (name, extra, comment) = (name?, extra?, comment?);
        let name_bytes = bytes.get(46..46 + name)?;
        let mut wide = Wide(extended(bytes.get(46 + name..46 + name + extra)?, 1));
        let size = wide.value(long(bytes, 24)?)?;
        let packed = wide.value(long(bytes, 20)?)?;
        let header = wide.value(long(bytes, 42)?)?;
        Some(Self {
            name: String::from_utf8_lossy(name_bytes).into_owned(),
            encrypted: short(bytes, 8)? & 1 == 1,
            method: short(bytes, 10)?,
            crc: long(bytes, 16)?,
            packed,
            size,
            header,
            length: 46 + name + extra + comment,
        })
    }

    fn found(&self, archive: &FoundFile, file: &mut File) -> Result<FoundFile> {
        let name = &self.name;
        if self.encrypted || !matches!(self.method, STORED | DEFLATED) {
            let how = if self.encrypted {
                "is encrypted"
            } else {
                "is not stored or deflated"
            };
            return Err(corrupt(archive, &format!("holds {name}, which {how}")));
        }
        let mut head = [0; 30];
        file.seek(SeekFrom::Start(self.header))
            .and_then(|_| file.read_exact(&mut head))
            .map_err(|error| archive.unreadable(&error))?;
        let lengths = short(&head, 26).zip(short(&head, 28));
        let (name_length, extra) = lengths
            .filter(|_| head.starts_with(MAGIC))
            .ok_or_else(|| corrupt(archive, "has a damaged directory"))?;
        Ok(FoundFile {
            name: format!("{}/{name}", archive.name),
            member: Some(Member {
                start: self.header + 30 + u64::from(name_length) + u64::from(extra),
                packed: self.packed,
                size: self.size,
                crc: self.crc,
                deflated: self.method == DEFLATED,
            }),
            ..archive.clone()
        })
    }
}

/// Values of eight bytes that stand in for values of four that are all ones.
struct Wide<'a>(Option<&'a [u8]>);

impl Wide<'_> {
    fn value(&mut self, narrow: u32) -> Option<u64> {
        if narrow != u32::MAX {
            return Some(u64::from(narrow));
        }
        let (value, rest) = self.0?.split_first_chunk::<8>()?;
        self.0 = Some(rest);
        Some(u64::from_le_bytes(*value))
    }
}

/// The extra field of a kind.
fn extended(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (kind, length) = (short(extra, 0)?, usize::from(short(extra, 2)?));
        if kind == wanted {
            return extra.get(4..4 + length);
        }
        extra = extra.get(4 + length..)?;
    }
}

/// The bytes of the archive's directory; none when there is none.
fn directory(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_start = length.saturating_sub(END_LENGTH + LONGEST_COMMENT);
    let tail = read_at(file, tail_start, length - tail_start)?;
    let Some(at) = memchr::memmem::rfind(&tail, END) else {
        return Ok(None);
    };
    let end = tail.get(at..).unwrap_or_default();
    let (Some(size), Some(start)) = (long(end, 12), long(end, 16)) else {
        return Ok(None);
    };
    let (mut size, mut start) = (u64::from(size), u64::from(start));
    if size == u64::from(u32::MAX) || start == u64::from(u32::MAX) {
        let locator = tail.get(at.saturating_sub(20)..at).unwrap_or_default();
        let Some(place) = locator
            .get(8..16)
            .and_then(|bytes| bytes.first_chunk::<8>())
        else {
            return Ok(None);
        };
        let record = read_at(file, u64::from_le_bytes(*place), 56)?;
        let wide = |at: usize| {
            record
                .get(at..at + 8)
                .and_then(|bytes| bytes.first_chunk::<8>())
        };
        let (Some(wide_size), Some(wide_start)) = (wide(40), wide(48)) else {
            return Ok(None);
        };
        (size, start) = (
            u64::from_le_bytes(*wide_size),
            u64::from_le_bytes(*wide_start),
        );
    }
    if size > MOST_DIRECTORY || start.saturating_add(size) > length {
        return Ok(None);
    }
    read_at(file, start, size).map(Some)
}

fn read_at(file: &mut File, start: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk::<2>()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?))
}
