//! Takes expressions that can fail for a value out of an operator: a row node below computes them.

use arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Case, Expr, LogicalPlan, Operator};

use super::super::constants::is_fault;
use super::Guard;
use crate::reject::row_node::{COMPUTED, Output, RowNode, RowOp};

impl Guard<'_, '_> {
    /// Computes the expressions that can fail below the operator and refers to them by column.
    pub(super) fn hoist(
        &self,
        exprs: Vec<Expr>,
        input: LogicalPlan,
    ) -> Result<(Vec<Expr>, LogicalPlan)> {
        let mut computed: Vec<Output> = Vec::new();
        let exprs = exprs
            .into_iter()
            .map(|expr| {
                expr.transform_down(|expr| Ok(self.hoisted(only_where(expr), &mut computed)))
                    .map(|expr| expr.data)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok((exprs, self.compute(computed, input)?))
    }

    /// Adds computed columns to an operator's input.
    pub(super) fn compute(&self, computed: Vec<Output>, input: LogicalPlan) -> Result<LogicalPlan> {
        if computed.is_empty() {
            return Ok(input);
        }
        let kept = input.schema().iter().map(|(qualifier, field)| Output {
            expr: Expr::from((qualifier, field)),
            qualifier: qualifier.cloned(),
            name: field.name().clone(),
        });
        let outputs = kept.chain(computed).collect();
        RowNode::plan(&self.context.node, false, RowOp::Project(outputs), input)
    }

    /// Replaces an expression that can fail by the column that holds it from now on.
    pub(super) fn hoisted(&self, expr: Expr, computed: &mut Vec<Output>) -> Transformed<Expr> {
        let wraps = matches!(
            expr,
            Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
                | Expr::Alias(_)
                | Expr::GroupingSet(_)
        );
        if wraps || !can_fail(&expr) || has_subquery(&expr) {
            return Transformed::no(expr);
        }
        let known = computed
            .iter()
            .find(|output| output.expr == expr)
            .map(|output| output.name.clone());
        let name = known.unwrap_or_else(|| {
            let name = format!("{COMPUTED}{}", self.computed.get());
            self.computed.set(self.computed.get() + 1);
            computed.push(Output {
                expr,
                qualifier: None,
                name: name.clone(),
            });
            name
        });
        Transformed::new(
            Expr::Column(Column::new_unqualified(name)),
            true,
            TreeNodeRecursion::Jump,
        )
    }
}

/// An aggregate's arguments are not computed for rows that its FILTER leaves out.
fn only_where(expr: Expr) -> Expr {
    let Expr::AggregateFunction(mut function) = expr else {
        return expr;
    };
    if let Some(condition) = &function.params.filter {
        let guarded = |arg: Expr| {
            if can_fail(&arg) {
                let then = vec![(condition.clone(), Box::new(arg))];
                return Expr::Case(Case::new(None, then, None));
            }
            arg
        };
        function.params.args = function.params.args.into_iter().map(guarded).collect();
    }
    Expr::AggregateFunction(function)
}

/// Whether an expression can fail for some row. Constants that can be computed are literals by now.
pub(super) fn can_fail(expr: &Expr) -> bool {
    let fails = |expr: &Expr| match expr {
        Expr::Cast(cast) => !matches!(cast.field.data_type(), DataType::Utf8 | DataType::Utf8View),
        // It does not fail, but the query engine's own would round.
        Expr::TryCast(_) => true,
        Expr::BinaryExpr(binary) => matches!(
            binary.op,
            Operator::Plus
                | Operator::Minus
                | Operator::Multiply
                | Operator::Divide
                | Operator::Modulo
        ),
        Expr::ScalarFunction(_) | Expr::Negative(_) | Expr::HigherOrderFunction(_) => true,
        _ => false,
    };
    let has = |what: &dyn Fn(&Expr) -> bool| expr.exists(|expr| Ok(what(expr))).unwrap_or(true);
    has(&is_fault) || (!expr.column_refs().is_empty() && has(&fails))
}

/// Whether there is a query inside an expression, or it is part of one and refers to rows outside.
pub fn has_subquery(expr: &Expr) -> bool {
    let subquery = |expr: &Expr| {
        matches!(
            expr,
            Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::ScalarSubquery(_)
                | Expr::SetComparison(_)
        ) || matches!(expr, Expr::OuterReferenceColumn(..))
    };
    expr.exists(|expr| Ok(subquery(expr))).unwrap_or(true)
}

/// Whether a column of this name is the operator's own, and not only computed for it below.
pub(super) fn is_own(name: &str) -> bool {
    !name.starts_with(COMPUTED)
}
