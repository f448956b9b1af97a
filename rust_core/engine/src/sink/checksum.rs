//! An order-independent checksum of rows: the wrapping sum of a 64-bit hash of each row.
//!
//! It depends on the values and the order of the columns, not on the order of the rows, on how they
//! were cut into batches, or on whether a text is stored as a view, with offsets or by dictionary.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type};
use arrow::downcast_primitive_array;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLIER: u64 = 0xd6e8_feb8_6659_fd93;
const NULL: u64 = 0x6e75_6c6c_6e75_6c6c;

/// Sums the hashes of rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checksum(u64);

impl Checksum {
    /// Adds the rows of a batch.
    pub(super) fn add(&mut self, batch: &RecordBatch) {
        let mut hashes = vec![SEED; batch.num_rows()];
        for column in batch.columns() {
            fold_column(column, &mut hashes);
        }
        let sum = hashes
            .iter()
            .fold(0_u64, |sum, hash| sum.wrapping_add(finish(*hash)));
        self.0 = self.0.wrapping_add(sum);
    }

    /// Adds the rows of another part of the same load.
    pub(super) const fn merge(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// The checksum as 16 hexadecimal digits.
    #[must_use]
    pub(super) fn text(self) -> String {
        format!("{:016x}", self.0)
    }
}

const fn mix(hash: u64, value: u64) -> u64 {
    let folded = (hash ^ value).wrapping_mul(MULTIPLIER);
    folded ^ folded.rotate_right(29)
}

const fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(SEED);
    hash ^ (hash >> 29)
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let mut hash = SEED ^ bytes.len() as u64;
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    mix(hash, last_word(bytes))
}

/// A word with the last bytes, some of them twice: the length, which is hashed too, tells which.
fn last_word(bytes: &[u8]) -> u64 {
    if let Some(last) = bytes.last_chunk() {
        return u64::from_le_bytes(*last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) << 32 | u64::from(last);
    }
    let (first, last) = (bytes.first(), bytes.last());
    let bytes = [first, bytes.get(bytes.len() / 2), last];
    bytes
        .into_iter()
        .flatten()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn fold_each(column: &dyn Array, hashes: &mut [u64], value: impl Fn(usize) -> u64) {
    match column.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => hashes
            .iter_mut()
            .enumerate()
            .for_each(|(row, hash)| *hash = mix(*hash, value(row))),
        Some(nulls) => hashes.iter_mut().enumerate().for_each(|(row, hash)| {
            *hash = mix(
                *hash,
                if nulls.is_valid(row) {
                    value(row)
                } else {
                    NULL
                },
            );
        }),
    }
}

fn fold_values<T: ArrowPrimitiveType>(
    column: &arrow::array::PrimitiveArray<T>,
    hashes: &mut [u64],
    bits: impl Fn(T::Native) -> u64,
) {
    let values = column.values();
    fold_each(column, hashes, |row| {
        values.get(row).map_or(0, |value| bits(*value))
    });
}

fn fold_column(column: &ArrayRef, hashes: &mut [u64]) {
    match column.data_type() {
        DataType::Utf8 => fold_bytes_of(column.as_string::<i32>(), hashes, |a, row| {
            a.value(row).as_bytes()
        }),
        DataType::LargeUtf8 => {
            fold_bytes_of(column.as_string::<i64>(), hashes, |a, row| {
                a.value(row).as_bytes()
            });
        }
        DataType::Utf8View => fold_bytes_of(column.as_string_view(), hashes, |a, row| {
            a.value(row).as_bytes()
        }),
        DataType::Binary => fold_bytes_of(column.as_binary::<i32>(), hashes, |a, row| a.value(row)),
        DataType::LargeBinary => {
            fold_bytes_of(column.as_binary::<i64>(), hashes, |a, row| a.value(row));
        }
        DataType::BinaryView => {
            fold_bytes_of(column.as_binary_view(), hashes, |a, row| a.value(row));
        }
        DataType::Boolean => {
            let values: &BooleanArray = column.as_boolean();
            fold_each(values, hashes, |row| u64::from(values.value(row)));
        }
        DataType::Decimal128(..) => fold_wide(column.as_primitive::<Decimal128Type>(), hashes),
        DataType::Dictionary(_, value) => match cast(column, value) {
            Ok(plain) => fold_column(&plain, hashes),
            Err(_) => fold_text(column, hashes),
        },
        _ => fold_other(column, hashes),
    }
}

fn fold_bytes_of<A: Array>(column: &A, hashes: &mut [u64], value: impl Fn(&A, usize) -> &[u8]) {
    fold_each(column, hashes, |row| hash_bytes(value(column, row)));
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both halves are hashed"
)]
fn fold_wide(column: &arrow::array::Decimal128Array, hashes: &mut [u64]) {
    fold_values(column, hashes, |value| {
        mix(value as u64, (value >> 64) as u64)
    });
}

fn fold_other(column: &ArrayRef, hashes: &mut [u64]) {
    let column = column.as_ref();
    downcast_primitive_array! {
        column => {
            let values = column.values();
            fold_each(column, hashes, |row| values.get(row).map_or(0, |value| hash_native(*value)));
        }
        _other => fold_text(column, hashes)
    }
}

fn hash_native<T: arrow::datatypes::ArrowNativeType + arrow::datatypes::ToByteSlice>(
    value: T,
) -> u64 {
    hash_bytes(value.to_byte_slice())
}

/// Nested values, by their text.
fn fold_text(column: &dyn Array, hashes: &mut [u64]) {
    let options = arrow::util::display::FormatOptions::default();
    match arrow::util::display::ArrayFormatter::try_new(column, &options) {
        Ok(texts) => fold_each(column, hashes, |row| {
            hash_bytes(texts.value(row).to_string().as_bytes())
        }),
        Err(_) => fold_each(column, hashes, |_| SEED),
    }
}
