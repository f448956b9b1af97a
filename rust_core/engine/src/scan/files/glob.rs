//! Walks folders along patterns with `*`, `?` and `**`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Code, EngineError, Result};

/// The most files of one source.
const MAX_FILES: usize = 100_000;
/// The deepest folder that `**` looks into.
const MAX_DEPTH: usize = 64;

/// The files that an absolute pattern names.
///
/// # Errors
/// `PLAN_INVALID` when there are too many.
pub fn find(pattern: &Path) -> Result<Vec<PathBuf>> {
    let parts: Vec<_> = pattern
        .components()
        .skip(1)
        .map(|part| part.as_os_str().to_owned())
        .collect();
    walk(Path::new("/"), &parts)
}

/// The files in a folder, without those in folders beneath it.
///
/// # Errors
/// `PLAN_INVALID` when there are too many.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    walk(folder, &["*".into()])
}

fn walk(folder: &Path, parts: &[OsString]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    Walk { found: &mut found }.descend(folder, parts, 0)?;
    Ok(found)
}

/// Whether a path is a pattern.
#[must_use]
pub fn has_wildcards(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .any(|byte| matches!(byte, b'*' | b'?'))
}

/// The folders before the first wildcard.
#[must_use]
pub fn literal_prefix(pattern: &Path) -> PathBuf {
    pattern
        .components()
        .take_while(|part| !has_wildcards(Path::new(part.as_os_str())))
        .collect()
}

/// Walks folders along a pattern.
struct Walk<'a> {
    found: &'a mut Vec<PathBuf>,
}

impl Walk<'_> {
    fn descend(&mut self, folder: &Path, parts: &[OsString], depth: usize) -> Result<()> {
        let Some((part, rest)) = parts.split_first() else {
            return Ok(());
        };
        if depth > MAX_DEPTH {
            return Ok(());
        }
        if !has_wildcards(Path::new(part)) {
            let path = folder.join(part);
            return match rest {
                [] if path.is_file() => self.take(path),
                [] => Ok(()),
                rest => self.descend(&path, rest, depth + 1),
            };
        }
        let anywhere = part == "**";
        if anywhere {
            let rest: &[_] = if rest.is_empty() { &["*".into()] } else { rest };
            self.descend(folder, rest, depth + 1)?;
        }
        for (name, path) in entries(folder) {
            if anywhere {
                // A link to a folder above would lead around in circles.
                if path.is_dir() && !path.is_symlink() {
                    self.descend(&path, parts, depth + 1)?;
                }
            } else if matches(part.to_string_lossy().as_bytes(), name.as_bytes()) {
                match rest {
                    [] if path.is_file() => self.take(path)?,
                    [] => {}
                    rest => self.descend(&path, rest, depth + 1)?,
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, path: PathBuf) -> Result<()> {
        if self.found.len() >= MAX_FILES {
            return Err(EngineError::new(
                Code::PlanInvalid,
                format!("more than {MAX_FILES} files match"),
            )
            .place("uri"));
        }
        self.found.push(path);
        Ok(())
    }
}

/// A folder's entries that are not hidden, sorted. A folder that cannot be read has none.
fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            ))
        })
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    entries.sort();
    entries
}

/// Whether a name matches a pattern of literal characters, `?` and `*`, in linear space and at most
/// quadratic time.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut pattern_at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(pattern_at) {
            Some(b'*') => {
                star = Some((pattern_at, at));
                pattern_at += 1;
            }
            Some(b'?') => {
                pattern_at += 1;
                at += char_length(name, at);
            }
            Some(wanted) if Some(wanted) == name.get(at) => {
                pattern_at += 1;
                at += 1;
            }
            _ => match star {
                Some((star_at, taken)) => {
                    pattern_at = star_at + 1;
                    at = taken + 1;
                    star = Some((star_at, at));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(pattern_at..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

/// The bytes of the character at `at` in UTF-8.
fn char_length(name: &[u8], at: usize) -> usize {
    let more = name
        .iter()
        .skip(at + 1)
        .take_while(|byte| **byte & 0xc0 == 0x80)
        .count();
    1 + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_whole_names() {
        assert!(matches(b"*a*b", b"xaxb"));
        assert!(!matches(b"*a*b", b"xaxbx"));
        assert!(matches("?".as_bytes(), "é".as_bytes()));
        assert!(matches(b"**", b""));
        assert!(!matches(b"?", b""));
    }
}
