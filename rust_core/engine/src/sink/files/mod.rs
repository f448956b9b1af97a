//! Sinks that write files: staged beside their final path, renamed when they are published.

mod column;
mod column_queue;
pub(super) mod csv;
mod csv_text;
mod encoding;
pub(super) mod jsonl;
mod lines;
pub(super) mod parquet;
mod place;
mod row_group;
mod staged;

use place::Place;
use staged::StagedPath;

use crate::error::{Code, EngineError};

/// The error for a batch after a failure, which the caller should not have sent.
fn closed() -> EngineError {
    EngineError::new(
        Code::EngineBug,
        "the sink takes no more rows after a failure",
    )
}
