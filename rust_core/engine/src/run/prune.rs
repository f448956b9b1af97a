//! Keeps row operators from passing on columns that nobody above needs.
//!
//! The query engine prunes columns through its own operators. It cannot know that a column which a
//! row operator only passes through may go, so this rule drops such columns; the engine then prunes
//! what lies below. A column that is computed stays, because computing it may refuse rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, Projection, UserDefinedLogicalNodeCore,
};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::reject::row_node::{RowNode, RowOp};
use crate::reject::tap::Tap;

/// How often the rules may run. Each time columns are pruned through one more operator.
pub const PASSES: usize = 16;

/// Columns of an operator's output, by position.
type Needed = BTreeSet<usize>;

/// The rule.
#[derive(Debug)]
struct PruneRows;

/// The optimiser's rules with this one after them.
#[must_use]
pub fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    rules.push(Arc::new(PruneRows));
    rules
}

impl OptimizerRule for PruneRows {
    fn name(&self) -> &'static str {
        "prune_rows"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Projection(projection) = &plan else {
            return Ok(Transformed::no(plan));
        };
        let Some(needed) = positions(&projection.expr, projection.input.schema()) else {
            return Ok(Transformed::no(plan));
        };
        let Some(input) = narrowed(&projection.input, &needed)? else {
            return Ok(Transformed::no(plan));
        };
        let exprs = projection.expr.clone();
        let projection = Projection::try_new_with_schema(
            exprs,
            Arc::new(input),
            Arc::clone(&projection.schema),
        )?;
        Ok(Transformed::yes(LogicalPlan::Projection(projection)))
    }
}

/// Where the columns that expressions refer to lie. None when one is not there, as in a subquery.
fn positions(exprs: &[Expr], schema: &DFSchema) -> Option<Needed> {
    let columns = exprs.iter().flat_map(Expr::column_refs);
    columns
        .map(|column| schema.maybe_index_of_column(column))
        .collect()
}

/// The plan without passed-on columns that are not needed; None when it has none.
fn narrowed(plan: &LogicalPlan, needed: &Needed) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Extension(extension) = plan else {
        return Ok(None);
    };
    let node = extension.node.as_any();
    if let Some(tap) = node.downcast_ref::<Tap>() {
        return below(tap, needed);
    }
    let Some(rows) = node.downcast_ref::<RowNode>() else {
        return Ok(None);
    };
    let RowOp::Project(outputs) = &rows.op else {
        return below(rows, needed);
    };
    let kept: Vec<_> = outputs
        .iter()
        .enumerate()
        .filter(|(index, output)| needed.contains(index) || !matches!(output.expr, Expr::Column(_)))
        .map(|(_, output)| output.clone())
        .collect();
    if kept.is_empty() || kept.len() == outputs.len() {
        return below(rows, needed);
    }
    let rows = rows.projecting(kept)?;
    Ok(Some(match below(&rows, needed)? {
        Some(narrower) => narrower,
        None => extended(rows),
    }))
}

/// The operator over a narrowed input; None when nothing can be dropped from it.
fn below<N: UserDefinedLogicalNodeCore>(node: &N, needed: &Needed) -> Result<Option<LogicalPlan>> {
    let wanted: Vec<usize> = needed.iter().copied().collect();
    let Some(wanted) = node.necessary_children_exprs(&wanted) else {
        return Ok(None);
    };
    let (Some(input), Some(wanted)) = (node.inputs().first().copied(), wanted.into_iter().next())
    else {
        return Ok(None);
    };
    let narrower = narrowed(input, &wanted.into_iter().collect())?;
    narrower
        .map(|input| {
            let node = node.with_exprs_and_inputs(node.expressions(), vec![input])?;
            Ok(extended(node))
        })
        .transpose()
}

fn extended<N: UserDefinedLogicalNodeCore>(node: N) -> LogicalPlan {
    LogicalPlan::Extension(Extension {
        node: Arc::new(node),
    })
}
