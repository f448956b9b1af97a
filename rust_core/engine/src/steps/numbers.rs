//! Numbers in SQL: with a point they are exact decimals, with an exponent or beside a float they are
//! doubles.

use std::ops::ControlFlow;

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr as LogicalExpr, ExprSchemable};
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Value, VisitMut, visit_expressions_mut,
};

use crate::reject::nearest_floats;

/// Marks numbers with an exponent as doubles; the others become exact when the query is planned.
pub fn mark_doubles(sql: &mut impl VisitMut) {
    // The visitor never breaks off.
    let _ = visit_expressions_mut(sql, |expr| {
        if let Expr::Value(value) = expr
            && let Value::Number(digits, _) = &value.value
            && digits.contains(['e', 'E'])
        {
            let digits = digits.replace('_', "");
            value.value = Value::SingleQuotedString(digits);
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(expr.clone()),
                data_type: DataType::Double(ExactNumberInfo::None),
                array: false,
                format: None,
            };
        }
        ControlFlow::<()>::Continue(())
    });
}

/// Makes exact numbers beside floats doubles: else the floats would become decimals, which hold less.
///
/// # Errors
/// When the query engine cannot convert a number.
pub fn beside_floats(expr: LogicalExpr, schema: &DFSchema) -> Result<Transformed<LogicalExpr>> {
    expr.transform_up(|expr| {
        let mut floats = false;
        let mut exact = false;
        expr.apply_children(|child| {
            exact |= is_exact(child);
            floats |= child
                .get_type(schema)
                .is_ok_and(|found| found.is_floating());
            Ok(TreeNodeRecursion::Continue)
        })?;
        if !(floats && exact) {
            return Ok(Transformed::no(expr));
        }
        expr.map_children(|child| match child {
            LogicalExpr::Literal(number, None) if matches!(number, ScalarValue::Decimal128(..)) => {
                let nearest = nearest_floats(&number.to_array()?, &ArrowType::Float64)?;
                let nearest = ScalarValue::try_from_array(&nearest, 0)?;
                Ok(Transformed::yes(LogicalExpr::Literal(nearest, None)))
            }
            other => Ok(Transformed::no(other)),
        })
    })
}

fn is_exact(expr: &LogicalExpr) -> bool {
    matches!(
        expr,
        LogicalExpr::Literal(ScalarValue::Decimal128(..), None)
    )
}
