//! A Parquet row group whose columns are encoded and compressed side by side.
//!
//! Batches are collected for a round; in a round each thread takes the next column that is left, so
//! that wide and narrow columns keep all threads busy. While a round runs the next is collected.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, compute_leaves,
};
use datafusion::parquet::errors::ParquetError;
use parking_lot::Mutex;
use tokio::task::{JoinHandle, JoinSet};

use crate::error::{Code, EngineError, Result};

/// The most rows of a row group.
pub(super) const MAX_ROWS: usize = 1 << 18;
/// A row group is ended when its writers hold so many bytes, which bounds memory.
const MAX_BYTES: usize = 24 << 20;
/// How many rows a round has, and at most how many bytes.
const ROUND_ROWS: usize = 1 << 14;
const ROUND_BYTES: usize = 4 << 20;
const MAX_THREADS: usize = 8;

/// A row group that is being filled.
pub(super) struct RowGroup {
    schema: SchemaRef,
    threads: usize,
    round: Round,
    pending: Vec<RecordBatch>,
    pending_bytes: usize,
    pending_rows: usize,
    rows: usize,
    held: usize,
}

/// Where the columns are.
enum Round {
    Between(Vec<Column>),
    Running(JoinHandle<Result<Vec<Column>>>),
}

/// A column of the schema and the writers of its leaves.
struct Column {
    index: usize,
    first_leaf: usize,
    writers: Vec<ArrowColumnWriter>,
}

impl RowGroup {
    /// Starts over the columns' writers, with at most `threads` threads.
    ///
    /// # Errors
    /// When the writers are not those of the schema.
    pub(super) fn start(
        schema: &SchemaRef,
        writers: Vec<ArrowColumnWriter>,
        threads: usize,
    ) -> Result<Self> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        let mut writers = writers.into_iter();
        let mut first_leaf = 0;
        for (index, field) in schema.fields().iter().enumerate() {
            let leaves = leaves_of(field.data_type());
            let own: Vec<_> = writers.by_ref().take(leaves).collect();
            if own.len() != leaves {
                return Err(EngineError::new(
                    Code::EngineBug,
                    "a column has no Parquet writer",
                ));
            }
            columns.push(Column {
                index,
                first_leaf,
                writers: own,
            });
            first_leaf += leaves;
        }
        Ok(Self {
            schema: Arc::clone(schema),
            threads: threads.clamp(1, MAX_THREADS).min(columns.len().max(1)),
            round: Round::Between(columns),
            pending: Vec::new(),
            pending_bytes: 0,
            pending_rows: 0,
            rows: 0,
            held: 0,
        })
    }

    /// Adds a batch; whether the row group is full.
    ///
    /// # Errors
    /// What an earlier round found.
    pub(super) async fn write(&mut self, batch: RecordBatch) -> Result<bool> {
        self.rows += batch.num_rows();
        self.pending_rows += batch.num_rows();
        self.pending_bytes += batch.get_array_memory_size();
        self.pending.push(batch);
        if self.pending_rows >= ROUND_ROWS || self.pending_bytes >= ROUND_BYTES {
            let columns = self.columns().await?;
            let batches = std::mem::take(&mut self.pending);
            (self.pending_rows, self.pending_bytes) = (0, 0);
            let round = encode(columns, batches, Arc::clone(&self.schema), self.threads);
            self.round = Round::Running(tokio::spawn(round));
        }
        Ok(self.rows >= MAX_ROWS || self.held >= MAX_BYTES)
    }

    /// The finished chunks in the order of the columns' leaves.
    ///
    /// # Errors
    /// What a round found.
    pub(super) async fn finish(mut self) -> Result<Vec<ArrowColumnChunk>> {
        let columns = self.columns().await?;
        let columns = encode(columns, self.pending, self.schema, self.threads).await?;
        let mut chunks = side_by_side(columns, self.threads, close).await?;
        chunks.sort_by_key(|(leaf, _)| *leaf);
        Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
    }

    /// The columns, once the round before has ended.
    async fn columns(&mut self) -> Result<Vec<Column>> {
        let columns = match std::mem::replace(&mut self.round, Round::Between(Vec::new())) {
            Round::Between(columns) => columns,
            Round::Running(round) => round.await.map_err(|error| ended_badly(&error))??,
        };
        let writers = columns.iter().flat_map(|column| &column.writers);
        self.held = writers.map(ArrowColumnWriter::memory_size).sum();
        Ok(columns)
    }
}

/// Encodes batches into all columns.
async fn encode(
    columns: Vec<Column>,
    batches: Vec<RecordBatch>,
    schema: SchemaRef,
    threads: usize,
) -> Result<Vec<Column>> {
    let batches: Arc<[RecordBatch]> = batches.into();
    let work = move |mut column: Column| {
        let field = schema.field(column.index);
        for batch in batches.iter() {
            let leaves = compute_leaves(field, batch.column(column.index));
            let leaves = leaves.map_err(|error| unencodable(&error))?;
            for (writer, leaf) in column.writers.iter_mut().zip(&leaves) {
                writer.write(leaf).map_err(|error| unencodable(&error))?;
            }
        }
        Ok(vec![column])
    };
    side_by_side(columns, threads, work).await
}

fn close(column: Column) -> Result<Vec<(usize, ArrowColumnChunk)>> {
    let writers = column.writers.into_iter().enumerate();
    writers
        .map(|(leaf, writer)| {
            let chunk = writer.close().map_err(|error| unencodable(&error))?;
            Ok((column.first_leaf + leaf, chunk))
        })
        .collect()
}

/// Does the same with every column; each thread takes the next that is left.
async fn side_by_side<T: Send + 'static>(
    columns: Vec<Column>,
    threads: usize,
    work: impl Fn(Column) -> Result<Vec<T>> + Clone + Send + 'static,
) -> Result<Vec<T>> {
    let left = Arc::new(Mutex::new(columns));
    let mut tasks = JoinSet::new();
    for _ in 0..threads {
        let (left, work) = (Arc::clone(&left), work.clone());
        tasks.spawn_blocking(move || {
            let mut done = Vec::new();
            loop {
                let Some(column) = left.lock().pop() else {
                    return Ok(done);
                };
                done.extend(work(column)?);
            }
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let done: Result<Vec<T>> = ended.map_err(|error| ended_badly(&error))?;
        all.extend(done?);
    }
    Ok(all)
}

fn ended_badly(error: &tokio::task::JoinError) -> EngineError {
    EngineError::new(
        Code::EngineBug,
        format!("a Parquet writer ended badly: {error}"),
    )
}

fn unencodable(error: &ParquetError) -> EngineError {
    EngineError::new(
        Code::SinkUnwritable,
        format!("rows cannot be encoded as Parquet: {error}"),
    )
}

/// How many Parquet columns an Arrow column becomes.
fn leaves_of(data_type: &arrow::datatypes::DataType) -> usize {
    use arrow::datatypes::DataType;
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|each| leaves_of(each.data_type())).sum(),
        DataType::List(each)
        | DataType::LargeList(each)
        | DataType::ListView(each)
        | DataType::LargeListView(each)
        | DataType::FixedSizeList(each, _)
        | DataType::Map(each, _) => leaves_of(each.data_type()),
        DataType::Dictionary(_, value) => leaves_of(value),
        DataType::RunEndEncoded(_, value) => leaves_of(value.data_type()),
        _ => 1,
    }
}
