//! Cuts a file into chunks of whole lines.

use std::io::Read;

use crate::reject::Reject;
use crate::scan::chunk::{Chunk, Damaged, Defect, Segment, Split};

/// Reads one file. A line that is longer than `max_record` bytes becomes a damaged record; its rest
/// is skipped in bounded memory.
pub struct LineSplitter<R> {
    reader: R,
    chunk_size: usize,
    max_record: usize,
    buffer: Vec<u8>,
    offset: u64,
    line: u64,
    reported: u64,
    eof: bool,
}

impl<R: Read> LineSplitter<R> {
    /// Reads from byte `offset` of the file, where `reader` stands, in pieces of `chunk_size` bytes.
    pub fn new(reader: R, offset: u64, max_record: usize, chunk_size: usize) -> Self {
        let chunk_size = chunk_size.max(1);
        let buffer = Vec::new();
        Self {
            reader,
            chunk_size,
            max_record,
            buffer,
            offset,
            line: 1,
            reported: 0,
            eof: false,
        }
    }

    fn fill(&mut self, wanted: usize) -> std::io::Result<()> {
        let missing = wanted.saturating_sub(self.buffer.len());
        if self.eof || missing == 0 {
            return Ok(());
        }
        self.buffer.reserve(missing + 1);
        let read = self
            .reader
            .by_ref()
            .take(missing as u64)
            .read_to_end(&mut self.buffer)?;
        self.eof = read < missing;
        Ok(())
    }

    /// Hands out the first `end` bytes, which are whole lines.
    fn take(&mut self, end: usize) -> Chunk {
        let mut rest = Vec::with_capacity(self.chunk_size + 1 + self.buffer.len() - end);
        rest.extend_from_slice(self.buffer.get(end..).unwrap_or_default());
        let mut data = std::mem::replace(&mut self.buffer, rest);
        data.truncate(end);
        let (offset, line) = (self.offset, self.line);
        self.line += memchr::memchr_iter(b'\n', &data).count() as u64;
        self.offset += end as u64;
        let segment = Segment {
            start: 0,
            end,
            offset,
            line,
            quotes: false,
            regular: true,
            lone_cr: false,
        };
        self.report(Chunk {
            data,
            segments: vec![segment],
            ..Chunk::default()
        })
    }

    fn report(&mut self, chunk: Chunk) -> Chunk {
        let bytes = self.offset - self.reported;
        self.reported = self.offset;
        Chunk { bytes, ..chunk }
    }

    /// Takes a line that is too long out of the file.
    fn drop_line(&mut self) -> std::io::Result<Chunk> {
        let kept = self.max_record.min(Reject::RAW_LIMIT);
        let raw = self.buffer.get(..kept).unwrap_or_default().to_vec();
        let damaged = Damaged {
            offset: self.offset,
            line: self.line,
            raw,
            defect: Defect::TooLong,
            field: 0,
        };
        loop {
            let found = memchr::memchr(b'\n', &self.buffer);
            let dropped = found.map_or(self.buffer.len(), |at| at + 1);
            self.buffer.drain(..dropped);
            self.offset += dropped as u64;
            if found.is_some() || self.eof {
                self.line += 1;
                return Ok(self.report(Chunk {
                    damaged: vec![damaged],
                    ..Chunk::default()
                }));
            }
            self.fill(self.chunk_size)?;
        }
    }
}

impl<R: Read + Send> Split for LineSplitter<R> {
    fn next_chunk(&mut self) -> std::io::Result<Option<Chunk>> {
        loop {
            let held = self.buffer.len();
            self.fill(if held < self.chunk_size {
                self.chunk_size
            } else {
                held * 2
            })?;
            if self.buffer.is_empty() {
                let unreported = self.offset > self.reported;
                return Ok(unreported.then(|| self.report(Chunk::default())));
            }
            let whole = memchr::memrchr(b'\n', &self.buffer).map_or(0, |at| at + 1);
            // The length that counts is the line's without its end, which may be CRLF.
            let too_long = self.buffer.len() > self.max_record.saturating_add(2);
            match (whole, self.eof) {
                (_, true) => return Ok(Some(self.take(self.buffer.len()))),
                (0, false) if too_long => return self.drop_line().map(Some),
                (0, false) => {}
                (whole, false) => return Ok(Some(self.take(whole))),
            }
        }
    }
}
