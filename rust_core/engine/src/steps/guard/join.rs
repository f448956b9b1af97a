//! Joins: keys and conditions that can fail are computed below, on the side they belong to.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, JoinType};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Join, LogicalPlan, Operator};

use super::hoist::{can_fail, has_subquery, is_own};
use super::{Guard, owned, renamed, without_identity};
use crate::reject::row_node::{Output, RowNode, RowOp};

/// One side of a join and what is to be computed for it.
struct Side {
    plan: LogicalPlan,
    computed: Vec<Output>,
}

impl Side {
    fn new(plan: LogicalPlan) -> Self {
        Self {
            plan,
            computed: Vec::new(),
        }
    }

    /// Whether every column of an expression is this side's.
    fn has_all(&self, expr: &Expr) -> bool {
        let has = |schema: &DFSchema| {
            let columns = expr.column_refs();
            columns.into_iter().all(|column| schema.has_column(column))
        };
        has(self.plan.schema())
    }
}

impl Guard<'_, '_> {
    pub(super) fn join(&self, join: Join) -> Result<LogicalPlan> {
        let left = self.rewrite(owned(join.left))?;
        let right = self.rewrite(owned(join.right))?;
        let (left_keys, right_keys): (Vec<_>, Vec<_>) = join.on.into_iter().unzip();
        let (left_keys, left) = self.hoist(left_keys, left)?;
        let (right_keys, right) = self.hoist(right_keys, right)?;
        let (mut left, mut right) = (Side::new(left), Side::new(right));
        let conditions = join.filter.map(split_conjunction_owned).unwrap_or_default();
        let conditions = conditions
            .into_iter()
            .map(|condition| self.condition(condition, &mut left, &mut right))
            .collect::<Result<Vec<_>>>()?;
        // What needs both sides can only be computed for pairs; of an inner join these are its rows.
        let inner = join.join_type == JoinType::Inner;
        let (above, within): (Vec<_>, Vec<_>) = conditions
            .into_iter()
            .partition(|condition| inner && can_fail_beside(condition));
        let left = self.compute(left.computed, left.plan)?;
        let right = without_identity(self.compute(right.computed, right.plan)?)?;
        // Rows keep the identity of the left side where each of them has one.
        let keeps = matches!(
            join.join_type,
            JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
        );
        let left = if keeps { left } else { without_identity(left)? };
        let plan = LogicalPlan::Join(Join::try_new(
            Arc::new(left),
            Arc::new(right),
            left_keys.into_iter().zip(right_keys).collect(),
            conjunction(within),
            join.join_type,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        )?);
        let plan = match conjunction(above) {
            Some(condition) => {
                RowNode::plan(&self.context.node, false, RowOp::Filter(condition), plan)?
            }
            None => plan,
        };
        renamed(&join.schema, plan, is_own)
    }

    /// Computes the parts of a condition that belong to one side below that side. What OR, CASE and
    /// functions may leave out is not computed apart from them.
    fn condition(&self, condition: Expr, left: &mut Side, right: &mut Side) -> Result<Expr> {
        let replaced = condition.transform_down(|expr| {
            if !can_fail(&expr) {
                return Ok(Transformed::new(expr, false, TreeNodeRecursion::Jump));
            }
            if left.has_all(&expr) {
                return Ok(self.hoisted(expr, &mut left.computed));
            }
            if right.has_all(&expr) {
                return Ok(self.hoisted(expr, &mut right.computed));
            }
            let next = if computes_all(&expr) {
                TreeNodeRecursion::Continue
            } else {
                TreeNodeRecursion::Jump
            };
            Ok(Transformed::new(expr, false, next))
        })?;
        Ok(replaced.data)
    }
}

/// Whether an expression's operands are all computed for every row.
fn computes_all(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => !matches!(binary.op, Operator::And | Operator::Or),
        Expr::Cast(_) | Expr::Not(_) | Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::Negative(_) => {
            true
        }
        Expr::Between(_) | Expr::Like(_) => true,
        _ => false,
    }
}

/// Whether a condition can fail and is none that only the join itself can judge.
fn can_fail_beside(condition: &Expr) -> bool {
    can_fail(condition) && !has_subquery(condition)
}
