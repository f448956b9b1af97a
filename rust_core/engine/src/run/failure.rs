//! Errors of the query engine as errors of this engine.

use datafusion::error::DataFusionError;

use crate::error::{Code, EngineError};
use crate::reject::RowFault;

/// The engine's error for a query engine's error during a run.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err calls")]
pub fn engine_error(error: DataFusionError) -> EngineError {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(inner) = inner.downcast_ref::<EngineError>()
    {
        return inner.clone();
    }
    let text = error.strip_backtrace();
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => EngineError::new(Code::MemoryExceeded, text)
            .place("limits.memory")
            .hint("Raise limits.memory, or reduce the rows before the join, sort or aggregate"),
        DataFusionError::NotImplemented(_) => EngineError::new(Code::ExpressionInvalid, text)
            .hint("The query engine cannot compute this; write it another way"),
        _ if text.contains("No space left") || text.contains("os error 28") => {
            EngineError::new(Code::DiskFull, text).hint("Free space beneath the data directory")
        }
        _ if RowFault::from_error(&error).is_some() => EngineError::new(Code::RowFailed, text)
            .hint("Compute the value in a map step before, where a bad row becomes a reject"),
        _ => EngineError::new(Code::EngineBug, text).hint("Please report this with the pipeline"),
    }
}

/// Names the step in an error that comes out of it and names none.
#[must_use]
pub fn at_step(error: DataFusionError, step: &str) -> DataFusionError {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<EngineError>() {
            Some(inner) => inner.clone().at(step).into(),
            None => error,
        },
        DataFusionError::ResourcesExhausted(_) | DataFusionError::NotImplemented(_) => {
            engine_error(error).at(step).into()
        }
        _ => error,
    }
}
