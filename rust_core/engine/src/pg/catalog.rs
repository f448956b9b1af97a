//! What the server's catalogue says of a table.

use tokio_postgres::Client;
use tokio_postgres::types::Oid;

use super::error::statement_failed;
use super::quote::TableName;
use crate::error::Result;

/// A table or view.
#[derive(Clone, Debug)]
pub struct Relation {
    /// As in `pg_class.relkind`: `r` table, `p` partitioned, `v` view, `m` materialised view,
    /// `f` foreign table.
    pub kind: char,
    /// The columns in order.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type, for domains the one beneath.
    pub type_oid: Oid,
    /// The type's modifier: length, precision and scale; -1 for none.
    pub typmod: i32,
    /// The type as in SQL, with modifier and, where needed, schema.
    pub type_name: String,
    /// The bare name of the type beneath, as in `pg_type.typname`.
    pub base_name: String,
    /// The labels of an enumeration; empty for other types.
    pub labels: Vec<String>,
    /// Whether it must have a value.
    pub not_null: bool,
    /// Whether the server computes it.
    pub is_generated: bool,
    /// Whether the server has a value when none is given.
    pub has_default: bool,
}

const RELATION: &str = "
SELECT c.oid, c.relkind::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";

const COLUMNS: &str = "
WITH RECURSIVE base AS (
    SELECT a.attnum, t.oid, t.typtype, t.typbasetype, t.typname::text AS name,
           CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod,
           a.attnotnull OR t.typnotnull AS not_null
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT b.attnum, t.oid, t.typtype, t.typbasetype, t.typname::text,
           CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE b.typmod END,
           b.not_null OR t.typnotnull
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype
    WHERE b.typtype = 'd'
)
SELECT a.attname::text, b.oid, b.typmod,
       pg_catalog.format_type(a.atttypid, a.atttypmod), b.name,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = b.oid),
       b.not_null, a.attgenerated <> '' AS is_generated,
       a.atthasdef OR a.attidentity <> '' AS has_default
FROM pg_catalog.pg_attribute a JOIN base b ON b.attnum = a.attnum AND b.typtype <> 'd'
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum";

/// Looks a table up. None when there is no such table, view or foreign table.
///
/// # Errors
/// `DATABASE_ERROR`, `CONNECTION_FAILED`.
pub async fn look_up(client: &Client, name: &TableName) -> Result<Option<Relation>> {
    let failed = |error| statement_failed(&format!("cannot look up {name}"), &error);
    let found = client
        .query_opt(RELATION, &[&name.schema, &name.table])
        .await
        .map_err(failed)?;
    let Some(found) = found else { return Ok(None) };
    let oid: Oid = found.try_get(0).map_err(failed)?;
    let kind: String = found.try_get(1).map_err(failed)?;
    let rows = client.query(COLUMNS, &[&oid]).await.map_err(failed)?;
    let columns = rows
        .iter()
        .map(column)
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    Ok(Some(Relation {
        kind: kind.chars().next().unwrap_or('?'),
        columns,
    }))
}

fn column(row: &tokio_postgres::Row) -> Result<Column, tokio_postgres::Error> {
    Ok(Column {
        name: row.try_get(0)?,
        type_oid: row.try_get(1)?,
        typmod: row.try_get(2)?,
        type_name: row.try_get(3)?,
        base_name: row.try_get(4)?,
        labels: row.try_get(5)?,
        not_null: row.try_get(6)?,
        is_generated: row.try_get(7)?,
        has_default: row.try_get(8)?,
    })
}
