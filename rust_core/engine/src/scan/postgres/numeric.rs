//! The server's binary form of `numeric`.

const NEGATIVE: u16 = 0x4000;
const POSITIVE: u16 = 0x0000;

/// A number as an integer divided by 10 to the power of `scale`. None for NaN, infinity and what is
/// not of that form.
pub(super) fn read(bytes: &[u8], scale: i8) -> Option<i128> {
    let (header, digits) = bytes.split_first_chunk::<8>()?;
    let [
        count_high,
        count_low,
        weight_high,
        weight_low,
        sign_high,
        sign_low,
        _,
        _,
    ] = *header;
    let count = usize::from(u16::from_be_bytes([count_high, count_low]));
    let weight = i32::from(i16::from_be_bytes([weight_high, weight_low]));
    let sign = u16::from_be_bytes([sign_high, sign_low]);
    let (digits, rest) = digits.as_chunks::<2>();
    if digits.len() != count || !rest.is_empty() || !matches!(sign, POSITIVE | NEGATIVE) {
        return None;
    }
    let mut value = 0_i128;
    let mut place = (weight + 1) * 4 + i32::from(scale);
    for digit in digits {
        place -= 4;
        let digit = i128::from(u16::from_be_bytes(*digit));
        value = value.checked_add(shifted(digit, place)?)?;
    }
    Some(if sign == NEGATIVE { -value } else { value })
}

/// A digit of base 10000 times 10 to the power of `place`; none when that is not whole.
fn shifted(digit: i128, place: i32) -> Option<i128> {
    if digit == 0 {
        return Some(0);
    }
    let power = 10_i128.checked_pow(place.unsigned_abs())?;
    if place >= 0 {
        return digit.checked_mul(power);
    }
    (digit % power == 0).then(|| digit / power)
}

#[cfg(test)]
mod tests {
    use super::read;

    fn numeric(weight: i16, sign: u16, digits: &[u16]) -> Vec<u8> {
        let count = u16::try_from(digits.len()).unwrap();
        let mut bytes = [
            count.to_be_bytes(),
            weight.to_be_bytes(),
            sign.to_be_bytes(),
            [0, 2],
        ]
        .concat();
        bytes.extend(digits.iter().flat_map(|digit| digit.to_be_bytes()));
        bytes
    }

    #[test]
    fn digits_are_put_around_the_point() {
        assert_eq!(read(&numeric(0, 0, &[12, 3400]), 2), Some(1234));
        assert_eq!(read(&numeric(0, 0x4000, &[12, 3400]), 4), Some(-123_400));
        assert_eq!(read(&numeric(1, 0, &[1]), 0), Some(10_000));
        assert_eq!(read(&numeric(-1, 0, &[500]), 2), Some(5));
        assert_eq!(read(&numeric(0, 0, &[]), 2), Some(0));
    }

    #[test]
    fn what_has_no_counterpart_is_none() {
        assert_eq!(read(&numeric(0, 0xC000, &[]), 2), None);
        assert_eq!(read(&numeric(0, 0, &[1, 1]), 2), None);
        assert_eq!(read(&numeric(12, 0, &[1]), 2), None);
        assert_eq!(read(&[0; 7], 2), None);
    }
}
