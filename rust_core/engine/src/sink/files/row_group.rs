//! A Parquet row group whose columns are encoded and compressed side by side.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter};

use super::column::Column;
use super::column_queue::ColumnQueue;
use crate::error::Result;

/// The most rows of a row group.
pub(super) const MAX_ROWS: usize = 1 << 18;
/// A row group is ended when its writers hold so many bytes, which bounds memory.
const MAX_BYTES: usize = 24 << 20;
const MAX_THREADS: usize = 8;

/// A row group that is being filled. Dropped before its end, it lets its threads go.
pub(super) struct RowGroup {
    columns: Arc<ColumnQueue>,
    rows: usize,
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
        let columns = Column::all(schema, writers)?;
        let threads = threads.clamp(1, MAX_THREADS);
        Ok(Self {
            columns: ColumnQueue::new(Arc::clone(schema), columns, threads),
            rows: 0,
        })
    }

    /// Adds a batch; whether the row group is full.
    ///
    /// # Errors
    /// What the encoding of an earlier batch found.
    pub(super) async fn write(&mut self, batch: RecordBatch) -> Result<bool> {
        self.rows += batch.num_rows();
        let held = self.columns.add(batch).await?;
        Ok(self.rows >= MAX_ROWS || held >= MAX_BYTES)
    }

    /// The finished chunks in the order of the columns' leaves.
    ///
    /// # Errors
    /// What the encoding found.
    pub(super) async fn finish(self) -> Result<Vec<ArrowColumnChunk>> {
        let mut chunks = self.columns.finish().await?;
        chunks.sort_by_key(|(leaf, _)| *leaf);
        Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
    }
}

impl Drop for RowGroup {
    fn drop(&mut self) {
        self.columns.abandon();
    }
}
