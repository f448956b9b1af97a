//! Types in SQL are those of the pipeline language: a `timestamp` has microseconds, a `float` is a
//! double.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::DataType;

use crate::plan::types::parse_type;

/// Reads the types that a pipeline can name; the query engine knows more.
#[derive(Debug)]
pub struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &DataType) -> Result<Option<FieldRef>> {
        let known = parse_type(&sql_type.to_string()).ok();
        Ok(known.map(|data_type| Arc::new(Field::new("", data_type, true))))
    }
}
