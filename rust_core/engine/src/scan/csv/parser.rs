//! Chunks to batches and rejects. Each partition has its own parser.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt32Array, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::columns::{ColumnSpec, View, check};
use super::dialect::Dialect;
use super::fields::Fields;
use super::index::{Cursor, RowIndex};
use super::nulls::NullTokens;
use crate::error::{Code, EngineError, Result};
use crate::reject::{Origin, Reason, Reject, RejectCode};
use crate::scan::chunk::{Damaged, Defect, Layout, Parse, Parsed, Piece};
use crate::scan::convert::excerpt;
use crate::scan::identity_fields;

/// The most fields of a batch, so that very wide files do not make very large batches.
const MAX_FIELDS: usize = 1 << 20;

/// What all partitions know about a source.
#[derive(Debug)]
pub struct Format {
    /// How its files are written.
    pub dialect: Dialect,
    /// What means a missing value.
    pub nulls: NullTokens,
    /// Its columns.
    pub columns: Vec<ColumnSpec>,
}

/// Turns pieces into batches.
#[derive(Debug)]
pub struct Parser {
    format: Arc<Format>,
    step: Arc<str>,
    projection: Arc<[usize]>,
    schema: SchemaRef,
    batch_rows: usize,
    index: RowIndex,
    piece: Option<Progress>,
}

#[derive(Debug)]
struct Progress {
    piece: Piece,
    segment: usize,
    cursor: Option<Cursor>,
    /// Whether the chunk's text may be invalid or hold NUL.
    suspect: bool,
    quotes: bool,
}

impl Parser {
    /// A parser for the projected columns of a source called `step`.
    #[must_use]
    pub fn new(
        format: Arc<Format>,
        step: Arc<str>,
        projection: Arc<[usize]>,
        batch_rows: usize,
    ) -> Self {
        let width = format.columns.len();
        let schema = output_schema(&format.columns, &projection);
        let batch_rows = batch_rows.clamp(1, (MAX_FIELDS / width.max(1)).max(1));
        Self {
            format,
            step,
            projection,
            schema,
            batch_rows,
            index: RowIndex::new(width),
            piece: None,
        }
    }
}

impl Parse for Parser {
    fn feed(&mut self, piece: Piece) {
        let data = &piece.chunk.data;
        let valid = simdutf8::basic::from_utf8(data).is_ok();
        let suspect = !valid || memchr::memchr(0, data).is_some();
        let quotes = piece.chunk.segments.iter().any(|segment| segment.quotes);
        self.piece = Some(Progress {
            piece,
            segment: 0,
            cursor: None,
            suspect,
            quotes,
        });
    }

    fn next(&mut self) -> Result<Option<Parsed>> {
        let Some(mut progress) = self.piece.take() else {
            return Ok(None);
        };
        let mut rejects: Vec<Reject> = std::mem::take(&mut progress.piece.chunk.damaged)
            .into_iter()
            .map(|damaged| self.reject_damaged(damaged, &progress.piece.layout))
            .collect();
        self.fill(&mut progress);
        if self.index.rows() == 0 && self.index.ragged.is_empty() && rejects.is_empty() {
            return Ok(None);
        }
        let rows = Rows {
            parser: self,
            progress: &progress,
        };
        rows.reject_ragged(&mut rejects);
        let suspects = if progress.suspect {
            rows.suspects()
        } else {
            Vec::new()
        };
        if !suspects.is_empty() {
            rows.reject_rows(&suspects, &mut rejects);
            self.index.remove(&suspects);
        }
        let batch = Rows {
            parser: self,
            progress: &progress,
        }
        .batch(&mut rejects)?;
        self.piece = Some(progress);
        Ok(Some(Parsed { batch, rejects }))
    }
}

impl Parser {
    fn fill(&mut self, progress: &mut Progress) {
        self.index.clear();
        let chunk = &progress.piece.chunk;
        while let Some(segment) = chunk.segments.get(progress.segment) {
            let cursor = progress.cursor.get_or_insert_with(|| Cursor::new(segment));
            self.index.fill(
                &chunk.data,
                segment,
                cursor,
                &self.format.dialect,
                self.batch_rows,
            );
            if !cursor.is_done(segment) {
                return;
            }
            progress.cursor = None;
            progress.segment += 1;
            if self.index.rows() >= self.batch_rows {
                return;
            }
        }
    }

    fn reject_damaged(&self, damaged: Damaged, layout: &Layout) -> Reject {
        let (code, message) = explain_defect(&damaged, &self.format.dialect);
        let column = layout
            .fields
            .iter()
            .position(|&field| field == damaged.field);
        let column = column.and_then(|column| self.format.columns.get(column));
        let column = column.filter(|_| damaged.defect != Defect::TooLong);
        let reason = Reason {
            column: column.map(|column| column.name.clone()),
            code,
            message,
        };
        Reject {
            step: self.step.to_string(),
            origin: Some(Origin {
                source: layout.name.to_string(),
                line: Some(damaged.line),
                offset: Some(damaged.offset),
            }),
            raw: damaged.raw,
            reasons: vec![reason],
        }
    }
}

fn explain_defect(damaged: &Damaged, dialect: &Dialect) -> (RejectCode, String) {
    let field = damaged.field + 1;
    match damaged.defect {
        Defect::StrayQuote => (
            RejectCode::StrayQuote,
            format!("text follows the closing quote of field {field}"),
        ),
        Defect::UnterminatedQuote => (
            RejectCode::UnterminatedQuote,
            format!("the quote that opens field {field} is not closed"),
        ),
        Defect::TooLong => (
            RejectCode::RecordTooLong,
            format!("the line is longer than {} bytes", dialect.max_record),
        ),
    }
}

/// The projected columns followed by the identity columns.
#[must_use]
pub fn output_schema(columns: &[ColumnSpec], projection: &[usize]) -> SchemaRef {
    let own = projection
        .iter()
        .filter_map(|&index| columns.get(index))
        .map(|column| Field::new(&column.name, column.data_type.clone(), true));
    Arc::new(Schema::new(
        own.chain(identity_fields()).collect::<Vec<_>>(),
    ))
}

/// The indexed rows of a piece.
struct Rows<'a> {
    parser: &'a Parser,
    progress: &'a Progress,
}

impl Rows<'_> {
    fn data(&self) -> &[u8] {
        &self.progress.piece.chunk.data
    }

    fn bytes(&self, row: usize) -> &[u8] {
        let index = &self.parser.index;
        let start = index.starts.get(row).map_or(0, |&start| start as usize);
        self.data()
            .get(start..index.row_end(row))
            .unwrap_or_default()
    }

    /// The file offset of the chunk's first byte.
    fn base(&self) -> u64 {
        let first = self.progress.piece.chunk.segments.first();
        first.map_or(0, |segment| segment.offset - segment.start as u64)
    }

    fn reject(&self, start: usize, line: u64, raw: &[u8], reasons: Vec<Reason>) -> Reject {
        Reject {
            step: self.parser.step.to_string(),
            origin: Some(Origin {
                source: self.progress.piece.layout.name.to_string(),
                line: Some(line),
                offset: Some(self.base() + start as u64),
            }),
            raw: raw
                .get(..raw.len().min(Reject::RAW_LIMIT))
                .unwrap_or_default()
                .to_vec(),
            reasons,
        }
    }

    fn reject_ragged(&self, rejects: &mut Vec<Reject>) {
        let width = self.parser.index.width;
        for ragged in &self.parser.index.ragged {
            let code = if ragged.fields < width {
                RejectCode::TooFewFields
            } else {
                RejectCode::TooManyFields
            };
            let noun = if ragged.fields == 1 {
                "field"
            } else {
                "fields"
            };
            let message = format!("the record has {} {noun}, not {width}", ragged.fields);
            let raw = self
                .data()
                .get(ragged.start..ragged.end)
                .unwrap_or_default();
            let reason = Reason {
                column: None,
                code,
                message,
            };
            rejects.push(self.reject(ragged.start, ragged.line, raw, vec![reason]));
        }
    }

    /// The rows that hold NUL or are not valid UTF-8.
    fn suspects(&self) -> Vec<u32> {
        let is_bad = |row: &u32| {
            let bytes = self.bytes(*row as usize);
            memchr::memchr(0, bytes).is_some() || simdutf8::basic::from_utf8(bytes).is_err()
        };
        (0..self.parser.index.rows() as u32)
            .filter(is_bad)
            .collect()
    }

    fn reject_rows(&self, rows: &[u32], rejects: &mut Vec<Reject>) {
        let index = &self.parser.index;
        for row in rows.iter().map(|&row| row as usize) {
            let (Some(&start), Some(&line)) = (index.starts.get(row), index.lines.get(row)) else {
                continue;
            };
            let raw = self.bytes(row);
            rejects.push(self.reject(start as usize, line, raw, self.explain(raw)));
        }
    }

    /// Every reason why a record is refused, in the order of the columns.
    fn explain(&self, record: &[u8]) -> Vec<Reason> {
        let format = &self.parser.format;
        let fields: Vec<&[u8]> = Fields::new(record, &format.dialect).collect();
        let layout = &self.progress.piece.layout;
        let mut reasons = Vec::new();
        for (column, &field) in format.columns.iter().zip(layout.fields.iter()) {
            let field = fields.get(field).copied().unwrap_or_default();
            let found = if memchr::memchr(0, field).is_some() {
                Some((
                    RejectCode::NulByte,
                    format!("'{}' holds a NUL byte", excerpt(field)),
                ))
            } else if let Err(error) = simdutf8::compat::from_utf8(field) {
                let at = error.valid_up_to() + 1;
                let text = format!(
                    "'{}' is not valid UTF-8 from its byte {at} on",
                    excerpt(field)
                );
                Some((RejectCode::InvalidEncoding, text))
            } else {
                let fault = check(field, column, &format.dialect, &format.nulls).err();
                fault.map(|fault| fault.explain(field, &column.data_type))
            };
            let reason = |(code, message)| Reason {
                column: Some(column.name.clone()),
                code,
                message,
            };
            reasons.extend(found.map(reason));
        }
        reasons
    }

    fn batch(&self, rejects: &mut Vec<Reject>) -> Result<RecordBatch> {
        let mut bad = Vec::new();
        let columns = self.columns(&mut bad)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.parser.schema), columns).map_err(bug)?;
        if bad.is_empty() {
            return Ok(batch);
        }
        bad.sort_unstable();
        bad.dedup();
        self.reject_rows(&bad, rejects);
        let mut keep = vec![true; batch.num_rows()];
        for row in bad {
            if let Some(keep) = keep.get_mut(row as usize) {
                *keep = false;
            }
        }
        filter_record_batch(&batch, &BooleanArray::from(keep)).map_err(bug)
    }

    /// Converts every column, so that a projection never hides a bad value, and keeps those that are
    /// wanted. Text that is not wanted was checked with the chunk.
    fn columns(&self, bad: &mut Vec<u32>) -> Result<Vec<ArrayRef>> {
        let format = &self.parser.format;
        let view = View {
            data: self.data(),
            index: &self.parser.index,
            dialect: &format.dialect,
            nulls: &format.nulls,
            quotes: self.progress.quotes,
        };
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.parser.projection.len() + 3);
        let mut wanted = self.parser.projection.iter().peekable();
        for (position, (spec, &field)) in format
            .columns
            .iter()
            .zip(self.progress.piece.layout.fields.iter())
            .enumerate()
        {
            let is_wanted = wanted.next_if_eq(&&position).is_some();
            if is_wanted || spec.data_type != DataType::Utf8 {
                let array = view.column(field, spec, bad)?;
                if is_wanted {
                    arrays.push(array);
                }
            }
        }
        arrays.extend(self.identity());
        Ok(arrays)
    }

    fn identity(&self) -> [ArrayRef; 3] {
        let index = &self.parser.index;
        let base = self.base();
        let offsets: Vec<u64> = index
            .starts
            .iter()
            .map(|&start| base + u64::from(start))
            .collect();
        [
            Arc::new(UInt32Array::from_value(
                self.progress.piece.layout.src,
                index.rows(),
            )),
            Arc::new(UInt64Array::from(index.lines.clone())),
            Arc::new(UInt64Array::from(offsets)),
        ]
    }
}

fn bug(error: arrow::error::ArrowError) -> EngineError {
    EngineError::new(
        Code::EngineBug,
        format!("a batch could not be built: {error}"),
    )
}
