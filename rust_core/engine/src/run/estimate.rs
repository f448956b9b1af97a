//! Guesses how much rows take in memory, so that joins keep the smaller side there.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;

/// What a text, a list or a value of another variable size takes, in bytes.
const VARIABLE: usize = 24;

/// Statistics of `rows` rows, none of them exact: nothing may be computed from them.
#[must_use]
pub fn statistics(rows: Option<usize>, schema: &Schema) -> Arc<Statistics> {
    let mut statistics = Statistics::new_unknown(schema);
    if let Some(rows) = rows {
        statistics.num_rows = Precision::Inexact(rows);
        statistics.total_byte_size = Precision::Inexact(rows.saturating_mul(width(schema)));
    }
    Arc::new(statistics)
}

/// Statistics of a node that gives about as many rows as it takes.
#[must_use]
pub fn as_many(inputs: &[Arc<Statistics>], schema: &Schema) -> Arc<Statistics> {
    let rows = inputs.first().and_then(|input| input.num_rows.get_value());
    statistics(rows.copied(), schema)
}

fn width(schema: &Schema) -> usize {
    let fields = schema.fields().iter();
    fields
        .map(|field| field.data_type().primitive_width().unwrap_or(VARIABLE))
        .sum()
}
