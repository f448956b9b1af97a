//! The `sum` of the query engine, exact: it takes the place of the built-in one, which wraps around
//! when integers or decimals overflow.
//!
//! Integers and decimals are added as 128-bit integers. Sums of integers cannot overflow these, so
//! whether a result fits does not depend on the order of the rows.

mod number;
mod total;
mod totals;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use number::{is_exact, state_type};
use total::{DistinctTotal, Total};
use totals::Totals;

/// The function.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub struct ExactSum {
    built_in: Sum,
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        self.built_in.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale)] => {
                Ok(DataType::Decimal128(precision + 10, *scale))
            }
            _ => self.built_in.return_type(arg_types),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if !is_exact(args.return_type()) {
            return self.built_in.state_fields(args);
        }
        let state = state_type(args.return_type());
        let field = if args.is_distinct {
            let name = format!("{}[sum distinct]", args.name);
            Field::new_list(name, Field::new_list_field(state, true), true)
        } else {
            Field::new(format!("{}[sum]", args.name), state, true)
        };
        Ok(vec![Arc::new(field)])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let result = args.return_field.data_type().clone();
        Ok(match (is_exact(&result), args.is_distinct) {
            (false, _) => return self.built_in.accumulator(args),
            (true, false) => Box::new(Total::new(result)),
            (true, true) => Box::new(DistinctTotal::new(result)),
        })
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        if !args.is_distinct && is_exact(args.return_field.data_type()) {
            return Ok(Box::new(Total::new(args.return_field.data_type().clone())));
        }
        self.built_in.create_sliding_accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.built_in.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        if !is_exact(args.return_field.data_type()) {
            return self.built_in.create_groups_accumulator(args);
        }
        Ok(Box::new(Totals::new(args.return_field.data_type().clone())))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.built_in.set_monotonicity(data_type)
    }
}
