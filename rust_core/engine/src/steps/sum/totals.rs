//! The sums of many groups.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::NullState;

use super::number::{narrowed, overflow, state_type, widened};

/// The sums of many groups.
pub struct Totals {
    sums: Vec<i128>,
    nulls: NullState,
    result: DataType,
}

impl Totals {
    /// No groups yet; `result` is the type of their sums.
    #[must_use]
    pub fn new(result: DataType) -> Self {
        Self {
            sums: Vec::new(),
            nulls: NullState::new(),
            result,
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> PrimitiveArray<Decimal128Type> {
        let sums = emit_to.take_needed(&mut self.sums);
        PrimitiveArray::new(sums.into(), self.nulls.build(emit_to))
    }
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.sums.resize(total_num_groups, 0);
        let Self { sums, nulls, .. } = self;
        let mut failed = None;
        for array in values {
            let array = widened(array)?;
            nulls.accumulate(
                group_indices,
                &array,
                opt_filter,
                total_num_groups,
                |group, value| {
                    if let Some(sum) = sums.get_mut(group) {
                        match sum.checked_add(value) {
                            Some(more) => *sum = more,
                            None => failed = Some(*sum),
                        }
                    }
                },
            );
        }
        match failed {
            Some(sum) => Err(overflow(sum, &self.result).into()),
            None => Ok(()),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        narrowed(&self.take(emit_to), &self.result)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let state = self.take(emit_to);
        Ok(vec![Arc::new(
            state.with_data_type(state_type(&self.result)),
        )])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let states = values.iter().map(|array| {
            let (_, sums, nulls) = widened(array)?.into_parts();
            let kept = opt_filter.map(|filter| {
                let kept: NullBuffer = filter.iter().map(|kept| kept == Some(true)).collect();
                kept
            });
            let nulls = NullBuffer::union(nulls.as_ref(), kept.as_ref());
            let state = PrimitiveArray::<Decimal128Type>::new(sums, nulls);
            Ok(Arc::new(state.with_data_type(state_type(&self.result))) as ArrayRef)
        });
        states.collect()
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i128>() + self.nulls.size()
    }
}
