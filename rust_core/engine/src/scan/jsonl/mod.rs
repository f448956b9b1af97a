//! Files with one JSON object a line.
//!
//! - A missing key and `null` are missing values. A key that is no column makes the line a reject, so
//!   that nothing is dropped in silence; a key that occurs twice does too.
//! - A nested value, and any value in a text column, is kept as its JSON text.
//! - Numbers are read from their digits, so whole numbers and decimals of any size are exact.
//! - Blank lines are nothing. A line that is no object is a reject.

pub mod index;
pub mod infer;
pub mod parser;
pub mod splitter;
#[cfg(test)]
mod tests;
pub mod text;
pub mod token;

use std::fs::File;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parking_lot::Mutex;

use self::index::Keys;
use self::infer::Columns;
use self::parser::{Format, Parser};
use self::splitter::LineSplitter;
use super::build::{ColumnSpec, require_readable};
use super::chunk::{Layout, Split};
use super::csv::compile::size_note;
use super::csv::dialect::max_record;
use super::csv::sample::{RECORDS, Sample};
use super::feed::{Feed, FeedFile, partition};
use super::files::FoundFile;
use super::text::again::{Again, FIRST_LOOK};
use super::text::{self as stored, Declared, Form, form_notes};
use super::{BatchStream, ScanContext, ScanEnv, Source};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::plan::types::parse_type;
use crate::reject::Origin;

/// How many files are looked at to infer columns.
const SAMPLED_FILES: usize = 8;

/// Compiles a source of JSON lines.
///
/// # Errors
/// `SOURCE_NOT_FOUND`, `SOURCE_EMPTY`, `SOURCE_CORRUPT`, `PATH_REFUSED`, `TYPE_UNKNOWN`,
/// `PLAN_INVALID`.
pub fn compile(options: &pb::JsonlSource, env: &ScanEnv) -> Result<Arc<dyn Source>> {
    let max_record = max_record(&options.max_record, env.memory)?;
    let declared = Declared::utf8(&options.compression)?;
    let found = stored::files(&options.uri, env, &declared)?;
    let mut forms = Vec::with_capacity(found.len());
    for file in &found {
        forms.push(Form::detect(file, &declared)?);
    }
    let mut notes = vec![size_note(&found)];
    notes.extend(form_notes(&forms));
    let inferred = sample(&found, &forms, max_record, &mut notes)?;
    let columns = columns(options, inferred, &mut notes)?;
    if columns.is_empty() {
        let name = found
            .first()
            .map_or("the source", |file| file.name.as_str());
        let text = format!("{name} has no JSON object, so its columns are not known");
        return Err(EngineError::new(Code::SourceEmpty, text).hint("Declare them in `columns`"));
    }
    let keys = Keys::new(&columns);
    let files = found.into_iter().zip(0..).map(|(found, src)| {
        let layout = Layout {
            src,
            name: found.name.as_str().into(),
            fields: Arc::from([]),
        };
        FeedFile { found, layout }
    });
    let format = Arc::new(Format {
        columns,
        keys,
        max_record,
    });
    Ok(Arc::new(JsonlSource {
        format,
        files: files.collect(),
        forms,
        again: Again::default(),
        notes,
    }))
}

/// Looks at the head of each file; gives the columns of the first files.
fn sample(
    found: &[FoundFile],
    forms: &[Form],
    max_record: usize,
    notes: &mut Vec<String>,
) -> Result<Columns> {
    let mut columns = Columns::default();
    for ((file, form), position) in found.iter().zip(forms).zip(0..) {
        let sample = Sample::read(file, form, max_record)?;
        let first = sample.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'[') {
            let text = format!("{} holds a JSON array, not one object a line", file.name);
            return Err(EngineError::new(Code::SourceCorrupt, text)
                .hint("Convert it, for example with `jq -c '.[]'`"));
        }
        if position >= SAMPLED_FILES {
            continue;
        }
        let lines = sample.bytes.split(|&byte| byte == b'\n').take(RECORDS);
        for line in lines.filter(|line| line.len() <= max_record) {
            columns.note(line);
        }
    }
    notes.push(format!(
        "columns are inferred from {} objects",
        columns.objects
    ));
    Ok(columns)
}

/// The inferred columns with declared types, followed by columns that are only declared.
fn columns(
    options: &pb::JsonlSource,
    inferred: Columns,
    notes: &mut Vec<String>,
) -> Result<Vec<ColumnSpec>> {
    let mut columns = Vec::new();
    for (name, data_type, nested) in inferred.finish() {
        if nested {
            notes.push(format!(
                "column '{name}' has nested values and is read as their JSON text"
            ));
        }
        columns.push(ColumnSpec {
            name,
            data_type,
            strict: true,
        });
    }
    for declared in &options.columns {
        let data_type = declared_type(declared)
            .map_err(|error| error.place(format!("columns.{}", declared.name)))?;
        match columns
            .iter_mut()
            .find(|column| column.name == declared.name)
        {
            Some(column) => {
                column.data_type = data_type;
                column.strict = false;
            }
            None => columns.push(ColumnSpec {
                name: declared.name.clone(),
                data_type,
                strict: false,
            }),
        }
    }
    Ok(columns)
}

fn declared_type(declared: &pb::Column) -> Result<DataType> {
    let data_type = parse_type(&declared.r#type)?;
    require_readable(&data_type)?;
    Ok(data_type)
}

/// JSON lines with settled columns.
#[derive(Debug)]
pub struct JsonlSource {
    format: Arc<Format>,
    files: Vec<FeedFile>,
    forms: Vec<Form>,
    again: Again,
    notes: Vec<String>,
}

impl JsonlSource {
    /// Opens with another number of partitions and size of chunks than the usual; the rows are the
    /// same.
    #[must_use]
    pub fn open_with(
        &self,
        count: usize,
        chunk_size: usize,
        context: &ScanContext,
    ) -> Vec<BatchStream> {
        let forms = self.forms.clone();
        let max_record = self.format.max_record;
        let open = move |file: File, index: usize| {
            let form = forms.get(index).ok_or(std::io::ErrorKind::NotFound)?;
            let reader = form.read(file, form.mark)?;
            let splitter = LineSplitter::new(reader, form.mark, max_record, chunk_size);
            Ok(Box::new(splitter) as Box<dyn Split>)
        };
        let feed = Feed::new(self.files.clone(), Box::new(open), context.only.clone());
        let feed = Arc::new(Mutex::new(feed));
        let partitions = (0..count).map(|_| {
            let (name, projection) = (Arc::clone(&context.name), Arc::clone(&context.projection));
            let parser = Parser::new(
                Arc::clone(&self.format),
                name,
                projection,
                context.batch_rows,
            );
            partition(Arc::clone(&feed), parser, context)
        });
        partitions.collect()
    }
}

impl Source for JsonlSource {
    fn kind(&self) -> &'static str {
        "jsonl"
    }

    fn schema(&self) -> SchemaRef {
        let columns = self.format.columns.iter();
        let fields = columns.map(|column| Field::new(&column.name, column.data_type.clone(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn bytes_total(&self) -> Option<u64> {
        stored::bytes_total(&self.files, &self.forms)
    }

    fn partitions(&self, wanted: usize) -> usize {
        stored::partitions(self.bytes_total(), wanted)
    }

    fn open(&self, wanted: usize, context: &ScanContext) -> Result<Vec<BatchStream>> {
        let size = stored::chunk_size(self.bytes_total(), wanted);
        Ok(self.open_with(self.partitions(wanted), size, context))
    }

    fn origin_name(&self, src: u32) -> String {
        let file = self.files.get(src as usize);
        file.map(|file| file.found.name.clone()).unwrap_or_default()
    }

    fn has_places(&self) -> bool {
        true
    }

    fn raw_record(&self, origin: &Origin, limit: usize) -> Option<Vec<u8>> {
        let mut named = self.files.iter().zip(&self.forms);
        let (file, form) = named.find(|(file, _)| file.found.name == origin.source)?;
        let mut wanted = limit.min(FIRST_LOOK);
        loop {
            let again = &self.again;
            let (mut line, ended) = again.text(&file.found, form, origin.offset?, wanted)?;
            let end = memchr::memchr(b'\n', &line);
            if end.is_some() || ended || wanted >= limit {
                line.truncate(end.unwrap_or(line.len()).min(limit));
                while line.last().is_some_and(u8::is_ascii_whitespace) {
                    line.pop();
                }
                return Some(line);
            }
            wanted = limit.min(wanted * 8);
        }
    }
}
