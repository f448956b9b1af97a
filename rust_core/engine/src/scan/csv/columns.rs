//! The fields of a column, and what they mean.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::dialect::Dialect;
use super::fields::{inside, unescape};
use super::index::RowIndex;
use super::marks::Marks;
use super::nulls::NullTokens;
use super::parser::Format;
use crate::error::Result;
use crate::scan::build::{self, ColumnSpec};
use crate::scan::convert::{Fault, trim};

/// The fields of a batch of rows.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The chunk's bytes.
    pub data: &'a [u8],
    /// Where the fields are.
    pub index: &'a RowIndex,
    /// How they are written.
    pub format: &'a Format,
    /// Whether any field may be quoted.
    pub quotes: bool,
}

impl<'a> View<'a> {
    /// The fields of one column, as they are written.
    #[inline]
    fn fields(&self, field: usize) -> ColumnFields<'a> {
        ColumnFields {
            data: self.data,
            starts: self.index.starts.iter(),
            rows: self.index.ends.chunks_exact(self.index.width),
            field,
            gap: self.format.dialect.delimiter.len(),
        }
    }

    /// The text of a field that is not of a text type; none when it means a missing value. An empty
    /// pair of quotes means the same as an empty field.
    #[inline]
    fn typed(&self, field: &'a [u8]) -> Option<&'a [u8]> {
        let format = self.format;
        typed_text(field, self.quotes, &format.dialect, &format.typed_nulls)
    }

    /// Checks a column that nobody wants: adds the rows whose field is not a value of the type.
    ///
    /// # Errors
    /// `TYPE_UNKNOWN` for types that text is not read as.
    pub fn check(&self, field: usize, spec: &ColumnSpec, bad: &mut Vec<u32>) -> Result<()> {
        let marks = &self.format.marks;
        if spec.data_type == DataType::Utf8 {
            // It was checked with the chunk.
            return Ok(());
        }
        if !marks.is_usual() && Marks::concern(&spec.data_type) {
            return self.column(field, spec, bad).map(drop);
        }
        let texts = self.fields(field).map(|field| self.typed(field));
        build::check_column(spec, texts, bad)
    }

    /// Converts a column. Rows whose field is not a value of the type get null, and their numbers are
    /// added to `bad`.
    ///
    /// # Errors
    /// `TYPE_UNKNOWN` for types that text is not read as.
    pub fn column(&self, field: usize, spec: &ColumnSpec, bad: &mut Vec<u32>) -> Result<ArrayRef> {
        let rows = self.index.rows();
        let Format {
            dialect,
            nulls,
            marks,
            ..
        } = self.format;
        if spec.data_type != DataType::Utf8 {
            let texts = self.fields(field).map(|field| self.typed(field));
            if marks.is_usual() || !Marks::concern(&spec.data_type) {
                return build::column(spec, rows, texts, bad);
            }
            let plain: Vec<_> = texts
                .map(|text| text.map(|text| marks.plain(text)))
                .collect();
            return build::column(spec, rows, plain.iter().map(Option::as_deref), bad);
        }
        build::text(rows, self.fields(field), |text, out| {
            match if self.quotes {
                inside(text, dialect.quote)
            } else {
                None
            } {
                Some(inner) => unescape(inner, dialect, out),
                None if nulls.matches(text) => return false,
                None => out.extend_from_slice(text),
            }
            true
        })
    }
}

/// The fields of one column, row by row, as they are written.
struct ColumnFields<'a> {
    data: &'a [u8],
    starts: std::slice::Iter<'a, u32>,
    rows: std::slice::ChunksExact<'a, u32>,
    field: usize,
    /// The delimiter's length.
    gap: usize,
}

impl<'a> Iterator for ColumnFields<'a> {
    type Item = &'a [u8];

    // Called once for each field of a file; left to itself the compiler makes it a call.
    #[inline(always)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (&start, ends) = (self.starts.next()?, self.rows.next()?);
        let start = match self.field.checked_sub(1) {
            None => start as usize,
            Some(before) => ends.get(before).map_or(0, |&end| end as usize + self.gap),
        };
        let end = ends.get(self.field).map_or(0, |&end| end as usize);
        Some(self.data.get(start..end).unwrap_or_default())
    }
}

/// The text of a field that is not of a text type; none when it means a missing value.
#[inline]
fn typed_text<'a>(
    field: &'a [u8],
    quotes: bool,
    dialect: &Dialect,
    nulls: &NullTokens,
) -> Option<&'a [u8]> {
    if quotes && let Some(inner) = inside(field, dialect.quote) {
        let inner = trim(inner);
        return if inner.is_empty() && nulls.empty() {
            None
        } else {
            Some(inner)
        };
    }
    let field = trim(field);
    if nulls.matches(field) {
        None
    } else {
        Some(field)
    }
}

/// Checks one field of a record against its column: the slow twin of [`View::column`], for messages.
///
/// # Errors
/// The fault that keeps the field from being a value of the column.
pub fn check(field: &[u8], spec: &ColumnSpec, format: &Format) -> Result<(), Fault> {
    if spec.data_type == DataType::Utf8 {
        return Ok(());
    }
    match typed_text(field, true, &format.dialect, &format.typed_nulls) {
        Some(text) if Marks::concern(&spec.data_type) => {
            build::check(&format.marks.plain(text), spec)
        }
        Some(text) => build::check(text, spec),
        None => Ok(()),
    }
}
