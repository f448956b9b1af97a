//! Arithmetic whose result is right or a fault: the query engine's own negation wraps, and its
//! decimals may have more digits than their type.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::kernels::numeric::neg;
use arrow::datatypes::{DataType, Decimal128Type, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, NegativeExpr};

use super::RejectCode;
use super::fault::RowFault;
use crate::plan::types::{MAX_PRECISION, type_name};

/// A negation that fails instead of wrapping, or an operation whose decimals are counted.
#[derive(Debug, Clone, Eq)]
pub struct Checked {
    inner: Arc<dyn PhysicalExpr>,
}

impl Checked {
    /// The checked form of an operation that needs one; none for other expressions.
    #[must_use]
    pub fn of(expr: &Arc<dyn PhysicalExpr>) -> Option<Self> {
        let negates = expr.downcast_ref::<NegativeExpr>().is_some();
        let computes = expr
            .downcast_ref::<BinaryExpr>()
            .is_some_and(|binary| binary.op().is_numerical_operators());
        (negates || computes).then(|| Self {
            inner: Arc::clone(expr),
        })
    }

    fn negated(&self) -> Option<&Arc<dyn PhysicalExpr>> {
        let negative = self.inner.downcast_ref::<NegativeExpr>()?;
        Some(negative.arg())
    }
}

impl PartialEq for Checked {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Hash for Checked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(out)
    }
}

impl PhysicalExpr for Checked {
    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let Some(operand) = self.negated() else {
            let value = self.inner.evaluate(batch)?;
            if let DataType::Decimal128(precision, _) = value.data_type()
                && precision == MAX_PRECISION
            {
                return each(value, digits_fit);
            }
            return Ok(value);
        };
        each(operand.evaluate(batch)?, |array| Ok(neg(array)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.inner.children()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = Arc::clone(&self.inner).with_new_children(children)?;
        Ok(Arc::new(Self { inner }))
    }

    fn fmt_sql(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(out)
    }
}

fn each(value: ColumnarValue, of: impl Fn(&ArrayRef) -> Result<ArrayRef>) -> Result<ColumnarValue> {
    match value {
        ColumnarValue::Array(array) => Ok(ColumnarValue::Array(of(&array)?)),
        ColumnarValue::Scalar(scalar) => {
            let array = of(&scalar.to_array()?)?;
            let scalar = ScalarValue::try_from_array(&array, 0)?;
            Ok(ColumnarValue::Scalar(scalar))
        }
    }
}

/// Results of fewer than the most digits always fit: their type is made for them.
fn digits_fit(array: &ArrayRef) -> Result<ArrayRef> {
    let decimals = array.as_primitive::<Decimal128Type>();
    if decimals
        .validate_decimal_precision(decimals.precision())
        .is_ok()
    {
        return Ok(Arc::clone(array));
    }
    let name = type_name(array.data_type());
    Err(RowFault::error(
        RejectCode::OutOfRange,
        format!("the result does not fit {name}"),
    ))
}
