//! Runs of digits, eight at a time.
//!
//! Most numbers in text have fewer than ten digits, of changing length. A loop over them is
//! mispredicted at nearly every field; here the bytes of a run are put into one word and all its
//! digits are checked and weighed at once.

/// The zeros of a word's bytes.
const ZEROS: u64 = 0x3030_3030_3030_3030;
/// Added to a byte, sets its highest bit when it is more than 9.
const ABOVE_NINE: u64 = 0x7676_7676_7676_7676;
const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;

/// The number that 1 to 16 bytes write; none when one of them is not a digit, or for other lengths.
#[inline]
#[must_use]
pub fn number(digits: &[u8]) -> Option<u64> {
    match digits.len() {
        1..=8 => weigh(word(digits)?, digits.len()),
        9..=16 => {
            let (high, low) = digits.split_last_chunk::<8>()?;
            let high_number = weigh(word(high)?, high.len())?;
            Some(high_number * 100_000_000 + weigh(u64::from_le_bytes(*low), 8)?)
        }
        _ => None,
    }
}

/// 1 to 8 bytes in the highest places of a word, the last byte highest.
#[inline]
fn word(digits: &[u8]) -> Option<u64> {
    let unused = 8 * 8_usize.checked_sub(digits.len())?;
    if let (Some(first), Some(last)) = (digits.first_chunk(), digits.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        // The two may overlap: there they hold the same bytes.
        return Some(u64::from(first) << unused | u64::from(last) << 32);
    }
    let (&first, &last) = (digits.first()?, digits.last()?);
    let middle = u64::from(*digits.get(digits.len() / 2)?);
    Some(
        u64::from(first) << unused
            | middle << (unused + 8 * (digits.len() / 2))
            | u64::from(last) << 56,
    )
}

/// The number of a word whose highest `length` bytes are digits.
#[inline]
fn weigh(word: u64, length: usize) -> Option<u64> {
    let mask = u64::MAX << (8 * (8 - length));
    let digits = (word ^ ZEROS) & mask;
    if (digits | digits.wrapping_add(ABOVE_NINE)) & HIGHEST_BITS != 0 {
        return None;
    }
    // Pairs of digits, then of pairs, then of fours; the first digit is in the lowest byte.
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_by_one(digits: &[u8]) -> Option<u64> {
        if digits.is_empty() || digits.len() > 16 {
            return None;
        }
        digits.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + u64::from(byte - b'0'))
        })
    }

    #[test]
    fn any_byte_that_is_no_digit_is_seen_in_any_place() {
        for length in 1..=16 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    for others in [b'0', b'9'] {
                        let mut text = vec![others; length];
                        text[place] = byte;
                        assert_eq!(number(&text), one_by_one(&text), "{text:?}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn digits_are_weighed_like_one_by_one(digits in "[0-9]{0,18}") {
            prop_assert_eq!(number(digits.as_bytes()), one_by_one(digits.as_bytes()));
        }
    }
}
