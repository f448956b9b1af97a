//! The `cast` step: changes the types of columns; what does not fit is a reject.

use datafusion::logical_expr::{LogicalPlan, cast as cast_expr};

use super::StepContext;
use super::columns::{all_columns, project};
use super::expr::{invalid, unknown_column};
use crate::error::{Code, EngineError, Result};
use crate::plan::{pb, types};

/// Changes the types of columns.
pub fn build(
    spec: &pb::CastStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let mut outputs = all_columns(input.schema());
    for wanted in &spec.columns {
        let to = types::parse_type(&wanted.r#type)
            .map_err(|error| error.place(format!("column {}", wanted.name)))?;
        let Some((_, expr)) = outputs.iter_mut().find(|(name, _)| *name == wanted.name) else {
            return Err(unknown_column(&wanted.name, input.schema()));
        };
        let field = input.schema().field_with_unqualified_name(&wanted.name);
        let from = field
            .map_err(|error| invalid(&error, &wanted.name))?
            .data_type();
        if !arrow::compute::can_cast_types(from, &to) {
            let (from, to) = (types::type_name(from), types::type_name(&to));
            let text = format!("{from} cannot be converted to {to}");
            return Err(EngineError::new(Code::ExpressionInvalid, text)
                .place(format!("column {}", wanted.name))
                .hint("Convert it to text first, or compute it in a map step"));
        }
        *expr = cast_expr(expr.clone(), to);
    }
    project(outputs, input, context)
}
