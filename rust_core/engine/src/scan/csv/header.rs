//! Names of columns, from headers and declarations.

use std::collections::HashMap;

use super::dialect::Dialect;
use super::fields::{Fields, lenient, value};
use super::sample::SampleRecord;
use crate::error::{Code, EngineError, Result};
use crate::scan::files::FoundFile;

/// The names that header records give, each unlike the others and one for each of `width` columns.
/// Texts of several records are joined by a space. A missing name becomes the column's number, a
/// repeated one gets a number; what was changed is told in `notes`.
///
/// # Errors
/// `SOURCE_CORRUPT` when the header is not valid UTF-8 or holds NUL.
pub fn names(
    records: &[SampleRecord<'_>],
    width: usize,
    dialect: &Dialect,
    found: &FoundFile,
    notes: &mut Vec<String>,
) -> Result<Vec<String>> {
    let mut joined: Vec<String> = Vec::new();
    for record in records {
        if !record.sound {
            let line = record.at.line;
            notes.push(format!(
                "line {line} has a stray quote, which is taken for text"
            ));
        }
        for (index, bytes) in texts(record, dialect).iter().enumerate() {
            let text = valid(bytes, index, found)?.trim();
            match joined.get_mut(index) {
                None => joined.push(text.to_owned()),
                Some(name) if name.is_empty() => text.clone_into(name),
                Some(name) if !text.is_empty() => *name = format!("{name} {text}"),
                Some(_) => {}
            }
        }
    }
    Ok(distinct(fitted(joined, width, notes), notes))
}

/// The texts of a header record, also of a malformed one.
#[must_use]
pub fn texts(record: &SampleRecord<'_>, dialect: &Dialect) -> Vec<Vec<u8>> {
    let fields = if record.sound {
        Fields::new(record.bytes, dialect).collect()
    } else {
        lenient(record.bytes, dialect)
    };
    let texts = fields.into_iter().map(|field| value(field, dialect).0);
    texts.map(std::borrow::Cow::into_owned).collect()
}

fn valid<'a>(bytes: &'a [u8], index: usize, found: &FoundFile) -> Result<&'a str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| {
            let column = index + 1;
            let text = format!(
                "the name of column {column} in {} is not valid UTF-8",
                found.name
            );
            EngineError::new(Code::SourceCorrupt, text)
                .hint("Convert the file to UTF-8, or set `header: true` and `names`")
        })
}

/// One name for each column. Names that are more or fewer than the columns fit only where empty ones
/// are what is too many: which column another belongs to would be a guess.
fn fitted(mut names: Vec<String>, width: usize, notes: &mut Vec<String>) -> Vec<String> {
    let given = names.len();
    while names.len() > width && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    if names.len() > width {
        names.retain(|name| !name.is_empty());
    }
    if names.len() == width {
        return names;
    }
    notes.push(format!(
        "the header has {given} names for {width} columns, so the columns are numbered"
    ));
    (0..width).map(positional).collect()
}

fn distinct(given: Vec<String>, notes: &mut Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(given.len());
    let mut seen = HashMap::<String, usize>::new();
    for (index, mut name) in given.into_iter().enumerate() {
        let number = index + 1;
        if name.is_empty() {
            name = positional(index);
            notes.push(format!(
                "column {number} has no name and is called '{name}'"
            ));
        }
        while seen.contains_key(&name) {
            let count = seen.get_mut(&name).map_or(2, |count| {
                *count += 1;
                *count
            });
            let renamed = format!("{name}_{count}");
            notes.push(format!(
                "the name '{name}' is repeated; column {number} is called '{renamed}'"
            ));
            name = renamed;
        }
        seen.insert(name.clone(), 1);
        names.push(name);
    }
    names
}

/// The name of a column that has none.
#[must_use]
pub fn positional(index: usize) -> String {
    format!("column{}", index + 1)
}

/// For each of `columns`, where it stands in `names`.
///
/// # Errors
/// `SOURCE_MISMATCH` when the file has other columns.
pub fn arrange(
    columns: &[String],
    names: &[String],
    found: &FoundFile,
    first: &str,
) -> Result<Vec<usize>> {
    let places: HashMap<&str, usize> = names
        .iter()
        .zip(0..)
        .map(|(name, at)| (name.as_str(), at))
        .collect();
    let known: std::collections::HashSet<&str> = columns.iter().map(String::as_str).collect();
    let list = |names: Vec<&str>| {
        names
            .iter()
            .take(5)
            .map(|name| format!("'{name}'"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let missing: Vec<&str> = columns
        .iter()
        .map(String::as_str)
        .filter(|name| !places.contains_key(name))
        .collect();
    let extra: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !known.contains(name))
        .collect();
    let problem = match (missing.is_empty(), extra.is_empty()) {
        (true, true) => {
            return Ok(columns
                .iter()
                .filter_map(|name| places.get(name.as_str()).copied())
                .collect());
        }
        (false, true) => format!("lacks {}", list(missing)),
        (true, false) => format!("has more columns: {}", list(extra)),
        (false, false) => format!("lacks {} and has {} instead", list(missing), list(extra)),
    };
    Err(EngineError::new(
        Code::SourceMismatch,
        format!("{} {problem}, unlike {first}", found.name),
    )
    .hint("Files of one source have the same columns; give the others a source of their own"))
}
