//! Plans: the contract's messages and what they mean to the engine.

pub mod size;
pub mod types;

/// The contract's messages, generated from `proto/etlplus/v1` by the build script.
#[allow(clippy::all, clippy::pedantic, missing_docs, reason = "generated")]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/etlplus.v1.rs"));
}
