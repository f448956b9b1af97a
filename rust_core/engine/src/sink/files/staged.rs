//! A file beside its final path, which nobody reads before it is renamed.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::place::unwritable;
use crate::error::Result;
use crate::plan::pb;
use crate::sink::StageContext;

/// A staged file's path. Dropped before [`StagedPath::keep`], it removes the file.
#[derive(Debug)]
pub(super) struct StagedPath {
    staged: PathBuf,
    target: PathBuf,
    kept: bool,
}

impl StagedPath {
    /// Makes the file, and the folder where it is missing.
    ///
    /// # Errors
    /// `SINK_UNWRITABLE`, `DISK_FULL`.
    pub(super) fn create(target: PathBuf, context: &StageContext) -> Result<(Self, File)> {
        let folder = target.parent().unwrap_or_else(|| Path::new("/"));
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // The longest name of a file is 255 bytes; the load's id alone tells files apart.
        let short = name
            .char_indices()
            .take_while(|(at, _)| *at < 150)
            .map(|(_, each)| each);
        let short: String = short.collect();
        let prefix = format!(".{short}.etlplus-{}-", context.load_id);
        remove_older(folder, &prefix, context.epoch);
        let staged = folder.join(format!("{prefix}{}.tmp", context.epoch));
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&staged);
        let file = file.map_err(|error| unwritable(&staged, &error))?;
        Ok((
            Self {
                staged,
                target,
                kept: false,
            },
            file,
        ))
    }

    /// The path for messages.
    pub(super) fn path(&self) -> &Path {
        &self.staged
    }

    /// Makes a written file durable and describes it.
    ///
    /// # Errors
    /// `SINK_UNWRITABLE`, `DISK_FULL`. A failed sync fails the load: the kernel forgets what it
    /// could not write, so trying again would prove nothing.
    pub(super) fn keep(mut self, file: &File, rows: u64) -> Result<pb::StagedFile> {
        file.sync_all()
            .map_err(|error| unwritable(&self.staged, &error))?;
        let bytes = file
            .metadata()
            .map_err(|error| unwritable(&self.staged, &error))?
            .len();
        self.kept = true;
        Ok(pb::StagedFile {
            staged_path: self.staged.display().to_string(),
            final_path: self.target.display().to_string(),
            rows,
            bytes,
        })
    }
}

/// Removes what earlier claims of this load staged for the same target, so that a claim that was
/// cut off has nothing left to rename.
fn remove_older(folder: &Path, prefix: &str, epoch: u64) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let found = name
            .to_str()
            .and_then(|name| name.strip_prefix(prefix)?.strip_suffix(".tmp"));
        let is_older = found
            .and_then(|found| found.parse().ok())
            .is_some_and(|found: u64| found < epoch);
        if is_older && let Err(error) = std::fs::remove_file(entry.path()) {
            log::warn!("cannot remove {}: {error}", entry.path().display());
        }
    }
}

impl Drop for StagedPath {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = std::fs::remove_file(&self.staged) {
            log::warn!("cannot remove {}: {error}", self.staged.display());
        }
    }
}
