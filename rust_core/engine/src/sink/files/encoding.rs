//! Which encoding a Parquet column gets, judged by the first rows.
//!
//! The format's default builds a dictionary for each row group until it overflows, which for a
//! column of mostly different values is all cost and no gain: every value is hashed, and then most
//! are written plainly. Here a column gets a dictionary only where that takes fewer bits; numbers
//! that lie close to their neighbours, or are all different, are packed as differences.

use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::parquet::basic::Encoding;
use datafusion::parquet::file::properties::WriterPropertiesBuilder;
use datafusion::parquet::schema::types::ColumnPath;

/// So many rows are looked at, from the start of the first batch.
const SAMPLE_ROWS: usize = 4096;
/// Fewer rows tell nothing.
const LEAST_ROWS: usize = 512;
/// Values that are packed with the same number of bits.
const PACKED_TOGETHER: usize = 64;
/// The widest decimal that Parquet stores as a 64-bit integer.
const INTEGER_DECIMAL_DIGITS: u8 = 18;
/// A dictionary of more bytes overflows: the default limit of the format's writer.
const MOST_DICTIONARY_BYTES: f64 = 1024.0 * 1024.0;

/// Sets the encodings of columns whose values are not lists or structs; the others keep the
/// format's default. `group_rows` is how many rows share a dictionary.
pub(super) fn choose(
    mut properties: WriterPropertiesBuilder,
    schema: &SchemaRef,
    first: &RecordBatch,
    group_rows: usize,
) -> WriterPropertiesBuilder {
    if first.num_rows() < LEAST_ROWS {
        return properties;
    }
    let sample = first.slice(0, first.num_rows().min(SAMPLE_ROWS));
    for (field, values) in schema.fields().iter().zip(sample.columns()) {
        let path = || ColumnPath::new(vec![field.name().clone()]);
        match encoding(values.as_ref(), group_rows) {
            Choice::Dictionary => {}
            Choice::Plain => {
                properties = properties.set_column_dictionary_enabled(path(), false);
            }
            Choice::Differences => {
                properties = properties
                    .set_column_dictionary_enabled(path(), false)
                    .set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED);
            }
        }
    }
    properties
}

#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Dictionary,
    Plain,
    Differences,
}

fn encoding(values: &dyn Array, group_rows: usize) -> Choice {
    let Some(width) = value_bytes(values) else {
        return Choice::Dictionary;
    };
    let Some(different) = different(values, group_rows) else {
        return Choice::Dictionary;
    };
    let overflows = different * width > MOST_DICTIONARY_BYTES;
    if let Some(numbers) = integers(values) {
        let rows = precise(group_rows);
        let dictionary = different.log2().ceil().max(1.0) + 8.0 * width * different / rows;
        if overflows || packed_bits(&numbers) <= dictionary {
            return Choice::Differences;
        }
    } else if overflows {
        return Choice::Plain;
    }
    Choice::Dictionary
}

/// About how many bytes a value takes plainly; None for types that keep the default.
fn value_bytes(values: &dyn Array) -> Option<f64> {
    let present = (values.len() - values.null_count()).max(1);
    let text = |bytes: usize| Some(4.0 + precise(bytes) / precise(present));
    match values.data_type() {
        DataType::Utf8 => text(span(values.as_string::<i32>().value_offsets())),
        DataType::Binary => text(span(values.as_binary::<i32>().value_offsets())),
        DataType::Utf8View => text(values.as_string_view().lengths().map(size).sum()),
        DataType::BinaryView => text(values.as_binary_view().lengths().map(size).sum()),
        other => other.primitive_width().map(precise),
    }
}

fn span(offsets: &[i32]) -> usize {
    let ends = offsets.first().zip(offsets.last());
    ends.map_or(0, |(first, last)| {
        usize::try_from(last - first).unwrap_or(0)
    })
}

fn size(length: u32) -> usize {
    length as usize
}

/// About how many different values `group_rows` rows like these have; None where that cannot be
/// told. With `d` different values among `n` drawn from `D`, `d = D (1 - e^(-n/D))`.
fn different(values: &dyn Array, group_rows: usize) -> Option<f64> {
    let rows = values.len() - values.null_count();
    if rows < LEAST_ROWS {
        return None;
    }
    let seen = precise(seen(values)?);
    let (drawn, group) = (precise(rows), precise(group_rows));
    if seen >= drawn {
        return Some(group);
    }
    let expected = |among: f64, draws: f64| among * -(-draws / among).exp_m1();
    let (mut low, mut high) = (seen, group * 64.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if expected(middle, drawn) < seen {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(expected(low, group))
}

/// How many different values there are.
fn seen(values: &dyn Array) -> Option<usize> {
    let mut hashes = vec![0_u64; values.len()];
    // A fixed seed: the choice has no chance in it.
    create_hashes([values], &RandomState::with_seed(0), &mut hashes).ok()?;
    hashes.sort_unstable();
    hashes.dedup();
    Some(hashes.len())
}

/// The values as Parquet's integers, without nulls; None where they are stored otherwise.
fn integers(values: &dyn Array) -> Option<Vec<i64>> {
    let numbers: Int64Array = match values.data_type() {
        DataType::Decimal128(digits, _) if *digits <= INTEGER_DECIMAL_DIGITS => {
            let numbers = values.as_primitive::<Decimal128Type>();
            numbers.unary_opt(|each| i64::try_from(each).ok())
        }
        DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Date32
        | DataType::Timestamp(_, _) => {
            let numbers = arrow::compute::cast(values, &DataType::Int64).ok()?;
            numbers.as_primitive::<Int64Type>().clone()
        }
        _ => return None,
    };
    Some(numbers.iter().flatten().collect())
}

/// Bits of a value on average when differences between neighbours are packed.
fn packed_bits(numbers: &[i64]) -> f64 {
    let differences: Vec<_> = numbers
        .iter()
        .zip(numbers.iter().skip(1))
        .map(|(one, next)| i128::from(*next) - i128::from(*one))
        .collect();
    let widths = differences.chunks(PACKED_TOGETHER).map(|block| {
        let (least, most) = block
            .iter()
            .fold((i128::MAX, i128::MIN), |(least, most), each| {
                (least.min(*each), most.max(*each))
            });
        128 - (most - least).leading_zeros()
    });
    let blocks = differences.len().div_ceil(PACKED_TOGETHER).max(1);
    f64::from(widths.sum::<u32>()) / precise(blocks)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn precise(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, StringArray};

    use super::*;

    const GROUP: usize = 1 << 18;

    /// Numbers that look random: a multiplicative generator, always the same.
    fn scattered(below: i64) -> impl Iterator<Item = i64> {
        (1_u64..).map(move |each| {
            let mixed = each.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
            i64::try_from(mixed).unwrap_or(0) % below
        })
    }

    fn of(numbers: impl Iterator<Item = i64>) -> Choice {
        let array = Int64Array::from_iter_values(numbers.take(SAMPLE_ROWS));
        encoding(&array, GROUP)
    }

    #[test]
    fn counters_and_scattered_numbers_are_packed_as_differences() {
        assert_eq!(of(0..), Choice::Differences);
        assert_eq!(of(scattered(1 << 30)), Choice::Differences);
    }

    #[test]
    fn few_values_far_apart_share_a_dictionary() {
        assert_eq!(
            of(scattered(50).map(|each| each * 1_000_000)),
            Choice::Dictionary
        );
    }

    #[test]
    fn long_text_without_repetition_is_plain_and_codes_are_not() {
        let text = |below: i64| -> ArrayRef {
            let values = scattered(below).take(SAMPLE_ROWS);
            Arc::new(StringArray::from_iter_values(
                values.map(|each| format!("a comment on the item {each}")),
            ))
        };
        assert_eq!(encoding(text(1 << 30).as_ref(), GROUP), Choice::Plain);
        assert_eq!(encoding(text(20).as_ref(), GROUP), Choice::Dictionary);
    }

    #[test]
    fn numbers_of_the_whole_range_do_not_overflow() {
        let ends = (0..).map(|each| if each % 2 == 0 { i64::MIN } else { i64::MAX });
        assert_eq!(of(ends), Choice::Dictionary);
    }

    #[test]
    fn nulls_alone_keep_the_default() {
        let nulls = Date32Array::new_null(SAMPLE_ROWS);
        assert_eq!(encoding(&nulls, GROUP), Choice::Dictionary);
    }
}
