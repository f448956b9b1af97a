//! Intermediate results on disk as tables of the query engine.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

use super::estimate;
use super::table::properties;

/// Rows that an earlier stage of the run wrote to disk, because several consumers need them.
#[derive(Debug)]
pub struct StagedTable {
    schema: SchemaRef,
    /// Whether its rows are in an order that a step has made.
    pub sorted: bool,
    /// What the stage wrote; set when it has run.
    pub written: OnceLock<Written>,
}

/// What a stage wrote to disk.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Arrow IPC streams, one a partition.
    pub files: Vec<PathBuf>,
    /// Rows in all of them.
    pub rows: usize,
}

impl StagedTable {
    /// A table that will be filled.
    #[must_use]
    pub fn new(schema: SchemaRef, sorted: bool) -> Arc<Self> {
        Arc::new(Self {
            schema,
            sorted,
            written: OnceLock::new(),
        })
    }
}

#[async_trait]
impl TableProvider for StagedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let written = self.written.get().cloned().unwrap_or_default();
        let schema = match projection {
            Some(wanted) => Arc::new(self.schema.project(wanted)?),
            None => Arc::clone(&self.schema),
        };
        let partitions = written.files.len().max(1);
        Ok(Arc::new(StagedExec {
            written,
            projection: projection.cloned(),
            properties: properties(schema, partitions),
        }))
    }
}

#[derive(Debug)]
struct StagedExec {
    written: Written,
    projection: Option<Vec<usize>>,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for StagedExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StagedExec: files={}", self.written.files.len())
    }
}

impl ExecutionPlan for StagedExec {
    fn name(&self) -> &'static str {
        "StagedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(estimate::statistics(
            Some(self.written.rows),
            &self.schema(),
        ))
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(path) = self.written.files.get(partition) else {
            let none = futures::stream::empty();
            return Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), none)));
        };
        let file = BufReader::new(File::open(path)?);
        let reader = StreamReader::try_new(file, self.projection.clone())?;
        let batches =
            futures::stream::iter(reader.map(|batch| batch.map_err(DataFusionError::from)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches,
        )))
    }
}
