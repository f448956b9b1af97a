//! Parquet files. Row groups are read side by side; a row's line is its number within its file.

pub mod normal;
pub mod reader;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parking_lot::Mutex;

use self::normal::normal_type;
use self::reader::{ParquetFile, RowGroup, Shared, columns_to_read, partition};
use super::build::{ColumnSpec, output_schema};
use super::csv::compile::size_note;
use super::csv::header::arrange;
use super::files::{FoundFile, resolve};
use super::{BatchStream, ScanContext, ScanEnv, Source};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::plan::types::type_name;
use crate::reject::{Origin, row_json};

/// Compiles a source of Parquet files.
///
/// # Errors
/// `SOURCE_NOT_FOUND`, `SOURCE_CORRUPT`, `SOURCE_MISMATCH`, `PATH_REFUSED`, `PLAN_INVALID`.
pub fn compile(options: &pb::ParquetSource, env: &ScanEnv) -> Result<Arc<dyn Source>> {
    let found = resolve(&options.uri, env)?;
    let notes = vec![size_note(&found)];
    let mut columns: Vec<ColumnSpec> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut files: Vec<ParquetFile> = Vec::with_capacity(found.len());
    for (found, src) in found.into_iter().zip(0..) {
        let footer = footer(&found)?;
        let own: Vec<ColumnSpec> = footer
            .schema()
            .fields()
            .iter()
            .map(|field| spec(field))
            .collect();
        let own_names: Vec<String> = own.iter().map(|column| column.name.clone()).collect();
        if files.is_empty() {
            (columns, names) = (own.clone(), own_names.clone());
        }
        let first = files
            .first()
            .map_or(found.name.clone(), |file| file.found.name.clone());
        let fields = arrange(&names, &own_names, &found, &first)?;
        same_types(&columns, &own, &fields, &found, &first)?;
        files.push(ParquetFile {
            found,
            footer,
            fields,
            src,
        });
    }
    let schema = Arc::new(Schema::new(
        columns
            .iter()
            .map(|column| Field::new(&column.name, column.data_type.clone(), true))
            .collect::<Vec<_>>(),
    ));
    Ok(Arc::new(ParquetSource {
        columns,
        schema,
        files: files.into(),
        notes,
    }))
}

fn spec(field: &Field) -> ColumnSpec {
    ColumnSpec {
        name: field.name().clone(),
        data_type: normal_type(field.data_type()),
        strict: false,
    }
}

/// Reads a file's footer.
fn footer(found: &FoundFile) -> Result<ArrowReaderMetadata> {
    let file = found.open()?;
    let load = || ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
    let message = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(load)) {
        Ok(Ok(footer)) => return Ok(footer),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its footer makes no sense".to_owned(),
    };
    Err(EngineError::new(
        Code::SourceCorrupt,
        format!("{} is not a whole Parquet file: {message}", found.name),
    )
    .place(format!("footer, before byte {}", found.stamp.size))
    .hint("The file may be cut off; fetch or write it again"))
}

fn same_types(
    columns: &[ColumnSpec],
    own: &[ColumnSpec],
    fields: &[usize],
    found: &FoundFile,
    first: &str,
) -> Result<()> {
    for (column, own) in columns
        .iter()
        .zip(fields.iter().filter_map(|&at| own.get(at)))
    {
        if column.data_type != own.data_type {
            let text = format!(
                "column '{}' is {} in {} and {} in {first}",
                column.name,
                type_name(&own.data_type),
                found.name,
                type_name(&column.data_type),
            );
            return Err(EngineError::new(Code::SourceMismatch, text).hint(
                "Files of one source have the same columns; give the others a source of their own",
            ));
        }
    }
    Ok(())
}

/// Parquet files with settled columns.
#[derive(Debug)]
pub struct ParquetSource {
    columns: Vec<ColumnSpec>,
    schema: SchemaRef,
    files: Arc<[ParquetFile]>,
    notes: Vec<String>,
}

impl ParquetSource {
    /// All row groups of all files, in order.
    fn row_groups(&self) -> Vec<RowGroup> {
        let mut groups = Vec::new();
        for (file, entry) in self.files.iter().enumerate() {
            let mut first = 0;
            for (group, metadata) in entry.footer.metadata().row_groups().iter().enumerate() {
                groups.push(RowGroup { file, group, first });
                first += u64::try_from(metadata.num_rows()).unwrap_or(0);
            }
        }
        groups
    }
}

impl Source for ParquetSource {
    fn kind(&self) -> &'static str {
        "parquet"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn bytes_total(&self) -> Option<u64> {
        let groups = self.row_groups();
        Some(
            groups
                .iter()
                .filter_map(|group| Some(self.files.get(group.file)?.bytes(group.group)))
                .sum(),
        )
    }

    fn rows_estimate(&self) -> Option<u64> {
        let groups = self
            .files
            .iter()
            .flat_map(|file| file.footer.metadata().row_groups());
        let rows: i64 = groups.map(|group| group.num_rows()).sum();
        u64::try_from(rows).ok()
    }

    fn partitions(&self, wanted: usize) -> usize {
        wanted.min(self.row_groups().len()).max(1)
    }

    fn open(&self, wanted: usize, context: &ScanContext) -> Result<Vec<BatchStream>> {
        let shared = Arc::new(Shared {
            files: Arc::clone(&self.files),
            queue: Mutex::new(self.row_groups().into()),
            read: columns_to_read(&self.files, &context.projection),
            schema: output_schema(&self.columns, &context.projection),
        });
        Ok((0..self.partitions(wanted))
            .map(|_| partition(Arc::clone(&shared), context))
            .collect())
    }

    fn origin_name(&self, src: u32) -> String {
        let file = self.files.get(src as usize);
        file.map(|file| file.found.name.clone()).unwrap_or_default()
    }

    fn raw_record(&self, origin: &Origin, limit: usize) -> Option<Vec<u8>> {
        let ordinal = origin.line?.checked_sub(1)?;
        let at = self
            .files
            .iter()
            .position(|file| file.found.name == origin.source)?;
        let groups = self.row_groups();
        let group = groups
            .iter()
            .rev()
            .find(|group| group.file == at && group.first <= ordinal)?;
        let file = self.files.get(at)?;
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let skip = usize::try_from(ordinal - group.first).ok()?;
        let mut reader = file
            .reader(file.found.open().ok()?, group.group, &all, 8192)
            .ok()?;
        let mut before = 0;
        loop {
            let batch = file
                .guard(group.group, || Ok(reader.next().transpose()?))
                .ok()??;
            if skip < before + batch.num_rows() {
                let mut raw = row_json(&batch, skip - before).ok()?;
                raw.truncate(limit);
                return Some(raw);
            }
            before += batch.num_rows();
        }
    }
}
