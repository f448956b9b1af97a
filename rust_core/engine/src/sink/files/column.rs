//! A column of a Parquet row group.

use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, compute_leaves,
};
use datafusion::parquet::errors::ParquetError;

use crate::error::{Code, EngineError, Result};

/// A column of the schema, with the writers of its leaves.
pub(super) struct Column {
    /// Its place in the schema.
    index: usize,
    first_leaf: usize,
    writers: Vec<ArrowColumnWriter>,
    batches: usize,
    rows: usize,
    held: usize,
    cost: Duration,
}

impl Column {
    /// The columns of a schema, from the writers of all leaves.
    ///
    /// # Errors
    /// When the writers are not those of the schema.
    pub(super) fn all(schema: &SchemaRef, writers: Vec<ArrowColumnWriter>) -> Result<Vec<Self>> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        let mut writers = writers.into_iter();
        let mut first_leaf = 0;
        for (index, field) in schema.fields().iter().enumerate() {
            let leaves = leaves_of(field.data_type());
            let own: Vec<_> = writers.by_ref().take(leaves).collect();
            if own.len() != leaves {
                let text = "a column has no Parquet writer";
                return Err(EngineError::new(Code::EngineBug, text));
            }
            columns.push(Self {
                index,
                first_leaf,
                writers: own,
                batches: 0,
                rows: 0,
                held: 0,
                cost: Duration::ZERO,
            });
            first_leaf += leaves;
        }
        Ok(columns)
    }

    /// How many batches it has encoded.
    pub(super) const fn batches(&self) -> usize {
        self.batches
    }

    /// How many rows it has encoded.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// What its writers hold, in bytes.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// How long it took so far.
    pub(super) const fn cost(&self) -> Duration {
        self.cost
    }

    /// Encodes its part of batches.
    ///
    /// # Errors
    /// `SINK_UNWRITABLE` for values that Parquet cannot hold.
    pub(super) fn encode(&mut self, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<()> {
        let begun = Instant::now();
        let field = schema.field(self.index);
        for batch in batches {
            let leaves = compute_leaves(field, batch.column(self.index));
            let leaves = leaves.map_err(|error| unencodable(&error))?;
            for (writer, leaf) in self.writers.iter_mut().zip(&leaves) {
                writer.write(leaf).map_err(|error| unencodable(&error))?;
            }
            self.rows += batch.num_rows();
        }
        self.batches += batches.len();
        let held = self.writers.iter().map(ArrowColumnWriter::memory_size);
        self.held = held.sum();
        self.cost += begun.elapsed();
        Ok(())
    }

    /// Ends it: the chunks of its leaves, each with the leaf's place among all leaves.
    ///
    /// # Errors
    /// As for [`Self::encode`].
    pub(super) fn close(self) -> Result<Vec<(usize, ArrowColumnChunk)>> {
        let leaves = (self.first_leaf..).zip(self.writers);
        leaves
            .map(|(leaf, writer)| {
                let chunk = writer.close().map_err(|error| unencodable(&error))?;
                Ok((leaf, chunk))
            })
            .collect()
    }
}

fn unencodable(error: &ParquetError) -> EngineError {
    EngineError::new(
        Code::SinkUnwritable,
        format!("rows cannot be encoded as Parquet: {error}"),
    )
}

/// How many Parquet columns an Arrow column becomes.
fn leaves_of(data_type: &DataType) -> usize {
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
