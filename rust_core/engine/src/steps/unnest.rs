//! The `unnest` step: makes rows of lists and columns of structs.

use arrow::datatypes::{DataType, Fields};
use datafusion::common::{Column, NullHandling, UnnestOptions};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_nested::expr_fn::array_empty;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, not};

use super::StepContext;
use super::columns::{Outputs, all_columns, project, row_outputs};
use super::expr::{column, invalid};
use super::json_list::JsonList;
use crate::error::{Code, EngineError, Result};
use crate::plan::{pb, types};
use crate::reject::row_node::{RowNode, RowOp};
use crate::reject::tap::{Edge, Tap};

/// Takes a column apart, as its type says.
pub fn build(
    spec: &pb::UnnestStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let nested = column(&spec.column, input.schema())?;
    let field = input.schema().field_with_unqualified_name(&spec.column);
    let data_type = field
        .map_err(|error| invalid(&error, &spec.column))?
        .data_type()
        .clone();
    match data_type {
        DataType::Struct(fields) => columns(spec, &nested, &fields, input, context),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            let input = Tap::plan(&context.node, Edge::In, input);
            rows(spec, nested, input, context)
        }
        DataType::Utf8 => {
            let read = ScalarUDF::new_from_impl(JsonList::default()).call(vec![nested.clone()]);
            let outputs = replaced(&spec.column, &read, &input);
            let input = Tap::plan(&context.node, Edge::In, input);
            let outputs = RowOp::Project(row_outputs(outputs, input.schema())?);
            let input = RowNode::plan(&context.node, false, outputs, input)
                .map_err(|error| invalid(&error, ""))?;
            rows(spec, nested, input, context)
        }
        other => {
            let found = types::type_name(&other);
            let text = format!("the column '{}' is of type {found}", spec.column);
            Err(EngineError::new(Code::ExpressionInvalid, text)
                .place("column")
                .hint("Only lists, structs and JSON arrays in text can be taken apart"))
        }
    }
}

/// One row for each element.
fn rows(
    spec: &pb::UnnestStep,
    nested: Expr,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let fail = |error| invalid(&error, "");
    let input = if spec.empty == "drop" {
        let filled = RowOp::Filter(not(array_empty(nested)));
        RowNode::plan(&context.node, false, filled, input).map_err(fail)?
    } else {
        input
    };
    let options = UnnestOptions {
        null_handling: NullHandling::PreserveAndExpandEmpty,
        ..UnnestOptions::default()
    };
    let plan = LogicalPlanBuilder::from(input)
        .unnest_column_with_options(Column::new_unqualified(&spec.column), options)
        .and_then(LogicalPlanBuilder::build)
        .map_err(fail)?;
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}

/// One column for each field, in the struct's place.
fn columns(
    spec: &pb::UnnestStep,
    nested: &Expr,
    fields: &Fields,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let parts = fields.iter().map(|field| {
        let name = format!("{}{}", spec.prefix, field.name());
        (name, get_field(nested.clone(), field.name().as_str()))
    });
    let parts: Outputs = parts.collect();
    let outputs = all_columns(input.schema()).into_iter();
    let outputs = outputs.flat_map(|(name, expr)| {
        if name == spec.column {
            parts.clone()
        } else {
            vec![(name, expr)]
        }
    });
    project(outputs.collect(), input, context)
}

fn replaced(name: &str, with: &Expr, input: &LogicalPlan) -> Outputs {
    let mut outputs = all_columns(input.schema());
    for (_, expr) in outputs.iter_mut().filter(|(found, _)| found == name) {
        *expr = with.clone();
    }
    outputs
}
