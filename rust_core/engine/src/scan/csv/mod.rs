//! Delimited text files.
//!
//! [`automaton`] defines what a record is. The splitter cuts a file into chunks of whole records;
//! each partition's parser finds their fields and parses them straight into columns.
//!
//! What a field means:
//! - Unquoted text that is one of `null_values` (an empty field and `NA` when none are declared) is a
//!   missing value. A quoted field is never one, except that `""` in a column that is not text means
//!   the same as an empty field. In a text column `""` is the empty text.
//! - Spaces around values that are not text do not count.
//! - A record with the wrong number of fields, with NUL, with invalid UTF-8 or with a value that its
//!   column's type cannot keep is a reject with every reason. No text with NUL is let through,
//!   because no target keeps it.
//! - Blank lines are nothing, except in a file of one column, where they are a missing value.

pub mod automaton;
pub mod columns;
pub mod compile;
pub mod delimiter;
pub mod dialect;
pub mod fields;
pub mod guess;
pub mod head;
pub mod header;
pub mod index;
pub mod infer;
pub mod marks;
pub mod masks;
pub mod nulls;
pub mod parser;
pub mod rows;
pub mod runs;
pub mod sample;
pub mod sniff;
pub mod splitter;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use parking_lot::Mutex;

use self::automaton::{Patience, Scan};
use self::parser::{Format, Parser};
use self::sniff::Finding;
use self::splitter::Splitter;
use super::chunk::{Place, Split};
use super::feed::{Feed, FeedFile, partition};
use super::replay::Wanted;
use super::text::again::{Again, FIRST_LOOK};
use super::text::{self, Form};
use super::{BatchStream, ScanContext, ScanEnv, Source, usual_bytes};
use crate::error::Result;
use crate::plan::pb;
use crate::reject::Origin;

/// Compiles a source of delimited text files.
///
/// # Errors
/// `SOURCE_NOT_FOUND`, `SOURCE_EMPTY`, `SOURCE_CORRUPT`, `SOURCE_MISMATCH`, `PATH_REFUSED`,
/// `COLUMN_UNKNOWN`, `TYPE_UNKNOWN`, `PLAN_INVALID`.
pub fn compile(options: &pb::CsvSource, env: &ScanEnv) -> Result<Arc<dyn Source>> {
    Ok(Arc::new(compile::compile(options, env)?))
}

/// Delimited text files with settled dialect and types.
#[derive(Debug)]
pub struct CsvSource {
    format: Arc<Format>,
    files: Vec<FeedFile>,
    forms: Vec<Form>,
    starts: Vec<Place>,
    again: Again,
    notes: Vec<String>,
    findings: Vec<Finding>,
    /// What a record takes on the average, where a sample tells.
    record_bytes: Option<u64>,
}

impl CsvSource {
    fn feed(&self, chunk_size: usize, only: Option<Arc<Wanted>>) -> Feed {
        let opened: Vec<(Form, Place)> = self
            .forms
            .iter()
            .copied()
            .zip(self.starts.iter().copied())
            .collect();
        let dialect = self.format.dialect;
        let open = move |file: File, index: usize| {
            let (form, start) = opened.get(index).ok_or(std::io::ErrorKind::NotFound)?;
            let reader = form.read(file, start.offset)?;
            let splitter = Splitter::new(reader, dialect, chunk_size, *start, Patience::default());
            Ok(Box::new(splitter.of_decoded(form.encoding.unit())) as Box<dyn Split>)
        };
        Feed::new(self.files.clone(), Box::new(open), only)
    }

    /// Opens with another number of partitions and size of chunks than the usual; the rows are the same.
    pub fn open_with(
        &self,
        count: usize,
        chunk_size: usize,
        context: &ScanContext,
    ) -> Vec<BatchStream> {
        let feed = Arc::new(Mutex::new(self.feed(chunk_size, context.only.clone())));
        (0..count)
            .map(|_| {
                let projection = Arc::clone(&context.projection);
                let name = Arc::clone(&context.name);
                let parser = Parser::new(
                    Arc::clone(&self.format),
                    name,
                    projection,
                    context.batch_rows,
                );
                partition(Arc::clone(&feed), parser, context)
            })
            .collect()
    }
}

impl Source for CsvSource {
    fn kind(&self) -> &'static str {
        "csv"
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
        text::bytes_total(&self.files, &self.forms)
    }

    fn rows_estimate(&self) -> Option<u64> {
        let bytes = self.record_bytes.unwrap_or_else(|| usual_bytes(self));
        Some(self.bytes_total()? / bytes)
    }

    fn partitions(&self, wanted: usize) -> usize {
        text::partitions(self.bytes_total(), wanted)
    }

    fn open(&self, wanted: usize, context: &ScanContext) -> Result<Vec<BatchStream>> {
        let size = text::chunk_size(self.bytes_total(), wanted);
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
            let (mut bytes, ended) = again.text(&file.found, form, origin.offset?, wanted)?;
            let mut scan = Scan::new(&Patience::default());
            let record = scan.advance(&bytes, ended, &self.format.dialect);
            if record.is_some() || ended || wanted >= limit {
                bytes.truncate(record.map_or(bytes.len(), |record| record.end).min(limit));
                return Some(bytes);
            }
            wanted = limit.min(wanted * 8);
        }
    }
}
