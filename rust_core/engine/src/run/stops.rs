//! Lets a cancelled run stop within an operator.
//!
//! A join may compare rows for hours before it has a row to give. The query engine looks for other
//! work between batches only, so such a join would keep its thread, and with one on every thread
//! nothing would be left to notice that the run was cancelled.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder, SortMergeJoinExec,
};
use tokio_util::sync::CancellationToken;

use crate::error::{Code, EngineError};

/// The plan with joins that give way to other work between batches, and stop between comparisons.
///
/// # Errors
/// When an operator refuses its own parts, which is a bug.
pub fn stoppable(
    plan: Arc<dyn ExecutionPlan>,
    cancel: &CancellationToken,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        Ok(match watched(&plan, cancel)? {
            Some(join) => Transformed::yes(Arc::new(CooperativeExec::new(join)) as _),
            None => Transformed::no(plan),
        })
    })
    .data()
}

/// A join whose condition stops; none for other operators.
fn watched(
    plan: &Arc<dyn ExecutionPlan>,
    cancel: &CancellationToken,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let filter = |filter: Option<&JoinFilter>| {
        filter.map(|filter| {
            let expr = Stoppable {
                inner: Arc::clone(filter.expression()),
                cancel: cancel.clone(),
            };
            let columns = filter.column_indices().to_vec();
            JoinFilter::new(Arc::new(expr), columns, Arc::clone(filter.schema()))
        })
    };
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        let builder = NestedLoopJoinExecBuilder::from(join).with_filter(filter(join.filter()));
        return Ok(Some(Arc::new(builder.build()?)));
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        let builder = join.builder().with_filter(filter(join.filter()));
        return Ok(Some(builder.build_exec()?));
    }
    if let Some(join) = plan.downcast_ref::<SortMergeJoinExec>() {
        return Ok(Some(Arc::new(SortMergeJoinExec::try_new(
            Arc::clone(join.left()),
            Arc::clone(join.right()),
            join.on().to_vec(),
            filter(join.filter().as_ref()),
            join.join_type(),
            join.sort_options().to_vec(),
            join.null_equality(),
        )?)));
    }
    let crosses = plan.downcast_ref::<CrossJoinExec>().is_some();
    Ok(crosses.then(|| Arc::clone(plan)))
}

/// A condition that fails once the run is cancelled.
#[derive(Debug, Clone)]
struct Stoppable {
    inner: Arc<dyn PhysicalExpr>,
    cancel: CancellationToken,
}

impl PartialEq for Stoppable {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Stoppable {}

impl Hash for Stoppable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Stoppable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(out)
    }
}

impl PhysicalExpr for Stoppable {
    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.cancel.is_cancelled() {
            return Err(EngineError::new(Code::Cancelled, "the run was cancelled").into());
        }
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = children.pop().unwrap_or_else(|| Arc::clone(&self.inner));
        let cancel = self.cancel.clone();
        Ok(Arc::new(Self { inner, cancel }))
    }

    fn fmt_sql(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(out)
    }
}
