//! Counters of a running plan, readable at any moment, and what they say about steps whose rows
//! are not matched one to one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::compile::Compiled;
use crate::plan::pb;
use crate::reject::state::Node;

/// What one node did, with every row accounted for.
fn counters(node: &Node) -> pb::NodeCounters {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let own = &node.counters;
    let (side, rows_out) = (read(&own.side_in), read(&own.rows_out));
    let mut counted = pb::NodeCounters {
        name: node.name.to_string(),
        kind: node.kind.to_owned(),
        rows_in: read(&own.rows_in) + side,
        rows_out,
        rejected: read(&own.rejected),
        filtered: read(&own.filtered),
        bytes: 0,
        merged_away: side + read(&own.merged),
        expanded: 0,
        worked_micros: read(&own.worked) / 1000,
    };
    if node.kind == "unnest" {
        // Each row that is not refused or filtered has at least one element.
        let left = counted.rows_out + counted.rejected + counted.filtered;
        counted.expanded = left.saturating_sub(counted.rows_in);
    }
    if matches!(node.kind, "sql" | "join" | "limit" | "aggregate") {
        relate(&mut counted, node.merges.load(Ordering::Relaxed));
    }
    counted
}

/// What a source did. Its records are counted by the reader, its rows out by the plan.
fn source_counters(node: &Node) -> pb::NodeCounters {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    pb::NodeCounters {
        rows_in: read(&node.scan.records),
        rejected: read(&node.scan.rejected),
        bytes: read(&node.scan.bytes),
        ..counters(node)
    }
}

/// Steps that relate rows to each other balance by what they are: what a join's input lost found no
/// partner, what it gained found several; what a query lost it grouped, or else filtered.
fn relate(counted: &mut pb::NodeCounters, merges: bool) {
    let entered = counted.rows_in - counted.merged_away;
    let left = counted.rows_out + counted.rejected + counted.filtered;
    if entered >= left {
        let lost = entered - left;
        if merges {
            counted.merged_away += lost;
        } else {
            counted.filtered += lost;
        }
    } else {
        counted.expanded = left - entered;
    }
}

/// The progress of a whole run.
#[must_use]
pub fn progress(compiled: &Compiled) -> pb::RunProgress {
    let (sources, others) = compiled.nodes.split_at(compiled.sources.len());
    let others = others.iter().map(|node| counters(node));
    let nodes: Vec<_> = sources
        .iter()
        .map(|node| source_counters(node))
        .chain(others)
        .collect();
    let sources = nodes.iter().take(compiled.sources.len());
    let (rows_read, bytes_read) = sources.fold((0, 0), |(rows, bytes), node| {
        (rows + node.rows_in, bytes + node.bytes)
    });
    let totals: Option<Vec<u64>> = compiled
        .sources
        .iter()
        .map(|source| source.bytes_total())
        .collect();
    let staged = nodes.iter().rev().take(compiled.spec.sinks.len());
    pb::RunProgress {
        rows_read,
        bytes_read,
        bytes_total: totals.map_or(0, |totals| totals.iter().sum()),
        rows_rejected: compiled.state.rejects.rows(),
        rows_staged: staged.map(|node| node.rows_out).sum(),
        peak_memory: compiled.session.peak.load(Ordering::Relaxed) as u64,
        spilled_bytes: compiled.session.spilled.load(Ordering::Relaxed),
        nodes,
    }
}
