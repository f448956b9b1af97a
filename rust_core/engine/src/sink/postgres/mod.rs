//! PostgreSQL tables.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::sink::{Sink, SinkEnv};

pub(super) async fn compile(_n: &str, _o: &pb::PostgresSink, _s: SchemaRef, _e: &SinkEnv) -> Result<Arc<dyn Sink>> {
    Err(EngineError::new(Code::EngineBug, "stub"))
}
