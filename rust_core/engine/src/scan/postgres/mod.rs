//! PostgreSQL tables and queries, read by binary COPY in one snapshot.

mod column;
mod decode;
mod numeric;
mod read;

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use postgres_types::Kind;

use self::column::{ReadAs, SourceColumn};
use super::{BatchStream, ScanContext, ScanEnv, Source};
use crate::error::{Code, EngineError, Result};
use crate::pg::{Session, TableName, connect, ident, kind_is, look_up, statement_failed};
use crate::plan::pb;
use crate::reject::Origin;

/// A table or query.
#[derive(Clone, Debug)]
struct PostgresSource {
    connection: pb::ResolvedConnection,
    /// `schema.table`, or `query`.
    name: String,
    /// What is read, as it stands after FROM.
    relation: String,
    columns: Arc<[SourceColumn]>,
    schema: SchemaRef,
    /// How many rows the server expects.
    rows: Option<u64>,
}

/// Compiles a PostgreSQL source: looks at the table's or query's columns.
///
/// # Errors
/// `CONNECTION_UNKNOWN`, `CONNECTION_FAILED`, `TABLE_NOT_FOUND`, `PLAN_INVALID`; `DATABASE_ERROR` for
/// a query that the server refuses.
pub async fn compile(options: &pb::PostgresSource, env: &ScanEnv) -> Result<Arc<dyn Source>> {
    let connection = env.connections.get(&options.connection);
    let connection = kind_is(connection, &options.connection)?;
    let session = connect(connection).await?;
    let (name, relation, asked) = match (options.table.as_str(), options.query.as_str()) {
        (table, "") if !table.is_empty() => {
            let table = TableName::parse(table)?;
            check_exists(&session, &table).await?;
            let all = format!("SELECT * FROM {}", table.quoted());
            (table.to_string(), table.quoted(), all)
        }
        ("", query) if !query.is_empty() => {
            let query = query.trim().trim_end_matches(';').to_owned();
            // The line's end closes a comment that the query may end with.
            ("query".to_owned(), format!("({query}\n)"), query)
        }
        _ => {
            let text = "give either a table or a query";
            return Err(EngineError::new(Code::PlanInvalid, text).place("table"));
        }
    };
    let columns = columns(&session, &name, &asked).await?;
    let relation = part_of(relation, env.part.as_ref());
    let rows = expected_rows(&session, &relation).await;
    session.close().await;
    let fields: Vec<Field> = columns.iter().map(SourceColumn::field).collect();
    Ok(Arc::new(PostgresSource {
        connection: connection.clone(),
        name,
        relation,
        columns: columns.into(),
        schema: Arc::new(Schema::new(fields)),
        rows,
    }))
}

/// The rows of a relation that are to be read.
fn part_of(relation: String, part: Option<&pb::Part>) -> String {
    match part.map(|part| part.predicate.as_str()) {
        None | Some("") => relation,
        // The line's end closes a comment.
        Some(predicate) => format!("(SELECT * FROM {relation} AS q WHERE {predicate}\n)"),
    }
}

/// How many rows the server's planner expects; none where it does not say.
async fn expected_rows(session: &Session, relation: &str) -> Option<u64> {
    let asked = format!("EXPLAIN SELECT FROM {relation} AS q");
    let plan = session.simple_query(&asked).await.ok()?;
    let first = plan.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })?;
    let (_, after) = first.split_once(" rows=")?;
    after.split(' ').next()?.parse().ok()
}

async fn check_exists(session: &Session, table: &TableName) -> Result<()> {
    if look_up(session, table).await?.is_some() {
        return Ok(());
    }
    Err(
        EngineError::new(Code::TableNotFound, format!("there is no table {table}"))
            .place("table")
            .hint(
                "Names are taken as written, case included; `etlplus conn discover` lists tables",
            ),
    )
}

/// The columns of a statement. Preparing it alone proves that it is one complete statement.
async fn columns(session: &Session, name: &str, asked: &str) -> Result<Vec<SourceColumn>> {
    let prepared = session.prepare(asked).await;
    let prepared = prepared
        .map_err(|error| statement_failed(&format!("cannot read {name}"), &error).place("query"))?;
    if !prepared.params().is_empty() {
        let text = "the query has placeholders, which nothing fills";
        return Err(EngineError::new(Code::PlanInvalid, text)
            .place("query")
            .hint("Refer to parameters as ${params.NAME}"));
    }
    let columns: Vec<SourceColumn> = prepared
        .columns()
        .iter()
        .map(|column| SourceColumn {
            name: column.name().to_owned(),
            read_as: ReadAs::of(column.type_(), column.type_modifier()),
            type_name: base(column.type_()).name().to_owned(),
        })
        .collect();
    if columns.is_empty() {
        let text = format!("{name} has no columns");
        return Err(EngineError::new(Code::SourceEmpty, text).place("query"));
    }
    for (index, column) in columns.iter().enumerate() {
        if columns
            .iter()
            .skip(index + 1)
            .any(|other| other.name == column.name)
        {
            let text = format!("two columns of {name} are named '{}'", column.name);
            return Err(EngineError::new(Code::SourceMismatch, text)
                .place("query")
                .hint("Name each column of the query with AS"));
        }
    }
    Ok(columns)
}

/// The type beneath domains.
fn base(found: &postgres_types::Type) -> &postgres_types::Type {
    match found.kind() {
        Kind::Domain(inner) => base(inner),
        _ => found,
    }
}

impl PostgresSource {
    /// The statement that reads some columns, in order.
    fn statement(&self, wanted: &[usize]) -> String {
        let columns = wanted.iter().filter_map(|index| self.columns.get(*index));
        let columns: Vec<String> = columns
            .map(|column| {
                column
                    .read_as
                    .expression(&format!("q.{}", ident(&column.name)))
            })
            .collect();
        format!(
            "COPY (SELECT {} FROM {} AS q) TO STDOUT (FORMAT binary)",
            columns.join(", "),
            self.relation
        )
    }
}

impl Source for PostgresSource {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!("{} is read in one snapshot", self.name)];
        for column in self.columns.iter() {
            if let Some(note) = column.read_as.note() {
                notes.push(format!(
                    "column {} of type {} {note}",
                    column.name, column.type_name
                ));
            }
        }
        notes
    }

    fn bytes_total(&self) -> Option<u64> {
        None
    }

    fn rows_estimate(&self) -> Option<u64> {
        self.rows
    }

    fn partitions(&self, _wanted: usize) -> usize {
        1
    }

    fn open(&self, _wanted: usize, context: &ScanContext) -> Result<Vec<BatchStream>> {
        Ok(vec![read::stream(self.clone(), context.clone())])
    }

    fn origin_name(&self, _src: u32) -> String {
        self.name.clone()
    }

    fn can_read_again(&self) -> bool {
        false
    }

    fn raw_record(&self, _origin: &Origin, _limit: usize) -> Option<Vec<u8>> {
        None
    }
}
