//! Hands out the chunks of a source's files to its partitions, and runs a partition.

use std::fs::File;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures::stream;
use parking_lot::Mutex;

use super::chunk::{Layout, Parse, Parsed, Piece, Split};
use super::files::FoundFile;
use super::replay::Wanted;
use super::{BatchStream, ScanContext};
use crate::error::{Code, EngineError, Result};

/// How many bytes a chunk has.
pub const CHUNK_SIZE: usize = 1 << 19;

/// A file and its part in the source.
#[derive(Clone, Debug)]
pub struct FeedFile {
    /// The file.
    pub found: FoundFile,
    /// Its columns.
    pub layout: Layout,
}

/// Makes the splitter of an open file, given its index in the source.
pub type OpenSplit = Box<dyn Fn(File, usize) -> std::io::Result<Box<dyn Split>> + Send>;

/// The files of a source, read one after another, a chunk at a time.
pub struct Feed {
    files: Vec<FeedFile>,
    open: OpenSplit,
    next: usize,
    current: Option<Current>,
    failed: bool,
    only: Option<Arc<Wanted>>,
}

struct Current {
    file: File,
    split: Box<dyn Split>,
    index: usize,
}

impl Feed {
    /// A feed over `files`, or over those with wanted records.
    #[must_use]
    pub fn new(files: Vec<FeedFile>, open: OpenSplit, only: Option<Arc<Wanted>>) -> Self {
        Self {
            files,
            open,
            next: 0,
            current: None,
            failed: false,
            only,
        }
    }

    /// The next piece of any file; none at the end, and after an error.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE` when a file cannot be read or was changed.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        if self.failed {
            return Ok(None);
        }
        let result = self.advance();
        self.failed = result.is_err();
        result
    }

    fn advance(&mut self) -> Result<Option<Piece>> {
        loop {
            let Some(current) = self.current.as_mut() else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let Some(file) = self.files.get(current.index) else {
                return Ok(None);
            };
            match current
                .split
                .next_chunk()
                .map_err(|error| file.found.unreadable(&error))?
            {
                Some(chunk) => {
                    return Ok(Some(Piece {
                        layout: file.layout.clone(),
                        chunk,
                    }));
                }
                None => file.found.check(&current.file)?,
            }
            self.current = None;
        }
    }

    fn open_next(&mut self) -> Result<bool> {
        let index = self.next;
        let Some(file) = self.files.get(index) else {
            return Ok(false);
        };
        self.next += 1;
        if let Some(only) = &self.only
            && !only.concerns(&file.found)?
        {
            return Ok(true);
        }
        let unreadable = |error: std::io::Error| file.found.unreadable(&error);
        let handle = file.found.open()?;
        let kept = handle.try_clone().map_err(unreadable)?;
        let split = (self.open)(handle, index).map_err(unreadable)?;
        self.current = Some(Current {
            file: kept,
            split,
            index,
        });
        Ok(true)
    }
}

/// One partition: pulls chunks from the shared feed and parses them.
pub fn partition(feed: Arc<Mutex<Feed>>, parser: impl Parse, context: &ScanContext) -> BatchStream {
    if let Some(only) = &context.only {
        only.enter();
    }
    let worker = Worker {
        feed,
        parser,
        context: context.clone(),
        busy: false,
        file: Arc::default(),
    };
    Box::pin(stream::try_unfold(worker, |mut worker| async move {
        let batch = worker.next_batch()?;
        Ok(batch.map(|batch| (batch, worker)))
    }))
}

struct Worker<P> {
    feed: Arc<Mutex<Feed>>,
    parser: P,
    context: ScanContext,
    busy: bool,
    /// The name of the file that the piece is of.
    file: Arc<str>,
}

impl<P: Parse> Worker<P> {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.context.cancel.is_cancelled() {
                return Err(EngineError::new(Code::Cancelled, "the run was cancelled"));
            }
            if !self.busy {
                let Some(piece) = self
                    .feed
                    .lock()
                    .next_piece()
                    .map_err(|error| self.name(error))?
                else {
                    let left = self.context.only.as_ref().map(|only| only.leave());
                    return left.transpose().map(|_| None);
                };
                self.file = Arc::clone(&piece.layout.name);
                self.context.counters.add(0, 0, piece.chunk.bytes);
                self.parser.feed(piece);
                self.busy = true;
            }
            match self.parser.next().map_err(|error| self.name(error))? {
                None => self.busy = false,
                Some(parsed) => {
                    if let Some(batch) = self.settle(parsed)? {
                        return Ok(Some(batch));
                    }
                }
            }
        }
    }

    fn settle(&self, mut parsed: Parsed) -> Result<Option<RecordBatch>> {
        if let Some(only) = &self.context.only {
            parsed = only.keep(&self.file, parsed)?;
        }
        let rejected = parsed.rejects.len() as u64;
        let rows = parsed.batch.num_rows() as u64;
        self.context.counters.add(rows + rejected, rejected, 0);
        if rejected > 0 {
            self.context.rejects.push(parsed.rejects)?;
        }
        Ok((rows > 0).then_some(parsed.batch))
    }

    fn name(&self, error: EngineError) -> EngineError {
        error.at(self.context.name.as_ref())
    }
}
