//! The one home of SQL type names: what people write in a pipeline, and the Arrow type behind it.

use arrow::datatypes::{DataType, TimeUnit};

use crate::error::{Code, EngineError, Result};

/// The time zone of every `timestamptz` column. Instants are stored in UTC.
pub const UTC: &str = "UTC";

/// The most digits of a decimal.
pub const MAX_PRECISION: u8 = 38;

/// Reads a SQL type name, as in `bigint`, `decimal(12,2)` or `timestamp with time zone`.
///
/// Case and repeated spaces do not matter. `decimal` without digits is `decimal(38,9)`; a length, as
/// in `varchar(20)`, is refused because it would have to cut or check values: use a rule instead.
///
/// # Errors
/// `TYPE_UNKNOWN` with the nearest known name.
pub fn parse_type(text: &str) -> Result<DataType> {
    let lower = text.to_ascii_lowercase();
    let (base, arguments) = split_arguments(&lower).ok_or_else(|| unknown(text))?;
    let plain = plain_type(&base);
    match (plain, &arguments) {
        (Some(data_type), None) => Ok(data_type),
        (Some(data_type), Some(_)) => with_precision(data_type, text, arguments.as_deref()),
        (None, arguments) if is_decimal(&base) => decimal(text, arguments.as_deref()),
        (None, _) => Err(unknown(text)),
    }
}

/// The SQL name of a type, in the form that [`parse_type`] reads. Types that a pipeline cannot name
/// (lists, structs) are shown in Arrow's own words.
#[must_use]
pub fn type_name(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Float32 => "real",
        DataType::Float64 => "double",
        DataType::Boolean => "boolean",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytea",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => return format!("decimal({precision},{scale})"),
        DataType::Dictionary(_, value) => return type_name(value),
        other => return other.to_string(),
    };
    name.to_owned()
}

fn plain_type(base: &str) -> Option<DataType> {
    Some(match base {
        "tinyint" => DataType::Int8,
        "smallint" | "int2" => DataType::Int16,
        "integer" | "int" | "int4" => DataType::Int32,
        "bigint" | "int8" | "long" => DataType::Int64,
        "real" | "float4" => DataType::Float32,
        "double" | "double precision" | "float" | "float8" => DataType::Float64,
        "boolean" | "bool" => DataType::Boolean,
        "text" | "varchar" | "character varying" | "string" => DataType::Utf8,
        "bytea" | "binary" | "varbinary" | "blob" => DataType::Binary,
        "date" => DataType::Date32,
        "time" | "time without time zone" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" | "datetime" | "timestamp without time zone" => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        "timestamptz" | "timestamp with time zone" => {
            DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
        }
        _ => return None,
    })
}

fn is_decimal(base: &str) -> bool {
    matches!(base, "decimal" | "numeric" | "dec")
}

/// `timestamp(6)` and the like say what holds anyway; every other argument is refused.
fn with_precision(data_type: DataType, text: &str, arguments: Option<&str>) -> Result<DataType> {
    let timed = matches!(data_type, DataType::Timestamp(..) | DataType::Time64(_));
    if timed && arguments.is_some_and(|given| given.trim() == "6") {
        return Ok(data_type);
    }
    Err(EngineError::new(
        Code::TypeUnknown,
        format!("the type '{text}' takes no arguments"),
    )
    .hint("Leave them out; check lengths with a rule in a `validate` step"))
}

fn decimal(text: &str, arguments: Option<&str>) -> Result<DataType> {
    let Some(arguments) = arguments else {
        return Ok(DataType::Decimal128(MAX_PRECISION, 9));
    };
    let mut numbers = arguments
        .split(',')
        .map(|part| part.trim().parse::<u8>().ok());
    let precision = numbers.next().flatten();
    let scale = numbers.next().unwrap_or(Some(0));
    match (precision, scale, numbers.next()) {
        (Some(precision), Some(scale), None)
            if (1..=MAX_PRECISION).contains(&precision) && scale <= precision =>
        {
            Ok(DataType::Decimal128(
                precision,
                i8::try_from(scale).unwrap_or_default(),
            ))
        }
        _ => Err(
            EngineError::new(Code::TypeUnknown, format!("'{text}' is not a decimal type")).hint(
                "Write decimal(p,s) with 1 ≤ p ≤ 38 digits, of which 0 ≤ s ≤ p after the point",
            ),
        ),
    }
}

/// Splits `name(arguments) more` into `name more` and the arguments, spaces reduced to one.
fn split_arguments(text: &str) -> Option<(String, Option<String>)> {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((head, rest)) = text.split_once('(') else {
        return Some((squeeze(text), None));
    };
    let (arguments, tail) = rest.split_once(')')?;
    Some((
        squeeze(&format!("{head} {tail}")),
        Some(arguments.to_owned()),
    ))
}

fn unknown(text: &str) -> EngineError {
    EngineError::new(Code::TypeUnknown, format!("the type '{text}' is not known")).hint(
        "Use smallint, integer, bigint, real, double, decimal(p,s), text, boolean, date, time, \
         timestamp, timestamptz or bytea",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_each_others_inverse() {
        for name in [
            "tinyint",
            "smallint",
            "integer",
            "bigint",
            "real",
            "double",
            "boolean",
            "text",
            "bytea",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "decimal(12,2)",
            "decimal(38,0)",
        ] {
            assert_eq!(
                parse_type(name)
                    .map(|found| type_name(&found))
                    .ok()
                    .as_deref(),
                Some(name)
            );
        }
    }

    #[test]
    fn spellings_of_other_systems_are_read() {
        for (text, name) in [
            ("INT8", "bigint"),
            ("Double  Precision", "double"),
            ("numeric(10)", "decimal(10,0)"),
            ("numeric", "decimal(38,9)"),
            ("timestamp(6) with time zone", "timestamptz"),
            ("character varying", "text"),
        ] {
            assert_eq!(
                parse_type(text)
                    .map(|found| type_name(&found))
                    .ok()
                    .as_deref(),
                Some(name)
            );
        }
    }

    #[test]
    fn what_would_cut_or_overflow_is_refused() {
        for text in [
            "varchar(20)",
            "decimal(39,2)",
            "decimal(4,5)",
            "decimal(0)",
            "decimal(4,2",
            "money",
            "",
        ] {
            assert_eq!(
                parse_type(text).map_err(|error| error.code),
                Err(Code::TypeUnknown),
                "{text}"
            );
        }
    }
}
