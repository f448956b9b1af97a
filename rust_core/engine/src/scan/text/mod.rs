//! The text of a file, whatever it is compressed and encoded with.
//!
//! Text is read as UTF-8. A plain file is read as it is, with nothing between it and its reader.
//! Places are counted in the bytes of the decompressed file; where an encoding does not tell them, in
//! those of the text it was decoded to.

pub mod again;
pub mod compression;
pub mod encoding;
#[cfg(test)]
pub mod tests;
pub mod unit;
pub mod zip;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use self::compression::Compression;
use self::encoding::Encoding;
use super::ScanEnv;
use super::csv::sniff::Finding;
use super::feed::{CHUNK_SIZE, FeedFile};
use super::files::{FoundFile, resolve};
use crate::error::{Code, EngineError, Result};

/// The least bytes of a chunk.
const SMALLEST_CHUNK: usize = 128 << 10;
/// How many bytes of a file are looked at for its encoding.
const HEAD: u64 = 1 << 20;

/// What a source declares about the text of its files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declared {
    compression: Option<Compression>,
    encoding: Option<Encoding>,
    archives: bool,
}

impl Declared {
    /// What these options say; empty ones leave it to detection.
    ///
    /// # Errors
    /// `PLAN_INVALID` for unknown names.
    pub fn new(compression: &str, encoding: &str) -> Result<Self> {
        Ok(Self {
            compression: Compression::named(compression)?,
            encoding: match encoding {
                "" => None,
                name => Some(Encoding::named(name)?),
            },
            archives: matches!(compression, "" | "zip"),
        })
    }

    /// For formats that are UTF-8 by definition.
    ///
    /// # Errors
    /// `PLAN_INVALID` for unknown names.
    pub fn utf8(compression: &str) -> Result<Self> {
        Self::new(compression, "utf-8")
    }
}

/// The files that a path or pattern names; those within a ZIP archive stand for it.
///
/// # Errors
/// As [`resolve`] and [`zip::members`].
pub fn files(uri: &str, env: &ScanEnv, declared: &Declared) -> Result<Vec<FoundFile>> {
    let mut found = Vec::new();
    for file in resolve(uri, env)? {
        if declared.archives && starts_with(&file, zip::MAGIC)? {
            found.extend(zip::members(&file)?);
        } else {
            found.push(file);
        }
    }
    if found.is_empty() {
        return Err(
            EngineError::new(Code::SourceEmpty, format!("'{uri}' holds no file")).place("uri"),
        );
    }
    Ok(found)
}

/// The bytes that will be read; none where files are compressed, because that is not known.
#[must_use]
pub fn bytes_total(files: &[FeedFile], forms: &[Form]) -> Option<u64> {
    let plain = |form: &Form| form.compression == Compression::None;
    let sum = || files.iter().map(|file| file.found.size()).sum();
    forms.iter().all(plain).then(sum)
}

/// The size of chunks: the usual one, or less where that would leave threads without work.
#[must_use]
pub fn chunk_size(bytes_total: Option<u64>, wanted: usize) -> usize {
    let share = bytes_total.map_or(u64::MAX, |bytes| bytes / (2 * wanted.max(1) as u64));
    usize::try_from(share)
        .unwrap_or(usize::MAX)
        .clamp(SMALLEST_CHUNK, CHUNK_SIZE)
}

/// How many partitions are worth it: a chunk for each, where the bytes are known.
#[must_use]
pub fn partitions(bytes_total: Option<u64>, wanted: usize) -> usize {
    let size = chunk_size(bytes_total, wanted) as u64;
    let chunks = bytes_total.map_or(u64::MAX, |bytes| bytes.div_ceil(size));
    wanted
        .min(usize::try_from(chunks).unwrap_or(usize::MAX))
        .max(1)
}

/// What is not plain UTF-8 about the first file that is not, for people.
#[must_use]
pub fn form_notes(forms: &[Form]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(form) = forms
        .iter()
        .find(|form| form.compression != Compression::None)
    {
        notes.push(format!("compressed with {}", form.compression));
    }
    if let Some(form) = forms.iter().find(|form| form.encoding != Encoding::Utf8) {
        notes.push(format!("encoding {}", form.encoding.name()));
    }
    notes
}

fn starts_with(file: &FoundFile, magic: &[u8]) -> Result<bool> {
    let mut head = Vec::new();
    file.open()?
        .take(magic.len() as u64)
        .read_to_end(&mut head)
        .map_err(|error| file.unreadable(&error))?;
    Ok(head == magic)
}

/// How a file's text is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Form {
    /// How it is compressed.
    pub compression: Compression,
    /// How it writes its characters.
    pub encoding: Encoding,
    /// How many bytes the mark of its encoding takes.
    pub mark: u64,
    /// How sure the encoding is, from 0 to 1.
    pub sure: f64,
}

impl Form {
    /// Looks at the head of a file.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE`; `SOURCE_CORRUPT` when it is damaged.
    pub fn detect(found: &FoundFile, declared: &Declared) -> Result<Self> {
        let unreadable = |error| found.unreadable(&error);
        let mut file = found.open()?;
        let compression = match (found.member, declared.compression) {
            (Some(member), _) => Compression::Member(member),
            (None, Some(declared)) => declared,
            (None, None) => {
                let mut head = Vec::new();
                file.by_ref()
                    .take(16)
                    .read_to_end(&mut head)
                    .map_err(unreadable)?;
                Compression::detect(&head)
            }
        };
        let mut bytes = Vec::new();
        let reader = decompressed(file, compression).map_err(unreadable)?;
        reader
            .take(HEAD)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        let complete = (bytes.len() as u64) < HEAD;
        let (encoding, mark, sure) = encoding::detect(&bytes, complete);
        Ok(match declared.encoding {
            Some(declared) => Self {
                compression,
                encoding: declared,
                mark: if declared == encoding { mark as u64 } else { 0 },
                sure: 1.0,
            },
            None => Self {
                compression,
                encoding,
                mark: mark as u64,
                sure,
            },
        })
    }

    /// What was found out about it.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        vec![
            Finding::new("compression", &self.compression, 1.0),
            Finding::new("encoding", &self.encoding.name(), self.sure),
        ]
    }

    /// Whether the file is read as it is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.compression == Compression::None && self.encoding == Encoding::Utf8
    }

    /// Reads the text from a place of the file on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, file: File, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut reader = self.stored(file, offset)?;
        if self.encoding.has_places() {
            return Ok(self.encoding.decode(reader));
        }
        reader = self.encoding.decode(reader);
        skip(&mut reader, offset)?;
        Ok(reader)
    }

    /// The decompressed bytes from a place on; from the start where only decoding tells places.
    fn stored(&self, mut file: File, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let offset = if self.encoding.has_places() {
            offset
        } else {
            0
        };
        if self.compression == Compression::None {
            file.seek(SeekFrom::Start(offset))?;
            return Ok(Box::new(file));
        }
        let mut reader = decompressed(file, self.compression)?;
        skip(&mut reader, offset)?;
        Ok(reader)
    }
}

fn decompressed(mut file: File, compression: Compression) -> io::Result<Box<dyn Read + Send>> {
    let start = match compression {
        Compression::Member(member) => member.start,
        _ => 0,
    };
    file.seek(SeekFrom::Start(start))?;
    compression.open(Box::new(file))
}

fn skip(reader: &mut dyn Read, bytes: u64) -> io::Result<()> {
    io::copy(&mut reader.take(bytes), &mut io::sink()).map(drop)
}
