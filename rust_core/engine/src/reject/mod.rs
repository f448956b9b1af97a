//! Rejects: rows that could not be read, computed or accepted, kept with every reason.

mod arithmetic;
mod cast_expr;
mod code;
mod fault;
mod harden;
mod locate;
mod log;
mod lossless;
mod program;
mod refuse;
pub mod row_exec;
pub mod row_node;
pub mod state;
pub mod tap;

pub use harden::harden;
pub use lossless::{checked_cast, nearest_floats};

pub use code::RejectCode;
pub use fault::RowFault;
pub use log::{RejectCounts, RejectLog, reject_schema};
pub use program::{Op, Program, Rule};
pub use refuse::{log as log_refused, row_json};

/// Why a row was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The column, where there is one.
    pub column: Option<String>,
    /// The stable code.
    pub code: RejectCode,
    /// What is wrong, with the value.
    pub message: String,
}

/// Where a row came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file or table.
    pub source: String,
    /// The physical line where the record starts, from 1. For sources without lines: its ordinal.
    pub line: Option<u64>,
    /// The byte offset where the record starts, from 0.
    pub offset: Option<u64>,
}

/// A refused row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The source or step that refused it.
    pub step: String,
    /// Where the row came from; unknown after joins and aggregates.
    pub origin: Option<Origin>,
    /// The record as it was read, or the row's values as JSON. Cut at [`Reject::RAW_LIMIT`] bytes.
    pub raw: Vec<u8>,
    /// Every reason, in the order found. Never empty.
    pub reasons: Vec<Reason>,
}

impl Reject {
    /// The most bytes of a record that a reject keeps.
    pub const RAW_LIMIT: usize = 64 * 1024;
}
