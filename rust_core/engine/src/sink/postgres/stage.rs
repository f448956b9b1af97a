//! Stages rows over several connections.

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::KIND;
use super::copy::{Numbered, Part, Queue, copy};
use super::staging::{copy_statement, create, table_name};
use super::target::Target;
use crate::error::{Code, EngineError, Result};
use crate::pg::{Session, TableName, connect};
use crate::plan::pb;
use crate::sink::{StageContext, StagingWriter};

/// Batches that wait for a connection, at the most.
const QUEUE: usize = 2;
/// More connections make the server slower, not faster.
const MAX_CONNECTIONS: usize = 4;
/// How long dropping an abandoned staging table may take; a sweep drops what is left.
const DROP_DEADLINE: Duration = Duration::from_secs(5);

/// Opens the staging area: makes the table and starts the first connection, which is `session` where
/// that is still open.
///
/// # Errors
/// `CONNECTION_FAILED`, `DATABASE_ERROR`.
pub(super) async fn open(
    sink: &str,
    connection: &pb::ResolvedConnection,
    session: Option<Session>,
    target: &Arc<Target>,
    context: &StageContext,
) -> Result<Box<dyn StagingWriter>> {
    let table = table_name(sink, context);
    let session = match session {
        Some(session) if !session.is_closed() => session,
        _ => connect(connection).await?,
    };
    create(&session, &table, target).await?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let mut writer = StageWriter {
        sink: sink.into(),
        connection: connection.clone(),
        target: Arc::clone(target),
        table,
        most: context.writers.clamp(1, MAX_CONNECTIONS),
        sender: Some(sender),
        queue: Arc::new(Mutex::new(receiver)),
        copies: JoinSet::new(),
        rows: 0,
        is_finished: false,
    };
    writer.start(session);
    Ok(Box::new(writer))
}

/// Hands batches to whichever connection is free. A connection more is opened when all are busy, so
/// a small load costs one.
struct StageWriter {
    sink: String,
    connection: pb::ResolvedConnection,
    target: Arc<Target>,
    table: TableName,
    most: usize,
    sender: Option<mpsc::Sender<Numbered>>,
    queue: Queue,
    copies: JoinSet<Result<Part>>,
    rows: i64,
    is_finished: bool,
}

impl StageWriter {
    fn start(&mut self, session: Session) {
        let statement = copy_statement(&self.table, &self.target);
        let (table, target) = (self.table.clone(), Arc::clone(&self.target));
        self.copies.spawn(copy(
            session,
            statement,
            table,
            target,
            Arc::clone(&self.queue),
        ));
    }

    /// The error of a connection that ended before it should.
    async fn failure(&mut self) -> EngineError {
        match self.copies.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => ended_badly(&error),
            Some(Ok(Ok(_))) | None => {
                EngineError::new(Code::EngineBug, "the sink takes no more rows after its end")
            }
        }
    }
}

#[async_trait]
impl StagingWriter for StageWriter {
    async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        match self.copies.try_join_next() {
            Some(Ok(Err(error))) => return Err(error),
            Some(Err(error)) => return Err(ended_badly(&error)),
            Some(Ok(Ok(_))) | None => {}
        }
        let rows = i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        let numbered = Numbered::new(batch, self.rows)?;
        self.rows += rows;
        let Some(sender) = self.sender.clone() else {
            return Err(self.failure().await);
        };
        let numbered = match sender.try_send(numbered) {
            Ok(()) => return Ok(()),
            Err(
                mpsc::error::TrySendError::Full(numbered)
                | mpsc::error::TrySendError::Closed(numbered),
            ) => numbered,
        };
        if self.copies.len() < self.most {
            let session = connect(&self.connection).await?;
            self.start(session);
        }
        tokio::select! {
            sent = sender.send(numbered) => match sent {
                Ok(()) => Ok(()),
                Err(_) => Err(self.failure().await),
            },
            ended = self.copies.join_next() => match ended {
                Some(Ok(Err(error))) => Err(error),
                Some(Err(error)) => Err(ended_badly(&error)),
                Some(Ok(Ok(_))) | None => Err(EngineError::new(Code::EngineBug, "a connection ended early")),
            },
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<pb::StagedSink> {
        self.sender = None;
        let mut whole = Part::default();
        while let Some(ended) = self.copies.join_next().await {
            let part = ended.map_err(|error| ended_badly(&error))??;
            whole.rows += part.rows;
            whole.bytes += part.bytes;
            whole.checksum.merge(part.checksum);
        }
        self.is_finished = true;
        Ok(pb::StagedSink {
            name: self.sink.clone(),
            kind: KIND.into(),
            mode: self.target.mode.as_str().into(),
            rows: whole.rows,
            bytes: whole.bytes,
            checksum: whole.checksum.text(),
            connection: self.connection.name.clone(),
            target: self.target.name.to_string(),
            staging_tables: vec![self.table.to_string()],
            columns: self.target.report(),
            keys: self.target.keys.clone(),
            history: self.target.history.clone().map(|history| history.0),
            ..pb::StagedSink::default()
        })
    }
}

impl Drop for StageWriter {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        self.copies.abort_all();
        let (connection, table) = (self.connection.clone(), self.table.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if tokio::time::timeout(DROP_DEADLINE, drop_table(&connection, &table))
                    .await
                    .is_err()
                {
                    log::warn!("the staging table {table} is left to a sweep");
                }
            });
        }
    }
}

async fn drop_table(connection: &pb::ResolvedConnection, table: &TableName) {
    let statement = format!("DROP TABLE IF EXISTS {}", table.quoted());
    let dropped = match connect(connection).await {
        Ok(session) => session
            .batch_execute(&statement)
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = dropped {
        log::warn!("the staging table {table} is left to a sweep: {error}");
    }
}

fn ended_badly(error: &tokio::task::JoinError) -> EngineError {
    EngineError::new(
        Code::EngineBug,
        format!("a connection's task ended badly: {error}"),
    )
}
