//! How a column of rows becomes a column of the target: settled before any row moves.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use postgres_types::Type;

use super::numeric::Limits;
use crate::pg::Column;
use crate::plan::types::type_name;

/// Bytes of an integer or float on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// `int2`.
    Two,
    /// `int4`, `float4`.
    Four,
    /// `int8`, `float8`.
    Eight,
}

/// How values are encoded. Every conversion keeps the value; a value that would change is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// All missing.
    Null,
    /// Booleans.
    Bool,
    /// Integers or whole decimals into integers.
    Int(Width),
    /// Integers and floats into floats.
    Float(Width),
    /// Any number into `numeric`.
    Numeric(Limits),
    /// Texts of at most so many characters.
    Text(Option<usize>),
    /// JSON; true for `jsonb`.
    Json(bool),
    /// Texts or 16 bytes into `uuid`.
    Uuid,
    /// Texts into an enumeration of these labels.
    Label(Arc<HashSet<String>>),
    /// Bytes.
    Bytes,
    /// Dates.
    Date,
    /// Dates or ticks into timestamps; the target keeps every so many microseconds.
    Timestamp(Ticks),
    /// Ticks into times of day.
    Time(Ticks),
    /// Ticks, or months, days and nanoseconds, into `interval`.
    Interval(Ticks),
}

/// How counted time becomes microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticks {
    /// Microseconds of a tick; a negative number divides instead.
    pub(super) scale: i64,
    /// The target's precision in microseconds.
    pub(super) step: i64,
}

/// Why a column does not fit, and the pipeline's type that would.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The type that a `cast` step should give the column, where there is one.
    pub(super) cast: Option<String>,
    /// More about the reason, where there is more than the two types.
    pub(super) note: Option<&'static str>,
}

/// How columns of an Arrow type become a column of the target.
///
/// # Errors
/// When some or all values could only be stored changed.
pub(super) fn fit(from: &DataType, target: &Column) -> Result<Fit, Misfit> {
    let from = match from {
        DataType::Dictionary(_, value) => value.as_ref(),
        other => other,
    };
    if *from == DataType::Null {
        return Ok(Fit::Null);
    }
    let oid = Type::from_oid(target.type_oid);
    let fitted = match &oid {
        Some(known) => known_type(from, known, target),
        None => other_type(from, target),
    };
    fitted.ok_or_else(|| misfit(from, oid.as_ref(), target))
}

fn known_type(from: &DataType, to: &Type, target: &Column) -> Option<Fit> {
    let is_int = from.is_integer();
    let is_whole = is_int
        || matches!(
            from,
            DataType::Decimal128(..) | DataType::Decimal64(..) | DataType::Decimal32(..)
        );
    let is_number = is_int || from.is_floating() || from.is_decimal();
    let is_small_float = matches!(from, DataType::Float16 | DataType::Float32);
    Some(match *to {
        Type::BOOL if *from == DataType::Boolean => Fit::Bool,
        Type::INT2 if is_whole => Fit::Int(Width::Two),
        Type::INT4 if is_whole => Fit::Int(Width::Four),
        Type::INT8 if is_whole => Fit::Int(Width::Eight),
        Type::FLOAT4 if is_small_float || is_int => Fit::Float(Width::Four),
        Type::FLOAT8 if from.is_floating() || is_int => Fit::Float(Width::Eight),
        Type::NUMERIC if is_number => Fit::Numeric(Limits::of_typmod(target.typmod)),
        Type::TEXT if has_text(from) => Fit::Text(None),
        Type::VARCHAR | Type::BPCHAR if has_text(from) => Fit::Text(length(target.typmod)),
        Type::JSON if is_text(from) || from.is_nested() => Fit::Json(false),
        Type::JSONB if is_text(from) || from.is_nested() => Fit::Json(true),
        Type::UUID if is_text(from) || *from == DataType::FixedSizeBinary(16) => Fit::Uuid,
        Type::BYTEA if is_bytes(from) => Fit::Bytes,
        Type::DATE if is_date(from) => Fit::Date,
        Type::TIMESTAMP if is_date(from) => Fit::Timestamp(DAYS),
        Type::TIMESTAMP => Fit::Timestamp(ticks(from, target, false)?),
        Type::TIMESTAMPTZ => Fit::Timestamp(ticks(from, target, true)?),
        Type::TIME => Fit::Time(time_ticks(from, target)?),
        Type::INTERVAL if target.typmod < 0 => Fit::Interval(interval_ticks(from)?),
        _ => return None,
    })
}

/// Types without a fixed number: enumerations and extensions.
fn other_type(from: &DataType, target: &Column) -> Option<Fit> {
    if !is_text(from) {
        return None;
    }
    if !target.labels.is_empty() {
        return Some(Fit::Label(Arc::new(
            target.labels.iter().cloned().collect(),
        )));
    }
    (target.base_name == "citext").then_some(Fit::Text(None))
}

const DAYS: Ticks = Ticks {
    scale: 86_400_000_000,
    step: 1,
};

const fn scale(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1,
        TimeUnit::Nanosecond => -1_000,
    }
}

/// `timestamp(3)` and `time(3)` keep milliseconds.
const fn step(typmod: i32) -> i64 {
    match typmod {
        0 => 1_000_000,
        1 => 100_000,
        2 => 10_000,
        3 => 1_000,
        4 => 100,
        5 => 10,
        _ => 1,
    }
}

fn ticks(from: &DataType, target: &Column, zoned: bool) -> Option<Ticks> {
    match from {
        DataType::Timestamp(unit, zone) if zone.is_some() == zoned => Some(Ticks {
            scale: scale(*unit),
            step: step(target.typmod),
        }),
        _ => None,
    }
}

fn time_ticks(from: &DataType, target: &Column) -> Option<Ticks> {
    match from {
        DataType::Time32(unit) | DataType::Time64(unit) => Some(Ticks {
            scale: scale(*unit),
            step: step(target.typmod),
        }),
        _ => None,
    }
}

fn interval_ticks(from: &DataType) -> Option<Ticks> {
    match from {
        DataType::Duration(unit) => Some(Ticks {
            scale: scale(*unit),
            step: 1,
        }),
        DataType::Interval(_) => Some(Ticks {
            scale: scale(TimeUnit::Nanosecond),
            step: 1,
        }),
        _ => None,
    }
}

/// `varchar(20)` has the modifier 24.
fn length(typmod: i32) -> Option<usize> {
    usize::try_from(typmod.checked_sub(4)?).ok()
}

const fn is_text(from: &DataType) -> bool {
    matches!(
        from,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

const fn is_bytes(from: &DataType) -> bool {
    matches!(
        from,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    )
}

const fn is_date(from: &DataType) -> bool {
    matches!(from, DataType::Date32 | DataType::Date64)
}

/// Whether values have one text form that reads back as the same value.
fn has_text(from: &DataType) -> bool {
    is_text(from)
        || from.is_nested()
        || from.is_integer()
        || from.is_floating()
        || from.is_decimal()
        || is_date(from)
        || matches!(
            from,
            DataType::Boolean | DataType::Timestamp(..) | DataType::Time32(_) | DataType::Time64(_)
        )
}

fn misfit(from: &DataType, to: Option<&Type>, target: &Column) -> Misfit {
    let Some(to) = to else {
        return Misfit {
            cast: None,
            note: Some("values of this type cannot be sent in binary"),
        };
    };
    let cast = match *to {
        Type::BOOL => "boolean".into(),
        Type::INT2 => "smallint".into(),
        Type::INT4 => "integer".into(),
        Type::INT8 => "bigint".into(),
        Type::FLOAT4 => "real".into(),
        Type::FLOAT8 => "double".into(),
        Type::NUMERIC => target.type_name.replace("numeric", "decimal"),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::JSON | Type::JSONB | Type::UUID => {
            "text".into()
        }
        Type::BYTEA => "bytea".into(),
        Type::DATE => "date".into(),
        Type::TIMESTAMP => "timestamp".into(),
        Type::TIMESTAMPTZ => "timestamptz".into(),
        Type::TIME => "time".into(),
        _ => {
            let note = Some("values of this type cannot be sent in binary; use a text column");
            return Misfit { cast: None, note };
        }
    };
    // A cast to the type that the column has already helps nobody.
    let cast = (type_name(from) != cast).then_some(cast);
    Misfit { cast, note: None }
}
