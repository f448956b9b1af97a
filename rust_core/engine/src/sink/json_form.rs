//! Values as JSON, and which of them have no form in it.

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Float16Type, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};

/// Whether values of a type may be without a form in JSON: NaN and infinity have none.
pub(super) fn may_lack_form(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => may_lack_form(value),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => may_lack_form(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| may_lack_form(field.data_type())),
        other => other.is_floating(),
    }
}

/// Whether a row's value has a form in JSON.
pub(super) fn has_form(column: &ArrayRef, row: usize) -> bool {
    if column.is_null(row) {
        return true;
    }
    match column.data_type() {
        DataType::Float16 => column.as_primitive::<Float16Type>().value(row).is_finite(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).is_finite(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).is_finite(),
        DataType::List(_) => all_have_form(&column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => all_have_form(&column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => all_have_form(&column.as_fixed_size_list().value(row)),
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            entries.columns().iter().all(all_have_form)
        }
        DataType::Struct(_) => column
            .as_struct()
            .columns()
            .iter()
            .all(|part| has_form(part, row)),
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            let keys = dictionary.normalized_keys();
            keys.get(row)
                .is_none_or(|key| has_form(dictionary.values(), *key))
        }
        _ => true,
    }
}

fn all_have_form(values: &ArrayRef) -> bool {
    (0..values.len()).all(|row| has_form(values, row))
}

/// Each value of a column as JSON text; a missing value stays missing.
///
/// # Errors
/// When the type has no form in JSON.
pub(super) fn to_json(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let field = Field::new("value", column.data_type().clone(), true).into();
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, column.as_ref(), &options)?;
    let mut texts = StringBuilder::new();
    let mut buffer = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
            continue;
        }
        buffer.clear();
        encoder.encode(row, &mut buffer);
        let text = std::str::from_utf8(&buffer);
        texts.append_value(text.map_err(|error| ArrowError::JsonError(error.to_string()))?);
    }
    Ok(texts.finish())
}
