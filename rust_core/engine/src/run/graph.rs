//! The pipeline as a graph: which node reads which, and where a run is cut into stages.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::execution::SessionState;

use crate::error::{Code, EngineError, Result};
use crate::plan::pb::{self, step::Kind};
use crate::steps::referenced_tables;

/// The name under which sinks read a run's rejects.
pub const REJECTS: &str = "rejects";

/// Who reads whom.
#[derive(Debug, Default)]
pub struct Graph {
    /// The inputs of each step and sink, in the order it names them.
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
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for source in &spec.sources {
            declare(&mut known, &source.name)?;
        }
        for step in &spec.steps {
            let mut inputs = Vec::new();
            match &step.kind {
                Some(Kind::Sql(sql)) => {
                    let tables = referenced_tables(&sql.query, state);
                    inputs.extend(tables.map_err(|error| error.at(step.name.as_str()))?);
                }
                Some(Kind::Join(join)) => inputs.extend([step.from.clone(), join.with.clone()]),
                Some(_) => inputs.push(step.from.clone()),
                None => return Err(no_kind(&step.name)),
            }
            if let Some(unknown) = inputs.iter().find(|input| !known.contains(input.as_str())) {
                return Err(unknown_input(&step.name, unknown, &known));
            }
            for input in &inputs {
                graph
                    .readers
                    .entry(input.clone())
                    .or_default()
                    .push(step.name.clone());
            }
            graph.inputs.insert(step.name.clone(), inputs);
            declare(&mut known, &step.name)?;
        }
        for sink in &spec.sinks {
            if sink.from != REJECTS && !known.contains(sink.from.as_str()) {
                return Err(unknown_input(&sink.name, &sink.from, &known));
            }
            graph
                .sinks
                .entry(sink.from.clone())
                .or_default()
                .push(sink.name.clone());
        }
        Ok(graph)
    }

    /// Whether a node's rows are written to disk between stages: several steps read them, or sinks
    /// beside a step do.
    #[must_use]
    pub fn is_staged(&self, node: &str) -> bool {
        let readers = self.readers.get(node).map_or(0, Vec::len);
        readers > 1 || (readers > 0 && self.sinks.contains_key(node))
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

fn declare<'a>(known: &mut BTreeSet<&'a str>, name: &'a str) -> Result<()> {
    if name == REJECTS || !known.insert(name) {
        let text = format!("the name '{name}' is taken");
        return Err(EngineError::new(Code::PlanInvalid, text).hint("Choose another name"));
    }
    Ok(())
}

fn no_kind(name: &str) -> EngineError {
    EngineError::new(Code::PlanInvalid, "a step needs a kind").at(name)
}

fn unknown_input(node: &str, input: &str, known: &BTreeSet<&str>) -> EngineError {
    let names: Vec<_> = known.iter().copied().collect();
    EngineError::new(
        Code::PlanInvalid,
        format!("there is no source or step '{input}' above"),
    )
    .at(node)
    .place("from")
    .hint(format!("It can read: {}", names.join(", ")))
}
