//! Reads a part of a source: files that were chosen before, or none.
//!
//! Which rows of a table are read is told by a condition, in `postgres`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::files::FoundFile;
use super::{BatchStream, ScanContext, ScanEnv, Source};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::Origin;

/// The chosen files among those that were found. Where none is chosen the last one stays, so that the
/// columns are known.
pub(super) fn chosen(mut paths: Vec<PathBuf>, env: &ScanEnv) -> Vec<PathBuf> {
    let Some(part) = listed(env) else {
        return paths;
    };
    if part.files.is_empty() {
        return paths.pop().into_iter().collect();
    }
    let wanted = by_path(part);
    paths.retain(|path| {
        let real = path.canonicalize().unwrap_or_default();
        real.to_str().is_some_and(|real| wanted.contains_key(real))
    });
    paths
}

/// Checks that the chosen files are all there, and are still what was chosen.
///
/// # Errors
/// `SOURCE_CHANGED` when one is missing or was written to.
pub(super) fn checked(mut files: Vec<FoundFile>, env: &ScanEnv) -> Result<Vec<FoundFile>> {
    let Some(part) = listed(env).filter(|part| !part.files.is_empty()) else {
        return Ok(files);
    };
    let mut wanted = by_path(part);
    let mut first = |file: &FoundFile| match file.path.to_str().and_then(|path| wanted.remove(path))
    {
        // A second name of the same file.
        None => Ok(false),
        Some(then) => {
            let now = (file.stamp.size, file.stamp.modified_nanos());
            if now == (then.size, then.modified_ns) {
                return Ok(true);
            }
            let text = "was written to after it was chosen for this load";
            Err(changed(&file.name, text))
        }
    };
    let kept: Result<Vec<bool>> = files.iter().map(&mut first).collect();
    let mut kept = kept?.into_iter();
    files.retain(|_| kept.next().unwrap_or_default());
    match wanted.into_keys().min() {
        Some(path) => Err(changed(path, "was chosen for this load and is gone")),
        None => Ok(files),
    }
}

/// The source itself, or one without rows where no file of it is chosen.
pub(super) fn read_of(source: Arc<dyn Source>, env: &ScanEnv) -> Result<Arc<dyn Source>> {
    let Some(part) = &env.part else {
        return Ok(source);
    };
    let is_table = source.kind() == "postgres";
    let is_file = matches!(source.kind(), "csv" | "jsonl" | "parquet");
    if (part.listed && !is_file) || (!part.predicate.is_empty() && !is_table) {
        let text = format!("a {} source is read as a whole only", source.kind());
        return Err(EngineError::new(Code::PlanInvalid, text));
    }
    if part.listed && part.files.is_empty() {
        return Ok(Arc::new(NoRows(source)));
    }
    Ok(source)
}

fn listed(env: &ScanEnv) -> Option<&pb::Part> {
    env.part.as_ref().filter(|part| part.listed)
}

fn by_path(part: &pb::Part) -> HashMap<&str, &pb::PartFile> {
    let files = part.files.iter();
    files.map(|file| (file.path.as_str(), file)).collect()
}

fn changed(name: &str, text: &str) -> EngineError {
    EngineError::new(Code::SourceChanged, format!("{name} {text}"))
        .hint("Write to another file and rename it when it is complete, then run again")
}

/// A source with the columns of another and no rows.
#[derive(Debug)]
struct NoRows(Arc<dyn Source>);

impl Source for NoRows {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.0.notes();
        notes.push("nothing new is there to read".into());
        notes
    }

    fn bytes_total(&self) -> Option<u64> {
        Some(0)
    }

    fn rows_estimate(&self) -> Option<u64> {
        Some(0)
    }

    fn partitions(&self, _wanted: usize) -> usize {
        1
    }

    fn open(&self, _wanted: usize, _context: &ScanContext) -> Result<Vec<BatchStream>> {
        Ok(vec![Box::pin(futures::stream::empty())])
    }

    fn origin_name(&self, src: u32) -> String {
        self.0.origin_name(src)
    }

    fn has_places(&self) -> bool {
        self.0.has_places()
    }

    fn raw_record(&self, _origin: &Origin, _limit: usize) -> Option<Vec<u8>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::files::resolve;
    use super::super::testing::env;
    use super::*;

    fn part(base: &Path, files: &[&str]) -> pb::Part {
        let file = |name: &&str| {
            let all = resolve(name, &env(base)).unwrap_or_default();
            let file = all.first();
            pb::PartFile {
                path: base.join(name).display().to_string(),
                size: file.map_or(0, |file| file.stamp.size),
                modified_ns: file.map_or(0, |file| file.stamp.modified_nanos()),
            }
        };
        pb::Part {
            listed: true,
            files: files.iter().map(file).collect(),
            ..pb::Part::default()
        }
    }

    fn names(base: &Path, part: &pb::Part) -> Result<Vec<String>, Code> {
        let found = resolve("*.csv", &env(base).reading(Some(part)));
        found
            .map(|files| files.into_iter().map(|file| file.name).collect())
            .map_err(|error| error.code)
    }

    fn folder() -> std::io::Result<(tempfile::TempDir, PathBuf)> {
        let dir = tempfile::tempdir()?;
        for name in ["a.csv", "b.csv", "c.csv"] {
            std::fs::write(dir.path().join(name), format!("n\n{name}\n"))?;
        }
        let base = dir.path().canonicalize()?;
        Ok((dir, base))
    }

    #[test]
    fn only_what_was_chosen_is_read() -> std::io::Result<()> {
        let (_dir, base) = folder()?;
        let part = part(&base, &["a.csv", "c.csv"]);
        std::os::unix::fs::symlink("a.csv", base.join("z.csv"))?;
        assert_eq!(
            names(&base, &part),
            Ok(vec!["a.csv".into(), "c.csv".into()])
        );
        Ok(())
    }

    #[test]
    fn what_was_written_to_or_is_gone_is_refused() -> std::io::Result<()> {
        let (_dir, base) = folder()?;
        let part = part(&base, &["a.csv", "c.csv"]);
        std::fs::write(base.join("a.csv"), "n\nother\n")?;
        assert_eq!(names(&base, &part), Err(Code::SourceChanged));
        std::fs::remove_file(base.join("a.csv"))?;
        assert_eq!(names(&base, &part), Err(Code::SourceChanged));
        Ok(())
    }

    #[test]
    fn a_source_of_which_nothing_is_chosen_has_columns_and_no_rows() -> std::io::Result<()> {
        let (_dir, base) = folder()?;
        let none = part(&base, &[]);
        let env = env(&base).reading(Some(&none));
        let options = pb::CsvSource {
            uri: "*.csv".into(),
            ..pb::CsvSource::default()
        };
        let source = super::super::csv::compile(&options, &env).and_then(|it| read_of(it, &env));
        let source = source.map_err(std::io::Error::other)?;
        assert_eq!(source.schema().field(0).name(), "n");
        assert_eq!(source.bytes_total(), Some(0));
        assert_eq!(source.partitions(4), 1);
        Ok(())
    }
}
