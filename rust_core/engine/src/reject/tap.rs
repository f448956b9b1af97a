//! Counts the rows that cross a step's edge.
//!
//! A tap also keeps the optimiser from moving work across the edge, so that each step sees the rows
//! that the pipeline says it sees.

use std::cmp::Ordering;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchemaRef;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{Stream, StreamExt};

use super::state::{Counters, NodeRef};
use crate::run::{at_step, estimate};

/// Which edge of the step is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edge {
    /// Rows in.
    In,
    /// Rows in from the other side of a join.
    Side,
    /// Rows out.
    Out,
}

/// The logical pass-through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tap {
    /// The step.
    pub step: NodeRef,
    /// The edge.
    pub edge: Edge,
    input: Arc<LogicalPlan>,
}

impl PartialOrd for Tap {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.step.0.name.partial_cmp(&other.step.0.name)
    }
}

impl Tap {
    /// Puts a tap on top of a plan.
    #[must_use]
    pub fn plan(step: &NodeRef, edge: Edge, input: LogicalPlan) -> LogicalPlan {
        let node = Self {
            step: step.clone(),
            edge,
            input: Arc::new(input),
        };
        LogicalPlan::Extension(Extension {
            node: Arc::new(node),
        })
    }

    /// The operator on top of a physical plan.
    #[must_use]
    pub fn exec(&self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(TapExec::new(self.step.clone(), self.edge, input))
    }
}

impl UserDefinedLogicalNodeCore for Tap {
    fn name(&self) -> &str {
        "Tap"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Tap: step={}, edge={:?}", self.step.0.name, self.edge)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let input = inputs
            .pop()
            .ok_or_else(|| DataFusionError::Internal("a tap needs an input".to_owned()))?;
        Ok(Self {
            input: Arc::new(input),
            ..self.clone()
        })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

/// The operator.
#[derive(Debug)]
pub struct TapExec {
    /// The step.
    pub step: NodeRef,
    /// The edge.
    pub edge: Edge,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl TapExec {
    fn new(step: NodeRef, edge: Edge, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = match edge {
            Edge::Out => Arc::clone(input.properties()),
            // A sort that moved below the step's entry would hide from its counters which rows
            // came, so the entry promises no order.
            Edge::In | Edge::Side => Arc::new(PlanProperties::new(
                EquivalenceProperties::new(input.schema()),
                input.output_partitioning().clone(),
                input.pipeline_behavior(),
                input.boundedness(),
            )),
        };
        Self {
            step,
            edge,
            input,
            properties,
        }
    }
}

impl DisplayAs for TapExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "TapExec: step={}, edge={:?}",
            self.step.0.name, self.edge
        )
    }
}

impl ExecutionPlan for TapExec {
    fn name(&self) -> &'static str {
        "TapExec"
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(estimate::as_many(inputs, &self.schema()))
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.edge == Edge::Out]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children
            .pop()
            .ok_or_else(|| DataFusionError::Internal("TapExec needs an input".to_owned()))?;
        Ok(Arc::new(Self::new(self.step.clone(), self.edge, input)))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        Ok(Box::pin(TapStream {
            step: self.step.clone(),
            edge: self.edge,
            input,
        }))
    }
}

struct TapStream {
    step: NodeRef,
    edge: Edge,
    input: SendableRecordBatchStream,
}

impl Stream for TapStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.input.poll_next_unpin(context));
        if let Some(Err(error)) = item {
            return Poll::Ready(Some(Err(match self.edge {
                Edge::Out => at_step(error, self.step.0.name.as_ref()),
                Edge::In | Edge::Side => error,
            })));
        }
        if let Some(Ok(batch)) = &item {
            let counters = &self.step.0.counters;
            let counter = match self.edge {
                Edge::In => &counters.rows_in,
                Edge::Side => &counters.side_in,
                Edge::Out => &counters.rows_out,
            };
            Counters::add(counter, batch.num_rows());
        }
        Poll::Ready(item)
    }
}

impl RecordBatchStream for TapStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
