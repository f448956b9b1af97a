//! Names of columns, from headers and declarations.

use std::collections::HashMap;

use super::dialect::Dialect;
use super::fields::{Fields, value};
use crate::error::{Code, EngineError, Result};
use crate::scan::files::FoundFile;

/// The names that a header record gives, each unlike the others. A missing name becomes the column's
/// number, a repeated one gets a number; what was changed is told in `notes`.
///
/// # Errors
/// `SOURCE_CORRUPT` when the header is not valid UTF-8 or holds NUL.
pub fn names(
    record: &[u8],
    dialect: &Dialect,
    found: &FoundFile,
    notes: &mut Vec<String>,
) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = HashMap::<String, usize>::new();
    for (index, field) in Fields::new(record, dialect).enumerate() {
        let (bytes, _) = value(field, dialect);
        let text = std::str::from_utf8(&bytes)
            .ok()
            .filter(|text| !text.contains('\0'))
            .ok_or_else(|| {
                EngineError::new(
                    Code::SourceCorrupt,
                    format!(
                        "the name of column {} in {} is not valid UTF-8",
                        index + 1,
                        found.name
                    ),
                )
                .hint("Convert the file to UTF-8, or set `header: true` and `names`")
            })?;
        let mut name = text.trim().to_owned();
        if name.is_empty() {
            name = positional(index);
            notes.push(format!(
                "column {} has no name and is called '{name}'",
                index + 1
            ));
        }
        while seen.contains_key(&name) {
            let count = seen.get_mut(&name).map_or(2, |count| {
                *count += 1;
                *count
            });
            let renamed = format!("{name}_{count}");
            notes.push(format!(
                "the name '{name}' is repeated; column {} is called '{renamed}'",
                index + 1
            ));
            name = renamed;
        }
        seen.insert(name.clone(), 1);
        names.push(name);
    }
    Ok(names)
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
