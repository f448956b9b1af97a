//! PostgreSQL tables, written by binary COPY into a staging table.

mod check;
mod copy;
mod create;
mod encode;
mod fit;
mod history;
mod numeric;
mod stage;
mod staging;
mod target;
mod text;
mod values;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use parking_lot::Mutex;

use self::target::Target;
use crate::error::Result;
use crate::pg::{Session, TableName, connect, find, look_up, statement_failed};
use crate::plan::pb;
use crate::reject::Reason;
use crate::sink::{Sink, SinkEnv, StageContext, StagingWriter};

const KIND: &str = "postgres";
/// The column of a staging table that numbers rows in their order.
const SEQUENCE: &str = "__seq";

#[derive(Debug)]
struct PostgresSink {
    name: String,
    connection: pb::ResolvedConnection,
    target: Arc<Target>,
    /// What makes the target's schema; empty when it exists.
    create_schema: String,
    /// The connection that looked at the target, for staging.
    session: Mutex<Option<Session>>,
}

/// Compiles a sink into a PostgreSQL table: looks at the table and settles every column.
///
/// # Errors
/// `CONNECTION_UNKNOWN`, `CONNECTION_FAILED`, `PLAN_INVALID`, `TARGET_MISMATCH`, `TABLE_NOT_FOUND`
/// for a schema that does not exist and cannot be made.
pub(super) async fn compile(
    name: &str,
    options: &pb::PostgresSink,
    schema: &SchemaRef,
    env: &SinkEnv,
) -> Result<Arc<dyn Sink>> {
    let connection = find(&env.connections, &options.connection)?;
    let table = TableName::parse(&options.table)?;
    let session = connect(connection).await?;
    let relation = look_up(&session, &table).await?;
    let create_schema = match relation {
        Some(_) => String::new(),
        None => schema_statement(&session, &table).await?,
    };
    let target = Target::settle(table, options, schema, relation.as_ref())?;
    Ok(Arc::new(PostgresSink {
        name: name.into(),
        connection: connection.clone(),
        target: Arc::new(target),
        create_schema,
        session: Mutex::new(Some(session)),
    }))
}

/// The statement that makes the table's schema, where it is missing.
async fn schema_statement(session: &Session, table: &TableName) -> Result<String> {
    const ASK: &str = "
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')";
    let failed = |error| statement_failed(&format!("cannot look up the schema of {table}"), &error);
    let row = session
        .query_one(ASK, &[&table.schema])
        .await
        .map_err(failed)?;
    let (exists, may_create): (bool, bool) = (
        row.try_get(0).map_err(failed)?,
        row.try_get(1).map_err(failed)?,
    );
    if exists {
        return Ok(String::new());
    }
    if may_create {
        return Ok(format!(
            "CREATE SCHEMA {};\n",
            crate::pg::ident(&table.schema)
        ));
    }
    let text = format!(
        "there is no schema '{}', and it may not be made",
        table.schema
    );
    Err(
        crate::error::EngineError::new(crate::error::Code::TableNotFound, text)
            .place("table")
            .hint("Create the schema or grant the connection's user CREATE on the database"),
    )
}

#[async_trait]
impl Sink for PostgresSink {
    fn report(&self) -> pb::SinkReport {
        pb::SinkReport {
            name: self.name.clone(),
            kind: KIND.into(),
            target: self.target.name.to_string(),
            mode: self.target.mode.as_str().into(),
            create_statement: format!("{}{}", self.create_schema, self.target.create_statement),
            columns: self.target.report(),
            notes: self.target.notes(),
        }
    }

    fn refused(&self, batch: &RecordBatch) -> Vec<(usize, Vec<Reason>)> {
        check::refused(batch, &self.target)
    }

    fn needs_order(&self) -> bool {
        self.target.is_numbered()
    }

    async fn open(&self, context: &StageContext) -> Result<Box<dyn StagingWriter>> {
        let session = self.session.lock().take();
        stage::open(&self.name, &self.connection, session, &self.target, context).await
    }
}
