//! Shows the first rows of a source or step.

use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use futures::StreamExt;

use super::compile::Compiled;
use super::failure::engine_error;
use super::{disk, stage};
use crate::error::{Code, EngineError, Result};
use crate::reject::row_node::user_columns;

/// At most `rows` rows of a node, without identity columns; of the last one when `node` is empty.
/// Stages that it depends on run whole.
///
/// # Errors
/// `NODE_UNKNOWN`, and as for a run.
pub async fn preview(compiled: &Compiled, node: &str, rows: usize) -> Result<Vec<RecordBatch>> {
    let node = named(compiled, node)?;
    let cone = compiled.graph.cone(node);
    for (name, plan, table) in compiled
        .staged
        .iter()
        .filter(|(name, ..)| cone.contains(name))
    {
        let written = disk::to_disk(compiled, name, plan).await?;
        let _ = table.written.set(written);
    }
    let Some(plan) = compiled.plans.get(node) else {
        return Ok(Vec::new());
    };
    let columns: Vec<Expr> = user_columns(plan.schema()).map(Expr::from).collect();
    let plan = LogicalPlanBuilder::from(plan.clone())
        .project(columns)
        .and_then(|plan| plan.limit(0, Some(rows))?.build())
        .map_err(engine_error)?;
    let mut batches = Vec::new();
    for mut stream in stage::execute(compiled, &plan).await?.1 {
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(stream.schema()));
        }
        while let Some(batch) = stream.next().await {
            batches.push(batch.map_err(engine_error)?);
        }
    }
    batches
        .iter()
        .map(|batch| plain(batch).map_err(|error| engine_error(error.into())))
        .collect()
}

fn named<'a>(compiled: &'a Compiled, node: &'a str) -> Result<&'a str> {
    let names = compiled.nodes.iter().map(|node| node.name.as_ref());
    let names: Vec<&str> = names
        .filter(|name| compiled.plans.contains_key(*name))
        .collect();
    let found = match node {
        "" => names.last(),
        name => names.iter().find(|known| **known == name),
    };
    found.copied().ok_or_else(|| {
        let text = format!("the pipeline has no source or step '{node}'");
        EngineError::new(Code::NodeUnknown, text).hint(format!("It has: {}", names.join(", ")))
    })
}

/// The batch in types that every Arrow reader knows: no views, no dictionaries.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let wanted = match field.data_type() {
            DataType::Utf8View => DataType::Utf8,
            DataType::BinaryView => DataType::Binary,
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            other => other.clone(),
        };
        columns.push(cast(column, &wanted)?);
        fields.push(Field::new(field.name(), wanted, field.is_nullable()));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}
