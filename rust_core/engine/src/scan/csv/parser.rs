//! Chunks to batches and rejects. Each partition has its own parser.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::dialect::Dialect;
use super::index::{Cursor, RowIndex};
use super::marks::Marks;
use super::nulls::NullTokens;
use super::rows::Rows;
use crate::error::Result;
use crate::reject::{Origin, Reason, Reject, RejectCode};
use crate::scan::build::{ColumnSpec, output_schema};
use crate::scan::chunk::{Damaged, Defect, Layout, Parse, Parsed, Piece};
use crate::scan::text::unit::Places;

/// The most fields of a batch, so that very wide files do not make very large batches.
const MAX_FIELDS: usize = 1 << 20;

/// What all partitions know about a source.
#[derive(Debug)]
pub struct Format {
    /// How its files are written.
    pub dialect: Dialect,
    /// What means a missing value.
    pub nulls: NullTokens,
    /// What means a missing value in columns that are not text.
    pub typed_nulls: NullTokens,
    /// How numbers are written.
    pub marks: Marks,
    /// Its columns.
    pub columns: Vec<ColumnSpec>,
    /// The names as a file writes them, where files repeat them among their rows.
    pub repeated: Option<Vec<Vec<u8>>>,
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
    places: Places,
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
        let places = Places::new(piece.chunk.unit, data);
        self.piece = Some(Progress {
            piece,
            segment: 0,
            cursor: None,
            suspect,
            quotes,
            places,
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
        let rows = self.rows(&progress);
        rows.reject_ragged(&mut rejects);
        let mut suspects = if progress.suspect {
            rows.suspects()
        } else {
            Vec::new()
        };
        if let Some(names) = &self.format.repeated {
            suspects.extend(rows.repeated(names));
            suspects.sort_unstable();
            suspects.dedup();
        }
        if !suspects.is_empty() {
            rows.reject_rows(&suspects, &mut rejects);
            self.index.remove(&suspects);
        }
        let batch = self.rows(&progress).batch(&mut rejects)?;
        self.piece = Some(progress);
        Ok(Some(Parsed { batch, rejects }))
    }
}

impl Parser {
    fn rows<'a>(&'a self, progress: &'a Progress) -> Rows<'a> {
        Rows {
            format: &self.format,
            step: &self.step,
            projection: &self.projection,
            schema: &self.schema,
            index: &self.index,
            piece: &progress.piece,
            quotes: progress.quotes,
            places: &progress.places,
        }
    }

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
