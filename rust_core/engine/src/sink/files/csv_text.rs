//! Fields and records of delimited text.
//!
//! A missing value is an empty field, an empty text is `""`. A text that a reader would take for a
//! missing value or for the end of a field is quoted, so that reading gives back what was written.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::lines::Encode;
use crate::error::{Code, EngineError, Result};

const END: &[u8] = b"\r\n";
/// Unquoted, it means a missing value to our own reader. A missing value in a file of one column is
/// written so, since most readers skip empty lines.
const MISSING: &[u8] = b"NA";

/// The format's options.
#[derive(Clone, Copy, Debug)]
pub(super) struct CsvText {
    /// The byte between fields.
    pub(super) delimiter: u8,
}

impl Encode for CsvText {
    fn start(&self, schema: &SchemaRef, out: &mut Vec<u8>) {
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                out.push(self.delimiter);
            }
            self.text(field.name(), out);
        }
        out.extend_from_slice(END);
    }

    fn rows(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let plain: Vec<ArrayRef> = batch.columns().iter().map(plain).collect::<Result<_>>()?;
        let columns: Vec<Column<'_>> = plain.iter().map(Column::new).collect::<Result<_>>()?;
        let mut scratch = String::new();
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(self.delimiter);
                }
                self.field(column, row, columns.len() == 1, &mut scratch, out)?;
            }
            out.extend_from_slice(END);
        }
        Ok(())
    }
}

impl CsvText {
    fn field(
        &self,
        column: &Column<'_>,
        row: usize,
        alone: bool,
        scratch: &mut String,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match column {
            _ if column.is_null(row) => out.extend_from_slice(if alone { MISSING } else { b"" }),
            Column::Text(texts) => self.text(texts.value(row), out),
            Column::Other(_, texts) => {
                scratch.clear();
                write!(scratch, "{}", texts.value(row)).map_err(|_| untextable())?;
                self.text(scratch, out);
            }
        }
        Ok(())
    }

    fn text(&self, text: &str, out: &mut Vec<u8>) {
        let bytes = text.as_bytes();
        let special = |byte: &u8| matches!(*byte, b'"' | b'\r' | b'\n') || *byte == self.delimiter;
        if !bytes.is_empty() && bytes != MISSING && !bytes.iter().any(special) {
            out.extend_from_slice(bytes);
            return;
        }
        out.push(b'"');
        for part in text.split_inclusive('"') {
            out.extend_from_slice(part.as_bytes());
            if part.ends_with('"') {
                out.push(b'"');
            }
        }
        out.push(b'"');
    }
}

/// A column as texts.
enum Column<'a> {
    Text(&'a arrow::array::StringArray),
    Other(&'a ArrayRef, ArrayFormatter<'a>),
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self> {
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Ok(Self::Text(texts));
        }
        let texts = ArrayFormatter::try_new(array.as_ref(), &FORMAT).map_err(|_| untextable())?;
        Ok(Self::Other(array, texts))
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(array) => array.is_null(row),
            Self::Other(array, _) => array.is_null(row) || *array.data_type() == DataType::Null,
        }
    }
}

const FORMAT: FormatOptions<'_> = FormatOptions::new().with_display_error(false);

/// Texts with offsets, whatever their form; other types as they are.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    let wanted = match array.data_type() {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        _ => return Ok(array.clone()),
    };
    let cast = cast(array, &wanted).map_err(|_| untextable())?;
    if matches!(cast.data_type(), DataType::LargeUtf8 | DataType::Utf8View) {
        plain(&cast)
    } else {
        Ok(cast)
    }
}

fn untextable() -> EngineError {
    EngineError::new(Code::TargetMismatch, "a column's values have no text form")
        .hint("Cast the column to text, or write jsonl or parquet")
}
