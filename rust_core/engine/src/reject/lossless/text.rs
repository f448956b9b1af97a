//! Text to other types, by the same readers as sources.

use super::*;
use crate::scan::build::{self, ColumnSpec};

/// Converts text, or none for types that sources do not read.
pub(super) fn convert(array: &ArrayRef, to: &DataType) -> Result<Option<Converted>> {
    let Some(spec) = spec(to) else {
        return Ok(None);
    };
    let texts = cast_with_options(array, &DataType::Utf8, &LENIENT)?;
    let texts = texts.as_string::<i32>();
    let fields = texts.iter().map(|text| text.map(str::as_bytes));
    let mut bad = Vec::new();
    let read = build::column(&spec, texts.len(), fields, &mut bad)?;
    // Sources read microseconds; other units may hold less.
    let converted = super::convert(&read, to)?;
    bad.extend(converted.bad);
    bad.sort_unstable();
    let array = converted.array;
    Ok(Some(Converted { array, bad }))
}

/// Why a text cannot be converted.
pub(super) fn why(array: &ArrayRef, row: usize, to: &DataType) -> (RejectCode, String) {
    let fault = spec(to).and_then(|spec| {
        let text = cast_with_options(&array.slice(row, 1), &DataType::Utf8, &LENIENT).ok()?;
        let text = text.as_string_opt::<i32>()?.value(0);
        build::check(text.as_bytes(), &spec).err()
    });
    match fault {
        Some(fault) => (fault.code(to), fault.why(to)),
        None => (
            RejectCode::ConversionFailed,
            "it is not a value of that type".to_owned(),
        ),
    }
}

/// How sources read a type, where they do.
fn spec(to: &DataType) -> Option<ColumnSpec> {
    let data_type = match to {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Boolean
        | DataType::Date32 => to.clone(),
        DataType::Decimal128(_, scale) if *scale >= 0 => to.clone(),
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(zone)) if matches!(zone.as_ref(), "UTC" | "+00:00" | "Z") => {
            DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(zone)))
        }
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        _ => return None,
    };
    Some(ColumnSpec {
        name: String::new(),
        data_type,
        strict: false,
    })
}
