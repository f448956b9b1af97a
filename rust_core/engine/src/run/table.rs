//! Sources as tables of the query engine.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{AsArray, UInt32Array};
use arrow::compute::kernels::numeric::add;
use arrow::datatypes::{Schema, SchemaRef, UInt32Type};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::stream::poll_fn;
use futures::{Stream, StreamExt};
use parking_lot::Mutex;

use super::{estimate, held};
use crate::error::{Code, EngineError};
use crate::reject::state::{Counters, FILES_PER_SOURCE, Node};
use crate::scan::replay::Wanted;
use crate::scan::{BatchStream, SRC, ScanContext, Source, identity_fields};

/// A source as a table: its columns, then identity.
#[derive(Debug)]
pub struct SourceTable {
    /// The source.
    pub source: Arc<dyn Source>,
    /// Its node.
    pub node: Arc<Node>,
    /// Its position among the pipeline's sources.
    pub index: u32,
    /// Rows in a batch.
    pub batch_rows: usize,
    /// Reads with one thread, so that rows come in the source's order.
    pub ordered: bool,
    /// The only records that are read; none for all.
    pub only: Option<Arc<Wanted>>,
}

impl SourceTable {
    /// The table's columns.
    #[must_use]
    pub fn columns(source: &dyn Source) -> SchemaRef {
        let schema = source.schema();
        let identity = identity_fields().map(Arc::new);
        let fields = schema.fields().iter().cloned().chain(identity);
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Whether a table is a source whose records cannot be read again.
    #[must_use]
    pub fn is_read_once(table: &dyn TableProvider) -> bool {
        let own = (table as &dyn Any).downcast_ref::<Self>();
        own.is_some_and(|table| !table.source.can_read_again())
    }
}

#[async_trait]
impl TableProvider for SourceTable {
    fn schema(&self) -> SchemaRef {
        Self::columns(self.source.as_ref())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = self.schema();
        let wanted: Vec<usize> = projection
            .cloned()
            .unwrap_or_else(|| (0..columns.fields().len()).collect());
        let own = self.source.schema().fields().len();
        let mut needed: Vec<usize> = wanted
            .iter()
            .copied()
            .filter(|index| *index < own)
            .collect();
        needed.sort_unstable();
        let positions = positions(&wanted, &needed, own);
        let threads = if self.ordered {
            1
        } else {
            session.config().options().execution.target_partitions
        };
        let threads = self.source.partitions(threads);
        let schema = Arc::new(columns.project(&wanted)?);
        let context = ScanContext {
            name: Arc::clone(&self.node.name),
            projection: needed.into(),
            batch_rows: self.batch_rows,
            rejects: Arc::clone(&self.node.run.rejects),
            counters: Arc::clone(&self.node.scan),
            cancel: self.node.run.cancel.clone(),
            only: self.only.clone(),
        };
        Ok(Arc::new(ScanExec {
            source: Arc::clone(&self.source),
            node: Arc::clone(&self.node),
            context,
            first_src: self.index * FILES_PER_SOURCE,
            positions: positions.into(),
            threads,
            opened: Mutex::new(None),
            properties: properties(schema, threads),
        }))
    }
}

/// Where each wanted column lies in the source's batches: the needed columns in order, then
/// identity.
fn positions(wanted: &[usize], needed: &[usize], own: usize) -> Vec<usize> {
    wanted
        .iter()
        .map(|index| {
            if *index < own {
                needed
                    .iter()
                    .position(|needed| needed == index)
                    .unwrap_or(0)
            } else {
                needed.len() + (index - own)
            }
        })
        .collect()
}

pub(super) fn properties(schema: SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

/// Reads a source. All partitions are opened together, because they may share a splitter.
struct ScanExec {
    source: Arc<dyn Source>,
    node: Arc<Node>,
    context: ScanContext,
    first_src: u32,
    positions: Arc<[usize]>,
    threads: usize,
    opened: Mutex<Option<Vec<Option<BatchStream>>>>,
    properties: Arc<PlanProperties>,
}

impl fmt::Debug for ScanExec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ScanExec")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "ScanExec: source={}, kind={}",
            self.node.name,
            self.source.kind()
        )
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "ScanExec"
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
        let rows = self.source.rows_estimate();
        let rows = rows.and_then(|rows| usize::try_from(rows).ok());
        Ok(estimate::statistics(rows, &self.schema()))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let pool = Arc::clone(context.memory_pool());
        let stream = {
            let mut opened = self.opened.lock();
            if opened.is_none() {
                let streams = self.source.open(self.threads, &self.context);
                let streams = streams.map_err(|error| error.at(self.node.name.as_ref()))?;
                *opened = Some(streams.into_iter().map(Some).collect());
            }
            opened
                .as_mut()
                .and_then(|streams| streams.get_mut(partition))
                .and_then(Option::take)
        };
        let stream = stream.ok_or_else(|| {
            DataFusionError::Internal(format!("source {} is read twice", self.node.name))
        })?;
        let (schema, positions, first) =
            (self.schema(), Arc::clone(&self.positions), self.first_src);
        let node = Arc::clone(&self.node);
        let batches = timed(stream, Arc::clone(&node)).map(move |batch| {
            let batch = batch.map_err(|error| error.at(node.name.as_ref()))?;
            Counters::add(&node.counters.rows_out, batch.num_rows());
            fits(&batch, &pool).map_err(|error| error.at(node.name.as_ref()))?;
            arrange(&batch, &positions, first, &schema)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches,
        )))
    }
}

/// Refuses a batch that leaves no room for what is made of it.
fn fits(batch: &RecordBatch, pool: &Arc<dyn MemoryPool>) -> crate::error::Result<()> {
    let MemoryLimit::Finite(room) = pool.memory_limit() else {
        return Ok(());
    };
    let bytes = held::bytes(batch);
    if bytes <= room {
        return Ok(());
    }
    let text = format!(
        "{} rows that are read together take {bytes} bytes, and limits.memory leaves {room}",
        batch.num_rows()
    );
    Err(EngineError::new(Code::MemoryExceeded, text)
        .place("limits.memory")
        .hint("Raise limits.memory, or leave out the column with the large values"))
}

/// Counts the time that a source takes to give its batches.
fn timed(
    mut stream: BatchStream,
    node: Arc<Node>,
) -> impl Stream<Item = crate::error::Result<RecordBatch>> {
    poll_fn(move |context| {
        let begun = Instant::now();
        let item = stream.poll_next_unpin(context);
        node.counters.worked(begun.elapsed());
        item
    })
}

/// Puts a source's columns into the order of the plan and makes `__src` unique within the run.
fn arrange(
    batch: &RecordBatch,
    positions: &[usize],
    first: u32,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let missing = || DataFusionError::Internal("a source's batch lacks a column".to_owned());
    let columns = positions
        .iter()
        .zip(schema.fields())
        .map(|(position, field)| {
            let column = batch.columns().get(*position).ok_or_else(missing)?;
            if first > 0 && field.name() == SRC && column.as_primitive_opt::<UInt32Type>().is_some()
            {
                return Ok(add(column, &UInt32Array::new_scalar(first))?);
            }
            Ok(Arc::clone(column))
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}
