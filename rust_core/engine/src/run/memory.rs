//! The memory of a run's operators: a hard budget, shared, with the peak remembered.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
    TrackConsumersPool,
};

/// The budget of a run that sets none.
pub const DEFAULT_MEMORY: usize = 256 << 20;

/// The share of the budget that operators may reserve; the rest is for scans, queues and sinks.
const OPERATOR_SHARE: f64 = 0.65;

/// The bytes of a run's budget that operators may reserve.
#[must_use]
pub fn operators(budget: usize) -> usize {
    (budget as f64 * OPERATOR_SHARE) as usize
}

/// A pool that remembers its peak.
#[derive(Debug)]
pub struct PeakPool {
    inner: TrackConsumersPool<GreedyMemoryPool>,
    peak: Arc<AtomicUsize>,
}

impl PeakPool {
    /// A pool of `share` bytes, and the counter of its peak.
    #[must_use]
    pub fn new(share: usize) -> (Arc<Self>, Arc<AtomicUsize>) {
        let peak = Arc::new(AtomicUsize::new(0));
        let top = NonZeroUsize::MIN.saturating_add(4);
        let inner = TrackConsumersPool::new(GreedyMemoryPool::new(share), top);
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
