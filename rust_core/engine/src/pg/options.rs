//! The options of a connection.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::tls::Trust;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb::ResolvedConnection;

const DEFAULT_PORT: u16 = 5432;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that is gone is noticed within so many seconds of silence …
const KEEPALIVE: Duration = Duration::from_secs(10);
/// … and so many probes that come after so many seconds each …
const PROBE: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;
/// … or while data is under way.
const UNANSWERED: Duration = Duration::from_secs(30);

/// A connection's options, checked.
pub(super) struct Options {
    /// What the driver takes.
    pub(super) config: Config,
    /// Whom TLS trusts; none when TLS is off.
    pub(super) trust: Option<Trust>,
    /// `host:port`, for people.
    pub(super) address: String,
    /// The user, for people.
    pub(super) user: String,
    /// The database, for people.
    pub(super) database: String,
}

/// The connection of a name.
///
/// # Errors
/// `CONNECTION_UNKNOWN`, also for a connection of another kind.
pub fn find<'a>(
    connections: &'a [ResolvedConnection],
    name: &str,
) -> Result<&'a ResolvedConnection> {
    kind_is(
        connections
            .iter()
            .find(|connection| connection.name == name),
        name,
    )
}

/// A connection that was looked up by a name, if it is there and leads to PostgreSQL.
///
/// # Errors
/// `CONNECTION_UNKNOWN`.
pub fn kind_is<'a>(
    found: Option<&'a ResolvedConnection>,
    name: &str,
) -> Result<&'a ResolvedConnection> {
    match found {
        Some(connection) if connection.kind == "postgres" => Ok(connection),
        Some(connection) => {
            let text = format!("the connection '{name}' is of kind {}", connection.kind);
            Err(EngineError::new(Code::ConnectionUnknown, text).place("connection"))
        }
        None => Err(EngineError::new(
            Code::ConnectionUnknown,
            format!("there is no connection '{name}'"),
        )
        .place("connection")
        .hint("Add it with `etlplus conn add`, or use `local`, the built-in warehouse")),
    }
}

impl Options {
    /// Checks a connection's options.
    ///
    /// # Errors
    /// `CONNECTION_DENIED` naming the option.
    pub(super) fn read(connection: &ResolvedConnection) -> Result<Self> {
        let text = |name: &str| {
            connection
                .options
                .get(name)
                .map(String::as_str)
                .filter(|text| !text.is_empty())
        };
        let host = text("host").unwrap_or("localhost");
        let port = match text("port") {
            None => DEFAULT_PORT,
            Some(port) => port
                .parse()
                .map_err(|_| malformed("port", port, "a number"))?,
        };
        let user = text("user").unwrap_or("postgres");
        let database = text("database").unwrap_or(user);
        let mut config = Config::new();
        config
            .host(host)
            .port(port)
            .user(user)
            .dbname(database)
            .application_name("etlplus")
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(PROBE)
            .keepalives_retries(PROBES)
            .tcp_user_timeout(UNANSWERED);
        if let Some(password) = text("password") {
            config.password(password);
        }
        let trust = trust(host, text("sslmode"), text("sslrootcert"), &mut config)?;
        let address = if host.starts_with('/') {
            host.into()
        } else {
            format!("{host}:{port}")
        };
        Ok(Self {
            config,
            trust,
            address,
            user: user.into(),
            database: database.into(),
        })
    }
}

fn trust(
    host: &str,
    mode: Option<&str>,
    roots: Option<&str>,
    config: &mut Config,
) -> Result<Option<Trust>> {
    let roots = roots.map(PathBuf::from);
    let is_socket = host.starts_with('/');
    let mode = mode.unwrap_or("prefer");
    config.ssl_mode(match mode {
        "disable" => SslMode::Disable,
        "prefer" => SslMode::Prefer,
        _ => SslMode::Require,
    });
    // A socket of this machine has no TLS, whatever is asked for.
    if is_socket {
        config.ssl_mode(SslMode::Disable);
    }
    match mode {
        _ if is_socket => Ok(None),
        "disable" => Ok(None),
        "prefer" => Ok(Some(Trust::Anyone)),
        "require" => Ok(Some(
            roots.map_or(Trust::Anyone, |file| Trust::Issuer(Some(file))),
        )),
        "verify-ca" => Ok(Some(Trust::Issuer(roots))),
        "verify-full" => Ok(Some(Trust::Host(roots))),
        other => {
            let modes = "disable, prefer, require, verify-ca or verify-full";
            Err(malformed("sslmode", other, modes))
        }
    }
}

fn malformed(option: &str, value: &str, wanted: &str) -> EngineError {
    EngineError::new(
        Code::ConnectionDenied,
        format!("{option} is '{value}', not {wanted}"),
    )
    .place(option)
}
