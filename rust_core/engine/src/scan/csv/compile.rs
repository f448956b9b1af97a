//! Settles dialect, columns and types before any row moves.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::dialect::Dialect;
use super::fields::Fields;
use super::header;
use super::infer::Guess;
use super::nulls::NullTokens;
use super::parser::Format;
use super::sample::{RECORDS, Sample, SampleRecord, window_records, windows};
use super::{CsvSource, sniff};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::plan::types::parse_type;
use crate::scan::ScanEnv;
use crate::scan::build::{ColumnSpec, require_readable};
use crate::scan::chunk::{Layout, Place};
use crate::scan::feed::FeedFile;
use crate::scan::files::{FoundFile, distance, resolve};

/// How many files are looked at to infer types.
const SAMPLED_FILES: usize = 8;

/// Compiles a source of delimited text files.
///
/// # Errors
/// `SOURCE_NOT_FOUND`, `SOURCE_EMPTY`, `SOURCE_CORRUPT`, `SOURCE_MISMATCH`, `PATH_REFUSED`,
/// `COLUMN_UNKNOWN`, `TYPE_UNKNOWN`, `PLAN_INVALID`.
pub fn compile(options: &pb::CsvSource, env: &ScanEnv) -> Result<CsvSource> {
    let found = resolve(&options.uri, env)?;
    let nulls = NullTokens::new(&options.null_values);
    let mut setup = Setup {
        options,
        nulls,
        dialect: Dialect::declared(options)?,
        notes: Vec::new(),
    };
    let heads = setup.heads(&found)?;
    let columns = heads
        .iter()
        .find(|head| !head.names.is_empty())
        .map(|head| head.names.clone());
    let columns = columns.ok_or_else(|| empty(&found))?;
    setup.dialect.blank_is_record = columns.len() == 1;
    let files = setup.layouts(&found, &heads, &columns)?;
    let specs = setup.types(&columns, &found, &heads, &files)?;
    let starts = heads.iter().map(|head| head.start).collect();
    let Setup {
        nulls,
        dialect,
        mut notes,
        ..
    } = setup;
    notes.insert(0, size_note(&found));
    let format = Format {
        dialect,
        nulls,
        columns: specs,
    };
    Ok(CsvSource {
        format: Arc::new(format),
        files,
        starts,
        notes,
    })
}

/// A file's names and where its records start.
struct Head {
    names: Vec<String>,
    start: Place,
}

struct Setup<'a> {
    options: &'a pb::CsvSource,
    nulls: NullTokens,
    dialect: Dialect,
    notes: Vec<String>,
}

impl Setup<'_> {
    fn heads(&mut self, found: &[FoundFile]) -> Result<Vec<Head>> {
        let mut header = self.options.header;
        let mut settled = false;
        let mut heads = Vec::with_capacity(found.len());
        for file in found {
            let sample = Sample::read(file, &self.dialect)?;
            if !settled && !sample.records(&self.dialect, 1).is_empty() {
                header = Some(self.settle(&sample, header));
                settled = true;
            }
            let mut notes = Vec::new();
            heads.push(self.head(file, &sample, header.unwrap_or(false), &mut notes)?);
            if heads.len() == 1 {
                self.notes.append(&mut notes);
            }
        }
        Ok(heads)
    }

    /// Settles delimiter and header by the first file that has records.
    fn settle(&mut self, sample: &Sample, header: Option<bool>) -> bool {
        let sniffed = self.options.delimiter.is_empty();
        if sniffed {
            self.dialect.delimiter = sniff::delimiter(sample, &self.dialect);
        }
        let shown = char::from(self.dialect.delimiter).escape_debug();
        self.notes
            .push(format!("delimiter '{shown}' ({})", origin(!sniffed)));
        let present = header.unwrap_or_else(|| self.header_is_present(sample));
        let text = if present {
            "header present"
        } else {
            "no header"
        };
        self.notes
            .push(format!("{text} ({})", origin(header.is_some())));
        present
    }

    /// With declared names, a first record that repeats them is a header.
    fn header_is_present(&self, sample: &Sample) -> bool {
        if self.options.names.is_empty() {
            return sniff::has_header(sample, &self.dialect, &self.nulls);
        }
        let records = sample.records(&self.dialect, 1);
        let first = records
            .first()
            .map(|record| record.bytes)
            .unwrap_or_default();
        let fields = Fields::new(first, &self.dialect)
            .map(|field| super::fields::value(field, &self.dialect).0);
        fields
            .zip(&self.options.names)
            .all(|(field, name)| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
    }

    fn head(
        &self,
        file: &FoundFile,
        sample: &Sample,
        header: bool,
        notes: &mut Vec<String>,
    ) -> Result<Head> {
        let declared = &self.options.names;
        let mut start = Place {
            offset: sample.mark as u64,
            line: 1,
        };
        let records = sample.records(&self.dialect, 1);
        let Some(first) = records.first() else {
            return Ok(Head {
                names: declared.clone(),
                start,
            });
        };
        let width = Fields::new(first.bytes, &self.dialect).count();
        let mut names: Vec<String> = (0..width).map(header::positional).collect();
        if header {
            start = first.after;
            if !first.sound {
                let text = format!("the header of {} has a quote that is not closed", file.name);
                return Err(EngineError::new(Code::SourceCorrupt, text).place("line 1"));
            }
            if declared.is_empty() {
                names = header::names(first.bytes, &self.dialect, file, notes)?;
            }
        }
        if !declared.is_empty() {
            if header && declared.len() != width {
                return Err(self.wrong_width(file, width));
            }
            names.clone_from(declared);
        }
        Ok(Head { names, start })
    }

    fn wrong_width(&self, file: &FoundFile, width: usize) -> EngineError {
        let delimiter = char::from(self.dialect.delimiter).escape_debug();
        let text = format!(
            "the header of {} has {width} fields between '{delimiter}', but {} names are declared",
            file.name,
            self.options.names.len()
        );
        EngineError::new(Code::SourceMismatch, text)
            .place("names")
            .hint("Check delimiter and names")
    }

    fn layouts(
        &self,
        found: &[FoundFile],
        heads: &[Head],
        columns: &[String],
    ) -> Result<Vec<FeedFile>> {
        let first = found
            .first()
            .map(|file| file.name.clone())
            .unwrap_or_default();
        let mut files = Vec::with_capacity(found.len());
        for ((file, head), src) in found.iter().zip(heads).zip(0..) {
            let fields = if head.names.is_empty() {
                (0..columns.len()).collect()
            } else {
                header::arrange(columns, &head.names, file, &first)?
            };
            let layout = Layout {
                src,
                name: file.name.as_str().into(),
                fields: fields.into(),
            };
            files.push(FeedFile {
                found: file.clone(),
                layout,
            });
        }
        Ok(files)
    }

    fn types(
        &mut self,
        columns: &[String],
        found: &[FoundFile],
        heads: &[Head],
        files: &[FeedFile],
    ) -> Result<Vec<ColumnSpec>> {
        let mut declared: Vec<Option<DataType>> = vec![None; columns.len()];
        for column in &self.options.columns {
            let at = columns.iter().position(|name| *name == column.name);
            let place = at.and_then(|at| declared.get_mut(at));
            let place = place.ok_or_else(|| self.unknown_column(&column.name, columns))?;
            let data_type = parse_type(&column.r#type).and_then(|data_type| {
                require_readable(&data_type)?;
                Ok(data_type)
            });
            *place =
                Some(data_type.map_err(|error| error.place(format!("columns.{}", column.name)))?);
        }
        let infers = self.options.infer_types.unwrap_or(true) && declared.contains(&None);
        let mut guesses = vec![Guess::default(); columns.len()];
        if infers {
            let mut records = 0;
            for ((file, head), feed) in found.iter().zip(heads).zip(files).take(SAMPLED_FILES) {
                records += self.observe(file, head.start, &feed.layout, &mut guesses)?;
            }
            let count = declared
                .iter()
                .filter(|declared| declared.is_none())
                .count();
            self.notes.push(format!(
                "the types of {count} columns are inferred from {records} records"
            ));
        }
        let specs = columns
            .iter()
            .zip(declared)
            .zip(guesses)
            .map(|((name, declared), guess)| ColumnSpec {
                name: name.clone(),
                strict: declared.is_none(),
                data_type: declared.unwrap_or_else(|| {
                    if infers {
                        guess.data_type()
                    } else {
                        DataType::Utf8
                    }
                }),
            });
        Ok(specs.collect())
    }

    /// Notes the values of a file's sample; gives the number of records.
    fn observe(
        &self,
        file: &FoundFile,
        start: Place,
        layout: &Layout,
        guesses: &mut [Guess],
    ) -> Result<usize> {
        let sample = Sample::read(file, &self.dialect)?;
        let head = sample.records(&self.dialect, RECORDS);
        let mut noted = 0;
        for record in head
            .iter()
            .filter(|record| record.after.offset > start.offset)
        {
            noted += usize::from(self.observe_record(record, layout, guesses));
        }
        for window in windows(file, &sample, &self.dialect)? {
            for record in window_records(&window, &self.dialect) {
                noted += usize::from(self.observe_record(&record, layout, guesses));
            }
        }
        Ok(noted)
    }

    fn observe_record(
        &self,
        record: &SampleRecord<'_>,
        layout: &Layout,
        guesses: &mut [Guess],
    ) -> bool {
        let fields: Vec<&[u8]> = Fields::new(record.bytes, &self.dialect).collect();
        if !record.sound || fields.len() != guesses.len() {
            return false;
        }
        for (guess, &at) in guesses.iter_mut().zip(layout.fields.iter()) {
            guess.note(
                fields.get(at).copied().unwrap_or_default(),
                &self.dialect,
                &self.nulls,
            );
        }
        true
    }

    fn unknown_column(&self, name: &str, columns: &[String]) -> EngineError {
        let nearest = columns.iter().min_by_key(|column| distance(column, name));
        let delimiter = char::from(self.dialect.delimiter).escape_debug();
        let hint = match nearest {
            Some(nearest) if distance(nearest, name) <= 2 => format!("Did you mean '{nearest}'?"),
            _ => format!(
                "With the delimiter '{delimiter}' the file has {} columns: {}",
                columns.len(),
                columns
                    .iter()
                    .take(10)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        EngineError::new(Code::ColumnUnknown, format!("there is no column '{name}'"))
            .place(format!("columns.{name}"))
            .hint(hint)
    }
}

fn origin(declared: bool) -> &'static str {
    if declared { "declared" } else { "detected" }
}

fn empty(found: &[FoundFile]) -> EngineError {
    let name = found
        .first()
        .map_or("the source", |file| file.name.as_str());
    EngineError::new(
        Code::SourceEmpty,
        format!("{name} is empty, so its columns are not known"),
    )
    .hint("Declare `names` to read an empty file as no rows")
}

/// How many files and bytes there are.
pub fn size_note(found: &[FoundFile]) -> String {
    let bytes: u64 = found.iter().map(|file| file.stamp.size).sum();
    let files = if found.len() == 1 {
        "1 file".to_owned()
    } else {
        format!("{} files", found.len())
    };
    format!("{files}, {bytes} bytes")
}
