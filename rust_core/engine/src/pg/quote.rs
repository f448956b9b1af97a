//! Identifiers and literals of SQL text.

use crate::error::{Code, EngineError, Result};

/// The longest identifier, in bytes; the server would cut a longer one.
const MAX_IDENTIFIER: usize = 63;

/// An identifier in quotes.
#[must_use]
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal in quotes, whatever `standard_conforming_strings` says.
#[must_use]
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        return format!("E'{}'", doubled.replace('\\', "\\\\"));
    }
    format!("'{doubled}'")
}

/// A table's name. Case counts: nothing is folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// The schema.
    pub schema: String,
    /// The table.
    pub table: String,
}

impl TableName {
    /// Reads `schema.table` or `table`, which is in `public`.
    ///
    /// # Errors
    /// `PLAN_INVALID` for an empty or too long part, or more than two parts.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts: Vec<&str> = text.split('.').collect();
        if parts.len() == 1 {
            parts.insert(0, "public");
        }
        let fits =
            |part: &&str| !part.is_empty() && part.len() <= MAX_IDENTIFIER && !part.contains('\0');
        match parts.as_slice() {
            [schema, table] if fits(schema) && fits(table) => Ok(Self {
                schema: (*schema).into(),
                table: (*table).into(),
            }),
            _ => {
                let text = format!("'{text}' is not the name of a table");
                Err(EngineError::new(Code::PlanInvalid, text)
                    .place("table")
                    .hint("Write schema.table, each of 1 to 63 bytes, without quotes"))
            }
        }
    }

    /// The name in quotes, for statements.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("{}.{}", ident(&self.schema), ident(&self.table))
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}", self.schema, self.table)
    }
}
