//! The order of rows, for sinks to which it matters which of two rows comes later.
//!
//! Threads read and join side by side, so rows arrive in any order. Where each row has one origin,
//! the origin tells; where a step sorts them, they arrive as sorted.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type, UInt64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;

use super::staged::StagedTable;
use crate::scan::{LINE, SRC};
use crate::sink::ORDER;
use crate::steps::ordered::Ordered;

/// How many bits the line or row has in a number; source and file have those above.
const LINE_BITS: u32 = 36;

/// Whether a plan's rows come in an order that a step has made, and no longer in the source's.
pub fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Extension(extension) if extension.node.as_any().is::<Ordered>() => true,
        LogicalPlan::Extension(_)
        | LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_) => plan.inputs().into_iter().any(is_sorted),
        LogicalPlan::TableScan(scan) => source_as_provider(&scan.source)
            .ok()
            .and_then(|table| Some(table.downcast_ref::<StagedTable>()?.sorted))
            .unwrap_or(false),
        _ => false,
    }
}

/// Adds the column [`ORDER`] to rows, from the identity that `batch` has besides them. Rows without
/// one origin each stay as they are.
///
/// # Errors
/// When the batch cannot be built.
pub fn numbered(rows: RecordBatch, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let Some(numbers) = numbers(batch) else {
        return Ok(rows);
    };
    let fields = rows.schema_ref().fields().iter().cloned();
    let order = Arc::new(Field::new(ORDER, DataType::Int64, false));
    let schema = Schema::new(fields.chain([order]).collect::<Vec<_>>());
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(numbers) as ArrayRef);
    RecordBatch::try_new(Arc::new(schema), columns)
}

fn numbers(batch: &RecordBatch) -> Option<Int64Array> {
    let src = batch
        .column_by_name(SRC)?
        .as_primitive_opt::<UInt32Type>()?;
    let line = batch
        .column_by_name(LINE)?
        .as_primitive_opt::<UInt64Type>()?;
    if src.null_count() > 0 || line.null_count() > 0 {
        return None;
    }
    let last = (1_u64 << LINE_BITS) - 1;
    let numbers = src.values().iter().zip(line.values()).map(|(src, line)| {
        let number = (u64::from(*src) << LINE_BITS) | (*line).min(last);
        i64::try_from(number).unwrap_or(i64::MAX)
    });
    Some(numbers.collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::{UInt32Array, UInt64Array};

    use super::*;

    fn batch(src: Vec<Option<u32>>, line: Vec<u64>) -> RecordBatch {
        let fields = vec![
            Field::new(SRC, DataType::UInt32, true),
            Field::new(LINE, DataType::UInt64, true),
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(src)),
            Arc::new(UInt64Array::from(line)),
        ];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    #[test]
    fn numbers_follow_files_and_lines() {
        let found = numbers(&batch(vec![Some(0), Some(0), Some(1)], vec![7, 8, 1])).unwrap();
        let values = found.values().to_vec();
        assert!(values.is_sorted() && values.len() == 3, "{values:?}");
        let most = numbers(&batch(vec![Some(100 << 20)], vec![u64::MAX])).unwrap();
        assert!(most.value(0) > 0 && most.value(0) < i64::MAX);
    }

    #[test]
    fn rows_without_an_origin_have_no_number() {
        assert!(numbers(&batch(vec![None], vec![1])).is_none());
    }
}
