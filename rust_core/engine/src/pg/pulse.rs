//! Leases that are renewed by a thread with a connection of its own.
//!
//! Who holds leases asks for each beat. When nobody asks for a while, because an interpreter's lock
//! is held or a process is short of processors, the thread goes on by itself with the leases that
//! were asked for last, though not for ever: what hangs must lose its leases in the end.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Statement;

use super::{Session, connect, statement_failed};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb::ResolvedConnection;

/// So many lengths of a lease the thread goes on without being asked.
const PATIENCE: u32 = 10;
/// A beat may take this part of a lease, and the thread beats by itself after twice as long.
const BEATS: u32 = 6;

/// A claim of a job.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The job's id, as text.
    pub job: String,
    /// Tells this claim from others of the job.
    pub epoch: i64,
}

/// A lease that was renewed.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The job's id, as text.
    pub job: String,
    /// Whether somebody asked for the job's end.
    pub cancel_requested: bool,
    /// How many seconds it lasts from now.
    pub remaining: f64,
}

/// How leases are renewed.
#[derive(Clone, Debug)]
pub struct Rhythm {
    /// The database that has the jobs.
    pub connection: ResolvedConnection,
    /// Renews: `$1` jobs (text[]), `$2` their epochs (bigint[]), `$3` seconds (double precision).
    /// Gives job (text), whether to stop (boolean), seconds left (double precision) of those kept.
    pub statement: String,
    /// The length of a lease.
    pub lease: Duration,
}

struct Ask {
    leases: Vec<Lease>,
    reply: Sender<Result<Vec<Kept>>>,
}

/// The thread, which ends with this handle.
#[derive(Debug)]
pub struct Pulse(Sender<Ask>);

impl Pulse {
    /// Starts the thread; it connects at the first beat.
    ///
    /// # Errors
    /// `ENGINE_BUG` when there can be no thread.
    pub fn start(rhythm: Rhythm) -> Result<Self> {
        let (sender, asks) = channel();
        let failed = |error: std::io::Error| {
            EngineError::new(Code::EngineBug, format!("cannot start a thread: {error}"))
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let heart = Heart {
            rhythm,
            runtime: runtime.map_err(failed)?,
            open: None,
        };
        std::thread::Builder::new()
            .name("etlplus-pulse".into())
            .spawn(move || keep(heart, &asks))
            .map_err(failed)?;
        Ok(Self(sender))
    }

    /// Renews exactly these leases, now and until the next call. Those that are missing in the
    /// answer are lost.
    ///
    /// # Errors
    /// `CONNECTION_FAILED`, `DATABASE_ERROR` and their kin: whether they were renewed is not known.
    pub fn beat(&self, leases: Vec<Lease>) -> Result<Vec<Kept>> {
        let gone = || EngineError::new(Code::EngineBug, "the thread that renews leases is gone");
        let (reply, answer) = channel();
        self.0.send(Ask { leases, reply }).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

fn keep(mut heart: Heart, asks: &Receiver<Ask>) {
    let lease = heart.rhythm.lease;
    let (mut held, mut asked) = (Vec::new(), Instant::now());
    loop {
        match asks.recv_timeout(lease * 2 / BEATS) {
            Ok(Ask { leases, reply }) => {
                let answer = heart.beat(&leases);
                (held, asked) = (leases, Instant::now());
                // Who asked may have gone meanwhile.
                let _ = reply.send(answer);
            }
            // A failure comes out at the next question, which meets it too.
            Err(RecvTimeoutError::Timeout) if asked.elapsed() < lease * PATIENCE => {
                let _ = heart.beat(&held);
            }
            Err(RecvTimeoutError::Timeout) => held.clear(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

struct Heart {
    rhythm: Rhythm,
    runtime: Runtime,
    open: Option<(Session, Statement)>,
}

impl Heart {
    fn beat(&mut self, leases: &[Lease]) -> Result<Vec<Kept>> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        // Lost on the way to an answer, a connection is not used again.
        let open = self.open.take();
        let limit = self.rhythm.lease / BEATS;
        let asked = async {
            match tokio::time::timeout(limit, ask(&self.rhythm, open, leases)).await {
                Ok(answer) => answer,
                Err(_) => {
                    let text = format!("the service's database did not answer within {limit:?}");
                    Err(EngineError::new(Code::ConnectionFailed, text))
                }
            }
        };
        let (open, kept) = self.runtime.block_on(asked)?;
        self.open = Some(open);
        Ok(kept)
    }
}

type Answered = ((Session, Statement), Vec<Kept>);

async fn ask(
    rhythm: &Rhythm,
    open: Option<(Session, Statement)>,
    leases: &[Lease],
) -> Result<Answered> {
    let failed = |error| statement_failed("cannot renew leases", &error);
    let (session, statement) = match open {
        Some((session, statement)) if !session.is_closed() => (session, statement),
        _ => {
            let session = connect(&rhythm.connection).await?;
            let prepared = session.prepare(&rhythm.statement).await;
            (session, prepared.map_err(failed)?)
        }
    };
    let jobs: Vec<&str> = leases.iter().map(|lease| lease.job.as_str()).collect();
    let epochs: Vec<i64> = leases.iter().map(|lease| lease.epoch).collect();
    let seconds = rhythm.lease.as_secs_f64();
    let rows = session.query(&statement, &[&jobs, &epochs, &seconds]).await;
    let rows = rows.map_err(failed)?;
    let kept = rows.iter().map(|row| {
        Ok(Kept {
            job: row.try_get(0).map_err(failed)?,
            cancel_requested: row.try_get(1).map_err(failed)?,
            remaining: row.try_get(2).map_err(failed)?,
        })
    });
    let kept = kept.collect::<Result<_>>()?;
    Ok(((session, statement), kept))
}
