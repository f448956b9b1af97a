//! Where a file sink writes: one file, or a folder that gets a file a load.

use std::path::{Component, Path, PathBuf};

use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::sink::{SinkEnv, StageContext};

/// A file sink's target, checked against the file roots.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The sink's name, which is part of the names of a folder's files.
    name: String,
    /// The path as the pipeline has it.
    uri: String,
    /// The file or folder, absolute.
    path: PathBuf,
    /// Whether it is a folder.
    is_folder: bool,
    /// `append` or `replace`.
    mode: &'static str,
    /// The ending of a folder's files, with its dot.
    ending: &'static str,
}

impl Place {
    /// Checks a sink's path and mode. Nothing is made yet.
    ///
    /// # Errors
    /// `PATH_REFUSED` outside the file roots, `SINK_UNWRITABLE` where a file and a folder would
    /// collide, `PLAN_INVALID` for a mode that the path does not allow.
    pub(super) fn compile(
        name: &str,
        uri: &str,
        mode: &str,
        ending: &'static str,
        env: &SinkEnv,
    ) -> Result<Self> {
        let plain = uri.strip_prefix("file://").unwrap_or(uri);
        if plain.is_empty() || plain.contains("://") || plain.contains('\0') {
            let text = format!("'{uri}' is not the path of a file");
            return Err(EngineError::new(Code::PlanInvalid, text).place("uri"));
        }
        let is_folder = plain.ends_with('/');
        let path = normal(&env.base_dir.join(plain));
        let mode = match (mode, is_folder) {
            ("" | "append", true) => "append",
            ("" | "replace", false) | ("replace", true) => "replace",
            ("append", false) => {
                let text = "a single file cannot be appended to without readers seeing half a load";
                return Err(EngineError::new(Code::PlanInvalid, text)
                    .place("mode")
                    .hint(format!(
                        "End the path with '/' to get a file a load: {uri}/"
                    )));
            }
            (other, _) => {
                let text = format!("the mode '{other}' is not one of append and replace");
                return Err(EngineError::new(Code::PlanInvalid, text).place("mode"));
            }
        };
        let place = Self {
            name: name.into(),
            uri: uri.into(),
            path,
            is_folder,
            mode,
            ending,
        };
        place.check(env)?;
        Ok(place)
    }

    fn check(&self, env: &SinkEnv) -> Result<()> {
        let (existing, rest) = nearest(&self.path);
        let real = existing
            .canonicalize()
            .map_err(|error| unwritable(existing, &error))?
            .join(rest);
        let inside = |root: &PathBuf| {
            let real_root = root.canonicalize().unwrap_or_else(|_| root.clone());
            real.starts_with(real_root) && real != *root
        };
        if !env.file_roots.iter().any(inside) {
            let text = format!("{} lies outside the folders that may be written", self.uri);
            return Err(EngineError::new(Code::PathRefused, text)
                .place("uri")
                .hint("Choose a path beneath a file root, or add the folder to the file roots"));
        }
        let exists = existing == self.path;
        let collision = match (exists, self.is_folder, existing.is_dir()) {
            (true, true, false) => Some("is a file; without the '/' at its end it is replaced"),
            (true, false, true) => Some("is a folder; with a '/' at its end a file is put into it"),
            (false, _, false) => Some("cannot be made: a part of its path is a file"),
            _ => None,
        };
        match collision {
            Some(what) => {
                let text = format!("{} {what}", self.uri);
                Err(EngineError::new(Code::SinkUnwritable, text).place("uri"))
            }
            None => Ok(()),
        }
    }

    /// The final path of a load's file.
    pub(super) fn final_path(&self, context: &StageContext) -> PathBuf {
        if self.is_folder {
            let file = format!("part-{}-{}-0000{}", context.load_id, self.name, self.ending);
            return self.path.join(file);
        }
        self.path.clone()
    }

    /// What a plan says of the target.
    pub(super) fn report(&self, kind: &str, columns: Vec<pb::ColumnReport>) -> pb::SinkReport {
        pb::SinkReport {
            name: self.name.clone(),
            kind: kind.into(),
            target: self.path.display().to_string() + if self.is_folder { "/" } else { "" },
            mode: self.mode.into(),
            create_statement: String::new(),
            columns,
            notes: vec![
                "exactly once: files are renamed into place whole, under the same names however \
                 often it is tried"
                    .to_owned(),
            ],
        }
    }

    /// What a load staged.
    pub(super) fn staged(
        &self,
        kind: &str,
        checksum: String,
        file: pb::StagedFile,
        columns: Vec<pb::ColumnReport>,
    ) -> pb::StagedSink {
        let sweeps = self.is_folder && self.mode == "replace";
        pb::StagedSink {
            name: self.name.clone(),
            kind: kind.into(),
            mode: self.mode.into(),
            rows: file.rows,
            bytes: file.bytes,
            checksum,
            target: self.path.display().to_string(),
            columns,
            folder: if sweeps {
                self.path.display().to_string()
            } else {
                String::new()
            },
            files: vec![file],
            ..pb::StagedSink::default()
        }
    }
}

/// The path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// The deepest part of a path that exists, and the rest.
fn nearest(path: &Path) -> (&Path, PathBuf) {
    let existing = path
        .ancestors()
        .find(|part| part.symlink_metadata().is_ok());
    let existing = existing.unwrap_or_else(|| Path::new("/"));
    let rest = path
        .strip_prefix(existing)
        .unwrap_or_else(|_| Path::new(""))
        .to_path_buf();
    (existing, rest)
}

/// The error for a path that cannot be written.
pub(super) fn unwritable(path: &Path, error: &dyn std::error::Error) -> EngineError {
    let text = error.to_string();
    if text.contains("No space left") || text.contains("os error 28") {
        let message = format!("the disk is full: {} cannot be written", path.display());
        return EngineError::new(Code::DiskFull, message)
            .hint("Free space there or choose another folder; nothing was published");
    }
    let hint = if text.contains("os error 13") {
        "Give the user that runs ETL Plus the right to write there, or choose another folder"
    } else {
        "Check that the folder exists and can be written"
    };
    EngineError::new(
        Code::SinkUnwritable,
        format!("cannot write {}: {text}", path.display()),
    )
    .hint(hint)
}
