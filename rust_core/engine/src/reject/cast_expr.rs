//! `CAST` and `TRY_CAST` of expressions, without loss.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, TryCastExpr};

use super::lossless::{cast_or_null, checked_cast};

/// A cast by [`checked_cast`], or by [`cast_or_null`] where the query says `TRY_CAST`.
#[derive(Debug, Clone, Eq)]
pub struct LosslessCast {
    inner: Arc<dyn PhysicalExpr>,
    operand: Arc<dyn PhysicalExpr>,
    to: DataType,
    or_null: bool,
}

impl LosslessCast {
    /// The lossless form of the query engine's cast; none for other expressions.
    #[must_use]
    pub fn of(expr: &Arc<dyn PhysicalExpr>) -> Option<Self> {
        let (operand, to, or_null) = match expr.downcast_ref::<CastExpr>() {
            Some(cast) => (cast.expr(), cast.cast_type(), false),
            None => {
                let cast = expr.downcast_ref::<TryCastExpr>()?;
                (cast.expr(), cast.cast_type(), true)
            }
        };
        Some(Self {
            inner: Arc::clone(expr),
            operand: Arc::clone(operand),
            to: to.clone(),
            or_null,
        })
    }

    fn cast(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if self.or_null {
            cast_or_null(array, &self.to)
        } else {
            checked_cast(array, &self.to)
        }
    }
}

impl PartialEq for LosslessCast {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Hash for LosslessCast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for LosslessCast {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(out)
    }
}

impl PhysicalExpr for LosslessCast {
    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        match self.operand.evaluate(batch)? {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(self.cast(&array)?)),
            ColumnarValue::Scalar(scalar) => {
                let array = self.cast(&scalar.to_array()?)?;
                let scalar = ScalarValue::try_from_array(&array, 0)?;
                Ok(ColumnarValue::Scalar(scalar))
            }
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.operand]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let rebuilt = Arc::clone(&self.inner).with_new_children(children)?;
        Ok(match Self::of(&rebuilt) {
            Some(cast) => Arc::new(cast),
            None => rebuilt,
        })
    }

    fn fmt_sql(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(out)
    }
}
