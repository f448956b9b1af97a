//! Writes intermediate results to disk.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::ipc::writer::StreamWriter;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use tokio::task::JoinSet;

use super::compile::Compiled;
use super::failure::engine_error;
use super::operators;
use super::stage::{cancelled, execute, join_all};
use super::staged::Written;
use crate::error::{Code, EngineError, Result};

/// Writes a plan's rows to disk, one file a partition.
///
/// # Errors
/// Whatever execution finds; `DISK_FULL`.
pub async fn to_disk(compiled: &Compiled, name: &str, plan: &LogicalPlan) -> Result<Written> {
    let mut tasks = JoinSet::new();
    let mut files = Vec::new();
    let rows = Arc::new(AtomicUsize::new(0));
    let (operators, streams) = execute(compiled, plan).await?;
    for (partition, stream) in streams.into_iter().enumerate() {
        let path =
            PathBuf::from(&compiled.runtime.work_dir).join(format!("{name}-{partition}.arrow"));
        files.push(path.clone());
        let cancel = compiled.state.cancel.clone();
        let write = write_file(path, stream, Arc::clone(&rows));
        tasks.spawn(async move {
            cancel
                .run_until_cancelled(write)
                .await
                .unwrap_or_else(cancelled)
        });
    }
    join_all(tasks).await?;
    operators::note(compiled, &operators);
    let rows = rows.load(Ordering::Relaxed);
    Ok(Written { files, rows })
}

async fn write_file(
    path: PathBuf,
    mut stream: SendableRecordBatchStream,
    rows: Arc<AtomicUsize>,
) -> Result<()> {
    let fail = |error: &dyn std::fmt::Display| unwritable(&path, error);
    let file = File::create(&path).map_err(|error| fail(&error))?;
    let mut writer = StreamWriter::try_new(BufWriter::new(file), &stream.schema())
        .map_err(|error| fail(&error))?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine_error)?;
        rows.fetch_add(batch.num_rows(), Ordering::Relaxed);
        writer.write(&batch).map_err(|error| fail(&error))?;
    }
    writer.finish().map_err(|error| fail(&error))?;
    let inner = writer.into_inner().map_err(|error| fail(&error))?;
    inner.into_inner().map_err(|error| fail(error.error()))?;
    Ok(())
}

fn unwritable(path: &std::path::Path, error: &dyn std::fmt::Display) -> EngineError {
    let text = error.to_string();
    let full = text.contains("No space left") || text.contains("os error 28");
    let code = if full {
        Code::DiskFull
    } else {
        Code::SinkUnwritable
    };
    EngineError::new(code, format!("cannot write {}: {text}", path.display()))
        .hint("Free space beneath the data directory")
}
