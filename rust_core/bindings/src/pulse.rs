//! Leases that are renewed whoever holds the interpreter's lock.

use std::time::Duration;

use etlplus_engine::error::{Code, EngineError};
use etlplus_engine::pg::pulse::{self, Lease, Rhythm};
use etlplus_engine::plan::pb;
use prost::Message;
use pyo3::prelude::*;

use crate::error::raise;

/// A thread that renews leases; it ends with this object.
#[pyclass(frozen, module = "etlplus._core")]
pub struct Pulse(pulse::Pulse);

#[pymethods]
impl Pulse {
    /// A thread that renews by a statement, over a connection of its own: a serialized
    /// ResolvedConnection. `lease` is in seconds.
    #[new]
    fn new(connection: &[u8], statement: String, lease: f64) -> PyResult<Self> {
        let invalid = |text: String| raise(EngineError::new(Code::PlanInvalid, text));
        let connection = pb::ResolvedConnection::decode(connection)
            .map_err(|error| invalid(format!("the connection cannot be read: {error}")))?;
        let lease = Duration::try_from_secs_f64(lease)
            .map_err(|error| invalid(format!("a lease cannot last {lease} s: {error}")))?;
        let rhythm = Rhythm {
            connection,
            statement,
            lease,
        };
        pulse::Pulse::start(rhythm).map(Self).map_err(raise)
    }

    /// Renews these leases, pairs of job and epoch, now and until the next call. Blocks without
    /// the interpreter. Gives job, whether to stop, and the seconds left, of those that are kept.
    fn beat(
        &self,
        py: Python<'_>,
        leases: Vec<(String, i64)>,
    ) -> PyResult<Vec<(String, bool, f64)>> {
        let leases = leases
            .into_iter()
            .map(|(job, epoch)| Lease { job, epoch })
            .collect();
        let kept = py.detach(|| self.0.beat(leases)).map_err(raise)?;
        Ok(kept
            .into_iter()
            .map(|kept| (kept.job, kept.cancel_requested, kept.remaining))
            .collect())
    }
}
