//! The books of a run: every row that was read is loaded, rejected, filtered or merged away.
//!
//! Two independent counts meet at every edge of the graph: what the upstream node says it gave and
//! what the downstream node says it got. A run whose counts do not meet fails before anything is
//! published.

use std::collections::{BTreeMap, BTreeSet};

use super::compile::Compiled;
use super::graph::REJECTS;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;

/// Closes the accounts of every node: rows that were given but not taken by a step that stops early
/// are filtered by it, rows that were still held when such a step stopped are filtered by their
/// holder; anything else is an error. A step that no sink needs takes no part.
///
/// # Errors
/// `BOOKS_UNBALANCED`, naming the edge.
pub fn close(compiled: &Compiled, nodes: &mut [pb::NodeCounters]) -> Result<()> {
    let given: BTreeMap<String, u64> = nodes
        .iter()
        .map(|node| (node.name.clone(), node.rows_out))
        .collect();
    let needed = compiled.graph.needed();
    for node in nodes.iter_mut().filter(|node| needed.contains(&node.name)) {
        if let Some(inputs) = compiled.graph.inputs.get(&node.name) {
            let offered: u64 = inputs.iter().filter_map(|input| given.get(input)).sum();
            settle(node, offered, stops_early(&node.kind, inputs))?;
        }
    }
    for sink in &compiled.spec.sinks {
        if sink.from == REJECTS {
            continue;
        }
        let offered = given.get(&sink.from).copied().unwrap_or(0);
        if let Some(node) = nodes.iter().find(|node| node.name == sink.name)
            && node.rows_in != offered
        {
            return Err(unbalanced(&sink.name, offered, node.rows_in));
        }
    }
    let held = held_back(compiled, nodes);
    nodes.iter_mut().try_for_each(|node| {
        let (came, went) = sides(node);
        if came > went && held.contains(&node.name) {
            node.filtered += came - went;
        }
        balanced(node)
    })
}

/// Whether a step may end before it has read all of its input.
fn stops_early(kind: &str, inputs: &[String]) -> bool {
    matches!(kind, "limit" | "sql" | "join") || inputs.len() > 1
}

/// The nodes whose rows a step that stops early reads, in the same stage of the run: they may still
/// hold rows when it stops.
fn held_back(compiled: &Compiled, nodes: &[pb::NodeCounters]) -> BTreeSet<String> {
    let stoppers = nodes.iter().filter(|node| {
        let inputs = compiled.graph.inputs.get(&node.name);
        inputs.is_some_and(|inputs| stops_early(&node.kind, inputs))
    });
    let mut held = BTreeSet::new();
    let mut open: Vec<&str> = stoppers.map(|node| node.name.as_str()).collect();
    while let Some(name) = open.pop() {
        for input in compiled.graph.inputs.get(name).into_iter().flatten() {
            if !compiled.graph.is_staged(input) && held.insert(input.clone()) {
                open.push(input);
            }
        }
    }
    held
}

fn settle(node: &mut pb::NodeCounters, offered: u64, early: bool) -> Result<()> {
    if offered == node.rows_in {
        return Ok(());
    }
    if !early || offered < node.rows_in {
        return Err(unbalanced(&node.name, offered, node.rows_in));
    }
    node.filtered += offered - node.rows_in;
    node.rows_in = offered;
    Ok(())
}

fn balanced(node: &pb::NodeCounters) -> Result<()> {
    let (came, went) = sides(node);
    if came == went {
        Ok(())
    } else {
        Err(unbalanced(&node.name, came, went))
    }
}

/// Rows that came to a node, and rows that are accounted for.
const fn sides(node: &pb::NodeCounters) -> (u64, u64) {
    let came = node.rows_in + node.expanded;
    let went = node.rows_out + node.rejected + node.filtered + node.merged_away;
    (came, went)
}

fn unbalanced(name: &str, came: u64, went: u64) -> EngineError {
    let text = format!("{came} rows came to {name}, but {went} are accounted for");
    EngineError::new(Code::BooksUnbalanced, text)
        .at(name)
        .hint("Nothing was published. Please report this with the pipeline")
}

/// The books of one sink, from the sources behind it.
#[must_use]
pub fn of_sink(compiled: &Compiled, sink: &pb::Sink, nodes: &[pb::NodeCounters]) -> pb::Books {
    let own = nodes.iter().find(|node| node.name == sink.name);
    let loaded = own.map_or(0, |node| node.rows_out);
    if sink.from == REJECTS {
        let rejected = own.map_or(0, |node| node.rejected);
        return pb::Books {
            read: loaded + rejected,
            loaded,
            rejected,
            ..pb::Books::default()
        };
    }
    let cone = compiled.graph.cone(&sink.from);
    let sources: BTreeSet<&str> = compiled
        .spec
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    let mut books = pb::Books {
        loaded,
        ..pb::Books::default()
    };
    for node in nodes.iter().filter(|node| cone.contains(&node.name)) {
        if sources.contains(node.name.as_str()) {
            books.read += node.rows_in;
        }
        books.rejected += node.rejected;
        books.filtered += node.filtered;
        books.merged_away += node.merged_away;
        books.expanded += node.expanded;
        // Rows that several steps of the cone read are counted once for each further reading.
        let readers = compiled.graph.readers.get(&node.name).into_iter().flatten();
        let readings = readers.filter(|reader| cone.contains(*reader)).count();
        books.expanded += node.rows_out * (readings.saturating_sub(1) as u64);
    }
    books.rejected += own.map_or(0, |node| node.rejected);
    books
}

/// Checks the law of the books.
///
/// # Errors
/// `BOOKS_UNBALANCED`.
pub fn check(name: &str, books: &pb::Books) -> Result<()> {
    let came = books.read + books.expanded;
    let went = books.loaded + books.rejected + books.filtered + books.merged_away;
    if came == went {
        Ok(())
    } else {
        Err(unbalanced(name, came, went))
    }
}
