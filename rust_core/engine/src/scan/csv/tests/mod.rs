//! The reader as a whole.

mod bad_input;
mod properties;
mod replay;
mod spectrum;
mod stored;
mod values;
mod wild;

use std::path::Path;

use super::CsvSource;
use super::compile::compile;
use crate::error::{Code, Result};
use crate::plan::pb;
use crate::plan::types::type_name;
use crate::scan::Source;
use crate::scan::testing::{Outcome, env, read, read_with};

fn options(uri: &str) -> pb::CsvSource {
    pb::CsvSource {
        uri: uri.into(),
        ..Default::default()
    }
}

fn columns(columns: &[(&str, &str)]) -> Vec<pb::Column> {
    let column = |&(name, r#type): &(&str, &str)| pb::Column {
        name: name.into(),
        r#type: r#type.into(),
    };
    columns.iter().map(column).collect()
}

fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(dir.join(name), bytes).unwrap();
}

/// Compiles a source of one file with these bytes and passes it on.
fn with_source<T>(
    bytes: impl AsRef<[u8]>,
    options: pb::CsvSource,
    body: impl FnOnce(CsvSource) -> T,
) -> T {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "in.csv", bytes);
    body(
        compile(
            &pb::CsvSource {
                uri: "in.csv".into(),
                ..options
            },
            &env(dir.path()),
        )
        .unwrap(),
    )
}

fn load(bytes: impl AsRef<[u8]>, options: pb::CsvSource) -> Outcome {
    with_source(bytes, options, |source| read(&source, 2).unwrap())
}

/// The values of the good rows, null as `∅`.
fn values(outcome: &Outcome) -> Vec<String> {
    let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "∅".to_owned());
    outcome
        .rows
        .iter()
        .map(|row| row.0.iter().map(show).collect::<Vec<_>>().join("|"))
        .collect()
}

/// The rejects as `line: reasons`.
fn refused(outcome: &Outcome) -> Vec<String> {
    outcome
        .refused
        .iter()
        .map(|reject| format!("{}: {}", reject.1, reject.4.join(", ")))
        .collect()
}

fn types(source: &CsvSource) -> Vec<String> {
    let schema = source.schema();
    schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), type_name(field.data_type())))
        .collect()
}

fn failure(bytes: impl AsRef<[u8]>, options: pb::CsvSource) -> Code {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "in.csv", bytes);
    let options = pb::CsvSource {
        uri: "in.csv".into(),
        ..options
    };
    let result: Result<CsvSource> = compile(&options, &env(dir.path()));
    result.map(|source| types(&source)).unwrap_err().code
}

/// Reads with small chunks, which is what a large file with large chunks looks like.
fn read_chunked(source: &CsvSource, partitions: usize, chunk_size: usize) -> Outcome {
    let all: Vec<usize> = (0..source.schema().fields().len()).collect();
    read_with(&all, |context| {
        Ok(source.open_with(partitions, chunk_size, context))
    })
    .unwrap()
}
