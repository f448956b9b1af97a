//! Rows in the server's binary form.

use arrow::array::RecordBatch;
use arrow::buffer::NullBuffer;
use bytes::Bytes;

use super::copy::Numbers;
use super::fit::{Fit, Ticks, Width};
use super::numeric::{put_decimal, put_float, put_text};
use super::target::Target;
use super::text::put_string;
use super::values::{Values, values};
use crate::error::{Code, EngineError, Result};

/// What a binary COPY starts with: signature, flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

const MISSING: [u8; 4] = (-1_i32).to_be_bytes();
/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const DAY_MICROS: i64 = 86_400_000_000;
/// 4713 BC, and the year 5874898.
const DATES: std::ops::Range<i32> = -2_451_545..2_145_031_949;
/// 4713 BC, and the year 294277, in microseconds from 2000-01-01.
const TIMESTAMPS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;

/// Why a value is refused: the end of a sentence about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// As in `it is longer than 5 characters`.
    pub(super) reason: String,
}

impl Refusal {
    pub(super) const fn new(reason: String) -> Self {
        Self { reason }
    }
}

/// A column of a batch, ready to be encoded.
pub(super) struct Cells<'a> {
    /// How it is encoded.
    pub(super) fit: &'a Fit,
    values: Values,
}

impl<'a> Cells<'a> {
    /// The columns of a batch.
    ///
    /// # Errors
    /// `ENGINE_BUG` when the batch is not of the schema that was compiled.
    pub(super) fn of(batch: &RecordBatch, target: &'a Target) -> Result<Vec<Self>> {
        let columns = target.columns.iter().zip(batch.columns());
        columns
            .map(|(column, array)| {
                let values = values(array, &column.fit).map_err(|error| {
                    let text = format!("the column '{}' cannot be encoded: {error}", column.name);
                    EngineError::new(Code::EngineBug, text)
                })?;
                Ok(Self {
                    fit: &column.fit,
                    values,
                })
            })
            .collect()
    }

    /// Which rows have a value.
    pub(super) fn nulls(&self) -> Option<&NullBuffer> {
        self.values.nulls()
    }

    /// Whether a row has no value.
    pub(super) fn is_missing(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.nulls().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Whether no value of the column can be refused, seen without looking at each.
    pub(super) fn is_safe(&self) -> bool {
        match (self.fit, &self.values) {
            (Fit::Null | Fit::Bool | Fit::Bytes, _) | (Fit::Int(Width::Eight), Values::Int(_)) => {
                true
            }
            (Fit::Float(Width::Four), Values::Float32(_)) => true,
            (Fit::Float(Width::Eight), Values::Float32(_) | Values::Float64(_)) => true,
            (Fit::Text(None), Values::Text(texts)) => {
                memchr::memchr(0, texts.value_data()).is_none()
            }
            (Fit::Numeric(limits), Values::Decimal(decimals, scale)) => {
                let precision = i32::from(decimals.precision().min(38));
                limits.hold(precision - i32::from(*scale), i32::from(*scale))
            }
            (Fit::Numeric(limits), Values::Int(_)) => limits.hold(19, 0),
            _ => false,
        }
    }

    /// Appends a row's value with its length.
    ///
    /// # Errors
    /// When the target would refuse or change it.
    pub(super) fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.is_missing(row) {
            out.extend_from_slice(&MISSING);
            return Ok(());
        }
        match (self.fit, &self.values) {
            (Fit::Int(width), Values::Int(array)) => put_int(array.value(row), *width, out),
            (Fit::Float(Width::Eight), Values::Float64(array)) => {
                framed(out, array.value(row).to_be_bytes());
                Ok(())
            }
            (Fit::Text(_) | Fit::Json(_) | Fit::Uuid | Fit::Label(_), Values::Text(array)) => {
                put_string(array.value(row), self.fit, out)
            }
            (Fit::Text(_) | Fit::Json(_) | Fit::Uuid | Fit::Label(_), Values::View(array)) => {
                put_string(array.value(row), self.fit, out)
            }
            (Fit::Date, Values::Days(array)) => put_date(array.value(row), out),
            (Fit::Timestamp(ticks), Values::Int(array)) => {
                put_timestamp(array.value(row), *ticks, out)
            }
            (Fit::Numeric(_), _) => measured(out, |out| self.put_numeric(row, out)),
            _ => self.put_rare(row, out),
        }
    }

    fn put_numeric(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let Fit::Numeric(limits) = *self.fit else {
            return Err(unexpected());
        };
        match &self.values {
            Values::Int(array) => put_decimal(i128::from(array.value(row)), 0, limits, out),
            Values::Decimal(array, scale) => put_decimal(array.value(row), *scale, limits, out),
            Values::Text(array) => put_text(array.value(row), limits, out),
            Values::Float32(array) => {
                let value = array.value(row);
                put_float(f64::from(value), || value.to_string(), limits, out)
            }
            Values::Float64(array) => {
                let value = array.value(row);
                put_float(value, || value.to_string(), limits, out)
            }
            _ => Err(unexpected()),
        }
    }

    fn put_rare(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
        match (self.fit, &self.values) {
            (Fit::Bool, Values::Bool(array)) => framed(out, [u8::from(array.value(row))]),
            (Fit::Int(width), Values::Decimal(array, scale)) => {
                return put_int(whole(array.value(row), *scale)?, *width, out);
            }
            (Fit::Float(Width::Four), Values::Float32(array)) => {
                framed(out, array.value(row).to_be_bytes());
            }
            (Fit::Float(Width::Eight), Values::Float32(array)) => {
                framed(out, f64::from(array.value(row)).to_be_bytes());
            }
            (Fit::Float(width), Values::Int(array)) => {
                return put_exact(array.value(row), *width, out);
            }
            (Fit::Float(width), Values::Decimal(array, _)) => {
                let value = i64::try_from(array.value(row)).map_err(|_| imprecise())?;
                return put_exact(value, *width, out);
            }
            (Fit::Bytes, Values::Bytes(array)) => {
                return measured(out, |out| {
                    out.extend_from_slice(array.value(row));
                    Ok(())
                });
            }
            (Fit::Uuid, Values::Bytes(array)) => {
                let bytes: [u8; 16] = array.value(row).try_into().map_err(|_| unexpected())?;
                framed(out, bytes);
            }
            (Fit::Timestamp(ticks), Values::Days(array)) => {
                return put_timestamp(i64::from(array.value(row)), *ticks, out);
            }
            (Fit::Time(ticks), Values::Int(array)) => {
                framed(
                    out,
                    stepped(micros(array.value(row), *ticks)?, *ticks)?.to_be_bytes(),
                );
            }
            (Fit::Interval(ticks), Values::Int(array)) => {
                put_interval(micros(array.value(row), *ticks)?, 0, 0, out);
            }
            (Fit::Interval(ticks), Values::Span(array)) => {
                let span = array.value(row);
                put_interval(
                    micros(span.nanoseconds, *ticks)?,
                    span.days,
                    span.months,
                    out,
                );
            }
            _ => return Err(unexpected()),
        }
        Ok(())
    }
}

/// A batch's rows; `first` numbers them where the target wants that.
///
/// # Errors
/// `ENGINE_BUG` for a row that was to be refused before.
pub(super) fn put_rows(
    batch: &RecordBatch,
    target: &Target,
    numbers: &Numbers,
    out: &mut Vec<u8>,
) -> Result<()> {
    let cells = Cells::of(batch, target)?;
    let fields = cells.len() + usize::from(target.is_numbered());
    let fields = u16::try_from(fields).unwrap_or(u16::MAX).to_be_bytes();
    for row in 0..batch.num_rows() {
        out.extend_from_slice(&fields);
        for cell in &cells {
            cell.put(row, out).map_err(|refusal| {
                let text = format!(
                    "a row that the target refuses was staged: {}",
                    refusal.reason
                );
                EngineError::new(Code::EngineBug, text)
            })?;
        }
        if target.is_numbered() {
            framed(out, numbers.get(row).to_be_bytes());
        }
    }
    Ok(())
}

/// A buffer to send, leaving an empty one of the same size.
pub(super) fn take(buffer: &mut Vec<u8>) -> Bytes {
    let capacity = buffer.capacity();
    Bytes::from(std::mem::replace(buffer, Vec::with_capacity(capacity)))
}

/// Appends bytes of known length.
pub(super) fn framed<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    out.extend_from_slice(&u32::try_from(N).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(&bytes);
}

/// Appends what `put` appends, with its length before it.
pub(super) fn measured(
    out: &mut Vec<u8>,
    put: impl FnOnce(&mut Vec<u8>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    put(out)?;
    let length = i32::try_from(out.len() - start - 4)
        .map_err(|_| Refusal::new("it is longer than 2 GiB".into()))?;
    if let Some(slot) = out.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn put_int(value: i64, width: Width, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let outside = |_| Refusal::new("it is out of the column's range".into());
    match width {
        Width::Two => framed(out, i16::try_from(value).map_err(outside)?.to_be_bytes()),
        Width::Four => framed(out, i32::try_from(value).map_err(outside)?.to_be_bytes()),
        Width::Eight => framed(out, value.to_be_bytes()),
    }
    Ok(())
}

/// Integers into floats, unless digits would be lost.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "checked here"
)]
fn put_exact(value: i64, width: Width, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let (double, single) = (value as f64, value as f32);
    if width == Width::Eight && double as i128 == i128::from(value) {
        framed(out, double.to_be_bytes());
        return Ok(());
    }
    if width == Width::Four && single as i128 == i128::from(value) {
        framed(out, single.to_be_bytes());
        return Ok(());
    }
    Err(imprecise())
}

fn whole(value: i128, scale: i8) -> Result<i64, Refusal> {
    let power = 10_i128
        .checked_pow(u32::from(scale.unsigned_abs()))
        .ok_or_else(imprecise)?;
    let number = if scale < 0 {
        value.checked_mul(power)
    } else if value % power == 0 {
        Some(value / power)
    } else {
        return Err(Refusal::new("it has digits after the point".into()));
    };
    number
        .and_then(|number| i64::try_from(number).ok())
        .ok_or_else(|| Refusal::new("it is out of the column's range".into()))
}

fn put_date(days: i32, out: &mut Vec<u8>) -> Result<(), Refusal> {
    match days.checked_sub(EPOCH_DAYS) {
        Some(days) if DATES.contains(&days) => {
            framed(out, days.to_be_bytes());
            Ok(())
        }
        _ => Err(Refusal::new("the date is out of the server's range".into())),
    }
}

fn put_timestamp(count: i64, ticks: Ticks, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let since_2000 = micros(count, ticks)?.checked_sub(i64::from(EPOCH_DAYS) * DAY_MICROS);
    match since_2000 {
        Some(value) if TIMESTAMPS.contains(&value) => {
            framed(out, stepped(value, ticks)?.to_be_bytes());
            Ok(())
        }
        _ => Err(Refusal::new("the time is out of the server's range".into())),
    }
}

fn micros(count: i64, ticks: Ticks) -> Result<i64, Refusal> {
    if ticks.scale > 0 {
        let micros = count.checked_mul(ticks.scale);
        return micros.ok_or_else(|| Refusal::new("the time is out of the server's range".into()));
    }
    if count % ticks.scale != 0 {
        return Err(Refusal::new("it has fractions of a microsecond".into()));
    }
    Ok(count / -ticks.scale)
}

fn stepped(micros: i64, ticks: Ticks) -> Result<i64, Refusal> {
    if micros % ticks.step == 0 {
        return Ok(micros);
    }
    Err(Refusal::new(
        "it has more digits of a second than the column keeps".into(),
    ))
}

fn put_interval(micros: i64, days: i32, months: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(&16_i32.to_be_bytes());
    out.extend_from_slice(&micros.to_be_bytes());
    out.extend_from_slice(&days.to_be_bytes());
    out.extend_from_slice(&months.to_be_bytes());
}

fn imprecise() -> Refusal {
    Refusal::new("a float cannot hold all its digits".into())
}

fn unexpected() -> Refusal {
    Refusal::new("its type is not the one that was planned".into())
}
