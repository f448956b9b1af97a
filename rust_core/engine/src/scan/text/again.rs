//! Finds records of a file again by their places.
//!
//! A plain file is read where the record is. A compressed one is read from its start, so its reader
//! is kept for the next record, and so is what was read last: records are mostly asked for in the
//! order they stand in.

use std::io::{Cursor, Read};

use parking_lot::Mutex;

use super::Form;
use super::compression::Compression;
use super::encoding::Encoding;
use crate::scan::files::FoundFile;

/// How many bytes before the reader's place are kept.
const KEPT: usize = 8 << 20;
/// How many bytes of a record are looked at first.
pub const FIRST_LOOK: usize = 2048;
/// How often a reader may be made anew because an earlier record is asked for.
const MOST_RESTARTS: usize = 64;

/// Reads pieces of files again.
#[derive(Default)]
pub struct Again {
    open: Mutex<State>,
}

#[derive(Default)]
struct State {
    restarts: usize,
    reader: Option<Reader>,
}

struct Reader {
    name: String,
    reader: Box<dyn Read + Send>,
    kept: Vec<u8>,
    /// The place of the first kept byte.
    start: u64,
}

impl std::fmt::Debug for Again {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Again")
    }
}

impl Again {
    /// At most about `limit` bytes of text from `offset` on, and whether they reach the file's end.
    /// None when the file cannot be read again in reasonable time.
    pub fn text(
        &self,
        file: &FoundFile,
        form: &Form,
        offset: u64,
        limit: usize,
    ) -> Option<(Vec<u8>, bool)> {
        let wanted = if form.encoding.has_places() && form.encoding != Encoding::Utf8 {
            limit.saturating_mul(2)
        } else {
            limit
        };
        let seeks = form.compression == Compression::None && form.encoding.has_places();
        let bytes = if seeks {
            let mut bytes = Vec::new();
            let reader = form.stored(file.open().ok()?, offset).ok()?;
            reader.take(wanted as u64).read_to_end(&mut bytes).ok()?;
            bytes
        } else {
            self.open.lock().bytes(file, form, offset, wanted)?
        };
        let ended = bytes.len() < wanted;
        if form.encoding == Encoding::Utf8 || !form.encoding.has_places() {
            return Some((bytes, ended));
        }
        let mut text = Vec::new();
        let mut decoded = form.encoding.decode(Box::new(Cursor::new(bytes)));
        decoded.read_to_end(&mut text).ok()?;
        Some((text, ended))
    }
}

impl State {
    fn bytes(
        &mut self,
        file: &FoundFile,
        form: &Form,
        offset: u64,
        wanted: usize,
    ) -> Option<Vec<u8>> {
        let fits = |open: &Reader| open.name == file.name && open.start <= offset;
        let mut open = match self.reader.take().filter(fits) {
            Some(open) => open,
            None => {
                self.restarts += 1;
                if self.restarts > MOST_RESTARTS {
                    return None;
                }
                Reader::new(file, form)?
            }
        };
        let bytes = open.read(offset, wanted);
        self.reader = Some(open);
        bytes
    }
}

impl Reader {
    fn new(file: &FoundFile, form: &Form) -> Option<Self> {
        let handle = file.open().ok()?;
        let reader = if form.encoding.has_places() {
            form.stored(handle, 0).ok()?
        } else {
            form.read(handle, 0).ok()?
        };
        Some(Self {
            name: file.name.clone(),
            reader,
            kept: Vec::new(),
            start: 0,
        })
    }

    fn read(&mut self, offset: u64, wanted: usize) -> Option<Vec<u8>> {
        let end = offset + wanted as u64;
        loop {
            let reached = self.start + self.kept.len() as u64;
            if reached >= end {
                break;
            }
            let missing = (end - reached).min(KEPT as u64);
            let read = self
                .reader
                .by_ref()
                .take(missing)
                .read_to_end(&mut self.kept)
                .ok()?;
            if read == 0 {
                break;
            }
            let first = usize::try_from(offset.saturating_sub(self.start)).ok()?;
            if self.kept.len() > 2 * KEPT {
                let spare = (self.kept.len() - KEPT).min(first);
                self.kept.drain(..spare);
                self.start += spare as u64;
            }
        }
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let to = self.kept.len().min(from + wanted);
        self.kept.get(from..to).map(<[u8]>::to_vec)
    }
}
