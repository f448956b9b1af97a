//! PostgreSQL: connections, the catalogue, identifiers, errors.

mod catalog;
mod connect;
mod error;
mod options;
pub mod pulse;
mod quote;
mod tls;

pub use catalog::{Column, Relation, look_up};
pub use connect::{Session, connect};
pub use error::{describe, statement_failed};
pub use options::{find, kind_is};
pub use quote::{TableName, ident, literal};
