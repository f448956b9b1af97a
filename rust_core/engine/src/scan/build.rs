//! Text to Arrow columns, whatever the format it was found in.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, BooleanBufferBuilder,
    NullBufferBuilder, PrimitiveArray, StringArray, UInt32Array, UInt64Array,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Schema, SchemaRef, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;

use super::convert::{Fault, binary, boolean, decimal, float, integer, temporal};
use super::identity_fields;
use crate::error::{Code, EngineError, Result};

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

/// Builds a column that is not text from its `rows` texts, none for a missing value. Rows whose text
/// is not a value of the type get null, and their numbers are added to `bad`.
///
/// # Errors
/// `TYPE_UNKNOWN` for types that text is not read as.
pub fn column<'a>(
    spec: &ColumnSpec,
    rows: usize,
    texts: impl Iterator<Item = Option<&'a [u8]>>,
    bad: &mut Vec<u32>,
) -> Result<ArrayRef> {
    let strict = spec.strict;
    let texts = Texts { rows, texts, bad };
    Ok(match &spec.data_type {
        DataType::Int64 => texts.primitive::<Int64Type>(|text| integer::parse(text, strict)),
        DataType::Int32 => texts.primitive::<Int32Type>(|text| integer::parse_narrow(text, strict)),
        DataType::Int16 => texts.primitive::<Int16Type>(|text| integer::parse_narrow(text, strict)),
        DataType::Int8 => texts.primitive::<Int8Type>(|text| integer::parse_narrow(text, strict)),
        DataType::Float64 => texts.primitive::<Float64Type>(|text| float::parse_f64(text, strict)),
        DataType::Float32 => texts.primitive::<Float32Type>(float::parse_f32),
        DataType::Decimal128(precision, scale) => {
            let (precision, digits) = (*precision, scale.unsigned_abs());
            let array = texts
                .array::<Decimal128Type>(|text| decimal::parse(text, precision, digits, strict));
            Arc::new(
                array
                    .with_precision_and_scale(precision, *scale)
                    .map_err(|error| bug(&error))?,
            )
        }
        DataType::Date32 => texts.primitive::<Date32Type>(temporal::parse_date),
        DataType::Timestamp(_, None) => {
            texts.primitive::<TimestampMicrosecondType>(temporal::parse_timestamp)
        }
        DataType::Timestamp(_, Some(zone)) => {
            let parse = |text: &[u8]| temporal::parse_instant(text, strict);
            Arc::new(
                texts
                    .array::<TimestampMicrosecondType>(parse)
                    .with_timezone(Arc::clone(zone)),
            )
        }
        DataType::Time64(_) => texts.primitive::<Time64MicrosecondType>(temporal::parse_time),
        DataType::Boolean => texts.boolean(strict),
        DataType::Binary => texts.binary()?,
        other => return Err(unreadable(other)),
    })
}

/// Adds the rows whose text is not a value of the column's type to `bad`, and builds nothing.
///
/// # Errors
/// `TYPE_UNKNOWN` for types that text is not read as.
pub fn check_column<'a>(
    spec: &ColumnSpec,
    texts: impl Iterator<Item = Option<&'a [u8]>>,
    bad: &mut Vec<u32>,
) -> Result<()> {
    let strict = spec.strict;
    // The types of most columns have loops of their own.
    match &spec.data_type {
        DataType::Int64 => faults(texts, bad, |text| integer::parse(text, strict)),
        DataType::Int32 => faults(texts, bad, |text| {
            integer::parse_narrow::<i32>(text, strict)
        }),
        DataType::Decimal128(precision, scale) => {
            let (precision, digits) = (*precision, scale.unsigned_abs());
            faults(texts, bad, |text| {
                decimal::parse(text, precision, digits, strict)
            });
        }
        DataType::Date32 => faults(texts, bad, temporal::parse_date),
        _ => {
            require_readable(&spec.data_type)?;
            faults(texts, bad, |text| check(text, spec));
        }
    }
    Ok(())
}

#[inline]
fn faults<'a, T>(
    texts: impl Iterator<Item = Option<&'a [u8]>>,
    bad: &mut Vec<u32>,
    parse: impl Fn(&[u8]) -> Result<T, Fault>,
) {
    for (row, text) in (0_u32..).zip(texts) {
        if text.is_some_and(|text| parse(text).is_err()) {
            bad.push(row);
        }
    }
}

/// The identity columns of rows of one file.
#[must_use]
pub fn identity(src: u32, lines: Vec<u64>, offsets: Vec<u64>) -> [ArrayRef; 3] {
    [
        Arc::new(UInt32Array::from_value(src, lines.len())),
        Arc::new(UInt64Array::from(lines)),
        Arc::new(UInt64Array::from(offsets)),
    ]
}

/// A batch of columns, without the rows in `bad`, which is in ascending order.
///
/// # Errors
/// `ENGINE_BUG` when the columns do not fit together.
pub fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, bad: &[u32]) -> Result<RecordBatch> {
    let batch = RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| bug(&error))?;
    if bad.is_empty() {
        return Ok(batch);
    }
    let mut keep = vec![true; batch.num_rows()];
    for &row in bad {
        if let Some(keep) = keep.get_mut(row as usize) {
            *keep = false;
        }
    }
    filter_record_batch(&batch, &BooleanArray::from(keep)).map_err(|error| bug(&error))
}

struct Texts<'b, I> {
    rows: usize,
    texts: I,
    bad: &'b mut Vec<u32>,
}

impl<'a, I: Iterator<Item = Option<&'a [u8]>>> Texts<'_, I> {
    #[inline]
    fn primitive<T: ArrowPrimitiveType>(
        self,
        parse: impl Fn(&[u8]) -> Result<T::Native, Fault>,
    ) -> ArrayRef {
        Arc::new(self.array::<T>(parse))
    }

    #[inline]
    fn array<T: ArrowPrimitiveType>(
        self,
        parse: impl Fn(&[u8]) -> Result<T::Native, Fault>,
    ) -> PrimitiveArray<T> {
        let mut values: Vec<T::Native> = Vec::with_capacity(self.rows);
        let mut nulls = NullBufferBuilder::new(self.rows);
        for text in self.texts {
            let value = text.map(&parse);
            if let Some(Ok(value)) = value {
                values.push(value);
                nulls.append_non_null();
                continue;
            }
            if value.is_some() {
                self.bad.push(values.len() as u32);
            }
            values.push(T::Native::default());
            nulls.append_null();
        }
        PrimitiveArray::new(ScalarBuffer::from(values), nulls.finish())
    }

    fn boolean(self, strict: bool) -> ArrayRef {
        let mut values = BooleanBufferBuilder::new(self.rows);
        let mut nulls = NullBufferBuilder::new(self.rows);
        for text in self.texts {
            match text.map(|text| boolean::parse(text, strict)) {
                Some(Ok(value)) => {
                    values.append(value);
                    nulls.append_non_null();
                    continue;
                }
                Some(Err(_)) => self.bad.push(values.len() as u32),
                None => {}
            }
            values.append(false);
            nulls.append_null();
        }
        Arc::new(BooleanArray::new(values.finish(), nulls.finish()))
    }

    fn binary(self) -> Result<ArrayRef> {
        let bad = self.bad;
        let mut row = 0;
        let parts = bytes(self.rows, self.texts, |text, out| {
            row += 1;
            let Some(text) = text else { return false };
            if binary(text, out).is_err() {
                bad.push(row - 1);
            }
            true
        });
        let array = BinaryArray::try_new(parts.offsets, parts.values, parts.nulls);
        Ok(Arc::new(array.map_err(|error| bug(&error))?))
    }
}

/// Builds a text column; `append` adds a value's bytes and says whether there is one.
///
/// # Errors
/// `ENGINE_BUG` when the bytes are not valid UTF-8; that is checked before.
#[inline]
pub fn text<T>(
    rows: usize,
    fields: impl Iterator<Item = T>,
    append: impl FnMut(T, &mut Vec<u8>) -> bool,
) -> Result<ArrayRef> {
    let parts = bytes(rows, fields, append);
    let array = StringArray::try_new(parts.offsets, parts.values, parts.nulls);
    Ok(Arc::new(array.map_err(|error| bug(&error))?))
}

struct Bytes {
    values: Buffer,
    offsets: OffsetBuffer<i32>,
    nulls: Option<arrow::buffer::NullBuffer>,
}

#[inline]
fn bytes<T>(
    rows: usize,
    fields: impl Iterator<Item = T>,
    mut append: impl FnMut(T, &mut Vec<u8>) -> bool,
) -> Bytes {
    let mut values: Vec<u8> = Vec::with_capacity(rows * 16);
    let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
    let mut nulls = NullBufferBuilder::new(rows);
    offsets.push(0);
    for field in fields {
        if append(field, &mut values) {
            nulls.append_non_null();
        } else {
            nulls.append_null();
        }
        offsets.push(values.len() as i32);
    }
    Bytes {
        values: Buffer::from_vec(values),
        offsets: OffsetBuffer::new(ScalarBuffer::from(offsets)),
        nulls: nulls.finish(),
    }
}

/// Checks one text against its column: the slow twin of [`column`], for messages.
///
/// # Errors
/// The fault that keeps the text from being a value of the column.
pub fn check(text: &[u8], spec: &ColumnSpec) -> Result<(), Fault> {
    let strict = spec.strict;
    match &spec.data_type {
        DataType::Utf8 => Ok(()),
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
        DataType::Binary => binary(text, &mut Vec::new()),
        _ => Err(Fault::Syntax),
    }
}

/// Checks that text can be read as a type.
///
/// # Errors
/// `TYPE_UNKNOWN` when it cannot.
pub fn require_readable(data_type: &DataType) -> Result<()> {
    if *data_type == DataType::Utf8 {
        return Ok(());
    }
    let spec = ColumnSpec {
        name: String::new(),
        data_type: data_type.clone(),
        strict: false,
    };
    column(&spec, 0, std::iter::empty(), &mut Vec::new()).map(drop)
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
