//! Pairs of key columns, of a step's input and of another source or step.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{Expr, LogicalPlan, cast};

use super::StepContext;
use super::expr::{column, invalid};
use crate::error::{Code, EngineError, Result};
use crate::plan::{pb, types};
use crate::reject::row_node::{COMPUTED, Output, RowNode, RowOp};

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
        comparable(left_key, &own, &other).map(drop)?;
    }
    Ok(keys)
}

/// The type in which each pair of keys is compared.
///
/// # Errors
/// `PLAN_INVALID` for keys of unlike types.
pub fn common_types(keys: &Keys, left: &DFSchema, right: &DFSchema) -> Result<Vec<DataType>> {
    let pairs = keys.iter();
    pairs
        .map(|(name, other)| comparable(name, &type_of(left, name)?, &type_of(right, other)?))
        .collect()
}

/// The names of a side's keys in their common types. Those of another type are computed below the
/// join, where a key that does not fit is a reject.
///
/// # Errors
/// `COLUMN_UNKNOWN`.
pub fn typed(
    names: &[String],
    types: &[DataType],
    side: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<(Vec<String>, LogicalPlan)> {
    let mut keys = names.to_vec();
    let mut outputs: Vec<Output> = side
        .schema()
        .iter()
        .map(|(qualifier, field)| Output {
            expr: Expr::from((qualifier, field)),
            qualifier: qualifier.cloned(),
            name: field.name().clone(),
        })
        .collect();
    let own = outputs.len();
    for (index, (key, wanted)) in keys.iter_mut().zip(types).enumerate() {
        if type_of(side.schema(), key)? == *wanted {
            continue;
        }
        let expr = cast(column(key, side.schema())?, wanted.clone());
        *key = format!("{COMPUTED}key_{index}");
        outputs.push(Output {
            expr,
            qualifier: None,
            name: key.clone(),
        });
    }
    if outputs.len() == own {
        return Ok((keys, side));
    }
    let side = RowNode::plan(&context.node, false, RowOp::Project(outputs), side);
    Ok((keys, side.map_err(|error| invalid(&error, ""))?))
}

fn type_of(schema: &DFSchema, name: &str) -> Result<DataType> {
    let field = schema.field_with_unqualified_name(name);
    field
        .map(|field| field.data_type().clone())
        .map_err(|error| invalid(&error, ""))
}

/// Keys of unlike types would be converted, and a failed conversion would match nothing silently.
fn comparable(name: &str, left: &DataType, right: &DataType) -> Result<DataType> {
    let alike = left == right
        || (left.is_string() && right.is_string())
        || (left.is_numeric() && right.is_numeric());
    if alike && let Some(common) = comparison_coercion(left, right) {
        return Ok(common);
    }
    let (left, right) = (types::type_name(left), types::type_name(right));
    let text = format!("the key {name} is {left} here and {right} on the other side");
    Err(EngineError::new(Code::PlanInvalid, text)
        .hint("Put a cast step before the join, so that a value that does not fit is a reject"))
}
