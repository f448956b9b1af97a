//! What the server's errors mean to people.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::options::Options;
use crate::error::{Code, EngineError};

/// The error of a failed attempt to connect.
pub(super) fn connection_failed(error: &Error, options: &Options) -> EngineError {
    let Options {
        address,
        user,
        database,
        ..
    } = options;
    let (code, reason, hint) = match error.as_db_error() {
        Some(refusal) => refused(refusal, user, database),
        None => unreachable_reason(error, address),
    };
    EngineError::new(code, format!("cannot connect to {address}: {reason}")).hint(hint)
}

/// What no repetition cures: somebody has to change the connection or the server.
fn denies(state: &SqlState) -> bool {
    // Classes: 28 invalid authorisation, 3D invalid catalogue name, 42 insufficient privilege.
    ["28", "3D", "42"]
        .iter()
        .any(|class| state.code().starts_with(class))
}

/// What a repetition may cure: the statement itself was right.
fn is_busy(state: &SqlState) -> bool {
    // Classes: 40 the transaction was rolled back, 53 insufficient resources.
    let class = ["40", "53"]
        .iter()
        .any(|class| state.code().starts_with(class));
    class || *state == SqlState::LOCK_NOT_AVAILABLE
}

fn refused(refusal: &DbError, user: &str, database: &str) -> (Code, String, String) {
    let code = if denies(refusal.code()) {
        Code::ConnectionDenied
    } else {
        Code::ConnectionFailed
    };
    let message = refusal.message().to_owned();
    let hint = match *refusal.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            format!("Check the user '{user}', its password and the server's pg_hba.conf")
        }
        SqlState::INVALID_CATALOG_NAME => {
            format!("Create the database '{database}' or name another")
        }
        SqlState::TOO_MANY_CONNECTIONS => {
            "Wait for other clients to end, or raise max_connections".into()
        }
        SqlState::CANNOT_CONNECT_NOW => "The server is starting or stopping; try again soon".into(),
        _ => "See the server's log for more".into(),
    };
    (code, message, hint)
}

fn unreachable_reason(error: &Error, address: &str) -> (Code, String, String) {
    let reason = chain(error);
    let mut code = Code::ConnectionFailed;
    let hint = if reason.contains("Connection refused") {
        format!("Check that PostgreSQL listens on {address}")
    } else if reason.contains("lookup") || reason.contains("Name or service") {
        "The host's name is not known here; check its spelling and DNS".into()
    } else if reason.contains("certificate") || reason.contains("TLS") {
        code = Code::ConnectionDenied;
        "Check sslmode and sslrootcert, and that the server offers TLS".into()
    } else if reason.contains("password missing") || reason.contains("authentication") {
        code = Code::ConnectionDenied;
        "Give the connection a password".into()
    } else if reason.contains("No such file") {
        "There is no server on this socket; check the folder and the port".into()
    } else {
        "Check host, port and the network between here and there".into()
    };
    (code, reason, hint)
}

/// An error and its causes in one line.
#[must_use]
pub fn describe(error: &Error) -> String {
    match error.as_db_error() {
        Some(refusal) => format!("{} (SQLSTATE {})", refusal.message(), refusal.code().code()),
        None => chain(error),
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let part = inner.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        cause = inner.source();
    }
    text
}

/// The error of a statement that failed. `what` is what was being done, as in `cannot read x`.
#[must_use]
pub fn statement_failed(what: &str, error: &Error) -> EngineError {
    let Some(refusal) = error.as_db_error() else {
        let text = format!("{what}: the connection was lost: {}", chain(error));
        return EngineError::new(Code::ConnectionFailed, text)
            .hint("Nothing was published; run the pipeline again");
    };
    let code = match *refusal.code() {
        SqlState::DISK_FULL => Code::DiskFull,
        SqlState::UNDEFINED_TABLE => Code::TableNotFound,
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            Code::ConnectionFailed
        }
        ref state if is_busy(state) => Code::DatabaseConflict,
        _ => Code::DatabaseError,
    };
    let mut text = format!("{what}: {}", describe(error));
    for more in [refusal.detail(), refusal.where_()].into_iter().flatten() {
        text = format!("{text}; {more}");
    }
    let error = EngineError::new(code, text);
    match (refusal.hint(), refusal.code()) {
        (Some(hint), _) => error.hint(hint),
        (None, &SqlState::INSUFFICIENT_PRIVILEGE) => {
            error.hint("Grant the connection's user the right, or use another user")
        }
        (None, &SqlState::DISK_FULL) => error.hint("Free space on the database server"),
        (None, _) => error,
    }
}
