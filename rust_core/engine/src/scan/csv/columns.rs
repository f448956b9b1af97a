//! Fields to Arrow columns, straight from the chunk's bytes.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, PrimitiveArray, StringArray,
};
use arrow::array::{BooleanBufferBuilder, NullBufferBuilder};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};

use super::dialect::Dialect;
use super::fields::{inside, unescape, value};
use super::index::RowIndex;
use super::nulls::NullTokens;
use crate::error::{Code, EngineError, Result};
use crate::scan::convert::{Fault, binary, boolean, decimal, float, integer, temporal, trim};

/// A column of the source.
#[derive(Clone, Debug)]
pub struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether the type was inferred, so that values are read strictly.
    pub strict: bool,
}

/// The fields of a batch of rows.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The chunk's bytes.
    pub data: &'a [u8],
    /// Where the fields are.
    pub index: &'a RowIndex,
    /// How they are written.
    pub dialect: &'a Dialect,
    /// What means a missing value.
    pub nulls: &'a NullTokens,
    /// Whether any field may be quoted.
    pub quotes: bool,
}

impl<'a> View<'a> {
    /// The fields of one column, as they are written.
    #[inline]
    fn fields(&self, field: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let data = self.data;
        let index = self.index;
        let rows = index.ends.chunks_exact(index.width);
        index.starts.iter().zip(rows).map(move |(&start, ends)| {
            let start = match field.checked_sub(1) {
                None => start as usize,
                Some(before) => ends.get(before).map_or(0, |&end| end as usize + 1),
            };
            let end = ends.get(field).map_or(0, |&end| end as usize);
            data.get(start..end).unwrap_or_default()
        })
    }

    /// The text of a field that is not of a text type; none when it means a missing value. An empty
    /// pair of quotes means the same as an empty field.
    #[inline]
    fn typed(&self, field: &'a [u8]) -> Option<&'a [u8]> {
        typed_text(field, self.quotes, self.dialect, self.nulls)
    }

    /// Converts a column. Rows whose field is not a value of the type get null, and their numbers are
    /// added to `bad`.
    ///
    /// # Errors
    /// `TYPE_UNKNOWN` for types that text is not read as.
    pub fn column(&self, field: usize, spec: &ColumnSpec, bad: &mut Vec<u32>) -> Result<ArrayRef> {
        let strict = spec.strict;
        Ok(match &spec.data_type {
            DataType::Utf8 => self.text(field)?,
            DataType::Int64 => Arc::new(
                self.primitive::<Int64Type>(field, bad, |text| integer::parse(text, strict)),
            ),
            DataType::Int32 => Arc::new(
                self.primitive::<Int32Type>(field, bad, |text| integer::parse_narrow(text, strict)),
            ),
            DataType::Int16 => Arc::new(
                self.primitive::<Int16Type>(field, bad, |text| integer::parse_narrow(text, strict)),
            ),
            DataType::Int8 => Arc::new(
                self.primitive::<Int8Type>(field, bad, |text| integer::parse_narrow(text, strict)),
            ),
            DataType::Float64 => Arc::new(
                self.primitive::<Float64Type>(field, bad, |text| float::parse_f64(text, strict)),
            ),
            DataType::Float32 => {
                Arc::new(self.primitive::<Float32Type>(field, bad, float::parse_f32))
            }
            DataType::Decimal128(precision, scale) => {
                self.decimal(field, *precision, *scale, strict, bad)?
            }
            DataType::Date32 => {
                Arc::new(self.primitive::<Date32Type>(field, bad, temporal::parse_date))
            }
            DataType::Timestamp(_, None) => Arc::new(self.primitive::<TimestampMicrosecondType>(
                field,
                bad,
                temporal::parse_timestamp,
            )),
            DataType::Timestamp(_, Some(zone)) => Arc::new(
                self.primitive::<TimestampMicrosecondType>(field, bad, |text| {
                    temporal::parse_instant(text, strict)
                })
                .with_timezone(Arc::clone(zone)),
            ),
            DataType::Time64(_) => {
                Arc::new(self.primitive::<Time64MicrosecondType>(field, bad, temporal::parse_time))
            }
            DataType::Boolean => Arc::new(self.boolean(field, strict, bad)),
            DataType::Binary => self.binary(field, bad)?,
            other => return Err(unreadable(other)),
        })
    }

    #[inline]
    fn primitive<T: ArrowPrimitiveType>(
        &self,
        field: usize,
        bad: &mut Vec<u32>,
        parse: impl Fn(&[u8]) -> Result<T::Native, Fault>,
    ) -> PrimitiveArray<T> {
        let rows = self.index.rows();
        let mut values: Vec<T::Native> = Vec::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        for (row, text) in self.fields(field).enumerate() {
            let value = self.typed(text).map(&parse);
            if let Some(Ok(value)) = value {
                values.push(value);
                nulls.append_non_null();
                continue;
            }
            if value.is_some() {
                bad.push(row as u32);
            }
            values.push(T::Native::default());
            nulls.append_null();
        }
        PrimitiveArray::new(ScalarBuffer::from(values), nulls.finish())
    }

    fn decimal(
        &self,
        field: usize,
        precision: u8,
        scale: i8,
        strict: bool,
        bad: &mut Vec<u32>,
    ) -> Result<ArrayRef> {
        let digits = scale.unsigned_abs();
        let array = self.primitive::<Decimal128Type>(field, bad, |text| {
            decimal::parse(text, precision, digits, strict)
        });
        let array = array
            .with_precision_and_scale(precision, scale)
            .map_err(|error| bug(&error))?;
        Ok(Arc::new(array))
    }

    fn boolean(&self, field: usize, strict: bool, bad: &mut Vec<u32>) -> BooleanArray {
        let rows = self.index.rows();
        let mut values = BooleanBufferBuilder::new(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        for (row, text) in self.fields(field).enumerate() {
            match self.typed(text).map(|text| boolean::parse(text, strict)) {
                Some(Ok(value)) => {
                    values.append(value);
                    nulls.append_non_null();
                    continue;
                }
                Some(Err(_)) => bad.push(row as u32),
                None => {}
            }
            values.append(false);
            nulls.append_null();
        }
        BooleanArray::new(values.finish(), nulls.finish())
    }

    fn text(&self, field: usize) -> Result<ArrayRef> {
        let (values, offsets, nulls) = self.bytes(field, |text, out| {
            match if self.quotes {
                inside(text, self.dialect.quote)
            } else {
                None
            } {
                Some(inner) => unescape(inner, self.dialect, out),
                None if self.nulls.matches(text) => return false,
                None => out.extend_from_slice(text),
            }
            true
        });
        let array = StringArray::try_new(offsets, values, nulls).map_err(|error| bug(&error))?;
        Ok(Arc::new(array))
    }

    fn binary(&self, field: usize, bad: &mut Vec<u32>) -> Result<ArrayRef> {
        let mut row = 0;
        let (values, offsets, nulls) = self.bytes(field, |text, out| {
            row += 1;
            let missing = self.typed(text).is_none();
            if !missing && binary(&value(text, self.dialect).0, out).is_err() {
                bad.push(row - 1);
            }
            !missing
        });
        let array = BinaryArray::try_new(offsets, values, nulls).map_err(|error| bug(&error))?;
        Ok(Arc::new(array))
    }

    /// Collects values of any length; `append` says whether there is one.
    #[inline]
    fn bytes(
        &self,
        field: usize,
        mut append: impl FnMut(&'a [u8], &mut Vec<u8>) -> bool,
    ) -> (Buffer, OffsetBuffer<i32>, Option<arrow::buffer::NullBuffer>) {
        let rows = self.index.rows();
        let mut values: Vec<u8> = Vec::with_capacity(rows * 16);
        let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
        let mut nulls = NullBufferBuilder::new(rows);
        offsets.push(0);
        for text in self.fields(field) {
            if append(text, &mut values) {
                nulls.append_non_null();
            } else {
                nulls.append_null();
            }
            offsets.push(values.len() as i32);
        }
        (
            Buffer::from_vec(values),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            nulls.finish(),
        )
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

/// Checks one field of a record against its column: the slow twin of [`View::column`], for messages
/// and for inference.
///
/// # Errors
/// The fault that keeps the field from being a value of the column.
pub fn check(
    field: &[u8],
    spec: &ColumnSpec,
    dialect: &Dialect,
    nulls: &NullTokens,
) -> Result<(), Fault> {
    if spec.data_type == DataType::Utf8 {
        return Ok(());
    }
    let Some(text) = typed_text(field, true, dialect, nulls) else {
        return Ok(());
    };
    let strict = spec.strict;
    match &spec.data_type {
        DataType::Int64 => integer::parse(text, strict).map(drop),
        DataType::Int32 => integer::parse_narrow::<i32>(text, strict).map(drop),
        DataType::Int16 => integer::parse_narrow::<i16>(text, strict).map(drop),
        DataType::Int8 => integer::parse_narrow::<i8>(text, strict).map(drop),
        DataType::Float64 => float::parse_f64(text, strict).map(drop),
        DataType::Float32 => float::parse_f32(text).map(drop),
        DataType::Decimal128(precision, scale) => {
            decimal::parse(text, *precision, scale.unsigned_abs(), strict).map(drop)
        }
        DataType::Date32 => temporal::parse_date(text).map(drop),
        DataType::Timestamp(_, None) => temporal::parse_timestamp(text).map(drop),
        DataType::Timestamp(_, Some(_)) => temporal::parse_instant(text, strict).map(drop),
        DataType::Time64(_) => temporal::parse_time(text).map(drop),
        DataType::Boolean => boolean::parse(text, strict).map(drop),
        DataType::Binary => binary(&value(field, dialect).0, &mut Vec::new()),
        _ => Err(Fault::Syntax),
    }
}

/// Whether text can be read as a type.
///
/// # Errors
/// `TYPE_UNKNOWN` when it cannot.
pub fn require_readable(data_type: &DataType) -> Result<()> {
    let empty = RowIndex::new(1);
    let dialect = Dialect::default();
    let nulls = NullTokens::new(&[]);
    let view = View {
        data: &[],
        index: &empty,
        dialect: &dialect,
        nulls: &nulls,
        quotes: false,
    };
    let spec = ColumnSpec {
        name: String::new(),
        data_type: data_type.clone(),
        strict: false,
    };
    view.column(0, &spec, &mut Vec::new()).map(drop)
}

fn unreadable(data_type: &DataType) -> EngineError {
    EngineError::new(
        Code::TypeUnknown,
        format!("text files are not read as {data_type}"),
    )
}

fn bug(error: &arrow::error::ArrowError) -> EngineError {
    EngineError::new(
        Code::EngineBug,
        format!("a column could not be built: {error}"),
    )
}
