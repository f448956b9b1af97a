//! Pairs of key columns, of a step's input and of another source or step.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;

use super::expr::{column, invalid};
use crate::error::{Code, EngineError, Result};
use crate::plan::{pb, types};

/// Pairs of key columns: the input's and the other side's.
pub type Keys = Vec<(String, String)>;

/// How a step names its keys.
pub struct Pairs<'a> {
    /// Columns of the same name on both sides.
    pub on: &'a [String],
    /// Columns of different names.
    pub keys: &'a [pb::JoinKey],
    /// The other side's name.
    pub with: &'a str,
}

/// The pairs of key columns that a step names; they exist and can be compared.
///
/// # Errors
/// `PLAN_INVALID` without keys or for keys of unlike types, `COLUMN_UNKNOWN`.
pub fn pairs(wanted: &Pairs<'_>, left: &DFSchema, right: &DFSchema) -> Result<Keys> {
    let same = wanted.on.iter().map(|name| (name.clone(), name.clone()));
    let different = wanted.keys.iter();
    let different = different.map(|key| (key.left.clone(), key.right.clone()));
    let keys: Keys = same.chain(different).collect();
    if keys.is_empty() {
        return Err(
            EngineError::new(Code::PlanInvalid, "a join needs key columns").hint("Set on or keys"),
        );
    }
    for (left_key, right_key) in &keys {
        column(left_key, left)?;
        column(right_key, right).map_err(|error| error.place(format!("in {}", wanted.with)))?;
        let (own, other) = (type_of(left, left_key)?, type_of(right, right_key)?);
        comparable(left_key, &own, &other)?;
    }
    Ok(keys)
}

fn type_of(schema: &DFSchema, name: &str) -> Result<DataType> {
    let field = schema.field_with_unqualified_name(name);
    field
        .map(|field| field.data_type().clone())
        .map_err(|error| invalid(&error, ""))
}

/// Keys of unlike types would be converted, and a failed conversion would match nothing silently.
fn comparable(name: &str, left: &DataType, right: &DataType) -> Result<()> {
    let alike = left == right
        || (left.is_string() && right.is_string())
        || (left.is_numeric() && right.is_numeric());
    if alike {
        return Ok(());
    }
    let (left, right) = (types::type_name(left), types::type_name(right));
    let text = format!("the key {name} is {left} here and {right} on the other side");
    Err(EngineError::new(Code::PlanInvalid, text)
        .hint("Put a cast step before the join, so that a value that does not fit is a reject"))
}
