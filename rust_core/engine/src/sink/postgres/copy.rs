//! One connection that copies batches into the staging table.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::SinkExt;
use tokio::sync::{Mutex, mpsc};
use tokio_postgres::CopyInSink;

use super::encode::{HEADER, TRAILER, put_rows, take};
use super::staging::RELAXED;
use super::target::Target;
use crate::error::{Code, EngineError, Result};
use crate::pg::{Session, TableName, statement_failed};
use crate::sink::ORDER;
use crate::sink::checksum::Checksum;

/// Bytes that are gathered before they are sent.
const BUFFER: usize = 1 << 17;

/// A batch and how its rows follow each other.
pub(super) struct Numbered {
    /// The rows.
    pub(super) batch: RecordBatch,
    /// Their numbers.
    pub(super) numbers: Numbers,
}

/// Numbers of rows: a later row has a larger one.
pub(super) enum Numbers {
    /// As they arrive, from this one.
    From(i64),
    /// As the source has them.
    Given(Int64Array),
}

impl Numbered {
    /// Takes the source's numbers out of a batch that has them; `arrived` rows came before.
    pub(super) fn new(batch: RecordBatch, arrived: i64) -> Result<Self> {
        let last = batch.num_columns().saturating_sub(1);
        let given = match batch.schema_ref().index_of(ORDER) {
            Ok(index) if index == last => batch.column(index).as_primitive_opt::<Int64Type>(),
            _ => None,
        };
        let Some(given) = given.cloned() else {
            let numbers = Numbers::From(arrived);
            return Ok(Self { batch, numbers });
        };
        let own: Vec<usize> = (0..last).collect();
        let batch = batch.project(&own).map_err(|error| {
            EngineError::new(Code::EngineBug, format!("a batch cannot be cut: {error}"))
        })?;
        let numbers = Numbers::Given(given);
        Ok(Self { batch, numbers })
    }
}

impl Numbers {
    /// The number of a batch's row.
    pub(super) fn get(&self, row: usize) -> i64 {
        match self {
            Self::From(first) => first.saturating_add(i64::try_from(row).unwrap_or(i64::MAX)),
            Self::Given(given) => given.value(row),
        }
    }
}

/// Batches that wait for any of the connections.
pub(super) type Queue = Arc<Mutex<mpsc::Receiver<Numbered>>>;

/// What a connection has copied.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Rows, as the server counted them.
    pub(super) rows: u64,
    /// Bytes that were sent.
    pub(super) bytes: u64,
    /// The rows' checksum.
    pub(super) checksum: Checksum,
}

/// Copies batches until the queue ends.
///
/// # Errors
/// `DATABASE_ERROR`, `DISK_FULL`, `CONNECTION_FAILED`; `BOOKS_UNBALANCED` when the server counts
/// other rows than were sent.
pub(super) async fn copy(
    session: Session,
    statement: String,
    table: TableName,
    target: Arc<Target>,
    queue: Queue,
) -> Result<Part> {
    let failed = |error| statement_failed(&format!("cannot copy rows into {table}"), &error);
    session.batch_execute(RELAXED).await.map_err(failed)?;
    let sink: CopyInSink<Bytes> = session.copy_in(&statement).await.map_err(failed)?;
    let mut sink = Box::pin(sink);
    let mut part = Part::default();
    let mut buffer = Vec::with_capacity(BUFFER + BUFFER / 4);
    buffer.extend_from_slice(HEADER);
    let mut sent = 0_u64;
    loop {
        let next = queue.lock().await.recv().await;
        let Some(Numbered { batch, numbers }) = next else {
            break;
        };
        put_rows(&batch, &target, &numbers, &mut buffer)?;
        part.checksum.add(&batch);
        sent += batch.num_rows() as u64;
        if buffer.len() >= BUFFER {
            part.bytes += buffer.len() as u64;
            sink.send(take(&mut buffer)).await.map_err(failed)?;
        }
        // Encoding takes long; other tasks of this thread want their turn.
        tokio::task::yield_now().await;
    }
    buffer.extend_from_slice(TRAILER);
    part.bytes += buffer.len() as u64;
    sink.send(take(&mut buffer)).await.map_err(failed)?;
    part.rows = sink.as_mut().finish().await.map_err(failed)?;
    if part.rows != sent {
        let text = format!(
            "{sent} rows were sent to {table}, the server counted {}",
            part.rows
        );
        return Err(EngineError::new(Code::BooksUnbalanced, text));
    }
    session.close().await;
    Ok(part)
}
