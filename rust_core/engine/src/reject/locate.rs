//! Finds the rows for which an expression cannot be computed.
//!
//! The expression is evaluated on the whole batch first, which costs nothing extra when no row is
//! bad. Only when that fails is the batch halved until single rows remain. A single row is evaluated
//! exactly as SQL says: an error behind a false `AND` or `CASE` branch is none, because the branch
//! is not taken, so the halving never blames a row that is well.

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;

use super::fault::RowFault;

/// An expression's values for a batch, or the rows that have none.
pub enum Evaluated {
    /// Every row has a value.
    Values(ArrayRef),
    /// These rows, in ascending order, have none.
    Faults(Vec<(usize, RowFault)>),
}

/// Evaluates an expression.
///
/// # Errors
/// An error that is not about the values of rows, such as exhausted memory.
pub fn evaluate(expr: &dyn PhysicalExpr, batch: &RecordBatch) -> Result<Evaluated> {
    match values(expr, batch) {
        Ok(array) => Ok(Evaluated::Values(array)),
        Err(error) => {
            let mut faults = Vec::new();
            halve(expr, batch, 0, error, &mut faults)?;
            if faults.is_empty() {
                // No single row fails, so the batch as a whole must be computable in pieces.
                return piecewise(expr, batch).map(Evaluated::Values);
            }
            Ok(Evaluated::Faults(faults))
        }
    }
}

fn values(expr: &dyn PhysicalExpr, batch: &RecordBatch) -> Result<ArrayRef> {
    expr.evaluate(batch)?.into_array(batch.num_rows())
}

fn halve(
    expr: &dyn PhysicalExpr,
    batch: &RecordBatch,
    first: usize,
    error: DataFusionError,
    faults: &mut Vec<(usize, RowFault)>,
) -> Result<()> {
    let Some(fault) = RowFault::from_error(&error) else {
        return Err(error);
    };
    let rows = batch.num_rows();
    if rows <= 1 {
        faults.push((first, fault));
        return Ok(());
    }
    let middle = rows / 2;
    for (start, length) in [(0, middle), (middle, rows - middle)] {
        let half = batch.slice(start, length);
        if let Err(error) = values(expr, &half) {
            halve(expr, &half, first + start, error, faults)?;
        }
    }
    Ok(())
}

fn piecewise(expr: &dyn PhysicalExpr, batch: &RecordBatch) -> Result<ArrayRef> {
    let pieces = (0..batch.num_rows())
        .map(|row| values(expr, &batch.slice(row, 1)))
        .collect::<Result<Vec<_>>>()?;
    let pieces: Vec<_> = pieces.iter().map(AsRef::as_ref).collect();
    Ok(arrow::compute::concat(&pieces)?)
}
