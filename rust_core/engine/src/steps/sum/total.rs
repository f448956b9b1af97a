//! One sum, of all values or of distinct ones.

use std::collections::HashSet;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Accumulator;

use super::number::{added, narrowed, state_type, widened};

/// One sum; rows can leave it again, as window frames slide.
#[derive(Debug)]
pub struct Total {
    sum: i128,
    values: u64,
    result: DataType,
}

impl Total {
    /// The sum of no value; `result` is its type.
    #[must_use]
    pub const fn new(result: DataType) -> Self {
        Self {
            sum: 0,
            values: 0,
            result,
        }
    }

    fn array(&self) -> PrimitiveArray<Decimal128Type> {
        let sum = (self.values > 0).then_some(self.sum);
        PrimitiveArray::<Decimal128Type>::from_iter([sum])
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for array in values {
            for value in widened(array)?.iter().flatten() {
                self.sum = added(self.sum, value, &self.result)?;
                self.values += 1;
            }
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for array in values {
            for value in widened(array)?.iter().flatten() {
                self.sum = added(self.sum, -value, &self.result)?;
                self.values = self.values.saturating_sub(1);
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&narrowed(&self.array(), &self.result)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = self.array().with_data_type(state_type(&self.result));
        Ok(vec![ScalarValue::try_from_array(&state, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

/// One sum of distinct values.
#[derive(Debug)]
pub struct DistinctTotal {
    values: HashSet<i128>,
    result: DataType,
}

impl DistinctTotal {
    /// The sum of no value; `result` is its type.
    #[must_use]
    pub fn new(result: DataType) -> Self {
        Self {
            values: HashSet::new(),
            result,
        }
    }
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for array in values {
            self.values.extend(widened(array)?.iter().flatten());
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut total = Total::new(self.result.clone());
        for value in &self.values {
            total.sum = added(total.sum, *value, &self.result)?;
            total.values += 1;
        }
        total.evaluate()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<i128>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = state_type(&self.result);
        let DataType::Decimal128(precision, scale) = state else {
            return Err(DataFusionError::Internal("a sum is a decimal".to_owned()));
        };
        let values = self.values.iter();
        let values = values.map(|value| ScalarValue::Decimal128(Some(*value), precision, scale));
        let values: Vec<_> = values.collect();
        let list = ScalarValue::new_list(&values, &state, true);
        Ok(vec![ScalarValue::List(list)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for state in states {
            for list in state.as_list::<i32>().iter().flatten() {
                self.update_batch(&[list])?;
            }
        }
        Ok(())
    }
}
