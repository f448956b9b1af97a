//! Compiling: a plan's bytes become sources, logical plans and sinks, all checked, before a row
//! moves.

mod routes;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::catalog::TableProvider;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::graph::{Graph, REJECTS};
use super::memory;
use super::order;
use super::session::{self, RunSession};
use super::staged::StagedTable;
use super::table::SourceTable;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb::{self, step::Kind};
use crate::reject::row_node::user_columns;
use crate::reject::state::{Node, NodeRef, OnError, RunState};
use crate::reject::{RejectLog, reject_schema};
use crate::scan::replay::Wanted;
use crate::scan::{ScanEnv, Source, stream::Streams};
use crate::sink::{Sink, SinkEnv};
use crate::steps::{self, StepContext, expr};

/// The name of the rejects' file in the work folder.
pub const REJECTS_FILE: &str = "rejects.arrow";

/// A plan that is ready to run.
#[derive(Debug)]
pub struct Compiled {
    /// The pipeline.
    pub spec: pb::PipelineSpec,
    /// Where and with what it runs.
    pub runtime: pb::Runtime,
    /// Its edges.
    pub graph: Graph,
    /// The query engine's session.
    pub session: RunSession,
    /// What operators share.
    pub state: Arc<RunState>,
    /// Sources, steps and sinks, by name in the order of evaluation.
    pub nodes: Vec<Arc<Node>>,
    /// The sources.
    pub sources: Vec<Arc<dyn Source>>,
    /// The plan of each source and step.
    pub plans: BTreeMap<String, LogicalPlan>,
    /// The stages that write to disk, in order: the node, its plan, and the table that readers see.
    pub staged: Vec<(String, LogicalPlan, Arc<StagedTable>)>,
    /// The sinks, by name.
    pub sinks: BTreeMap<String, Arc<dyn Sink>>,
    /// The rejects as a table.
    pub rejects: Arc<StagedTable>,
    /// Threads for rows.
    pub threads: usize,
    /// Values that no report or message may show.
    secrets: Vec<String>,
}

/// The parameters that hold secrets are named with this prefix.
const SECRET_PREFIX: &str = "secret_";

impl Compiled {
    /// Compiles a plan. `streams` are the rows of stream sources, by name.
    ///
    /// # Errors
    /// Whatever is wrong with plan, sources, expressions or targets; see [`Code`].
    pub async fn new(plan: pb::Plan, runtime: pb::Runtime, streams: Streams) -> Result<Self> {
        let secrets = plan
            .params
            .iter()
            .filter(|param| param.name.starts_with(SECRET_PREFIX));
        let secrets: Vec<String> = secrets.map(|param| param.value.clone()).collect();
        let spec = plan
            .spec
            .ok_or_else(|| EngineError::new(Code::PlanInvalid, "the plan holds no pipeline"))?;
        let mut build = Build::new(&spec, runtime, expr::params(&plan.params)?)?;
        build.sources(&spec, streams).await?;
        build.steps(&spec)?;
        let sinks = build.sinks(&spec).await?;
        let Build {
            runtime,
            graph,
            session,
            state,
            nodes,
            sources,
            plans,
            staged,
            rejects,
            threads,
            ..
        } = build;
        // The set-up runs once, so the cell is empty.
        let _ = state.sources.set(sources.clone());
        Ok(Self {
            spec,
            runtime,
            graph,
            session,
            state,
            nodes,
            sources,
            plans,
            staged,
            sinks,
            rejects,
            threads,
            secrets,
        })
    }

    /// A text without the values of secrets.
    #[must_use]
    pub fn redacted(&self, text: &str) -> String {
        self.secrets
            .iter()
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| {
                text.replace(secret.as_str(), "***")
            })
    }

    /// The node of a name.
    ///
    /// # Errors
    /// `PLAN_INVALID` when there is none.
    pub fn node(&self, name: &str) -> Result<&Arc<Node>> {
        self.nodes
            .iter()
            .find(|node| node.name.as_ref() == name)
            .ok_or_else(|| {
                let names: Vec<_> = self.nodes.iter().map(|node| node.name.as_ref()).collect();
                EngineError::new(
                    Code::PlanInvalid,
                    format!("there is no source or step '{name}'"),
                )
                .hint(format!("The pipeline has: {}", names.join(", ")))
            })
    }
}

struct Build {
    runtime: pb::Runtime,
    params: expr::Params,
    graph: Graph,
    session: RunSession,
    state: Arc<RunState>,
    nodes: Vec<Arc<Node>>,
    sources: Vec<Arc<dyn Source>>,
    plans: BTreeMap<String, LogicalPlan>,
    staged: Vec<(String, LogicalPlan, Arc<StagedTable>)>,
    rejects: Arc<StagedTable>,
    memory: usize,
    threads: usize,
    batch_rows: usize,
}

impl Build {
    fn new(spec: &pb::PipelineSpec, runtime: pb::Runtime, params: expr::Params) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = if runtime.threads == 0 {
            cores
        } else {
            runtime.threads as usize
        };
        let batch_rows = match runtime.batch_rows {
            0 => session::BATCH_ROWS,
            rows => rows as usize,
        };
        let memory = memory::budget(spec.limits.as_ref())?;
        let work_dir = PathBuf::from(&runtime.work_dir);
        std::fs::create_dir_all(&work_dir).map_err(|error| {
            let text = format!(
                "cannot make the work folder {}: {error}",
                work_dir.display()
            );
            EngineError::new(Code::SinkUnwritable, text)
        })?;
        let session = session::open(&work_dir, memory, threads, batch_rows)?;
        let graph = Graph::new(spec, &session.context.state())?;
        let log = Arc::new(RejectLog::new(work_dir.join(REJECTS_FILE)));
        Ok(Self {
            runtime,
            params,
            memory,
            graph,
            session,
            state: RunState::new(log),
            nodes: Vec::new(),
            sources: Vec::new(),
            plans: BTreeMap::new(),
            staged: Vec::new(),
            rejects: StagedTable::new(reject_schema(), true),
            threads,
            batch_rows,
        })
    }

    async fn sources(&mut self, spec: &pb::PipelineSpec, mut streams: Streams) -> Result<()> {
        let env = ScanEnv {
            memory: Some(self.memory),
            ..ScanEnv::from_runtime(&self.runtime)
        };
        for (index, source) in spec.sources.iter().enumerate() {
            let mut parts = self.runtime.parts.iter();
            let env = env.reading(parts.find(|part| part.source == source.name));
            let compiled = crate::scan::compile(source, &env, &mut streams).await;
            let compiled = compiled.map_err(|error| error.at(source.name.as_str()))?;
            let node = Node::new(
                &source.name,
                compiled.kind(),
                OnError::Reject,
                Arc::clone(&self.state),
            );
            let table = SourceTable {
                source: Arc::clone(&compiled),
                node: Arc::clone(&node),
                index: u32::try_from(index).unwrap_or(u32::MAX),
                batch_rows: self.batch_rows,
                ordered: self.feeds_limit(spec, &source.name),
                only: self.wanted(&source.name, compiled.as_ref())?,
            };
            let plan = scan(&source.name, Arc::new(table))?;
            self.sources.push(compiled);
            self.nodes.push(node);
            self.add_plan(&source.name, plan)?;
        }
        Ok(())
    }

    /// The only records of a source that are to be read, if not all are.
    fn wanted(&self, name: &str, source: &dyn Source) -> Result<Option<Arc<Wanted>>> {
        let mut replays = self.runtime.replays.iter();
        let Some(replay) = replays.find(|replay| replay.source == name) else {
            return Ok(None);
        };
        if !source.has_places() {
            let text = format!(
                "a {} source has no places to find records by",
                source.kind()
            );
            return Err(EngineError::new(Code::ReplayUnsupported, text)
                .at(name)
                .hint("Run the whole pipeline again"));
        }
        let wanted = Wanted::load(replay).map_err(|error| error.at(name))?;
        Ok(Some(Arc::new(wanted)))
    }

    /// Whether a `limit` step keeps the first rows of a source.
    fn feeds_limit(&self, spec: &pb::PipelineSpec, source: &str) -> bool {
        spec.steps
            .iter()
            .filter(|step| matches!(step.kind, Some(Kind::Limit(_))))
            .any(|step| self.graph.cone(&step.name).contains(source))
    }

    fn steps(&mut self, spec: &pb::PipelineSpec) -> Result<()> {
        let state = self.session.context.state();
        let sources = spec.sources.iter().map(|source| source.name.clone());
        let sources = sources.collect();
        for step in &spec.steps {
            let Some(kind) = &step.kind else {
                return Err(
                    EngineError::new(Code::PlanInvalid, "a step needs a kind").at(&step.name)
                );
            };
            let on_error = steps::on_error(step).map_err(|error| error.at(step.name.as_str()))?;
            let node = Node::new(
                &step.name,
                steps::kind_name(kind),
                on_error,
                Arc::clone(&self.state),
            );
            self.hide_records(spec, &node, &step.name);
            let context = StepContext {
                state: &state,
                plans: &self.plans,
                node: NodeRef(Arc::clone(&node)),
                sources: &sources,
                params: &self.params,
            };
            let plan = steps::build(step, kind, &context)?;
            let readings = std::mem::take(&mut *node.readings.lock());
            if !readings.is_empty() {
                self.graph
                    .check_staged(&readings)
                    .map_err(|error| error.at(&step.name))?;
                self.graph.settle(&step.name, &readings);
            }
            self.nodes.push(node);
            match kind {
                Kind::Route(route) => self.outputs(spec, &step.name, route, plan)?,
                _ => self.add_plan(&step.name, plan)?,
            }
        }
        Ok(())
    }

    /// Keeps rejects of a node below a mask from showing records as they were read.
    fn hide_records(&self, spec: &pb::PipelineSpec, node: &Node, from: &str) {
        let cone = self.graph.cone(from);
        let masks = spec.steps.iter();
        let mut masks = masks.filter(|step| matches!(step.kind, Some(Kind::Mask(_))));
        let masked = masks.any(|step| cone.contains(&step.name));
        node.masked.store(masked, Ordering::Relaxed);
    }

    /// Registers a node's plan; readers of a staged node see the table it is written to.
    fn add_plan(&mut self, name: &str, plan: LogicalPlan) -> Result<()> {
        let plan = self.shared(name, plan)?;
        self.plans.insert(name.to_owned(), plan);
        Ok(())
    }

    /// What the readers of a node see.
    fn shared(&mut self, name: &str, plan: LogicalPlan) -> Result<LogicalPlan> {
        if self.graph.is_staged(name) {
            let schema = Arc::clone(plan.schema().inner());
            let table = StagedTable::new(schema, order::is_sorted(&plan));
            self.staged
                .push((name.to_owned(), plan, Arc::clone(&table)));
            scan(name, table)
        } else {
            Ok(plan)
        }
    }

    async fn sinks(&mut self, spec: &pb::PipelineSpec) -> Result<BTreeMap<String, Arc<dyn Sink>>> {
        let env = SinkEnv::from_runtime(&self.runtime);
        let mut sinks = BTreeMap::new();
        for sink in &spec.sinks {
            let schema = if sink.from == REJECTS {
                reject_schema()
            } else {
                let plan = self.plans.get(&sink.from).ok_or_else(|| {
                    EngineError::new(
                        Code::PlanInvalid,
                        format!("there is no step '{}'", sink.from),
                    )
                })?;
                let fields = user_columns(plan.schema()).map(|(_, field)| Arc::clone(field));
                Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()))
            };
            let compiled = crate::sink::compile(sink, schema, &env).await;
            let compiled = compiled.map_err(|error| error.at(sink.name.as_str()))?;
            let kind = sink_kind(sink);
            let node = Node::new(&sink.name, kind, OnError::Reject, Arc::clone(&self.state));
            self.hide_records(spec, &node, &sink.from);
            self.nodes.push(node);
            sinks.insert(sink.name.clone(), compiled);
        }
        Ok(sinks)
    }
}

/// The kind's name, as in the pipeline.
#[must_use]
pub const fn sink_kind(sink: &pb::Sink) -> &'static str {
    use pb::sink::Kind;
    match &sink.kind {
        Some(Kind::Postgres(_)) => "postgres",
        Some(Kind::Parquet(_)) => "parquet",
        Some(Kind::Csv(_)) => "csv",
        Some(Kind::Jsonl(_)) => "jsonl",
        None => "",
    }
}

/// Reads a table, its columns by their bare names.
///
/// # Errors
/// When the table's columns cannot be planned.
pub fn scan(name: &str, table: Arc<dyn TableProvider>) -> Result<LogicalPlan> {
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(table), None).and_then(|plan| {
        let columns = plan.schema().columns();
        let bare = columns.into_iter().map(|column| {
            let name = column.name.clone();
            datafusion::logical_expr::Expr::Column(column).alias(name)
        });
        plan.project(bare.collect::<Vec<_>>())?.build()
    });
    plan.map_err(|error| expr::invalid(&error, "").at(name))
}
