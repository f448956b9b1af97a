//! The pipeline as a graph: which node reads which, and where a run is cut into stages.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::execution::SessionState;

use crate::error::{Code, EngineError, Result};
use crate::plan::pb::{self, step::Kind};
use crate::steps::route::outputs;
use crate::steps::{Readings, referenced_tables};

/// The name under which sinks read a run's rejects.
pub const REJECTS: &str = "rejects";

/// Who reads whom.
#[derive(Debug, Default)]
pub struct Graph {
    /// The inputs of each step and sink, in the order it names them, one entry for each reading.
    pub inputs: BTreeMap<String, Vec<String>>,
    /// The steps that read each source or step, one entry for each reading.
    pub readers: BTreeMap<String, Vec<String>>,
    /// The sinks that read each source or step.
    pub sinks: BTreeMap<String, Vec<String>>,
}

impl Graph {
    /// Reads a pipeline's edges.
    ///
    /// # Errors
    /// `PLAN_INVALID` for duplicate names and unknown references.
    pub fn new(spec: &pb::PipelineSpec, state: &SessionState) -> Result<Self> {
        let mut graph = Self::default();
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut routes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for source in &spec.sources {
            declare(&mut known, &source.name)?;
        }
        for step in &spec.steps {
            let inputs = inputs_of(step, state)?;
            if let Some(wrong) = inputs.iter().find(|input| !known.contains(*input)) {
                return Err(unknown_input(&step.name, wrong, &known));
            }
            if let Some(route) = inputs.iter().find_map(|input| routes.get(input.as_str())) {
                return Err(route_read(&step.name, route));
            }
            graph.read(&step.name, inputs);
            declare(&mut known, &step.name)?;
            if let Some(Kind::Route(route)) = &step.kind {
                let outputs: Vec<String> = outputs(&step.name, route).collect();
                for output in &outputs {
                    declare(&mut known, output)?;
                }
                routes.insert(&step.name, outputs);
            }
        }
        for sink in &spec.sinks {
            if sink.from != REJECTS && !known.contains(&sink.from) {
                return Err(unknown_input(&sink.name, &sink.from, &known));
            }
            if let Some(route) = routes.get(sink.from.as_str()) {
                return Err(route_read(&sink.name, route));
            }
            if known.contains(&sink.name) {
                return Err(taken(&sink.name));
            }
            graph
                .sinks
                .entry(sink.from.clone())
                .or_default()
                .push(sink.name.clone());
        }
        for (step, outputs) in routes {
            for output in outputs {
                if graph.is_read(&output) {
                    graph.read(&output, vec![step.to_owned()]);
                }
            }
        }
        Ok(graph)
    }

    /// Whether a step or sink reads a node.
    #[must_use]
    pub fn is_read(&self, node: &str) -> bool {
        self.sinks.contains_key(node) || self.readers.get(node).is_some_and(|read| !read.is_empty())
    }

    /// Corrects how often a query reads its inputs, once its plan is known.
    pub fn settle(&mut self, step: &str, readings: &Readings) {
        for readers in self.readers.values_mut() {
            readers.retain(|reader| reader != step);
        }
        self.read(step, each_reading(readings).collect());
    }

    fn read(&mut self, step: &str, inputs: Vec<String>) {
        for input in &inputs {
            let readers = self.readers.entry(input.clone()).or_default();
            readers.push(step.to_owned());
        }
        self.inputs.insert(step.to_owned(), inputs);
    }

    /// Whether a node's rows are written to disk between stages: they are read several times, or by
    /// sinks beside a step.
    #[must_use]
    pub fn is_staged(&self, node: &str) -> bool {
        let readers = self.readers.get(node).map_or(0, Vec::len);
        readers > 1 || (readers > 0 && self.sinks.contains_key(node))
    }

    /// The nodes whose rows a sink needs. Others are checked, but not computed.
    #[must_use]
    pub fn needed(&self) -> BTreeSet<String> {
        let ends = self.sinks.keys().filter(|name| *name != REJECTS);
        ends.flat_map(|name| self.cone(name)).collect()
    }

    /// A source can be read only once in a run, so what a query reads again must lie on disk.
    ///
    /// # Errors
    /// `ENGINE_BUG` when it does not.
    pub fn check_staged(&self, readings: &Readings) -> Result<()> {
        let mut again = readings.iter().filter(|(_, count)| **count > 1);
        match again.find(|(name, _)| !self.is_staged(name)) {
            Some((name, _)) => Err(EngineError::new(
                Code::EngineBug,
                format!("{name} is read several times, which was not seen in time"),
            )
            .hint("Put the repeated part of the query into a step of its own")),
            None => Ok(()),
        }
    }

    /// The nodes that a node's rows come from, itself included.
    #[must_use]
    pub fn cone(&self, node: &str) -> BTreeSet<String> {
        let mut cone = BTreeSet::new();
        let mut open = vec![node.to_owned()];
        while let Some(name) = open.pop() {
            if cone.insert(name.clone()) {
                open.extend(self.inputs.get(&name).into_iter().flatten().cloned());
            }
        }
        cone
    }
}

/// What a step reads, one entry for each reading.
fn inputs_of(step: &pb::Step, state: &SessionState) -> Result<Vec<String>> {
    Ok(match &step.kind {
        Some(Kind::Sql(sql)) => {
            let tables = referenced_tables(&sql.query, state);
            let tables = tables.map_err(|error| error.at(step.name.as_str()))?;
            each_reading(&tables).collect()
        }
        Some(Kind::Join(join)) => vec![step.from.clone(), join.with.clone()],
        Some(Kind::Validate(validate)) => {
            let others = validate.references.iter();
            let others = others.map(|reference| reference.to.clone());
            std::iter::once(step.from.clone()).chain(others).collect()
        }
        Some(_) => vec![step.from.clone()],
        None => return Err(no_kind(&step.name)),
    })
}

fn each_reading(readings: &Readings) -> impl Iterator<Item = String> {
    let each = readings.iter();
    each.flat_map(|(table, count)| std::iter::repeat_n(table.clone(), *count))
}

fn declare(known: &mut BTreeSet<String>, name: &str) -> Result<()> {
    if name == REJECTS || !known.insert(name.to_owned()) {
        return Err(taken(name));
    }
    Ok(())
}

fn taken(name: &str) -> EngineError {
    let text = format!("the name '{name}' is taken");
    EngineError::new(Code::PlanInvalid, text).hint("Choose another name")
}

fn no_kind(name: &str) -> EngineError {
    EngineError::new(Code::PlanInvalid, "a step needs a kind").at(name)
}

fn route_read(node: &str, outputs: &[String]) -> EngineError {
    let text = "a route is read by one of its outputs";
    EngineError::new(Code::PlanInvalid, text)
        .at(node)
        .place("from")
        .hint(format!("It has: {}", outputs.join(", ")))
}

fn unknown_input(node: &str, input: &str, known: &BTreeSet<String>) -> EngineError {
    let names: Vec<_> = known.iter().map(String::as_str).collect();
    EngineError::new(
        Code::PlanInvalid,
        format!("there is no source or step '{input}' above"),
    )
    .at(node)
    .place("from")
    .hint(format!("It can read: {}", names.join(", ")))
}
