//! Errors on their way to Python.

use etlplus_engine::error::{Code, EngineError};
use etlplus_engine::reject::RejectCode;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(
    etlplus._core,
    PyEngineError,
    PyException,
    "An error of the engine. `args` are (code, message, node, place, hint); the last three may be None."
);

/// The Python exception for an error of the engine.
pub fn raise(error: EngineError) -> PyErr {
    let args = (
        error.code.as_str(),
        error.message,
        error.node,
        error.place,
        error.hint,
    );
    PyEngineError::new_err(args)
}

/// The stable codes of errors and of rejects.
#[pyfunction]
pub fn codes() -> (Vec<&'static str>, Vec<&'static str>) {
    let errors = Code::ALL.iter().map(|code| code.as_str()).collect();
    let rejects = RejectCode::ALL.iter().map(|code| code.as_str()).collect();
    (errors, rejects)
}

/// The error for a panic inside the engine, which must never cross into Python as a panic.
pub fn bug(what: impl std::fmt::Display) -> EngineError {
    EngineError::new(
        Code::EngineBug,
        format!("the engine failed unexpectedly: {what}"),
    )
    .hint("Please report this with the pipeline")
}
