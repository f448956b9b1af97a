//! The threads that move rows: made on first use, once a process.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Code, EngineError, Result};

static RUNTIME: OnceLock<(u32, Runtime)> = OnceLock::new();

/// The process's runtime.
///
/// # Errors
/// `FORKED_PROCESS` in a child that was forked after the runtime was made: threads do not survive a
/// fork, so work given to it would never be done.
pub fn runtime() -> Result<&'static Runtime> {
    let pid = std::process::id();
    if RUNTIME.get().is_none() {
        let made = Builder::new_multi_thread()
            .thread_name("etlplus-rows")
            .enable_all()
            .build()
            .map_err(|error| {
                EngineError::new(Code::EngineBug, format!("cannot start threads: {error}"))
            })?;
        if let Err((_, surplus)) = RUNTIME.set((pid, made)) {
            surplus.shutdown_background();
        }
    }
    match RUNTIME.get() {
        Some((owner, runtime)) if *owner == pid => Ok(runtime),
        _ => Err(EngineError::new(
            Code::ForkedProcess,
            "the engine is used in a forked process",
        )
        .hint("Start worker processes with spawn, not fork")),
    }
}
