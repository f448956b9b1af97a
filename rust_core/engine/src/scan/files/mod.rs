//! Finds a source's files beneath the folders that may be read.

pub mod glob;
mod stamp;

use std::fs::File;
use std::path::{Component, Path, PathBuf};

pub use stamp::Stamp;

use super::text::zip::Member;
use super::{ScanEnv, part};
use crate::error::{Code, EngineError, Result};

/// A file of a source, as it was when the source was compiled.
#[derive(Clone, Debug)]
pub struct FoundFile {
    /// The path, free of links.
    pub path: PathBuf,
    /// The path as people know it: relative to the base folder where it lies beneath it.
    pub name: String,
    /// What tells whether it was changed.
    pub stamp: Stamp,
    /// Where in the file it is, when the file is an archive that holds it.
    pub member: Option<Member>,
}

impl FoundFile {
    /// Opens the file.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE` when it cannot be opened or was changed since it was found.
    pub fn open(&self) -> Result<File> {
        let file = File::open(&self.path).map_err(|error| self.unreadable(&error))?;
        self.check(&file)?;
        Ok(file)
    }

    /// Checks that an open file is still what was found, and still what its path leads to.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE` when it was changed or replaced.
    pub fn check(&self, file: &File) -> Result<()> {
        let held = file.metadata().map_err(|error| self.unreadable(&error))?;
        let named = std::fs::metadata(&self.path).map_err(|error| self.unreadable(&error))?;
        if Stamp::of(&held) == self.stamp && Stamp::of(&named) == self.stamp {
            return Ok(());
        }
        Err(EngineError::new(
            Code::SourceUnreadable,
            format!("{} was changed while it was read", self.name),
        )
        .hint("Write to another file and rename it when it is complete, then run again"))
    }

    /// The error for a failed read.
    #[must_use]
    pub fn unreadable(&self, error: &std::io::Error) -> EngineError {
        let code = match error.kind() {
            std::io::ErrorKind::InvalidData => Code::SourceCorrupt,
            _ => Code::SourceUnreadable,
        };
        EngineError::new(code, format!("cannot read {}: {error}", self.name))
    }

    /// How many bytes are read of it, in its archive where it is in one.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.member.map_or(self.stamp.size, |member| member.packed)
    }
}

/// The files that a path or pattern names, sorted by path. A folder stands for the files in it. Where
/// only some of them are to be read, the others are left out.
///
/// # Errors
/// `SOURCE_NOT_FOUND` when there is none, `PATH_REFUSED` outside the roots, `PLAN_INVALID` for a
/// path that is no file path, `SOURCE_CHANGED` for a file that is not what was chosen.
pub fn resolve(uri: &str, env: &ScanEnv) -> Result<Vec<FoundFile>> {
    let pattern = absolute(uri, env)?;
    let roots = Roots::new(env);
    let fixed = glob::literal_prefix(&pattern);
    roots.check_lexically(&fixed, uri)?;
    let mut paths = if glob::has_wildcards(&pattern) {
        glob::find(&pattern)?
    } else if pattern.is_dir() {
        glob::list(&pattern)?
    } else {
        pattern
            .exists()
            .then(|| pattern.clone())
            .into_iter()
            .collect()
    };
    if paths.is_empty() {
        return Err(not_found(uri, &pattern));
    }
    paths.sort();
    paths.dedup();
    let paths = part::chosen(paths, env);
    let files: Result<Vec<_>> = paths
        .into_iter()
        .map(|path| found(&path, uri, env, &roots))
        .collect();
    files.and_then(|files| part::checked(files, env))
}

fn absolute(uri: &str, env: &ScanEnv) -> Result<PathBuf> {
    let text = uri.strip_prefix("file://").unwrap_or(uri);
    if text.contains("://") || text.contains('\0') || text.is_empty() {
        return Err(EngineError::new(
            Code::PlanInvalid,
            format!("'{uri}' is not the path of a file"),
        )
        .place("uri")
        .hint("Give a path beneath one of the file roots"));
    }
    Ok(normal(&env.base_dir.join(text)))
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

fn found(path: &Path, uri: &str, env: &ScanEnv, roots: &Roots) -> Result<FoundFile> {
    let name = path
        .strip_prefix(&env.base_dir)
        .unwrap_or(path)
        .display()
        .to_string();
    let unreadable = |error| {
        EngineError::new(
            Code::SourceUnreadable,
            format!("cannot read {name}: {error}"),
        )
    };
    let real = path.canonicalize().map_err(unreadable)?;
    roots.check(&real, uri)?;
    let metadata = std::fs::metadata(&real).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(EngineError::new(
            Code::SourceUnreadable,
            format!("{name} is not a regular file"),
        ));
    }
    Ok(FoundFile {
        path: real,
        stamp: Stamp::of(&metadata),
        name,
        member: None,
    })
}

/// The folders beneath which files may be read.
struct Roots {
    given: Vec<PathBuf>,
    real: Vec<PathBuf>,
}

impl Roots {
    fn new(env: &ScanEnv) -> Self {
        let given: Vec<_> = env
            .file_roots
            .iter()
            .map(|root| normal(&env.base_dir.join(root)))
            .collect();
        let real = given
            .iter()
            .filter_map(|root| root.canonicalize().ok())
            .collect();
        Self { given, real }
    }

    /// Refuses before looking at the disk, so that an answer never tells what exists elsewhere.
    fn check_lexically(&self, path: &Path, uri: &str) -> Result<()> {
        let inside = self
            .given
            .iter()
            .chain(&self.real)
            .any(|root| path.starts_with(root));
        if inside { Ok(()) } else { Err(refused(uri)) }
    }

    fn check(&self, real: &Path, uri: &str) -> Result<()> {
        if self.real.iter().any(|root| real.starts_with(root)) {
            Ok(())
        } else {
            Err(refused(uri))
        }
    }
}

fn refused(uri: &str) -> EngineError {
    EngineError::new(
        Code::PathRefused,
        format!("'{uri}' leads outside the folders that may be read"),
    )
    .place("uri")
    .hint("Move the file beneath a file root, or add its folder to the file roots in the settings")
}

fn not_found(uri: &str, path: &Path) -> EngineError {
    let folder = path.ancestors().skip(1).find(|folder| folder.is_dir());
    let mut hint = "Check the path".to_owned();
    if let (Some(folder), Some(wanted)) = (folder, path.file_name()) {
        let wanted = wanted.to_string_lossy();
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .take(1000)
            .collect();
        names.sort_by_key(|name| (distance(name, &wanted), name.clone()));
        names.truncate(3);
        hint = match names.as_slice() {
            [] => format!("The folder {} is empty", folder.display()),
            names => format!("The folder {} has {}", folder.display(), names.join(", ")),
        };
    }
    EngineError::new(Code::SourceNotFound, format!("no file matches '{uri}'"))
        .place("uri")
        .hint(hint)
}

/// How many characters must be inserted, removed or replaced to turn one name into the other.
#[must_use]
pub fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.to_lowercase().chars().take(100).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, from) in from.to_lowercase().chars().take(100).enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        let mut next = vec![left];
        for (&to, &up) in to.iter().zip(row.iter().skip(1)) {
            left = (left + 1)
                .min(up + 1)
                .min(diagonal + usize::from(from != to));
            diagonal = up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(base: &Path) -> ScanEnv {
        ScanEnv {
            base_dir: base.to_owned(),
            file_roots: vec![base.to_owned()],
            ..ScanEnv::default()
        }
    }

    fn tree(files: &[&str]) -> std::io::Result<tempfile::TempDir> {
        let dir = tempfile::tempdir()?;
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap_or(dir.path()))?;
            std::fs::write(path, b"x")?;
        }
        Ok(dir)
    }

    fn names(uri: &str, env: &ScanEnv) -> Result<Vec<String>, Code> {
        resolve(uri, env)
            .map(|files| files.into_iter().map(|file| file.name).collect())
            .map_err(|error| error.code)
    }

    #[test]
    fn patterns_are_found_in_order() -> std::io::Result<()> {
        let dir = tree(&[
            "b.csv",
            "a.csv",
            "a.txt",
            ".hidden.csv",
            "sub/c.csv",
            "sub/deep/d.csv",
        ])?;
        let base = dir.path().canonicalize()?;
        let env = env(&base);
        assert_eq!(
            names("*.csv", &env),
            Ok(vec!["a.csv".into(), "b.csv".into()])
        );
        assert_eq!(
            names("?.csv", &env),
            Ok(vec!["a.csv".into(), "b.csv".into()])
        );
        assert_eq!(
            names("sub/**/*.csv", &env),
            Ok(vec!["sub/c.csv".into(), "sub/deep/d.csv".into()])
        );
        assert_eq!(names("**/d.csv", &env), Ok(vec!["sub/deep/d.csv".into()]));
        assert_eq!(names("**", &env).map(|names| names.len()), Ok(5));
        assert_eq!(names("sub", &env), Ok(vec!["sub/c.csv".into()]));
        assert_eq!(names("s*/c.csv", &env), Ok(vec!["sub/c.csv".into()]));
        assert_eq!(names("./sub/../a.csv", &env), Ok(vec!["a.csv".into()]));
        assert_eq!(
            names(&format!("file://{}/a.csv", base.display()), &env),
            Ok(vec!["a.csv".into()])
        );
        Ok(())
    }

    #[test]
    fn a_missing_file_names_its_neighbours() -> std::io::Result<()> {
        let dir = tree(&["data/orders.csv", "data/users.csv"])?;
        let error = resolve("data/order.csv", &env(dir.path()))
            .map(|_| ())
            .unwrap_err();
        assert_eq!(error.code, Code::SourceNotFound);
        assert!(
            error
                .hint
                .unwrap_or_default()
                .contains("orders.csv, users.csv")
        );
        assert_eq!(
            names("nowhere/*.csv", &env(dir.path())),
            Err(Code::SourceNotFound)
        );
        Ok(())
    }

    #[test]
    fn nothing_outside_the_roots_is_touched() -> std::io::Result<()> {
        let dir = tree(&["root/a.csv", "other/secret.csv"])?;
        let root = dir.path().join("root");
        std::os::unix::fs::symlink("../other/secret.csv", root.join("link.csv"))?;
        std::os::unix::fs::symlink("../other", root.join("folder"))?;
        let env = env(&root);
        for uri in [
            "link.csv",
            "folder/secret.csv",
            "*.csv",
            "../other/secret.csv",
            "../other/*.csv",
            "/etc/passwd",
            "/etc/nothing",
        ] {
            assert_eq!(names(uri, &env), Err(Code::PathRefused), "{uri}");
        }
        assert_eq!(names("s3://bucket/key", &env), Err(Code::PlanInvalid));
        let none = ScanEnv {
            base_dir: root,
            ..ScanEnv::default()
        };
        assert_eq!(names("a.csv", &none), Err(Code::PathRefused));
        Ok(())
    }

    #[test]
    fn a_file_that_is_replaced_is_noticed() -> std::io::Result<()> {
        let dir = tree(&["a.csv"])?;
        let files = resolve("a.csv", &env(dir.path())).unwrap_or_default();
        let file = files.first().ok_or(std::io::ErrorKind::NotFound)?;
        let open = file.open().map_err(std::io::Error::other)?;
        assert!(file.check(&open).is_ok());
        std::fs::write(dir.path().join("new"), b"x")?;
        std::fs::rename(dir.path().join("new"), dir.path().join("a.csv"))?;
        assert_eq!(
            file.check(&open).map_err(|error| error.code),
            Err(Code::SourceUnreadable)
        );
        assert!(file.open().is_err());
        Ok(())
    }
}
