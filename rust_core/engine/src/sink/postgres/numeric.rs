//! Numbers in the server's `numeric` form: digits of base 10000 around the decimal point.

use super::encode::Refusal;

const BASE: u64 = 10_000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
/// The largest scale whose fraction, filled up to whole digits, fits 64 bits.
const FAST_SCALE: u32 = 16;

/// What a `numeric` column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Decimal digits before the point; none for no bound.
    before: Option<i32>,
    /// Decimal digits after the point; none for no bound. Negative: only multiples.
    after: Option<i32>,
}

impl Limits {
    /// Takes every number.
    pub(super) const NONE: Self = Self {
        before: None,
        after: None,
    };

    /// The limits of a column's type modifier.
    pub(super) const fn of_typmod(typmod: i32) -> Self {
        if typmod < 4 {
            return Self::NONE;
        }
        let packed = typmod - 4;
        let precision = (packed >> 16) & 0xffff;
        let scale = ((packed & 0x7ff) ^ 1024) - 1024;
        Self {
            before: Some(precision - scale),
            after: Some(scale),
        }
    }

    /// Whether every number of at most so many digits before and after the point fits.
    pub(super) fn hold(self, before: i32, after: i32) -> bool {
        self.before.is_none_or(|most| before <= most) && self.after.is_none_or(|most| after <= most)
    }

    fn check(self, before: i32, after: i32) -> Result<(), Refusal> {
        if self.after.is_some_and(|most| after > most) {
            let most = self.after.unwrap_or_default();
            return Err(Refusal::new(format!(
                "it has more than {most} digits after the point"
            )));
        }
        if self.before.is_some_and(|most| before > most) {
            let most = self.before.unwrap_or_default();
            return Err(Refusal::new(format!(
                "it has more than {most} digits before the point"
            )));
        }
        Ok(())
    }
}

/// Appends an integer divided by 10 to the power of `scale`, without its length.
///
/// # Errors
/// When it exceeds the limits.
pub(super) fn put_decimal(
    value: i128,
    scale: i8,
    limits: Limits,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    match (u64::try_from(value.unsigned_abs()), u32::try_from(scale)) {
        (Ok(magnitude), Ok(scale)) if scale <= FAST_SCALE => {
            put_small(value < 0, magnitude, scale, limits, out)
        }
        _ => put_digits(
            value < 0,
            &value.unsigned_abs().to_string(),
            i32::from(scale),
            limits,
            out,
        ),
    }
}

fn put_small(
    is_negative: bool,
    magnitude: u64,
    scale: u32,
    limits: Limits,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let unit = 10_u64.pow(scale);
    let (mut whole, fraction) = (magnitude / unit, magnitude % unit);
    check_small(magnitude, whole, scale, limits)?;
    let groups = scale.div_ceil(4);
    let mut fraction = fraction * 10_u64.pow(groups * 4 - scale);
    // From the last digit to the first: at most 4 after the point and 5 before it.
    let mut digits = [0_u16; 9];
    let mut used = 0_usize;
    let mut push = |digit: u64| {
        if let Some(slot) = digits.get_mut(used) {
            *slot = u16::try_from(digit).unwrap_or_default();
            used += 1;
        }
    };
    for _ in 0..groups {
        push(fraction % BASE);
        fraction /= BASE;
    }
    let mut weight = -1_i16;
    while whole > 0 {
        push(whole % BASE);
        whole /= BASE;
        weight += 1;
    }
    let digits = digits.get(..used).unwrap_or_default();
    let dscale = u16::try_from(scale).unwrap_or_default();
    finish(
        is_negative,
        weight,
        dscale,
        digits.iter().rev().copied(),
        out,
    );
    Ok(())
}

fn check_small(magnitude: u64, whole: u64, scale: u32, limits: Limits) -> Result<(), Refusal> {
    let scale = i32::try_from(scale).unwrap_or_default();
    let before = if whole == 0 {
        0
    } else {
        i32::try_from(whole.ilog10()).unwrap_or_default() + 1
    };
    if limits.hold(before, scale) {
        return Ok(());
    }
    let mut after = if magnitude == 0 { i32::MIN } else { scale };
    let mut rest = magnitude;
    while rest > 0 && rest.is_multiple_of(10) {
        rest /= 10;
        after -= 1;
    }
    limits.check(before, after)
}

/// Appends decimal digits, of which the last `scale` stand after the point.
fn put_digits(
    is_negative: bool,
    digits: &str,
    scale: i32,
    limits: Limits,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let significant = digits.trim_start_matches('0');
    let zeros = significant.len() - significant.trim_end_matches('0').len();
    let length = |text: &str| i32::try_from(text.len()).unwrap_or(i32::MAX);
    let is_zero = significant.is_empty();
    let after = if is_zero {
        i32::MIN
    } else {
        scale - i32::try_from(zeros).unwrap_or_default()
    };
    limits.check(
        if is_zero {
            0
        } else {
            (length(significant) - scale).max(0)
        },
        after,
    )?;
    // Zeros at both ends bring the point between two digits of base 10000.
    let behind = if scale < 0 {
        -scale
    } else {
        (4 - scale % 4) % 4
    };
    let total = length(significant) + behind;
    let front = (4 - total.rem_euclid(4)) % 4;
    let repeat = |count: i32| std::iter::repeat_n(b'0', usize::try_from(count).unwrap_or_default());
    let padded: Vec<u8> = repeat(front)
        .chain(significant.bytes())
        .chain(repeat(behind))
        .collect();
    let (groups, _) = padded.as_chunks::<4>();
    let base = groups.iter().map(|group| {
        group.iter().fold(0_u16, |sum, digit| {
            sum * 10 + u16::from(digit.saturating_sub(b'0'))
        })
    });
    let behind_point = if scale < 0 { 0 } else { (scale + behind) / 4 };
    let count = i32::try_from(groups.len()).unwrap_or(i32::MAX);
    let weight = i16::try_from(count - behind_point - 1).unwrap_or(i16::MAX);
    let dscale = u16::try_from(scale.max(0)).unwrap_or_default();
    finish(
        is_negative,
        weight,
        dscale,
        base.collect::<Vec<_>>().into_iter(),
        out,
    );
    Ok(())
}

/// Appends a number written as plain decimal text, as in `-12.50`.
///
/// # Errors
/// When it exceeds the limits.
pub(super) fn put_text(text: &str, limits: Limits, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    put_digits(
        is_negative,
        &format!("{whole}{fraction}"),
        scale,
        limits,
        out,
    )
}

/// Appends a float, as the shortest decimal that reads back as the same float.
///
/// # Errors
/// When it exceeds the limits; infinity exceeds every limit.
pub(super) fn put_float(
    value: f64,
    shortest: impl FnOnce() -> String,
    limits: Limits,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    if value.is_nan() {
        put_header(0, 0, NAN, 0, out);
        return Ok(());
    }
    if value.is_infinite() {
        if limits.before.is_some() {
            return Err(Refusal::new("it is infinite".into()));
        }
        put_header(
            0,
            0,
            if value > 0.0 {
                INFINITY
            } else {
                NEGATIVE_INFINITY
            },
            0,
            out,
        );
        return Ok(());
    }
    put_text(&shortest(), limits, out)
}

/// Appends digits in order without the zeros at both ends.
fn finish(
    is_negative: bool,
    mut weight: i16,
    dscale: u16,
    digits: impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + Clone,
    out: &mut Vec<u8>,
) {
    let trailing = digits.clone().rev().take_while(|digit| *digit == 0).count();
    let leading = digits.clone().take_while(|digit| *digit == 0).count();
    if leading == digits.len() {
        put_header(0, 0, 0, dscale, out);
        return;
    }
    weight -= i16::try_from(leading).unwrap_or_default();
    let count = digits.len() - leading - trailing;
    let sign = if is_negative { NEGATIVE } else { 0 };
    put_header(
        u16::try_from(count).unwrap_or_default(),
        weight,
        sign,
        dscale,
        out,
    );
    for digit in digits.skip(leading).take(count) {
        out.extend_from_slice(&digit.to_be_bytes());
    }
}

fn put_header(count: u16, weight: i16, sign: u16, dscale: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&dscale.to_be_bytes());
}
