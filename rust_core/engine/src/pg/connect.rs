//! Opens connections.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::connection_failed;
use super::options::Options;
use super::tls;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb::ResolvedConnection;

/// The longest that connecting may take in all, TLS and authentication included.
const DEADLINE: Duration = Duration::from_secs(10);

/// An open connection. Dropped, it closes, and the server ends what it was doing for it.
pub struct Session {
    client: Client,
    driver: Driver,
}

/// The task that speaks with the server. Ends with its owner.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Session")
            .field("closed", &self.client.is_closed())
            .finish()
    }
}

impl std::ops::Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Session {
    /// Says goodbye and waits until everything that was sent has arrived.
    pub async fn close(self) {
        let Self { client, mut driver } = self;
        drop(client);
        if let Err(error) = (&mut driver.0).await {
            log::debug!("a connection ended badly: {error}");
        }
    }
}

/// Connects.
///
/// # Errors
/// `CONNECTION_FAILED` with the address and the reason.
pub async fn connect(connection: &ResolvedConnection) -> Result<Session> {
    let named = |error: EngineError| error.place(format!("connection {}", connection.name));
    let options = Options::read(connection).map_err(named)?;
    match tokio::time::timeout(DEADLINE, open(&options)).await {
        Ok(opened) => opened.map_err(named),
        Err(_) => {
            let text = format!("{} did not answer within {DEADLINE:?}", options.address);
            Err(named(EngineError::new(Code::ConnectionFailed, text))
                .hint("Check host and port, and firewalls between here and there"))
        }
    }
}

async fn open(options: &Options) -> Result<Session> {
    let failed = |error: tokio_postgres::Error| connection_failed(&error, options);
    let (client, driver) = match &options.trust {
        None => {
            let (client, connection) = options.config.connect(NoTls).await.map_err(failed)?;
            (
                client,
                tokio::spawn(async move { log_end(connection.await) }),
            )
        }
        Some(trust) => {
            let tls = MakeRustlsConnect::new(tls::client(trust)?);
            let (client, connection) = options.config.connect(tls).await.map_err(failed)?;
            (
                client,
                tokio::spawn(async move { log_end(connection.await) }),
            )
        }
    };
    let session = Session {
        client,
        driver: Driver(driver),
    };
    // Values travel in binary, but casts and defaults on the server's side must mean the same
    // everywhere. Where it can, the server looks each second whether a long query is still wanted.
    let settings = "SET client_encoding = 'UTF8'; SET timezone = 'UTC'; SET datestyle = 'ISO'; \
                    SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
                    SELECT pg_catalog.set_config(name, '1000', false) \
                    FROM pg_catalog.pg_settings \
                    WHERE name = 'client_connection_check_interval' AND max_val::bigint >= 1000";
    session.batch_execute(settings).await.map_err(failed)?;
    Ok(session)
}

fn log_end(result: Result<(), tokio_postgres::Error>) {
    if let Err(error) = result {
        log::debug!("a connection to PostgreSQL ended: {error}");
    }
}
