//! The table that is made when the target does not exist.

use arrow::datatypes::{DataType, Field, SchemaRef};

use crate::error::{Code, EngineError, Result};
use crate::pg::{Column, TableName, ident};

/// The columns that a new table gets.
///
/// # Errors
/// `TARGET_MISMATCH` for a type that has no counterpart.
pub(super) fn columns(schema: &SchemaRef, keys: &[String]) -> Result<Vec<Column>> {
    schema
        .fields()
        .iter()
        .map(|field| column(field, keys))
        .collect()
}

fn column(field: &Field, keys: &[String]) -> Result<Column> {
    use postgres_types::Type;
    let from = match field.data_type() {
        DataType::Dictionary(_, value) => value.as_ref(),
        other => other,
    };
    let (known, name) = match from {
        DataType::Boolean => (Type::BOOL, "boolean"),
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => (Type::INT2, "smallint"),
        DataType::Int32 | DataType::UInt16 => (Type::INT4, "integer"),
        DataType::Int64 | DataType::UInt32 => (Type::INT8, "bigint"),
        DataType::UInt64 => return Ok(numeric(field, keys, 20, 0)),
        DataType::Float16 | DataType::Float32 => (Type::FLOAT4, "real"),
        DataType::Float64 => (Type::FLOAT8, "double precision"),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            return Ok(match u8::try_from(*scale) {
                Ok(scale) => numeric(field, keys, (*precision).max(scale), scale),
                Err(_) => named(field, keys, &Type::NUMERIC, "numeric"),
            });
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
            (Type::TEXT, "text")
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => (Type::BYTEA, "bytea"),
        DataType::Date32 | DataType::Date64 => (Type::DATE, "date"),
        DataType::Time32(_) | DataType::Time64(_) => (Type::TIME, "time without time zone"),
        DataType::Timestamp(_, None) => (Type::TIMESTAMP, "timestamp without time zone"),
        DataType::Timestamp(_, Some(_)) => (Type::TIMESTAMPTZ, "timestamp with time zone"),
        DataType::Duration(_) | DataType::Interval(_) => (Type::INTERVAL, "interval"),
        nested if nested.is_nested() => (Type::JSONB, "jsonb"),
        other => {
            let text = format!("the column '{}' holds {other}", field.name());
            return Err(EngineError::new(
                Code::TargetMismatch,
                format!("{text}, which has no SQL type"),
            )
            .hint("Cast it in a `cast` step or drop it"));
        }
    };
    Ok(named(field, keys, &known, name))
}

fn named(field: &Field, keys: &[String], known: &postgres_types::Type, name: &str) -> Column {
    Column {
        name: field.name().clone(),
        type_oid: known.oid(),
        typmod: -1,
        type_name: name.into(),
        base_name: known.name().into(),
        labels: Vec::new(),
        not_null: keys.contains(field.name()),
        is_generated: false,
        has_default: false,
    }
}

fn numeric(field: &Field, keys: &[String], precision: u8, scale: u8) -> Column {
    let name = format!("numeric({precision},{scale})");
    let column = named(field, keys, &postgres_types::Type::NUMERIC, &name);
    Column {
        typmod: ((i32::from(precision) << 16) | i32::from(scale)) + 4,
        ..column
    }
}

/// The statement that makes the table.
pub(super) fn statement(name: &TableName, columns: &[Column], keys: &[String]) -> String {
    let mut lines: Vec<String> = columns
        .iter()
        .map(|column| {
            let suffix = if column.not_null { " NOT NULL" } else { "" };
            format!("  {} {}{suffix}", ident(&column.name), column.type_name)
        })
        .collect();
    if !keys.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| ident(key)).collect();
        lines.push(format!("  PRIMARY KEY ({})", keys.join(", ")));
    }
    format!("CREATE TABLE {} (\n{}\n)", name.quoted(), lines.join(",\n"))
}
