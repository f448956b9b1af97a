//! Fields of the server's binary form become columns of batches.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
    Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow::error::ArrowError;

use super::column::ReadAs;
use super::numeric;
use crate::plan::types::UTC;

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// Why a field was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The value has no counterpart in batches: the row is a reject.
    Value(&'static str),
    /// The bytes are not of the column's type: the stream is damaged.
    Form,
}

/// Gathers a column's values.
pub(super) enum Column {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Oid(Int64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Decimal(Decimal128Builder, i8),
    Text(StringBuilder),
    Jsonb(StringBuilder),
    Uuid(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Column {
    /// An empty column.
    ///
    /// # Errors
    /// When a decimal's precision is none.
    pub(super) fn new(read_as: ReadAs) -> Result<Self, ArrowError> {
        Ok(match read_as {
            ReadAs::Bool => Self::Bool(BooleanBuilder::new()),
            ReadAs::Int2 => Self::Int2(Int16Builder::new()),
            ReadAs::Int4 => Self::Int4(Int32Builder::new()),
            ReadAs::Int8 => Self::Int8(Int64Builder::new()),
            ReadAs::Oid => Self::Oid(Int64Builder::new()),
            ReadAs::Float4 => Self::Float4(Float32Builder::new()),
            ReadAs::Float8 => Self::Float8(Float64Builder::new()),
            ReadAs::Decimal(precision, scale) => Self::Decimal(
                Decimal128Builder::new().with_precision_and_scale(precision, scale)?,
                scale,
            ),
            ReadAs::Text | ReadAs::Cast | ReadAs::ToJson => Self::Text(StringBuilder::new()),
            ReadAs::Jsonb => Self::Jsonb(StringBuilder::new()),
            ReadAs::Uuid => Self::Uuid(StringBuilder::new()),
            ReadAs::Bytes => Self::Bytes(BinaryBuilder::new()),
            ReadAs::Date => Self::Date(Date32Builder::new()),
            ReadAs::Time => Self::Time(Time64MicrosecondBuilder::new()),
            ReadAs::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            ReadAs::Instant => {
                Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone(UTC))
            }
        })
    }

    /// Appends a missing value.
    pub(super) fn push_missing(&mut self) {
        match self {
            Self::Bool(values) => values.append_null(),
            Self::Int2(values) => values.append_null(),
            Self::Int4(values) => values.append_null(),
            Self::Int8(values) | Self::Oid(values) => values.append_null(),
            Self::Float4(values) => values.append_null(),
            Self::Float8(values) => values.append_null(),
            Self::Decimal(values, _) => values.append_null(),
            Self::Text(values) | Self::Jsonb(values) | Self::Uuid(values) => values.append_null(),
            Self::Bytes(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Time(values) => values.append_null(),
            Self::Timestamp(values) => values.append_null(),
        }
    }

    /// Appends a value.
    ///
    /// # Errors
    /// When it has no counterpart; nothing was appended then.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Bool(values) => match bytes {
                [byte] => values.append_value(*byte != 0),
                _ => return Err(Fault::Form),
            },
            Self::Int2(values) => values.append_value(i16::from_be_bytes(fixed(bytes)?)),
            Self::Int4(values) => values.append_value(i32::from_be_bytes(fixed(bytes)?)),
            Self::Int8(values) => values.append_value(i64::from_be_bytes(fixed(bytes)?)),
            Self::Oid(values) => values.append_value(u32::from_be_bytes(fixed(bytes)?).into()),
            Self::Float4(values) => values.append_value(f32::from_be_bytes(fixed(bytes)?)),
            Self::Float8(values) => values.append_value(f64::from_be_bytes(fixed(bytes)?)),
            Self::Decimal(values, scale) => {
                let value = numeric::read(bytes, *scale);
                values.append_value(value.ok_or(Fault::Value("NaN or infinity is no decimal"))?);
            }
            Self::Text(values) => values.append_value(text(bytes)?),
            Self::Jsonb(values) => match bytes {
                [1, json @ ..] => values.append_value(text(json)?),
                _ => return Err(Fault::Form),
            },
            Self::Uuid(values) => {
                let mut buffer = uuid::Uuid::encode_buffer();
                let id = uuid::Uuid::from_bytes(fixed(bytes)?);
                values.append_value(id.hyphenated().encode_lower(&mut buffer));
            }
            Self::Bytes(values) => values.append_value(bytes),
            Self::Date(values) => values.append_value(date(i32::from_be_bytes(fixed(bytes)?))?),
            Self::Time(values) => values.append_value(i64::from_be_bytes(fixed(bytes)?)),
            Self::Timestamp(values) => {
                values.append_value(timestamp(i64::from_be_bytes(fixed(bytes)?))?);
            }
        }
        Ok(())
    }

    /// The column, and an empty one in its place.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(values) => Arc::new(values.finish()),
            Self::Int2(values) => Arc::new(values.finish()),
            Self::Int4(values) => Arc::new(values.finish()),
            Self::Int8(values) | Self::Oid(values) => Arc::new(values.finish()),
            Self::Float4(values) => Arc::new(values.finish()),
            Self::Float8(values) => Arc::new(values.finish()),
            Self::Decimal(values, _) => Arc::new(values.finish()),
            Self::Text(values) | Self::Jsonb(values) | Self::Uuid(values) => {
                Arc::new(values.finish())
            }
            Self::Bytes(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Time(values) => Arc::new(values.finish()),
            Self::Timestamp(values) => Arc::new(values.finish()),
        }
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Fault> {
    bytes.try_into().map_err(|_| Fault::Form)
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| Fault::Form)
}

fn date(days: i32) -> Result<i32, Fault> {
    if matches!(days, i32::MIN | i32::MAX) {
        return Err(Fault::Value("an infinite date has no counterpart"));
    }
    days.checked_add(EPOCH_DAYS)
        .ok_or(Fault::Value("the date is out of range"))
}

fn timestamp(micros: i64) -> Result<i64, Fault> {
    if matches!(micros, i64::MIN | i64::MAX) {
        return Err(Fault::Value("an infinite time has no counterpart"));
    }
    micros
        .checked_add(EPOCH_MICROS)
        .ok_or(Fault::Value("the time is out of range"))
}
