//! Columns of a Parquet row group that wait for a thread, and the batches that wait for them.
//!
//! No column waits for another: a thread takes the column with the most rows left, encodes them, and
//! takes the next. Batches stay until the last column has passed them, so wide and narrow columns
//! keep all threads busy while the slowest bounds memory.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::arrow_writer::ArrowColumnChunk;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::column::Column;
use crate::error::{Code, EngineError, Result};

/// A column is worth a thread's while with so many rows left.
const TURN_ROWS: usize = 1 << 14;
/// With so many bytes waiting every column is, and with twice as many no batch is taken.
const TURN_BYTES: usize = 4 << 20;

/// The chunks of columns' leaves with the leaves' places.
pub(super) type Chunks = Vec<(usize, ArrowColumnChunk)>;

/// Shared by the threads that encode columns and the one who brings batches.
pub(super) struct ColumnQueue {
    schema: SchemaRef,
    threads: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Columns that no thread has.
    idle: Vec<Column>,
    /// For each column that a thread has, the first batch that it encodes, and what it held before.
    taken: Vec<(usize, usize)>,
    threads: usize,
    /// What columns became that had all rows.
    closed: Chunks,
    /// Batches that some column has yet to encode; the first of them has the number `first`.
    batches: VecDeque<RecordBatch>,
    first: usize,
    bytes: usize,
    rows: usize,
    ending: Ending,
    failure: Option<EngineError>,
}

#[derive(Default, PartialEq, Eq)]
enum Ending {
    /// Batches may come.
    #[default]
    Open,
    /// All batches are here.
    Complete,
    /// Nobody wants the chunks any more.
    Abandoned,
}

/// A column in a thread's hands, with the batches to encode.
struct Turn {
    column: Column,
    batches: Vec<RecordBatch>,
    last: bool,
}

enum Done {
    Encoded(Column),
    Closed(Chunks),
}

impl ColumnQueue {
    /// A queue whose columns are encoded by at most `threads` threads.
    pub(super) fn new(schema: SchemaRef, columns: Vec<Column>, threads: usize) -> Arc<Self> {
        let threads = threads.min(columns.len()).max(1);
        let state = State {
            idle: columns,
            ..State::default()
        };
        Arc::new(Self {
            schema,
            threads,
            state: Mutex::new(state),
            changed: Notify::new(),
        })
    }

    /// Adds a batch once there is room. How many bytes the columns' writers hold.
    ///
    /// # Errors
    /// What a thread found.
    pub(super) async fn add(self: &Arc<Self>, batch: RecordBatch) -> Result<usize> {
        self.until(|state| state.bytes < 2 * TURN_BYTES).await?;
        let mut state = self.state.lock();
        state.rows += batch.num_rows();
        state.bytes += batch.get_array_memory_size();
        state.batches.push_back(batch);
        self.employ(&mut state);
        let taken = state.taken.iter().map(|(_, held)| *held);
        Ok(state.idle.iter().map(Column::held).chain(taken).sum())
    }

    /// Ends all columns.
    ///
    /// # Errors
    /// What a thread found.
    pub(super) async fn finish(self: &Arc<Self>) -> Result<Chunks> {
        {
            let mut state = self.state.lock();
            state.ending = Ending::Complete;
            self.employ(&mut state);
        }
        let over = |state: &State| state.idle.is_empty() && state.taken.is_empty();
        self.until(over).await?;
        Ok(std::mem::take(&mut self.state.lock().closed))
    }

    /// Lets threads leave after the column that they have.
    pub(super) fn abandon(&self) {
        self.state.lock().ending = Ending::Abandoned;
    }

    async fn until(&self, reached: impl Fn(&State) -> bool) -> Result<()> {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(error) = state.failure.take() {
                    return Err(error);
                }
                if reached(&state) {
                    return Ok(());
                }
            }
            self.changed.notified().await;
        }
    }

    /// Starts threads while there is a column for each.
    fn employ(self: &Arc<Self>, state: &mut State) {
        let wanted = state.idle.iter().filter(|column| state.wants(column));
        let wanted = self.threads.min(state.taken.len() + wanted.count());
        while state.threads < wanted {
            state.threads += 1;
            let queue = Arc::clone(self);
            tokio::task::spawn_blocking(move || Thread { queue, begun: None }.work());
        }
    }
}

impl State {
    /// Whether a column is worth a thread's while.
    fn wants(&self, column: &Column) -> bool {
        let left = self.rows - column.rows();
        match self.ending {
            Ending::Open => left >= TURN_ROWS || (left > 0 && self.bytes >= TURN_BYTES),
            Ending::Complete => true,
            Ending::Abandoned => false,
        }
    }

    /// The column with the most rows left, the slowest among equals.
    fn take(&mut self) -> Option<Turn> {
        let columns = self.idle.iter().enumerate();
        let (place, _) = columns
            .filter(|(_, column)| self.failure.is_none() && self.wants(column))
            .max_by_key(|(_, column)| (self.rows - column.rows(), column.cost()))?;
        let column = self.idle.swap_remove(place);
        self.taken.push((column.batches(), column.held()));
        let passed = column.batches() - self.first;
        Some(Turn {
            batches: self.batches.iter().skip(passed).cloned().collect(),
            last: self.ending == Ending::Complete,
            column,
        })
    }

    /// Takes back a column whose first batch was `begun`, and lets go what all columns have passed.
    fn put(&mut self, begun: usize, done: Result<Done>) {
        if let Some(place) = self.taken.iter().position(|(batch, _)| *batch == begun) {
            self.taken.swap_remove(place);
        }
        match done {
            Ok(Done::Encoded(column)) => self.idle.push(column),
            Ok(Done::Closed(chunks)) => self.closed.extend(chunks),
            Err(error) => self.failure = Some(error),
        }
        let idle = self.idle.iter().map(Column::batches);
        let slowest = idle.chain(self.taken.iter().map(|(batch, _)| *batch)).min();
        while slowest.is_none_or(|batch| self.first < batch)
            && let Some(batch) = self.batches.pop_front()
        {
            self.first += 1;
            self.bytes -= batch.get_array_memory_size();
        }
    }
}

/// A thread of a queue. Dropped with a column in hand, which only a panic does, it fails the queue.
struct Thread {
    queue: Arc<ColumnQueue>,
    begun: Option<usize>,
}

impl Thread {
    fn work(mut self) {
        while let Some(turn) = self.take() {
            let Turn {
                mut column,
                batches,
                last,
            } = turn;
            let encoded = column.encode(&self.queue.schema, &batches);
            drop(batches);
            let done = encoded.and_then(|()| match last {
                true => column.close().map(Done::Closed),
                false => Ok(Done::Encoded(column)),
            });
            self.put(done);
        }
    }

    fn take(&mut self) -> Option<Turn> {
        let mut state = self.queue.state.lock();
        let turn = state.take();
        self.begun = turn.as_ref().map(|turn| turn.column.batches());
        if turn.is_none() {
            state.threads -= 1;
        }
        turn
    }

    fn put(&mut self, done: Result<Done>) {
        if let Some(begun) = self.begun.take() {
            self.queue.state.lock().put(begun, done);
            self.queue.changed.notify_one();
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        let text = "a Parquet writer ended badly";
        self.put(Err(EngineError::new(Code::EngineBug, text)));
    }
}
