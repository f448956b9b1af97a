//! Detects how a file is written and where the table in it is, without hints.
//!
//! Detection looks at a sample only, never at names of files, and what is declared is not detected.

pub mod cell;
pub mod dialect;
pub mod table;
