//! Versions of rows: the columns that say from when to when each holds.

use arrow::datatypes::{DataType, SchemaRef};

use crate::error::{Code, EngineError, Result};
use crate::pg::{Relation, TableName, ident};
use crate::plan::pb;

const TIME: (&str, &str) = ("timestamptz", "timestamp with time zone");
const FLAG: (&str, &str) = ("bool", "boolean");

/// How versions are kept, with every name filled in.
#[derive(Clone, Debug)]
pub(super) struct History(pub(super) pb::History);

impl History {
    /// Fills in what is not said and checks it against the rows and the table.
    ///
    /// # Errors
    /// `PLAN_INVALID` for names that collide, `COLUMN_UNKNOWN` and `TARGET_MISMATCH` for columns
    /// that are missing, there twice or of another type.
    pub(super) fn settle(
        name: &TableName,
        options: &pb::PostgresSink,
        schema: &SchemaRef,
        relation: Option<&Relation>,
    ) -> Result<Self> {
        let given = options.history.clone().unwrap_or_default();
        let or = |given: String, usual: &str| {
            if given.is_empty() {
                usual.into()
            } else {
                given
            }
        };
        let history = Self(pb::History {
            valid_from: or(given.valid_from, "valid_from"),
            valid_to: or(given.valid_to, "valid_to"),
            is_current: or(given.is_current, "is_current"),
            effective: given.effective,
            deleted: or(given.deleted, "keep"),
        });
        history.check_names(schema)?;
        history.check_effective(&options.keys, schema, relation)?;
        if let Some(relation) = relation {
            history.check_relation(name, relation)?;
        }
        Ok(history)
    }

    /// The columns that the versions have beside those of the rows, with their types.
    fn columns(&self) -> [(&str, (&str, &str)); 3] {
        [
            (&self.0.valid_from, TIME),
            (&self.0.valid_to, TIME),
            (&self.0.is_current, FLAG),
        ]
    }

    /// Whether it gives this column its values.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns().iter().any(|(name, _)| *name == column)
    }

    /// The column without which a row has no place in time.
    pub(super) fn effective(&self) -> Option<&String> {
        Some(&self.0.effective).filter(|name| !name.is_empty())
    }

    /// The statements that make the table; `statement` makes it without the versions' columns.
    pub(super) fn statement(&self, name: &TableName, statement: &str, keys: &[String]) -> String {
        let keys: Vec<String> = keys.iter().map(|key| ident(key)).collect();
        let table = name.quoted();
        format!(
            "{statement};\nALTER TABLE {table}\n  ADD COLUMN {} {} NOT NULL,\n  \
             ADD COLUMN {} {},\n  ADD COLUMN {current} {} NOT NULL;\n\
             CREATE UNIQUE INDEX ON {table} ({}) WHERE {current}",
            ident(&self.0.valid_from),
            TIME.1,
            ident(&self.0.valid_to),
            TIME.1,
            FLAG.1,
            keys.join(", "),
            current = ident(&self.0.is_current),
        )
    }

    fn check_names(&self, schema: &SchemaRef) -> Result<()> {
        let names = self.columns().map(|(name, _)| name);
        let [from, to, current] = names;
        if from == to || from == current || to == current {
            let text = "valid_from, valid_to and is_current must be three columns";
            return Err(EngineError::new(Code::PlanInvalid, text).place("history"));
        }
        match names.iter().find(|name| schema.index_of(name).is_ok()) {
            None => Ok(()),
            Some(name) => {
                let text = format!("the rows have a column '{name}', which scd2 fills itself");
                Err(EngineError::new(Code::TargetMismatch, text)
                    .place("history")
                    .hint("Rename or drop it in a step, or name other columns in `history`"))
            }
        }
    }

    fn check_effective(
        &self,
        keys: &[String],
        schema: &SchemaRef,
        relation: Option<&Relation>,
    ) -> Result<()> {
        let Some(name) = self.effective() else {
            return Ok(());
        };
        let Ok(field) = schema.field_with_name(name) else {
            let text = format!("the column '{name}' is not one of the rows");
            return Err(EngineError::new(Code::ColumnUnknown, text).place("history.effective"));
        };
        if keys.contains(name) {
            let text =
                format!("the column '{name}' is a key and cannot say since when a row holds");
            return Err(EngineError::new(Code::PlanInvalid, text).place("history.effective"));
        }
        let found = relation.and_then(|relation| {
            let mut columns = relation.columns.iter();
            columns.find(|column| column.name == *name)
        });
        let fits = match found {
            Some(column) => column.base_name == TIME.0,
            None => matches!(field.data_type(), DataType::Timestamp(_, Some(_))),
        };
        if fits {
            return Ok(());
        }
        let text = format!("the column '{name}' is not of type {}", TIME.1);
        Err(EngineError::new(Code::TargetMismatch, text)
            .place("history.effective")
            .hint(format!(
                "Add a step before the sink: cast: {{{name}: timestamptz}}"
            )))
    }

    fn check_relation(&self, name: &TableName, relation: &Relation) -> Result<()> {
        for (column, (base_name, type_name)) in self.columns() {
            let mut columns = relation.columns.iter();
            let found = columns.find(|each| each.name == column);
            let problem = match found {
                None => format!("{name} has no column '{column}'"),
                Some(each) if each.base_name != base_name || each.is_generated => {
                    format!("the column '{column}' of {name} is not a plain {type_name}")
                }
                Some(each) if each.not_null && column == self.0.valid_to => {
                    format!("the column '{column}' of {name} must allow missing values")
                }
                Some(_) => continue,
            };
            return Err(EngineError::new(Code::TargetMismatch, problem)
                .place("history")
                .hint("Add or change the column in the table, or name another in `history`"));
        }
        Ok(())
    }
}
