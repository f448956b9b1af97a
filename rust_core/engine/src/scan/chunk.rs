//! What flows between the serial and the parallel part of reading a file.
//!
//! A splitter reads a file from front to back and cuts it into chunks of whole records; parsers,
//! one for each partition, turn chunks into batches side by side.

use std::io;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use crate::error::Result;
use crate::reject::Reject;
use crate::scan::text::unit::Unit;

/// A piece of a file.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The bytes.
    pub data: Vec<u8>,
    /// Runs of whole, well-formed records within `data`, in order.
    pub segments: Vec<Segment>,
    /// The malformed records between them.
    pub damaged: Vec<Damaged>,
    /// How many bytes of the file the chunk stands for.
    pub bytes: u64,
    /// How the data tells the bytes of the file it was made from.
    pub unit: Unit,
}

/// A run of whole, well-formed records. The last may lack its line end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Where it starts in the chunk's data.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The byte offset in the file.
    pub offset: u64,
    /// The physical line in the file, from 1.
    pub line: u64,
    /// Whether a quote occurs in it.
    pub quotes: bool,
    /// Whether every quote opens or closes a field or is one of a doubled pair, so that counting
    /// quotes tells what is inside them.
    pub regular: bool,
    /// Whether a CR without LF occurs in it.
    pub lone_cr: bool,
}

/// A malformed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The byte offset in the file.
    pub offset: u64,
    /// The physical line in the file, from 1.
    pub line: u64,
    /// Its bytes, at most [`Reject::RAW_LIMIT`].
    pub raw: Vec<u8>,
    /// What is wrong.
    pub defect: Defect,
    /// In which field, from 0.
    pub field: usize,
}

/// Where reading starts in a file: after a byte order mark and a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The byte offset.
    pub offset: u64,
    /// The physical line, from 1.
    pub line: u64,
}

/// What is wrong with a malformed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// Text follows a closing quote.
    StrayQuote,
    /// A quote is not closed on the record's first line, nor properly later.
    UnterminatedQuote,
    /// The physical line is longer than `max_record`.
    TooLong,
}

/// One file's part in a source.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The file's index in the source.
    pub src: u32,
    /// The file's name.
    pub name: Arc<str>,
    /// For each column of the source, the field in this file's records.
    pub fields: Arc<[usize]>,
}

/// A chunk and the file it comes from.
#[derive(Debug)]
pub struct Piece {
    /// The file.
    pub layout: Layout,
    /// The chunk.
    pub chunk: Chunk,
}

/// What came out of a part of a chunk.
#[derive(Debug)]
pub struct Parsed {
    /// The good rows with their identity.
    pub batch: RecordBatch,
    /// The bad ones.
    pub rejects: Vec<Reject>,
}

/// The serial part: reads a file from front to back.
pub trait Split: Send {
    /// The next chunk, none at the end of the file. A chunk may have no records.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn next_chunk(&mut self) -> io::Result<Option<Chunk>>;
}

/// The parallel part: turns pieces into batches.
pub trait Parse: Send + 'static {
    /// Takes the next piece; the one before must be used up.
    fn feed(&mut self, piece: Piece);

    /// The next batch of the piece; none when it is used up.
    ///
    /// # Errors
    /// `ENGINE_BUG` when a batch cannot be built.
    fn next(&mut self) -> Result<Option<Parsed>>;
}
