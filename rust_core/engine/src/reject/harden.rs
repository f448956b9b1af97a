//! Makes an expression fail for a value instead of changing it.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::BinaryExpr;

use super::arithmetic::Checked;
use super::cast_expr::LosslessCast;

/// Replaces every cast by a lossless one and makes arithmetic fail instead of wrapping.
///
/// # Errors
/// When the expression cannot be rebuilt.
pub fn harden(expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let hardened = expr.transform_up(|expr| {
        if let Some(cast) = LosslessCast::of(&expr) {
            return Ok(Transformed::yes(Arc::new(cast) as _));
        }
        let expr = match expr.downcast_ref::<BinaryExpr>() {
            Some(binary) => Arc::new(binary.clone().with_fail_on_overflow(true)) as _,
            None => expr,
        };
        Ok(match Checked::of(&expr) {
            Some(checked) => Transformed::yes(Arc::new(checked) as _),
            None => Transformed::yes(expr),
        })
    })?;
    Ok(hardened.data)
}
