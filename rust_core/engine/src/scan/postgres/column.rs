//! How a column of the server becomes a column of batches.

use arrow::datatypes::{DataType, Field, TimeUnit};
use postgres_types::{Kind, Type};

use crate::plan::types::UTC;

/// The most digits of a decimal.
const MAX_PRECISION: i32 = 38;

/// A column of the source.
#[derive(Clone, Debug)]
pub(super) struct SourceColumn {
    /// The name.
    pub(super) name: String,
    /// How it is read.
    pub(super) read_as: ReadAs,
    /// The server's type.
    pub(super) type_name: String,
}

impl SourceColumn {
    /// The column of batches.
    pub(super) fn field(&self) -> Field {
        Field::new(&self.name, self.read_as.data_type(), true)
    }
}

/// The form in which values are read. None loses anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadAs {
    /// `boolean`.
    Bool,
    /// `smallint`.
    Int2,
    /// `integer`.
    Int4,
    /// `bigint`.
    Int8,
    /// `oid`, which has no sign.
    Oid,
    /// `real`.
    Float4,
    /// `double precision`.
    Float8,
    /// `numeric` with precision and scale.
    Decimal(u8, i8),
    /// Types whose binary form is text.
    Text,
    /// `jsonb`: text after a version.
    Jsonb,
    /// `uuid`.
    Uuid,
    /// `bytea`.
    Bytes,
    /// `date`.
    Date,
    /// `time`.
    Time,
    /// `timestamp`.
    Timestamp,
    /// `timestamptz`.
    Instant,
    /// Types that the server writes as text.
    Cast,
    /// Arrays and rows, which the server writes as JSON.
    ToJson,
}

impl ReadAs {
    /// How a type is read.
    pub(super) fn of(found: &Type, typmod: i32) -> Self {
        match found.kind() {
            // A domain's own modifier is not told with a query's columns.
            Kind::Domain(inner) if *inner == Type::NUMERIC => return Self::Cast,
            Kind::Domain(inner) => return Self::of(inner, -1),
            Kind::Enum(_) => return Self::Text,
            Kind::Array(_) if *found != Type::INT2_VECTOR && *found != Type::OID_VECTOR => {
                return Self::ToJson;
            }
            Kind::Composite(_) => return Self::ToJson,
            _ => {}
        }
        match *found {
            Type::BOOL => Self::Bool,
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::OID => Self::Oid,
            Type::FLOAT4 => Self::Float4,
            Type::FLOAT8 => Self::Float8,
            Type::NUMERIC => decimal(typmod),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::XML => {
                Self::Text
            }
            Type::JSONB => Self::Jsonb,
            Type::UUID => Self::Uuid,
            Type::BYTEA => Self::Bytes,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMESTAMP => Self::Timestamp,
            Type::TIMESTAMPTZ => Self::Instant,
            _ => Self::Cast,
        }
    }

    /// The type in batches.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int2 => DataType::Int16,
            Self::Int4 => DataType::Int32,
            Self::Int8 | Self::Oid => DataType::Int64,
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::Text | Self::Jsonb | Self::Uuid | Self::Cast | Self::ToJson => DataType::Utf8,
        }
    }

    /// The expression that reads a column.
    pub(super) fn expression(self, column: &str) -> String {
        match self {
            Self::Cast => format!("{column}::text"),
            Self::ToJson => format!("pg_catalog.to_json({column})::text"),
            _ => column.to_owned(),
        }
    }

    /// What people should know of how a column is read.
    pub(super) const fn note(self) -> Option<&'static str> {
        match self {
            Self::Cast => {
                Some("is read as text, so that nothing is lost; cast it where you need more")
            }
            Self::ToJson => Some("is read as JSON text"),
            _ => None,
        }
    }

    /// Whether some values have no counterpart in batches, so that their rows are rejected.
    pub(super) const fn may_fail(self) -> bool {
        matches!(
            self,
            Self::Decimal(..) | Self::Date | Self::Timestamp | Self::Instant
        )
    }
}

/// A `numeric` without precision may have any number of digits: it is read as text.
fn decimal(typmod: i32) -> ReadAs {
    let packed = typmod - 4;
    let precision = (packed >> 16) & 0xffff;
    let scale = ((packed & 0x7ff) ^ 1024) - 1024;
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(digits), Ok(after))
            if typmod >= 4 && precision <= MAX_PRECISION && (0..=precision).contains(&scale) =>
        {
            ReadAs::Decimal(digits, after)
        }
        _ => ReadAs::Cast,
    }
}
