//! What the operators of one run share: counters, the reject log, and where rows came from.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Origin, Reject, RejectCode, RejectLog};
use crate::scan::{ScanCounters, Source};

/// How many files one source may have so that `__src` can name source and file in 32 bits.
pub const FILES_PER_SOURCE: u32 = 1 << 20;

/// What happens to a row that cannot be computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnError {
    /// The row becomes a reject.
    #[default]
    Reject,
    /// The run fails.
    Fail,
    /// The row is dropped and counted as filtered.
    Skip,
}

/// Counters of one source, step or sink. They only grow.
#[derive(Debug, Default)]
pub struct Counters {
    /// Rows that came in.
    pub rows_in: AtomicU64,
    /// Rows that came in from the other side of a join.
    pub side_in: AtomicU64,
    /// Rows that went out.
    pub rows_out: AtomicU64,
    /// Rows that were rejected.
    pub rejected: AtomicU64,
    /// Rows that were dropped because the pipeline asks for it.
    pub filtered: AtomicU64,
    /// Rows that became part of another row, where the step knows which.
    pub merged: AtomicU64,
    /// Nanoseconds that its operators worked, summed over threads; a sink's, that writing took.
    pub worked: AtomicU64,
}

impl Counters {
    /// Adds to one of the counters.
    pub fn add(counter: &AtomicU64, rows: usize) {
        counter.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Adds to the time that was worked.
    pub fn worked(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.worked.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// Rows for which a condition does not hold and which pass all the same.
#[derive(Debug)]
pub struct Tally {
    /// The column that the condition is about, where there is one.
    pub column: Option<String>,
    /// What it means that the condition does not hold.
    pub code: RejectCode,
    /// The rule's name, where it has one.
    pub rule: String,
    /// Whether the report warns of these rows.
    pub warns: bool,
    /// How many rows.
    pub rows: AtomicU64,
}

/// One source, step or sink of a run.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: Arc<str>,
    /// The kind, as in the pipeline.
    pub kind: &'static str,
    /// What happens to rows that cannot be computed.
    pub on_error: OnError,
    /// Whether rows become part of other rows in it; set while it is built.
    pub merges: AtomicBool,
    /// How often a query reads each of its inputs; empty for other kinds. Set while it is built.
    pub readings: Mutex<BTreeMap<String, usize>>,
    /// Whether values are masked in it or above it, so that no record may be shown as it was read;
    /// set while it is built.
    pub masked: AtomicBool,
    /// What it counts beside; set while it is built.
    pub tallies: std::sync::OnceLock<Vec<Tally>>,
    /// The records it refused, where it reads records several times.
    refused: Mutex<Option<BTreeSet<Identity>>>,
    /// Its counters.
    pub counters: Counters,
    /// A source's counters.
    pub scan: Arc<ScanCounters>,
    /// What the whole run shares.
    pub run: Arc<RunState>,
}

impl Node {
    /// A node without counts.
    #[must_use]
    pub fn new(name: &str, kind: &'static str, on_error: OnError, run: Arc<RunState>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            kind,
            on_error,
            merges: AtomicBool::new(false),
            masked: AtomicBool::new(false),
            tallies: std::sync::OnceLock::new(),
            readings: Mutex::default(),
            refused: Mutex::default(),
            counters: Counters::default(),
            scan: Arc::default(),
            run,
        })
    }
}

impl Node {
    /// Refuses each record only once, though the node reads it several times.
    pub fn refuse_once(&self) {
        self.refused.lock().get_or_insert_default();
    }

    /// Notes that a record is refused; false where it was before and is to be refused only once.
    pub fn refuses(&self, record: Identity) -> bool {
        match self.refused.lock().as_mut() {
            Some(refused) => refused.insert(record),
            None => true,
        }
    }
}

/// What identifies a record in a run: its `__src`, line and offset.
pub type Identity = (u32, Option<u64>, Option<u64>);

/// A node inside a logical plan, where it must be comparable: two handles are equal when they
/// name the same node.
#[derive(Clone, Debug)]
pub struct NodeRef(pub Arc<Node>);

impl PartialEq for NodeRef {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}
impl Eq for NodeRef {}
impl Hash for NodeRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

/// What the whole run shares.
#[derive(Debug)]
pub struct RunState {
    /// Where rejects go.
    pub rejects: Arc<RejectLog>,
    /// Cancels the run.
    pub cancel: CancellationToken,
    /// The sources, in the order of the pipeline; set once they are compiled.
    pub sources: std::sync::OnceLock<Vec<Arc<dyn Source>>>,
}

impl RunState {
    /// The state of a run whose rejects go to `rejects`.
    #[must_use]
    pub fn new(rejects: Arc<RejectLog>) -> Arc<Self> {
        Arc::new(Self {
            rejects,
            cancel: CancellationToken::new(),
            sources: std::sync::OnceLock::new(),
        })
    }

    /// Names the place a row came from.
    #[must_use]
    pub fn origin(&self, src: u32, line: Option<u64>, offset: Option<u64>) -> Option<Origin> {
        let source = self.source(src)?;
        let name = source.origin_name(src % FILES_PER_SOURCE);
        Some(Origin {
            source: name,
            line,
            offset,
        })
    }

    /// The record as it was read, where its source can be read again.
    #[must_use]
    pub fn raw_record(&self, src: u32, origin: &Origin) -> Option<Vec<u8>> {
        self.source(src)?.raw_record(origin, Reject::RAW_LIMIT)
    }

    fn source(&self, src: u32) -> Option<&Arc<dyn Source>> {
        self.sources.get()?.get((src / FILES_PER_SOURCE) as usize)
    }
}
