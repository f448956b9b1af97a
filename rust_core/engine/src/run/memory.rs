//! The memory of a run's operators: a hard budget, shared, with the peak remembered.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, TrackConsumersPool,
};
use parking_lot::Mutex;

use crate::error::{Code, EngineError};
use crate::plan::{pb, size};

/// The budget of a run that sets none.
pub const DEFAULT_MEMORY: usize = 256 << 20;

/// The least budget that a run can keep: below it there is no room for the batches under way.
pub const LEAST_MEMORY: usize = 8 << 20;

/// The budget of a run.
///
/// # Errors
/// `PLAN_INVALID` for what is no size, or too small.
pub fn budget(limits: Option<&pb::Limits>) -> Result<usize, EngineError> {
    let text = limits.map_or("", |limits| limits.memory.as_str());
    let budget = size::parse_size(text).map_err(|error| error.place("limits.memory"))?;
    match budget.unwrap_or(DEFAULT_MEMORY) {
        budget if budget < LEAST_MEMORY => {
            let text = format!("a run cannot keep to {text} of memory");
            Err(EngineError::new(Code::PlanInvalid, text)
                .place("limits.memory")
                .hint("Write 8MiB at least"))
        }
        budget => Ok(budget),
    }
}

/// The share of the budget that operators may reserve; the rest is for scans, queues and sinks.
const OPERATOR_SHARE: f64 = 0.65;

/// The share of the operators' bytes that those may hold together which write to disk what they have
/// no room for. To write it in order they need some more, which must not be taken by another of them.
const SPILLER_SHARE: f64 = 0.6;
/// What each of those may hold at least, in bytes, so that a batch has room.
const LEAST: usize = 2 << 20;
/// The share that merges of spilled rows may hold together: each takes as much as it can get, and the
/// merge above them needs its part.
const MERGE_SHARE: f64 = 0.55;
/// What the query engine calls the consumers that merge.
const MERGE: &str = "ExternalSorterMerge";

/// The bytes of a run's budget that operators may reserve.
#[must_use]
pub fn operators(budget: usize) -> usize {
    (budget as f64 * OPERATOR_SHARE) as usize
}

/// A pool that remembers its peak.
#[derive(Debug)]
pub struct PeakPool {
    inner: TrackConsumersPool<SharedPool>,
    peak: Arc<AtomicUsize>,
}

impl PeakPool {
    /// A pool of `share` bytes, and the counter of its peak.
    #[must_use]
    pub fn new(share: usize) -> (Arc<Self>, Arc<AtomicUsize>) {
        let peak = Arc::new(AtomicUsize::new(0));
        let top = NonZeroUsize::MIN.saturating_add(4);
        let inner = TrackConsumersPool::new(SharedPool::new(share), top);
        (
            Arc::new(Self {
                inner,
                peak: Arc::clone(&peak),
            }),
            peak,
        )
    }

    fn note(&self) {
        self.peak
            .fetch_max(self.inner.reserved(), Ordering::Relaxed);
    }
}

impl fmt::Display for PeakPool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "run memory ({})", self.inner)
    }
}

impl MemoryPool for PeakPool {
    fn name(&self) -> &'static str {
        "run"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.inner.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.inner.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.inner.grow(reservation, additional);
        self.note();
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.inner.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.inner.try_grow(reservation, additional)?;
        self.note();
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.inner.memory_limit()
    }
}

/// A pool whose spilling consumers share a part of it equally, and others take what they need.
#[derive(Debug)]
struct SharedPool {
    size: usize,
    state: Mutex<Shares>,
}

#[derive(Debug, Default)]
struct Shares {
    spillers: usize,
    merges: usize,
    /// Bytes reserved by spilling consumers.
    spillable: usize,
    /// Bytes reserved by the others.
    fixed: usize,
}

impl Shares {
    /// The number of consumers that share with this one; none for those that share with nobody.
    fn sharing(&mut self, consumer: &MemoryConsumer) -> Option<&mut usize> {
        if consumer.can_spill() {
            Some(&mut self.spillers)
        } else if merges(consumer) {
            Some(&mut self.merges)
        } else {
            None
        }
    }

    fn of(&mut self, reservation: &MemoryReservation) -> &mut usize {
        if reservation.consumer().can_spill() {
            &mut self.spillable
        } else {
            &mut self.fixed
        }
    }
}

fn merges(consumer: &MemoryConsumer) -> bool {
    consumer.name().starts_with(MERGE)
}

impl SharedPool {
    fn new(size: usize) -> Self {
        let state = Mutex::default();
        Self { size, state }
    }

    /// The most that a consumer may hold now.
    fn share(&self, shares: &Shares, consumer: &MemoryConsumer) -> usize {
        let part = |size: usize, share: f64| (size as f64 * share) as usize;
        if consumer.can_spill() {
            let share = part(self.size.saturating_sub(shares.fixed), SPILLER_SHARE);
            (share / shares.spillers).max(LEAST.min(self.size / 4))
        } else if merges(consumer) {
            part(self.size, MERGE_SHARE) / shares.merges
        } else {
            self.size
        }
    }
}

impl fmt::Display for SharedPool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {} bytes reserved", self.reserved(), self.size)
    }
}

impl MemoryPool for SharedPool {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if let Some(sharing) = self.state.lock().sharing(consumer) {
            *sharing += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if let Some(sharing) = self.state.lock().sharing(consumer) {
            *sharing -= 1;
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        *self.state.lock().of(reservation) += additional;
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        *self.state.lock().of(reservation) -= shrink;
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut shares = self.state.lock();
        let free = self.size.saturating_sub(shares.fixed + shares.spillable);
        let share = self.share(&shares, reservation.consumer());
        let room = free.min(share.saturating_sub(reservation.size()));
        if additional > room {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{} needs {additional} bytes more, and {room} are left",
                reservation.consumer().name()
            )));
        }
        *shares.of(reservation) += additional;
        Ok(())
    }

    fn reserved(&self) -> usize {
        let shares = self.state.lock();
        shares.fixed + shares.spillable
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.size)
    }
}
