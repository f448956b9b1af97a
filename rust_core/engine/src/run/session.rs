//! The query engine's session of one run: its settings, its memory, its planners.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use arrow::compute::SortOptions;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::error::Result as DfResult;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{QueryPlanner, SessionContext};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{AggregateUDF, LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use datafusion::prelude::SessionConfig;

use super::joins;
use super::memory::{self, PeakPool};
use super::prune;
use crate::error::{Code, EngineError, Result};
use crate::reject::row_exec::RowExec;
use crate::reject::row_node::{RowNode, RowOp};
use crate::reject::tap::Tap;
use crate::reject::{Op, Program, Rule, harden};
use crate::steps::Types;
use crate::steps::ordered::Ordered;
use crate::steps::sum::ExactSum;

/// Rows in a batch, where the runtime names no other number.
pub const BATCH_ROWS: usize = 8192;

/// What the operators of one partition should have at least, in bytes: sorts and merges of fewer have
/// no room for the batches they hold. Where memory is short, a run uses fewer threads.
const PARTITION: usize = 16 << 20;

/// A run's session and what is measured about it.
pub struct RunSession {
    /// Plans and executes.
    pub context: SessionContext,
    /// Owns memory and spill files.
    pub runtime: Arc<RuntimeEnv>,
    /// The most memory reserved at once, in bytes.
    pub peak: Arc<AtomicUsize>,
    /// What operators wrote to disk for want of memory, in bytes.
    pub spilled: AtomicU64,
}

impl std::fmt::Debug for RunSession {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RunSession").finish_non_exhaustive()
    }
}

/// Opens a session.
///
/// # Errors
/// `SINK_UNWRITABLE` when the work folder cannot be used for spilling.
pub fn open(
    work_dir: &Path,
    memory: usize,
    threads: usize,
    batch_rows: usize,
) -> Result<RunSession> {
    let operators = memory::operators(memory);
    let (pool, peak) = PeakPool::new(operators);
    let spill = work_dir.join("spill");
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_temp_file_path(&spill)
        .build_arc()
        .map_err(|error| {
            EngineError::new(
                Code::SinkUnwritable,
                format!(
                    "cannot spill to {}: {}",
                    spill.display(),
                    error.strip_backtrace()
                ),
            )
            .hint("Check the data directory's permissions and free space")
        })?;
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config(threads, batch_rows, operators))
        .with_optimizer_rules(prune::rules())
        .with_physical_optimizer_rules(joins::rules(operators))
        .with_runtime_env(Arc::clone(&runtime))
        .with_query_planner(Arc::new(Planner))
        .with_type_planner(Arc::new(Types))
        .build();
    let sum = AggregateUDF::new_from_impl(ExactSum::default());
    state
        .register_udaf(Arc::new(sum))
        .map_err(|error| EngineError::new(Code::EngineBug, error.strip_backtrace()))?;
    Ok(RunSession {
        context: SessionContext::new_with_state(state),
        runtime,
        peak,
        spilled: AtomicU64::default(),
    })
}

fn config(threads: usize, batch_rows: usize, operators: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads.min((operators / PARTITION).max(1)))
        .with_batch_size(batch_rows)
        .with_information_schema(false)
        .with_round_robin_repartition(false);
    let options = config.options_mut();
    // Names in files keep their case, so names in expressions do.
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.parse_float_as_decimal = true;
    // A filter that moves into a scan at run time would change which rows are read and refused.
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    options.optimizer.max_passes = prune::PASSES;
    options.execution.sort_spill_reservation_bytes = 1 << 20;
    // Sizes are estimated through joins too. A small table is built once, not once a partition.
    options.optimizer.use_statistics_registry = true;
    options.optimizer.hash_join_single_partition_threshold = operators / 8;
    options.optimizer.hash_join_single_partition_threshold_rows = operators / 256;
    config
}

#[derive(Debug)]
struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(NodePlanner)])
            .create_physical_plan(plan, session)
            .await
    }
}

struct NodePlanner;

#[async_trait]
impl ExtensionPlanner for NodePlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(input) = inputs.first() else {
            return Ok(None);
        };
        if let Some(tap) = node.as_any().downcast_ref::<Tap>() {
            return Ok(Some(tap.exec(Arc::clone(input))));
        }
        if let Some(ordered) = node.as_any().downcast_ref::<Ordered>() {
            let schema = ordered.input.schema();
            let order = ordered.order.iter();
            let order = order.map(|key| {
                let options = SortOptions::new(!key.asc, key.nulls_first);
                let expr = planner.create_physical_expr(&key.expr, schema, session, planning)?;
                Ok(PhysicalSortExpr::new(expr, options))
            });
            let order = LexOrdering::new(order.collect::<DfResult<Vec<_>>>()?);
            return Ok(order.map(|order| Ordered::exec(order, Arc::clone(input))));
        }
        let Some(rows) = node.as_any().downcast_ref::<RowNode>() else {
            return Ok(None);
        };
        let compile = Compile {
            planner,
            session,
            planning,
            schema: rows.input.schema(),
        };
        let program = Program {
            step: Arc::clone(&rows.step.0),
            counts: rows.counts,
            op: compile.op(&rows.op)?,
        };
        let schema =
            Arc::clone(datafusion::logical_expr::UserDefinedLogicalNodeCore::schema(rows).inner());
        Ok(Some(Arc::new(RowExec::new(
            Arc::new(program),
            schema,
            Arc::clone(input),
        ))))
    }
}

struct Compile<'a> {
    planner: &'a dyn PhysicalPlanner,
    session: &'a dyn Session,
    planning: &'a PhysicalPlanningContext,
    schema: &'a DFSchema,
}

impl Compile<'_> {
    fn op(&self, op: &RowOp) -> DfResult<Op> {
        Ok(match op {
            RowOp::Project(outputs) => Op::Project(
                outputs
                    .iter()
                    .map(|output| Ok((self.expr(&output.expr)?, output.shown())))
                    .collect::<DfResult<_>>()?,
            ),
            RowOp::Filter(expr) => Op::Filter(self.expr(expr)?),
            RowOp::Merge(expr) => Op::Merge(self.expr(expr)?),
            RowOp::Check(checks) => Op::Check(
                checks
                    .iter()
                    .map(|check| {
                        Ok(Rule {
                            expr: self.expr(&check.expr)?,
                            column: check.column.clone(),
                            code: check.code,
                            message: check.message.clone(),
                            tally: check.tally,
                        })
                    })
                    .collect::<DfResult<_>>()?,
            ),
        })
    }

    fn expr(
        &self,
        expr: &datafusion::logical_expr::Expr,
    ) -> DfResult<Arc<dyn datafusion::physical_expr::PhysicalExpr>> {
        harden(
            self.planner
                .create_physical_expr(expr, self.schema, self.session, self.planning)?,
        )
    }
}
