//! Chunks to batches and rejects. Each partition has its own parser.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::index::{Bounds, Cursor, Keys, Refused, ValueIndex, explain_text};
use super::text::decode;
use crate::error::Result;
use crate::reject::{Origin, Reason, Reject, RejectCode};
use crate::scan::build::{self, ColumnSpec, output_schema};
use crate::scan::chunk::{Parse, Parsed, Piece};

/// The most values of a batch.
const MAX_VALUES: usize = 1 << 20;

/// What all partitions know about a source.
#[derive(Debug)]
pub struct Format {
    /// Its columns.
    pub columns: Vec<ColumnSpec>,
    /// Their keys.
    pub keys: Keys,
    /// The most bytes of a line.
    pub max_record: usize,
}

/// Turns pieces into batches.
#[derive(Debug)]
pub struct Parser {
    format: Arc<Format>,
    step: Arc<str>,
    projection: Arc<[usize]>,
    schema: SchemaRef,
    bounds: Bounds,
    index: ValueIndex,
    piece: Option<Progress>,
}

#[derive(Debug)]
struct Progress {
    piece: Piece,
    cursor: Option<Cursor>,
    valid: bool,
}

impl Parser {
    /// A parser for the projected columns of a source called `step`.
    #[must_use]
    pub fn new(format: Arc<Format>, step: Arc<str>, projection: Arc<[usize]>, rows: usize) -> Self {
        let schema = output_schema(&format.columns, &projection);
        let rows = rows.clamp(1, (MAX_VALUES / format.columns.len().max(1)).max(1));
        let bounds = Bounds {
            rows,
            max_record: format.max_record,
        };
        let index = ValueIndex::default();
        Self {
            format,
            step,
            projection,
            schema,
            bounds,
            index,
            piece: None,
        }
    }
}

impl Parse for Parser {
    fn feed(&mut self, piece: Piece) {
        let cursor = piece.chunk.segments.first().map(Cursor::new);
        let valid = simdutf8::basic::from_utf8(&piece.chunk.data).is_ok();
        self.piece = Some(Progress {
            piece,
            cursor,
            valid,
        });
    }

    fn next(&mut self) -> Result<Option<Parsed>> {
        let Some(mut progress) = self.piece.take() else {
            return Ok(None);
        };
        let damaged = std::mem::take(&mut progress.piece.chunk.damaged);
        self.index.clear();
        if let Some(cursor) = progress.cursor.as_mut() {
            let keys = &self.format.keys;
            self.index
                .fill(&progress.piece, cursor, keys, &self.bounds, progress.valid);
        }
        if self.index.rows() + self.index.refused.len() + damaged.len() == 0 {
            return Ok(None);
        }
        let lines = Lines {
            parser: self,
            piece: &progress.piece,
        };
        let mut rejects: Vec<Reject> = damaged
            .into_iter()
            .map(|damaged| {
                let message = format!("the line is longer than {} bytes", self.bounds.max_record);
                let code = RejectCode::RecordTooLong;
                let reasons = vec![Reason {
                    column: None,
                    code,
                    message,
                }];
                lines.reject(damaged.offset, damaged.line, &damaged.raw, reasons)
            })
            .collect();
        let batch = lines.batch(&mut rejects)?;
        self.piece = Some(progress);
        Ok(Some(Parsed { batch, rejects }))
    }
}

/// The indexed lines of a piece.
struct Lines<'a> {
    parser: &'a Parser,
    piece: &'a Piece,
}

impl Lines<'_> {
    fn base(&self) -> u64 {
        self.piece
            .chunk
            .segments
            .first()
            .map_or(0, |segment| segment.offset)
    }

    fn reject(&self, offset: u64, line: u64, raw: &[u8], reasons: Vec<Reason>) -> Reject {
        Reject {
            step: self.parser.step.to_string(),
            origin: Some(Origin {
                source: self.piece.layout.name.to_string(),
                line: Some(line),
                offset: Some(offset),
            }),
            raw: raw
                .get(..raw.len().min(Reject::RAW_LIMIT))
                .unwrap_or_default()
                .to_vec(),
            reasons,
        }
    }

    fn batch(&self, rejects: &mut Vec<Reject>) -> Result<RecordBatch> {
        let index = &self.parser.index;
        let data = &self.piece.chunk.data;
        for Refused {
            start,
            end,
            line,
            reason,
        } in &index.refused
        {
            let raw = data.get(*start..*end).unwrap_or_default();
            let offset = self.base() + *start as u64;
            rejects.push(self.reject(offset, *line, raw, vec![reason.clone()]));
        }
        let mut bad = Vec::new();
        let mut columns = self.columns(&mut bad)?;
        bad.sort_unstable();
        bad.dedup();
        for row in bad.iter().map(|&row| row as usize) {
            let start = index.starts.get(row).map_or(0, |&start| u64::from(start));
            let line = index.lines.get(row).copied().unwrap_or_default();
            let raw = index.line(row, data);
            rejects.push(self.reject(self.base() + start, line, raw, self.explain(row)));
        }
        let offsets = index
            .starts
            .iter()
            .map(|&start| self.base() + u64::from(start))
            .collect();
        columns.extend(build::identity(
            self.piece.layout.src,
            index.lines.clone(),
            offsets,
        ));
        build::batch(&self.parser.schema, columns, &bad)
    }

    /// Converts every column, so that a projection never hides a bad value, and keeps the wanted.
    fn columns(&self, bad: &mut Vec<u32>) -> Result<Vec<ArrayRef>> {
        let mut arrays = Vec::with_capacity(self.parser.projection.len() + 3);
        let mut wanted = self.parser.projection.iter().peekable();
        for (position, spec) in self.parser.format.columns.iter().enumerate() {
            let array = self.column(position, spec, bad)?;
            if wanted.next_if_eq(&&position).is_some() {
                arrays.push(array);
            }
        }
        Ok(arrays)
    }

    fn values(&self, column: usize) -> impl Iterator<Item = &[u8]> {
        let data = &self.piece.chunk.data;
        let rows = self
            .parser
            .index
            .spans
            .chunks_exact(self.parser.format.columns.len().max(1));
        rows.map(move |spans| {
            let span = spans.get(column).copied().unwrap_or_default();
            data.get(span.0 as usize..span.1 as usize)
                .unwrap_or_default()
        })
    }

    fn column(&self, position: usize, spec: &ColumnSpec, bad: &mut Vec<u32>) -> Result<ArrayRef> {
        let rows = self.parser.index.rows();
        let values = self.values(position);
        if spec.data_type != DataType::Utf8 {
            return build::column(spec, rows, values.map(|value| typed(value, spec)), bad);
        }
        build::text(rows, values.zip(0_u32..), |(value, row), out| match value {
            [] | b"null" => false,
            [b'"', inner @ .., b'"'] => {
                if decode(inner, out).is_err() {
                    bad.push(row);
                }
                true
            }
            other => {
                out.extend_from_slice(other);
                true
            }
        })
    }

    /// Every reason why a row is refused, in the order of the columns.
    fn explain(&self, row: usize) -> Vec<Reason> {
        let columns = &self.parser.format.columns;
        let mut reasons = Vec::new();
        for (position, spec) in columns.iter().enumerate() {
            let value = self.values(position).nth(row).unwrap_or_default();
            let found = match value {
                [b'"', inner @ .., b'"'] if spec.data_type == DataType::Utf8 => {
                    decode(inner, &mut Vec::new())
                        .err()
                        .map(|bad| explain_text(bad, value))
                }
                _ => {
                    let text = typed(value, spec);
                    let fault = text.and_then(|text| build::check(text, spec).err());
                    fault.map(|fault| fault.explain(value, &spec.data_type))
                }
            };
            let column = Some(spec.name.clone());
            reasons.extend(found.map(|(code, message)| Reason {
                column,
                code,
                message,
            }));
        }
        reasons
    }
}

/// The text of a value of a column that is not text; none for null and for a missing key. A string
/// stands for the value written in it, except where numbers or truth values were inferred.
fn typed<'a>(value: &'a [u8], spec: &ColumnSpec) -> Option<&'a [u8]> {
    match value {
        [] | b"null" => None,
        [b'"', inner @ .., b'"'] => {
            let bare = spec.data_type.is_numeric() || spec.data_type == DataType::Boolean;
            Some(if spec.strict && bare { value } else { inner })
        }
        other => Some(other),
    }
}
