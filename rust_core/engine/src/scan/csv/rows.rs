//! The indexed rows of a piece: their batch, and the reasons of those that are refused.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::columns::{View, check};
use super::fields::Fields;
use super::head::repeats;
use super::index::RowIndex;
use super::parser::Format;
use crate::error::Result;
use crate::reject::{Origin, Reason, Reject, RejectCode};
use crate::scan::build;
use crate::scan::chunk::Piece;
use crate::scan::convert::excerpt;
use crate::scan::text::unit::Places;

/// The indexed rows of a piece.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The source's format.
    pub format: &'a Format,
    /// The source's name.
    pub step: &'a str,
    /// The columns that are wanted, in ascending order.
    pub projection: &'a [usize],
    /// The columns of a batch.
    pub schema: &'a SchemaRef,
    /// Where the rows are.
    pub index: &'a RowIndex,
    /// The bytes.
    pub piece: &'a Piece,
    /// Whether any field may be quoted.
    pub quotes: bool,
    /// Where they are in the file.
    pub places: &'a Places,
}

impl Rows<'_> {
    fn data(&self) -> &[u8] {
        &self.piece.chunk.data
    }

    fn bytes(&self, row: usize) -> &[u8] {
        let index = self.index;
        let start = index.starts.get(row).map_or(0, |&start| start as usize);
        self.data()
            .get(start..index.row_end(row))
            .unwrap_or_default()
    }

    /// The file offset of the chunk's first byte.
    fn base(&self) -> u64 {
        let first = self.piece.chunk.segments.first();
        first.map_or(0, |segment| {
            segment.offset - self.places.length(self.data(), segment.start)
        })
    }

    fn reject(&self, start: usize, line: u64, raw: &[u8], reasons: Vec<Reason>) -> Reject {
        Reject {
            step: self.step.to_owned(),
            origin: Some(Origin {
                source: self.piece.layout.name.to_string(),
                line: Some(line),
                offset: Some(self.base() + self.places.length(self.data(), start)),
            }),
            raw: raw
                .get(..raw.len().min(Reject::RAW_LIMIT))
                .unwrap_or_default()
                .to_vec(),
            reasons,
        }
    }

    /// Rejects the rows with another number of fields.
    pub fn reject_ragged(&self, rejects: &mut Vec<Reject>) {
        let width = self.index.width;
        for ragged in &self.index.ragged {
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
    pub fn suspects(&self) -> Vec<u32> {
        let is_bad = |row: &u32| {
            let bytes = self.bytes(*row as usize);
            memchr::memchr(0, bytes).is_some() || simdutf8::basic::from_utf8(bytes).is_err()
        };
        (0..self.index.rows() as u32).filter(is_bad).collect()
    }

    /// The rows that repeat the header.
    pub fn repeated(&self, names: &[Vec<u8>]) -> Vec<u32> {
        let same = |row: &u32| self.is_header(self.bytes(*row as usize), names);
        (0..self.index.rows() as u32).filter(same).collect()
    }

    fn is_header(&self, record: &[u8], names: &[Vec<u8>]) -> bool {
        let dialect = &self.format.dialect;
        let mut fields = Fields::new(record, dialect);
        let mut same = |name: &Vec<u8>| {
            let field = fields.next();
            field.is_some_and(|field| repeats(field, name, dialect))
        };
        names.iter().all(&mut same) && fields.next().is_none()
    }

    /// Rejects rows with every reason.
    pub fn reject_rows(&self, rows: &[u32], rejects: &mut Vec<Reject>) {
        let index = self.index;
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
        let format = self.format;
        let fields: Vec<&[u8]> = Fields::new(record, &format.dialect).collect();
        let layout = &self.piece.layout;
        let mut reasons = Vec::new();
        if format
            .repeated
            .as_ref()
            .is_some_and(|names| self.is_header(record, names))
        {
            return vec![Reason {
                column: None,
                code: RejectCode::RepeatedHeader,
                message: "the record repeats the header".to_owned(),
            }];
        }
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
                let fault = check(field, column, format).err();
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

    /// The batch of the good rows; the others become rejects.
    ///
    /// # Errors
    /// `ENGINE_BUG` when the columns do not make a batch.
    pub fn batch(&self, rejects: &mut Vec<Reject>) -> Result<RecordBatch> {
        let mut bad = Vec::new();
        let columns = self.columns(&mut bad)?;
        bad.sort_unstable();
        bad.dedup();
        self.reject_rows(&bad, rejects);
        build::batch(self.schema, columns, &bad)
    }

    /// Converts the columns that are wanted and checks the others, so that a projection never hides a
    /// bad value.
    fn columns(&self, bad: &mut Vec<u32>) -> Result<Vec<ArrayRef>> {
        let format = self.format;
        let view = View {
            data: self.data(),
            index: self.index,
            format,
            quotes: self.quotes,
        };
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.projection.len() + 3);
        let mut wanted = self.projection.iter().peekable();
        for (position, (spec, &field)) in format
            .columns
            .iter()
            .zip(self.piece.layout.fields.iter())
            .enumerate()
        {
            let is_wanted = wanted.next_if_eq(&&position).is_some();
            if is_wanted {
                arrays.push(view.column(field, spec, bad)?);
            } else {
                view.check(field, spec, bad)?;
            }
        }
        arrays.extend(self.identity());
        Ok(arrays)
    }

    fn identity(&self) -> [ArrayRef; 3] {
        let base = self.base();
        let offsets = self
            .index
            .starts
            .iter()
            .map(|&start| base + self.places.length(self.data(), start as usize));
        build::identity(
            self.piece.layout.src,
            self.index.lines.clone(),
            offsets.collect(),
        )
    }
}
