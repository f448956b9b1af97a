//! Compiled plans.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::ipc::writer::StreamWriter;
use etlplus_engine::error::{Code, EngineError, Result};
use etlplus_engine::plan::pb;
use etlplus_engine::run::{compile::Compiled, preview, runtime::runtime};
use parking_lot::Mutex;
use prost::Message;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{bug, raise};
use crate::run::Run;
use crate::streams::{Raised, from_python};

/// A plan that is compiled and can run once.
#[pyclass(frozen, module = "etlplus._core")]
pub struct Plan {
    compiled: Mutex<Option<Arc<Compiled>>>,
    raised: Raised,
}

/// Compiles a plan.
///
/// `plan` and `runtime` are serialized messages of the contract. `streams` maps stream sources to
/// Arrow streams, iterators of Arrow batches, or bytes of JSON lines.
#[pyfunction]
pub fn compile(
    py: Python<'_>,
    plan: &[u8],
    runtime: &[u8],
    streams: BTreeMap<String, Bound<'_, PyAny>>,
) -> PyResult<Plan> {
    let plan = pb::Plan::decode(plan).map_err(|error| raise(undecodable(&error)))?;
    let settings = pb::Runtime::decode(runtime).map_err(|error| raise(undecodable(&error)))?;
    let raised = Raised::default();
    let streams = streams
        .into_iter()
        .map(|(name, value)| Ok((name, from_python(&value, &raised)?)))
        .collect::<PyResult<BTreeMap<_, _>>>()?;
    let compiled = py.detach(|| wait_for(Compiled::new(plan, settings, streams)));
    let compiled = compiled.map_err(|error| raised.take(py).unwrap_or_else(|| raise(error)))?;
    Ok(Plan {
        compiled: Mutex::new(Some(Arc::new(compiled))),
        raised,
    })
}

#[pymethods]
impl Plan {
    /// What compiling found out: a serialized PlanReport.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let compiled = self.compiled()?;
        let report = py.detach(|| compiled.report().encode_to_vec());
        Ok(PyBytes::new(py, &report))
    }

    /// The first rows of a source or step as an Arrow IPC stream.
    fn preview<'py>(
        &self,
        py: Python<'py>,
        node: &str,
        rows: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let compiled = self.take()?;
        let node = node.to_owned();
        let stream = py.detach(|| {
            wait_for(async move {
                let batches = preview(&compiled, &node, rows).await?;
                to_ipc(&batches)
            })
        });
        let stream =
            stream.map_err(|error| self.raised.take(py).unwrap_or_else(|| raise(error)))?;
        Ok(PyBytes::new(py, &stream))
    }

    /// Starts moving rows.
    fn start(&self) -> PyResult<Run> {
        Run::start(self.take()?, self.raised.clone())
    }
}

impl Plan {
    fn compiled(&self) -> PyResult<Arc<Compiled>> {
        self.compiled
            .lock()
            .as_ref()
            .map(Arc::clone)
            .ok_or_else(used)
    }

    fn take(&self) -> PyResult<Arc<Compiled>> {
        self.compiled.lock().take().ok_or_else(used)
    }
}

fn used() -> PyErr {
    raise(EngineError::new(Code::PlanInvalid, "this plan has run").hint("Compile it again"))
}

fn undecodable(error: &prost::DecodeError) -> EngineError {
    EngineError::new(
        Code::PlanInvalid,
        format!("the bytes are not a plan: {error}"),
    )
}

/// Runs a future on the engine's threads. A panic becomes an error.
pub fn wait_for<T: Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let runtime = runtime()?;
    runtime.block_on(runtime.spawn(future)).map_err(bug)?
}

fn to_ipc(batches: &[arrow::record_batch::RecordBatch]) -> Result<Vec<u8>> {
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let mut out = Vec::new();
    let mut writer = StreamWriter::try_new(&mut out, &first.schema()).map_err(bug)?;
    for batch in batches {
        writer.write(batch).map_err(bug)?;
    }
    writer.finish().map_err(bug)?;
    drop(writer);
    Ok(out)
}
