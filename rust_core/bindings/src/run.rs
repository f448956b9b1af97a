//! Running plans.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use etlplus_engine::error::{Code, EngineError, Result};
use etlplus_engine::plan::pb;
use etlplus_engine::run::{compile::Compiled, progress, reject_summary, run, runtime::runtime};
use parking_lot::Mutex;
use prost::Message;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{bug, raise};
use crate::streams::Raised;

/// How often a waiting thread looks for signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// A plan that runs on the engine's threads.
#[pyclass(frozen, module = "etlplus._core")]
pub struct Run {
    compiled: Arc<Compiled>,
    done: Mutex<Receiver<Result<pb::RunResult>>>,
    raised: Raised,
}

impl Run {
    /// Starts a compiled plan.
    pub fn start(compiled: Arc<Compiled>, raised: Raised) -> PyResult<Self> {
        let (sender, done) = channel();
        let runtime = runtime().map_err(raise)?;
        let running = Arc::clone(&compiled);
        let task = runtime.spawn(async move { run(&running).await });
        runtime.spawn(async move {
            let result = task.await.map_err(bug).and_then(|result| result);
            // Nobody waits for a run whose handle is gone.
            let _ = sender.send(result);
        });
        Ok(Self {
            compiled,
            done: Mutex::new(done),
            raised,
        })
    }
}

#[pymethods]
impl Run {
    /// Counters as they are now: a serialized RunProgress.
    fn progress<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &progress(&self.compiled).encode_to_vec())
    }

    /// Asks the run to stop. `wait` then raises CANCELLED.
    fn cancel(&self) {
        self.compiled.state.cancel.cancel();
    }

    /// What was rejected until now: a serialized RejectSummary. Nothing is rejected after it.
    fn rejects<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let summary = py
            .detach(|| reject_summary(&self.compiled))
            .map_err(raise)?;
        Ok(PyBytes::new(py, &summary.encode_to_vec()))
    }

    /// Waits for the end, without holding the interpreter: a serialized RunResult.
    fn wait<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        loop {
            let outcome = py.detach(|| self.done.lock().recv_timeout(SIGNAL_INTERVAL));
            match outcome {
                Ok(Ok(result)) => return Ok(PyBytes::new(py, &result.encode_to_vec())),
                Ok(Err(error)) => {
                    return Err(self.raised.take(py).unwrap_or_else(|| raise(error)));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let error = EngineError::new(Code::PlanInvalid, "the run's result was taken");
                    return Err(raise(error));
                }
                Err(RecvTimeoutError::Timeout) => {
                    py.check_signals().inspect_err(|_| self.cancel())?;
                }
            }
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.compiled.state.cancel.cancel();
    }
}
