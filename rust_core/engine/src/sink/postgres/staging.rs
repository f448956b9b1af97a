//! The table that rows wait in until they are published.

use super::SEQUENCE;
use super::target::Target;
use crate::error::Result;
use crate::pg::{Session, TableName, ident, statement_failed};
use crate::sink::StageContext;

/// The schema of everything that ETL Plus keeps in a target's database.
const SCHEMA: &str = "etlplus";
const MAX_IDENTIFIER: usize = 63;
/// Staging need not wait for the disk: the commit that publishes flushes all that was logged before.
pub(super) const RELAXED: &str = "SET synchronous_commit = off";

/// The staging table of a load's claim. Sweeps find it by load and epoch.
pub(super) fn table_name(sink: &str, context: &StageContext) -> TableName {
    let prefix = format!("stage_{}_{}_", context.load_id, context.epoch);
    let table = format!("{prefix}{sink}_0");
    if table.len() <= MAX_IDENTIFIER {
        return TableName {
            schema: SCHEMA.into(),
            table,
        };
    }
    // The server would cut a long name, and two cut names could be one.
    let hash = sink.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    TableName {
        schema: SCHEMA.into(),
        table: format!("{prefix}{:08x}_0", hash & 0xffff_ffff),
    }
}

/// Makes the staging table anew.
///
/// It survives a crash of the server only where it may become the target; otherwise it is not
/// logged, which is quicker, and found empty after a crash by the count before publishing.
///
/// # Errors
/// `DATABASE_ERROR`, `CONNECTION_FAILED`.
pub(super) async fn create(session: &Session, table: &TableName, target: &Target) -> Result<()> {
    create_schema(session).await?;
    let mut columns: Vec<String> = target
        .columns
        .iter()
        .map(|column| format!("{} {}", ident(&column.name), column.type_name))
        .collect();
    if target.is_numbered() {
        columns.push(format!("{} bigint", ident(SEQUENCE)));
    }
    let logged = if target.is_adoptable() {
        ""
    } else {
        "UNLOGGED "
    };
    let statement = format!(
        "{RELAXED}; DROP TABLE IF EXISTS {name}; CREATE {logged}TABLE {name} ({columns})",
        name = table.quoted(),
        columns = columns.join(", ")
    );
    let what = || format!("cannot make the staging table {table}");
    session
        .batch_execute(&statement)
        .await
        .map_err(|error| statement_failed(&what(), &error))
}

async fn create_schema(session: &Session) -> Result<()> {
    let exists = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1";
    let failed = |error| statement_failed("cannot make the schema etlplus", &error);
    if session
        .query_opt(exists, &[&SCHEMA])
        .await
        .map_err(failed)?
        .is_some()
    {
        return Ok(());
    }
    let made = session
        .batch_execute("CREATE SCHEMA IF NOT EXISTS etlplus")
        .await;
    match made {
        Ok(()) => Ok(()),
        // Two loads that make it at once: the second fails, and the schema is there.
        Err(error) => match session.query_opt(exists, &[&SCHEMA]).await {
            Ok(Some(_)) => Ok(()),
            _ => Err(failed(error)),
        },
    }
}

/// The statement that fills a staging table.
pub(super) fn copy_statement(table: &TableName, target: &Target) -> String {
    let sequence = target.is_numbered().then_some(SEQUENCE);
    let names = target
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .chain(sequence);
    let names: Vec<String> = names.map(ident).collect();
    format!(
        "COPY {} ({}) FROM STDIN (FORMAT binary)",
        table.quoted(),
        names.join(", ")
    )
}
