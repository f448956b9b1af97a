//! The Python module `etlplus._core`: contract bytes and Arrow in and out, few names, no logic.

mod error;
mod plan;
mod pulse;
mod rejects;
mod run;
mod sniff;
mod streams;
mod syntax;

use pyo3::prelude::*;

/// The core's version.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The Rust core of ETL Plus.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add(
        "EngineError",
        module.py().get_type::<error::PyEngineError>(),
    )?;
    module.add_class::<plan::Plan>()?;
    module.add_class::<run::Run>()?;
    module.add_class::<pulse::Pulse>()?;
    module.add_class::<rejects::RejectReader>()?;
    module.add_function(wrap_pyfunction!(plan::compile, module)?)?;
    module.add_function(wrap_pyfunction!(rejects::read_rejects, module)?)?;
    module.add_function(wrap_pyfunction!(sniff::sniff_csv, module)?)?;
    module.add_function(wrap_pyfunction!(syntax::read_sql, module)?)?;
    module.add_function(wrap_pyfunction!(error::codes, module)?)?;
    module.add_function(wrap_pyfunction!(version, module)?)?;
    Ok(())
}
