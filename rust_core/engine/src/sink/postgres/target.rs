//! The table that is written, as it was found or as it will be made.

use arrow::datatypes::{DataType, SchemaRef};

use super::create;
use super::fit::{Fit, Misfit, fit};
use super::history::History;
use crate::error::{Code, EngineError, Result};
use crate::pg::{Column, Relation, TableName};
use crate::plan::pb;
use crate::plan::types::type_name;

/// The most columns of a table.
const MAX_COLUMNS: usize = 1600;

/// What is done to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Rows are added.
    Append,
    /// Rows take the place of all others.
    Replace,
    /// Rows take the place of those with the same key.
    Merge,
    /// Rows of a key together take the place of those with this key.
    DeleteInsert,
    /// Rows become versions of those with the same key.
    Scd2,
}

impl Mode {
    /// The mode as in the pipeline.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Merge => "merge",
            Self::DeleteInsert => "delete_insert",
            Self::Scd2 => "scd2",
        }
    }

    /// Whether rows are matched with the target's by key.
    const fn has_keys(self) -> bool {
        matches!(self, Self::Merge | Self::DeleteInsert | Self::Scd2)
    }
}

/// The table and how rows become its rows.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The table.
    pub(super) name: TableName,
    /// What is done to it.
    pub(super) mode: Mode,
    /// The columns that rows are matched by, for merge, `delete_insert` and scd2.
    pub(super) keys: Vec<String>,
    /// How versions are kept, for scd2.
    pub(super) history: Option<History>,
    /// Whether the table is there already.
    pub(super) exists: bool,
    /// The columns in the order of the rows.
    pub(super) columns: Vec<TargetColumn>,
    /// The statement that makes the table; empty when it exists.
    pub(super) create_statement: String,
}

/// A column that is written.
#[derive(Clone, Debug)]
pub(super) struct TargetColumn {
    /// The name.
    pub(super) name: String,
    /// The target's type, in SQL.
    pub(super) type_name: String,
    /// Whether every row must have a value.
    pub(super) required: bool,
    /// How values become the target's.
    pub(super) fit: Fit,
}

impl Target {
    /// Matches rows of `schema` with the table, or lays out the table that will be made.
    ///
    /// # Errors
    /// `PLAN_INVALID` for a wrong mode or key; `TARGET_MISMATCH` naming every column that does not
    /// fit.
    pub(super) fn settle(
        name: TableName,
        options: &pb::PostgresSink,
        schema: &SchemaRef,
        relation: Option<&Relation>,
    ) -> Result<Self> {
        let mode = mode(options)?;
        let keys = if mode.has_keys() {
            options.keys.clone()
        } else {
            Vec::new()
        };
        check_keys(&keys, mode, schema)?;
        check_schema(schema, mode)?;
        let history = match mode {
            Mode::Scd2 => Some(History::settle(&name, options, schema, relation)?),
            _ => None,
        };
        if let Some(relation) = relation {
            check_kind(&name, relation, mode)?;
            check_missing(&name, relation, schema, history.as_ref())?;
        }
        // Only where a key has one row can it be the table's.
        let made_key = if mode == Mode::Merge {
            keys.as_slice()
        } else {
            &[]
        };
        let made = match relation {
            None => create::columns(schema, made_key)?,
            Some(_) => Vec::new(),
        };
        let create_statement = match (relation, &history) {
            (Some(_), _) => String::new(),
            (None, None) => create::statement(&name, &made, made_key),
            (None, Some(history)) => {
                let statement = create::statement(&name, &made, made_key);
                history.statement(&name, &statement, &keys)
            }
        };
        let found = relation.map_or(made.as_slice(), |relation| relation.columns.as_slice());
        let effective = history.as_ref().and_then(History::effective);
        let needed: Vec<String> = keys.iter().chain(effective).cloned().collect();
        let columns = match_columns(&name, schema, found, &needed)?;
        let exists = relation.is_some();
        Ok(Self {
            name,
            mode,
            keys,
            history,
            exists,
            columns,
            create_statement,
        })
    }

    /// Whether staged rows are numbered, so that the last row of a key can be told.
    pub(super) const fn is_numbered(&self) -> bool {
        matches!(self.mode, Mode::Merge | Mode::Scd2)
    }

    /// Whether the staging table may become the target itself.
    pub(super) const fn is_adoptable(&self) -> bool {
        matches!(
            (self.mode, self.exists),
            (Mode::Replace, _) | (Mode::Append | Mode::DeleteInsert, false)
        )
    }

    /// What is guaranteed of the target, and what becomes of the rows that it has.
    pub(super) fn notes(&self) -> Vec<String> {
        let keys = self.keys.join(", ");
        let effect = match self.mode {
            Mode::Append => "rows are added; those of the target stay".to_owned(),
            Mode::Replace => "rows take the place of all that the target has".to_owned(),
            Mode::Merge => format!("rows of the target with the same {keys} are updated"),
            Mode::DeleteInsert => {
                format!("rows of the target whose {keys} the load has too are deleted")
            }
            Mode::Scd2 => format!(
                "rows that differ from the version of the same {keys} end it and begin another"
            ),
        };
        vec![
            "exactly once: readers see all of a load or none of it, however often it is tried"
                .to_owned(),
            effect,
        ]
    }

    /// The columns, for reports and publishing.
    pub(super) fn report(&self) -> Vec<pb::ColumnReport> {
        let report = |column: &TargetColumn| pb::ColumnReport {
            name: column.name.clone(),
            r#type: column.type_name.clone(),
            nullable: !column.required,
        };
        self.columns.iter().map(report).collect()
    }
}

fn mode(options: &pb::PostgresSink) -> Result<Mode> {
    match options.mode.as_str() {
        "" | "append" => Ok(Mode::Append),
        "replace" => Ok(Mode::Replace),
        "merge" => Ok(Mode::Merge),
        "delete_insert" => Ok(Mode::DeleteInsert),
        "scd2" => Ok(Mode::Scd2),
        other => Err(EngineError::new(
            Code::PlanInvalid,
            format!(
                "the mode '{other}' is not one of append, replace, merge, delete_insert and scd2"
            ),
        )
        .place("mode")),
    }
}

fn check_keys(keys: &[String], mode: Mode, schema: &SchemaRef) -> Result<()> {
    if mode.has_keys() && keys.is_empty() {
        return Err(EngineError::new(
            Code::PlanInvalid,
            format!(
                "{} needs the columns that rows are matched by",
                mode.as_str()
            ),
        )
        .place("keys")
        .hint("Add keys: [column, …]"));
    }
    match keys
        .iter()
        .find(|key| schema.column_with_name(key).is_none())
    {
        Some(key) => Err(EngineError::new(
            Code::ColumnUnknown,
            format!("the key '{key}' is not a column of the rows"),
        )
        .place("keys")
        .hint(format!("The rows have {}", names(schema)))),
        None => Ok(()),
    }
}

fn check_schema(schema: &SchemaRef, mode: Mode) -> Result<()> {
    let refuse = |text: String| Err(EngineError::new(Code::TargetMismatch, text));
    if schema.fields().len() > MAX_COLUMNS {
        return refuse(format!("a table holds at most {MAX_COLUMNS} columns"));
    }
    for (index, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        if name.is_empty() || name.len() > 63 || name.contains('\0') {
            return refuse(format!("'{name}' cannot be the name of a column"));
        }
        if schema.index_of(name).ok() != Some(index) {
            return refuse(format!("two columns are named '{name}'"));
        }
        if matches!(mode, Mode::Merge | Mode::Scd2) && name == super::SEQUENCE {
            return refuse(format!("the name '{name}' is kept for numbering rows"));
        }
    }
    Ok(())
}

fn check_kind(name: &TableName, relation: &Relation, mode: Mode) -> Result<()> {
    let what = match relation.kind {
        'r' | 'p' => return Ok(()),
        'f' if mode == Mode::Append => return Ok(()),
        'v' => "a view",
        'm' => "a materialized view",
        _ => "a foreign table",
    };
    Err(EngineError::new(
        Code::TargetMismatch,
        format!("{name} is {what}, not a table"),
    )
    .place("table")
    .hint("Write to a table"))
}

/// Columns that the target has and the rows lack, or the other way round.
fn check_missing(
    name: &TableName,
    relation: &Relation,
    schema: &SchemaRef,
    history: Option<&History>,
) -> Result<()> {
    let has = |column: &str| relation.columns.iter().any(|each| each.name == column);
    let unknown: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|each| !has(each))
        .collect();
    if !unknown.is_empty() {
        let text = format!("{name} has no column {}", quoted(&unknown));
        return Err(EngineError::new(Code::TargetMismatch, text)
            .place("table")
            .hint("Add the column to the table, or drop, rename or select columns in a step"));
    }
    let needed = |column: &&Column| {
        column.not_null
            && !column.has_default
            && !column.is_generated
            && schema.column_with_name(&column.name).is_none()
            && !history.is_some_and(|history| history.has(&column.name))
    };
    let lacking: Vec<_> = relation
        .columns
        .iter()
        .filter(needed)
        .map(|each| each.name.as_str())
        .collect();
    if !lacking.is_empty() {
        let text = format!(
            "{name} needs a value in {}, which the rows lack",
            quoted(&lacking)
        );
        return Err(EngineError::new(Code::TargetMismatch, text)
            .place("table")
            .hint("Add the column in a `map` step, or give it a default in the table"));
    }
    let computed =
        |column: &&Column| column.is_generated && schema.column_with_name(&column.name).is_some();
    match relation.columns.iter().find(computed) {
        Some(column) => Err(EngineError::new(
            Code::TargetMismatch,
            format!(
                "the server computes the column '{}' of {name} itself",
                column.name
            ),
        )
        .place("table")
        .hint("Drop the column in a step")),
        None => Ok(()),
    }
}

fn match_columns(
    name: &TableName,
    schema: &SchemaRef,
    found: &[Column],
    keys: &[String],
) -> Result<Vec<TargetColumn>> {
    let mut columns = Vec::new();
    let mut misfits = Vec::new();
    for field in schema.fields() {
        let Some(target) = found.iter().find(|column| column.name == *field.name()) else {
            continue;
        };
        match fit(field.data_type(), target) {
            Ok(fit) => columns.push(TargetColumn {
                name: target.name.clone(),
                type_name: target.type_name.clone(),
                required: target.not_null || keys.contains(&target.name),
                fit,
            }),
            Err(misfit) => misfits.push((field.name(), field.data_type(), target, misfit)),
        }
    }
    match misfits.first() {
        None => Ok(columns),
        Some(_) => Err(mismatch(name, &misfits)),
    }
}

fn mismatch(name: &TableName, misfits: &[(&String, &DataType, &Column, Misfit)]) -> EngineError {
    let texts = misfits.iter().map(|(column, from, target, misfit)| {
        let note = misfit
            .note
            .map(|note| format!(" ({note})"))
            .unwrap_or_default();
        format!(
            "'{column}' is {}, the target's is {}{note}",
            type_name(from),
            target.type_name
        )
    });
    let text = format!(
        "rows do not fit {name}: {}",
        texts.collect::<Vec<_>>().join("; ")
    );
    let casts = misfits.iter().filter_map(|(column, _, _, misfit)| {
        misfit.cast.as_ref().map(|cast| format!("{column}: {cast}"))
    });
    let casts: Vec<_> = casts.collect();
    let error = EngineError::new(Code::TargetMismatch, text).place("table");
    if casts.is_empty() {
        return error.hint("Change the column's type in the table, or drop the column in a step");
    }
    error.hint(format!(
        "Add a step before the sink: cast: {{{}}}",
        casts.join(", ")
    ))
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("'{name}'"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn names(schema: &SchemaRef) -> String {
    quoted(
        &schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect::<Vec<_>>(),
    )
}
