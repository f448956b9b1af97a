//! A function that says whether values can be converted without loss.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::reject::checked_cast;

/// True for a value that can be converted. One that cannot is a fault of its row, with the reason
/// that a cast would give; no rule of the optimiser knows the function, so none takes it away.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Convertible {
    to: DataType,
    signature: Signature,
}

impl Convertible {
    /// Whether values can be converted to this type.
    #[must_use]
    pub fn new(to: DataType) -> Self {
        Self {
            to,
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Convertible {
    fn name(&self) -> &'static str {
        "is_convertible"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut rows = 0;
        for array in ColumnarValue::values_to_arrays(&args.args)? {
            rows = checked_cast(&array, &self.to)?.len();
        }
        let all = BooleanArray::from(vec![true; rows]);
        Ok(ColumnarValue::Array(Arc::new(all)))
    }
}
