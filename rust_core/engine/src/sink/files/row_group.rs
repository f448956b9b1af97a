//! A Parquet row group whose columns are encoded and compressed side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowLeafColumn, compute_leaves,
};
use datafusion::parquet::errors::ParquetError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Code, EngineError, Result};

/// The most rows of a row group.
const MAX_ROWS: usize = 1 << 20;
/// A row group is ended when its writers hold so many bytes, which bounds memory.
const MAX_BYTES: usize = 48 << 20;
/// Batches that wait for a lane, at the most.
const QUEUE: usize = 2;
const MAX_LANES: usize = 8;

type Chunks = Vec<(usize, ArrowColumnChunk)>;

/// A row group that is being filled.
pub(super) struct RowGroup {
    lanes: Vec<Lane>,
    rows: usize,
}

/// A thread that encodes some of the columns.
struct Lane {
    queue: mpsc::Sender<RecordBatch>,
    task: JoinHandle<Result<Chunks>>,
    held: Arc<AtomicUsize>,
}

/// A column of the schema and the writers of its leaves.
struct Column {
    index: usize,
    first_leaf: usize,
    writers: Vec<ArrowColumnWriter>,
}

impl RowGroup {
    /// Starts at most `lanes` threads over the columns' writers.
    ///
    /// # Errors
    /// When the writers are not those of the schema.
    pub(super) fn start(
        schema: &SchemaRef,
        writers: Vec<ArrowColumnWriter>,
        lanes: usize,
    ) -> Result<Self> {
        let count = lanes.clamp(1, MAX_LANES).min(schema.fields().len().max(1));
        let mut shares: Vec<Vec<Column>> = (0..count).map(|_| Vec::new()).collect();
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
            if let Some(share) = shares.get_mut(index % count) {
                share.push(Column {
                    index,
                    first_leaf,
                    writers: own,
                });
            }
            first_leaf += leaves;
        }
        let schema = Arc::clone(schema);
        let lanes = shares
            .into_iter()
            .map(|share| Lane::start(share, Arc::clone(&schema)));
        Ok(Self {
            lanes: lanes.collect(),
            rows: 0,
        })
    }

    /// Adds a batch; whether the row group is full.
    ///
    /// # Errors
    /// What a lane found.
    pub(super) async fn write(&mut self, batch: RecordBatch) -> Result<bool> {
        self.rows += batch.num_rows();
        for lane in &mut self.lanes {
            if lane.queue.send(batch.clone()).await.is_err() {
                let ended = (&mut lane.task).await;
                return Err(match ended {
                    Ok(Err(error)) => error,
                    _ => EngineError::new(Code::EngineBug, "a Parquet writer ended early"),
                });
            }
        }
        let held: usize = self
            .lanes
            .iter()
            .map(|lane| lane.held.load(Ordering::Relaxed))
            .sum();
        Ok(self.rows >= MAX_ROWS || held >= MAX_BYTES)
    }

    /// The finished chunks in the order of the columns' leaves.
    ///
    /// # Errors
    /// What a lane found.
    pub(super) async fn finish(self) -> Result<Vec<ArrowColumnChunk>> {
        let tasks: Vec<_> = self.lanes.into_iter().map(|lane| lane.task).collect();
        let mut chunks = Chunks::new();
        for task in tasks {
            let ended = task.await.map_err(|error| {
                EngineError::new(
                    Code::EngineBug,
                    format!("a Parquet writer ended badly: {error}"),
                )
            });
            chunks.extend(ended??);
        }
        chunks.sort_by_key(|(leaf, _)| *leaf);
        Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
    }
}

impl Lane {
    fn start(share: Vec<Column>, schema: SchemaRef) -> Self {
        let (queue, batches) = mpsc::channel(QUEUE);
        let held = Arc::new(AtomicUsize::new(0));
        let gauge = Arc::clone(&held);
        let task = tokio::task::spawn_blocking(move || encode(share, &schema, batches, &gauge));
        Self { queue, task, held }
    }
}

fn encode(
    mut share: Vec<Column>,
    schema: &SchemaRef,
    mut batches: mpsc::Receiver<RecordBatch>,
    held: &AtomicUsize,
) -> Result<Chunks> {
    while let Some(batch) = batches.blocking_recv() {
        for column in &mut share {
            let (field, array) = (schema.field(column.index), batch.column(column.index));
            let leaves = compute_leaves(field, array).map_err(|error| unencodable(&error))?;
            for (writer, leaf) in column.writers.iter_mut().zip(&leaves) {
                let leaf: &ArrowLeafColumn = leaf;
                writer.write(leaf).map_err(|error| unencodable(&error))?;
            }
        }
        let writers = share.iter().flat_map(|column| &column.writers);
        held.store(
            writers.map(ArrowColumnWriter::memory_size).sum(),
            Ordering::Relaxed,
        );
    }
    let mut chunks = Chunks::new();
    for column in share {
        for (leaf, writer) in column.writers.into_iter().enumerate() {
            chunks.push((
                column.first_leaf + leaf,
                writer.close().map_err(|error| unencodable(&error))?,
            ));
        }
    }
    Ok(chunks)
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
