//! Constants of expressions, computed as rows are: without loss, and as a fault of the rows that need
//! them where they cannot be. The query engine's optimiser would round, wrap or end the run.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_empty_array};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::physical_expr::create_physical_expr;

use crate::reject::{RowFault, harden, nearest_floats};

/// Computes the constant parts of an expression whose types agree.
///
/// # Errors
/// An error that is not about a value.
pub fn fold(expr: Expr) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| {
        if !is_constant(&expr) {
            return Ok(Transformed::no(expr));
        }
        match value(&expr) {
            Ok(value) => Ok(Transformed::yes(Expr::Literal(value, None))),
            Err(error) => match RowFault::from_error(&error) {
                Some(fault) => Ok(Transformed::yes(fails(&expr, fault)?)),
                None => Err(error),
            },
        }
    })
}

/// Rewrites the expressions of a query, each with the columns that it sees. Outputs keep their names.
///
/// # Errors
/// As for the rewriting.
pub fn rewrite_all(
    query: LogicalPlan,
    rewrite: impl Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<LogicalPlan> {
    let rewritten = query.transform_up_with_subqueries(|plan| {
        let names = NamePreserver::new(&plan);
        let schema = merge_schema(&plan.inputs());
        let rewritten = plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let rewritten = rewrite(expr, &schema)?;
            Ok(if rewritten.transformed {
                rewritten.update_data(|expr| name.restore(expr))
            } else {
                rewritten
            })
        })?;
        if rewritten.transformed {
            rewritten.map_data(LogicalPlan::recompute_schema)
        } else {
            Ok(rewritten)
        }
    })?;
    Ok(rewritten.data)
}

/// Whether an expression is a constant that cannot be computed.
pub fn is_fault(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(function) => function.func.name() == NAME,
        _ => false,
    }
}

/// Conversions and arithmetic of literals; whatever else is constant loses nothing.
fn is_constant(expr: &Expr) -> bool {
    let literal = |expr: &Expr| matches!(expr, Expr::Literal(..));
    match expr {
        Expr::Cast(cast) => literal(&cast.expr),
        Expr::TryCast(cast) => literal(&cast.expr),
        Expr::Negative(operand) => literal(operand),
        Expr::BinaryExpr(binary) => {
            binary.op.is_numerical_operators() && literal(&binary.left) && literal(&binary.right)
        }
        _ => false,
    }
}

fn value(expr: &Expr) -> Result<ScalarValue> {
    if let Expr::Cast(cast) = expr
        && let Expr::Literal(number, _) = cast.expr.as_ref()
        && matches!(number, ScalarValue::Decimal128(..))
        && cast.field.data_type().is_floating()
    {
        // Whoever writes more digits than a float has means the nearest one.
        let nearest = nearest_floats(&number.to_array()?, cast.field.data_type())?;
        return ScalarValue::try_from_array(&nearest, 0);
    }
    let computed = create_physical_expr(
        expr,
        &DFSchema::empty(),
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    )?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    let array = harden(computed)?.evaluate(&row)?.into_array(1)?;
    ScalarValue::try_from_array(&array, 0)
}

/// What stands for a constant that cannot be computed.
fn fails(expr: &Expr, fault: RowFault) -> Result<Expr> {
    let data_type = expr.get_type(&DFSchema::empty())?;
    let function = Fails {
        signature: Signature::nullary(Volatility::Volatile),
        data_type,
        fault,
    };
    Ok(ScalarUDF::from(function).call(Vec::new()))
}

/// The function's name in explanations.
const NAME: &str = "fails";

/// A function that has no value for any row. It counts as volatile, so that it is not computed for
/// rows that do not need it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Fails {
    signature: Signature,
    data_type: DataType,
    fault: RowFault,
}

impl ScalarUDFImpl for Fails {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.number_rows == 0 {
            return Ok(ColumnarValue::Array(new_empty_array(&self.data_type)));
        }
        Err(DataFusionError::External(Box::new(self.fault.clone())))
    }
}
