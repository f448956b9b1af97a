//! Settles dialect, columns and types before any row moves.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::CsvSource;
use super::dialect::Dialect;
use super::fields::{Fields, value};
use super::guess::ColumnGuess;
use super::head::{Head, Heads, origin};
use super::header;
use super::marks::{Evidence, Marks};
use super::nulls::NullTokens;
use super::parser::Format;
use super::sample::{RECORDS, Sample, SampleRecord, window_records, windows};
use super::sniff::Finding;
use super::sniff::cell::is_missing_word;
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::plan::types::parse_type;
use crate::scan::ScanEnv;
use crate::scan::build::{ColumnSpec, require_readable};
use crate::scan::chunk::{Layout, Place};
use crate::scan::convert::trim;
use crate::scan::feed::FeedFile;
use crate::scan::files::{FoundFile, distance};
use crate::scan::text::again::Again;
use crate::scan::text::{self, Declared, Form, form_notes};

/// How sure detected marks and words for missing values are.
const SURE_OF_VALUES: f64 = 0.8;
/// How many files are looked at to infer types.
const SAMPLED_FILES: usize = 8;

/// Compiles a source of delimited text files.
///
/// # Errors
/// `SOURCE_NOT_FOUND`, `SOURCE_EMPTY`, `SOURCE_CORRUPT`, `SOURCE_MISMATCH`, `PATH_REFUSED`,
/// `COLUMN_UNKNOWN`, `TYPE_UNKNOWN`, `PLAN_INVALID`.
pub fn compile(options: &pb::CsvSource, env: &ScanEnv) -> Result<CsvSource> {
    let declared = Declared::new(&options.compression, &options.encoding)?;
    let found = text::files(&options.uri, env, &declared)?;
    let nulls = NullTokens::new(&options.null_values);
    let mut findings = Vec::new();
    let mut heads = Heads::new(options, &nulls, env.memory)?;
    let (read, forms) = read_heads(&mut heads, &found, &declared)?;
    findings.extend(forms.first().map(Form::findings).into_iter().flatten());
    findings.append(&mut heads.findings);
    let mut setup = Setup {
        options,
        nulls: &nulls,
        dialect: heads.dialect,
        notes: heads.notes,
        repeated: heads.repeated,
        forms: &forms,
        marks: Marks::default(),
        words: Vec::new(),
        commas: heads.commas,
    };
    let record_bytes = heads.record_bytes;
    let heads = read;
    let mut named = heads.iter().filter(|head| !head.names.is_empty());
    let columns = named.next().map(|head| head.names.clone());
    let columns = columns.ok_or_else(|| empty(&found))?;
    setup.dialect.blank_is_record = columns.len() == 1;
    let files = setup.layouts(&found, &heads, &columns)?;
    let specs = setup.types(&columns, &heads, &files)?;
    let starts = heads.iter().map(|head| head.start).collect();
    findings.extend(setup.value_findings());
    let Setup {
        dialect,
        mut notes,
        repeated,
        marks,
        words,
        ..
    } = setup;
    notes.splice(0..0, form_notes(&forms));
    notes.insert(0, size_note(&found));
    let format = Format {
        dialect,
        typed_nulls: nulls.with(&words),
        nulls,
        marks,
        columns: specs,
        repeated,
    };
    Ok(CsvSource {
        format: Arc::new(format),
        files,
        forms,
        again: Again::default(),
        starts,
        notes,
        findings,
        record_bytes,
    })
}

/// The head of each file, and how its text is stored.
fn read_heads(
    heads: &mut Heads<'_>,
    found: &[FoundFile],
    declared: &Declared,
) -> Result<(Vec<Head>, Vec<Form>)> {
    let mut read = Vec::with_capacity(found.len());
    let mut forms = Vec::with_capacity(found.len());
    for file in found {
        let form = Form::detect(file, declared)?;
        read.push(heads.read(file, &form, read.is_empty())?);
        forms.push(form);
    }
    Ok((read, forms))
}

struct Setup<'a> {
    options: &'a pb::CsvSource,
    nulls: &'a NullTokens,
    dialect: Dialect,
    notes: Vec<String>,
    repeated: Option<Vec<Vec<u8>>>,
    forms: &'a [Form],
    marks: Marks,
    /// Words that mean a missing value in columns that are not text.
    words: Vec<Vec<u8>>,
    /// Whether a number may hold a comma.
    commas: bool,
}

impl Setup<'_> {
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
        let first = files.iter().zip(self.forms).zip(heads).next();
        if let Some(((feed, form), head)) = first {
            self.settle_marks(feed, form, head.start)?;
        }
        let infers = self.options.infer_types.unwrap_or(true) && declared.contains(&None);
        let mut guesses = vec![ColumnGuess::default(); columns.len()];
        if infers {
            let mut records = 0;
            let sampled = files.iter().zip(self.forms).zip(heads).take(SAMPLED_FILES);
            for ((feed, form), head) in sampled {
                records += self.observe(feed, form, head.start, &mut guesses)?;
            }
            let count = declared
                .iter()
                .filter(|declared| declared.is_none())
                .count();
            self.notes.push(format!(
                "the types of {count} columns are inferred from {records} records"
            ));
        }
        self.settle_words(&declared, &guesses, infers);
        let words = &self.words;
        let specs = columns
            .iter()
            .zip(declared)
            .zip(guesses)
            .map(|((name, declared), guess)| ColumnSpec {
                name: name.clone(),
                strict: declared.is_none(),
                data_type: declared.unwrap_or_else(|| {
                    if infers {
                        guess.data_type(words)
                    } else {
                        DataType::Utf8
                    }
                }),
            });
        Ok(specs.collect())
    }

    /// What was found out about values, beside their types.
    fn value_findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let by = &self.options;
        let declared = !by.decimal_mark.is_empty() || !by.thousands_mark.is_empty();
        let sure = if declared { 1.0 } else { SURE_OF_VALUES };
        if !self.marks.is_usual() {
            found.push(Finding::new("decimal_mark", &self.marks.decimal(), sure));
        }
        if let Some(mark) = self.marks.thousands() {
            found.push(Finding::new("thousands_mark", &mark, sure));
        }
        if !self.words.is_empty() {
            let words = self.words.iter().map(|word| String::from_utf8_lossy(word));
            let all: Vec<_> = ["".into(), "NA".into()].into_iter().chain(words).collect();
            let list = serde_json::Value::from(all);
            found.push(Finding::new("null_values", &list, SURE_OF_VALUES));
        }
        found
    }

    /// Settles how numbers are written, by the first file.
    fn settle_marks(&mut self, feed: &FeedFile, form: &Form, start: Place) -> Result<()> {
        let declared = Marks::declared(self.options)?;
        self.marks = match declared {
            Some(marks) => marks,
            None if !self.commas => Marks::default(),
            None => {
                let mut sample = Sample::read(&feed.found, form, self.dialect.max_record)?;
                sample.skip_to(start);
                let mut evidence = Evidence::default();
                let records = sample.records(&self.dialect, RECORDS);
                for record in &records {
                    self.note_numbers(record, &mut evidence);
                }
                evidence.marks()
            }
        };
        if !self.marks.is_usual() {
            let by = origin(declared.is_some());
            self.notes
                .push(format!("decimal mark '{}' ({by})", self.marks.decimal()));
            if let Some(mark) = self.marks.thousands() {
                self.notes.push(format!("thousands mark '{mark}' ({by})"));
            }
        }
        Ok(())
    }

    fn note_numbers(&self, record: &SampleRecord<'_>, evidence: &mut Evidence) {
        let repeats = self.repeated.as_ref();
        if !record.sound
            || repeats.is_some_and(|names| *names == header::texts(record, &self.dialect))
        {
            return;
        }
        for (column, field) in Fields::new(record.bytes, &self.dialect).enumerate() {
            let (text, _) = value(field, &self.dialect);
            let text = trim(&text);
            if !text.is_empty() && !self.nulls.matches(text) && !is_missing_word(text) {
                evidence.note(column, text);
            }
        }
    }

    /// Settles which words mean a missing value in columns whose other values are not text.
    fn settle_words(
        &mut self,
        declared: &[Option<DataType>],
        guesses: &[ColumnGuess],
        infers: bool,
    ) {
        if !infers || !self.options.null_values.is_empty() {
            return;
        }
        for (declared, guess) in declared.iter().zip(guesses) {
            if declared.is_none() {
                self.words.extend(guess.missing_words());
            }
        }
        self.words.sort_unstable();
        self.words.dedup();
        for word in &self.words {
            let word = String::from_utf8_lossy(word);
            self.notes.push(format!(
                "'{word}' means a missing value in columns that are not text (detected)"
            ));
        }
    }

    /// Notes the values of a file's sample; gives the number of records.
    fn observe(
        &self,
        feed: &FeedFile,
        form: &Form,
        start: Place,
        guesses: &mut [ColumnGuess],
    ) -> Result<usize> {
        let (file, layout) = (&feed.found, &feed.layout);
        let mut sample = Sample::read(file, form, self.dialect.max_record)?;
        sample.skip_to(start);
        let mut noted = 0;
        for record in sample.records(&self.dialect, RECORDS) {
            noted += usize::from(self.observe_record(&record, layout, guesses));
        }
        for window in windows(file, form, &sample, &self.dialect)? {
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
        guesses: &mut [ColumnGuess],
    ) -> bool {
        let fields: Vec<&[u8]> = Fields::new(record.bytes, &self.dialect).collect();
        let repeats = self.repeated.as_ref();
        let repeats = repeats.is_some_and(|names| *names == header::texts(record, &self.dialect));
        if !record.sound || fields.len() != guesses.len() || repeats {
            return false;
        }
        for (guess, &at) in guesses.iter_mut().zip(layout.fields.iter()) {
            guess.note(
                fields.get(at).copied().unwrap_or_default(),
                &self.dialect,
                self.nulls,
                &self.marks,
            );
        }
        true
    }

    fn unknown_column(&self, name: &str, columns: &[String]) -> EngineError {
        let nearest = columns.iter().min_by_key(|column| distance(column, name));
        let delimiter = self.dialect.delimiter;
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
    let bytes: u64 = found.iter().map(FoundFile::size).sum();
    let files = if found.len() == 1 {
        "1 file".to_owned()
    } else {
        format!("{} files", found.len())
    };
    format!("{files}, {bytes} bytes")
}
