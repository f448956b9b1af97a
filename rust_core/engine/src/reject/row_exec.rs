//! The physical operator of [`super::row_node::RowNode`].

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{Stream, StreamExt};

use super::program::Program;
use crate::run::{at_step, estimate};

/// Runs a [`Program`] over each batch of its input.
#[derive(Debug)]
pub struct RowExec {
    program: Arc<Program>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl RowExec {
    /// Puts a program on top of a plan.
    #[must_use]
    pub fn new(program: Arc<Program>, schema: SchemaRef, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(
                input.output_partitioning().partition_count(),
            ),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self {
            program,
            input,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for RowExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RowExec: step={}", self.program.step.name)
    }
}

impl ExecutionPlan for RowExec {
    fn name(&self) -> &'static str {
        "RowExec"
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

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        datafusion::physical_plan::execution_plan::apply_expression_roots(
            self.program.expressions(),
            f,
        )
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children
            .pop()
            .ok_or_else(|| DataFusionError::Internal("RowExec needs an input".to_owned()))?;
        Ok(Arc::new(Self::new(
            Arc::clone(&self.program),
            self.schema(),
            input,
        )))
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
        Ok(Box::pin(RowStream {
            schema: self.schema(),
            program: Arc::clone(&self.program),
            input: self.input.execute(partition, context)?,
        }))
    }
}

struct RowStream {
    schema: SchemaRef,
    program: Arc<Program>,
    input: SendableRecordBatchStream,
}

impl Stream for RowStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(self.input.poll_next_unpin(context)) {
                Some(Ok(batch)) => {
                    let begun = Instant::now();
                    let result = self.program.run(&batch, &self.schema);
                    self.program.step.counters.worked(begun.elapsed());
                    match result {
                        Ok(out) if out.num_rows() == 0 => {}
                        result => {
                            let step = self.program.step.name.as_ref();
                            let result = result.map_err(|error| at_step(error, step));
                            return Poll::Ready(Some(result));
                        }
                    }
                }
                other => return Poll::Ready(other),
            }
        }
    }
}

impl RecordBatchStream for RowStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
