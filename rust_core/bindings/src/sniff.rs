//! What a file looks like.

use etlplus_engine::error::{Code, EngineError};
use etlplus_engine::plan::pb;
use etlplus_engine::scan::ScanEnv;
use etlplus_engine::scan::csv::sniff;
use prost::Message;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::raise;

/// Detects how a CSV file is written: serialized CsvSource and Runtime in, SniffReport out.
#[pyfunction]
pub fn sniff_csv<'py>(
    py: Python<'py>,
    source: &[u8],
    runtime: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let undecodable = |error: prost::DecodeError| {
        let text = format!("the bytes are not a source: {error}");
        raise(EngineError::new(Code::PlanInvalid, text))
    };
    let source = pb::CsvSource::decode(source).map_err(undecodable)?;
    let runtime = pb::Runtime::decode(runtime).map_err(undecodable)?;
    let report = py.detach(|| sniff::sniff(&source, &ScanEnv::from_runtime(&runtime)));
    let report = report.map_err(raise)?.encode_to_vec();
    Ok(PyBytes::new(py, &report))
}
