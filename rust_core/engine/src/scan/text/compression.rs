//! Compressed files, decompressed while they are read, in bounded memory.
//!
//! Limits: what a file decompresses to may be 64 MiB plus 500 times the bytes of the file, so that a
//! small file cannot keep a run busy for ever; xz may take 128 MiB of memory.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::zip::Member;
use crate::error::{Code, EngineError, Result};

/// What a file may decompress to beside [`RATIO`] times its size.
const GRACE: u64 = 64 << 20;
/// How many bytes may come out of one.
const RATIO: u64 = 500;
/// The memory that xz may take.
const XZ_MEMORY: u64 = 128 << 20;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, of one member or several.
    Gzip,
    /// Zstandard frames.
    Zstd,
    /// bzip2 streams.
    Bzip2,
    /// xz streams.
    Xz,
    /// LZ4 frames.
    Lz4,
    /// A file within a ZIP archive.
    Member(Member),
}

/// The first bytes of compressed files.
const KNOWN: [(Compression, &[u8]); 5] = [
    (Compression::Gzip, b"\x1f\x8b"),
    (Compression::Zstd, b"\x28\xb5\x2f\xfd"),
    (Compression::Bzip2, b"BZh"),
    (Compression::Xz, b"\xfd7zXZ\x00"),
    (Compression::Lz4, b"\x04\x22\x4d\x18"),
];

impl Compression {
    /// The compression that a source declares; none when it is to be detected. `zip` is not among
    /// them, because its members are files of their own.
    ///
    /// # Errors
    /// `PLAN_INVALID` for an unknown name.
    pub fn named(name: &str) -> Result<Option<Self>> {
        match name {
            "" | "zip" => Ok(None),
            "none" => Ok(Some(Self::None)),
            name => KNOWN
                .iter()
                .map(|&(known, _)| known)
                .find(|known| known.to_string() == name)
                .map(Some)
                .ok_or_else(|| {
                    let text = format!("'{name}' is not a known compression");
                    EngineError::new(Code::PlanInvalid, text).place("compression")
                }),
        }
    }

    /// The compression of a file that starts with `head`.
    #[must_use]
    pub fn detect(head: &[u8]) -> Self {
        KNOWN
            .iter()
            .find(|(_, magic)| head.starts_with(magic))
            .map_or(Self::None, |&(known, _)| known)
    }

    /// Reads `reader`, which stands at the start of the file, decompressed.
    ///
    /// # Errors
    /// When a decoder cannot be made.
    pub fn open(self, reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
        if self == Self::None {
            return Ok(reader);
        }
        let source = Arc::new(Consumed::default());
        let counted = Counted {
            reader,
            consumed: Arc::clone(&source),
        };
        let decoder: Box<dyn Read + Send> = match self {
            Self::None => Box::new(counted),
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(counted)),
            Self::Zstd => Box::new(zstd::Decoder::new(counted)?),
            Self::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(counted)),
            Self::Xz => {
                let flags = liblzma::stream::CONCATENATED;
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, flags)?;
                Box::new(liblzma::read::XzDecoder::new_stream(counted, stream))
            }
            Self::Lz4 => Box::new(Frames {
                decoder: lz4_flex::frame::FrameDecoder::new(io::BufReader::new(counted)),
            }),
            Self::Member(member) => member.decode(counted),
        };
        Ok(Box::new(Guarded {
            decoder,
            consumed: source,
            produced: 0,
            compression: self,
        }))
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
            Self::Member(_) => "zip",
        })
    }
}

#[derive(Default)]
struct Consumed {
    bytes: AtomicU64,
    failed: AtomicBool,
}

/// Counts what a decoder takes, and remembers when reading failed.
struct Counted {
    reader: Box<dyn Read + Send>,
    consumed: Arc<Consumed>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(out) {
            Ok(read) => {
                self.consumed
                    .bytes
                    .fetch_add(read as u64, Ordering::Relaxed);
                Ok(read)
            }
            Err(error) => {
                self.consumed.failed.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }
}

/// LZ4 frames one behind the other.
struct Frames<R: Read> {
    decoder: lz4_flex::frame::FrameDecoder<io::BufReader<R>>,
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(out)?;
            // At a frame's end nothing is read; the next call starts the next frame.
            let rest = io::BufRead::fill_buf(self.decoder.get_mut())?;
            if read > 0 || rest.is_empty() || out.is_empty() {
                return Ok(read);
            }
        }
    }
}

/// Keeps the size in bounds and says where damage is.
struct Guarded {
    decoder: Box<dyn Read + Send>,
    consumed: Arc<Consumed>,
    produced: u64,
    compression: Compression,
}

impl Read for Guarded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self
            .decoder
            .read(out)
            .map_err(|error| self.explain(error))?;
        self.produced += read as u64;
        let consumed = self.consumed.bytes.load(Ordering::Relaxed);
        if self.produced > GRACE.saturating_add(consumed.saturating_mul(RATIO)) {
            let text = format!(
                "its {} data decompresses to more than {RATIO} times its size",
                self.compression
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(read)
    }
}

impl Guarded {
    fn explain(&self, error: io::Error) -> io::Error {
        if self.consumed.failed.load(Ordering::Relaxed)
            || error.kind() == io::ErrorKind::Interrupted
        {
            return error;
        }
        let (bytes, produced) = (self.consumed.bytes.load(Ordering::Relaxed), self.produced);
        let text = format!(
            "its {} data is damaged before byte {bytes}, behind {produced} bytes of text: {error}",
            self.compression
        );
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}
