//! Finds bytes in blocks of 64, as bit masks.

/// How many bytes a block has.
pub const BLOCK: usize = 64;

/// Where each of `wanted` occurs in a block: bit *i* stands for byte *i*.
#[inline]
#[must_use]
pub fn find<const N: usize>(block: &[u8; BLOCK], wanted: [u8; N]) -> [u64; N] {
    imp::find(block, wanted)
}

/// The same at the start of `rest`, which may be shorter than a block.
#[inline]
#[must_use]
pub fn find_in<const N: usize>(rest: &[u8], wanted: [u8; N]) -> [u64; N] {
    if let Some(block) = rest.first_chunk::<BLOCK>() {
        return find(block, wanted);
    }
    wanted.map(|wanted| {
        let bits = rest.iter().enumerate();
        bits.fold(0, |mask, (index, &byte)| {
            mask | u64::from(byte == wanted) << index
        })
    })
}

/// For each bit, whether the number of bits up to and including it is odd: from the places of
/// quotes, which bytes are inside.
#[inline]
#[must_use]
pub fn parity(mut mask: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << shift;
    }
    mask
}

#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "comparing 16 bytes at once is what makes the scan fast"
)]
mod imp {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8,
    };

    use super::BLOCK;

    #[inline]
    pub(super) fn find<const N: usize>(block: &[u8; BLOCK], wanted: [u8; N]) -> [u64; N] {
        // SAFETY: SSE2 is part of the x86-64 architecture; no pointers are involved.
        unsafe { find_lanes(block, wanted) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn find_lanes<const N: usize>(block: &[u8; BLOCK], wanted: [u8; N]) -> [u64; N] {
        let mut masks = [0; N];
        let (lanes, _) = block.as_chunks::<16>();
        for (index, lane) in lanes.iter().enumerate() {
            let whole = u128::from_le_bytes(*lane);
            let (low, high) = (whole as u64, (whole >> 64) as u64);
            let bytes = _mm_set_epi64x(high.cast_signed(), low.cast_signed());
            for (mask, wanted) in masks.iter_mut().zip(wanted) {
                *mask |= equal(bytes, wanted) << (index * 16);
            }
        }
        masks
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn equal(bytes: __m128i, wanted: u8) -> u64 {
        let hits = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted.cast_signed())));
        u64::from(hits.cast_unsigned())
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod imp {
    use super::BLOCK;

    #[inline]
    pub(super) fn find<const N: usize>(block: &[u8; BLOCK], wanted: [u8; N]) -> [u64; N] {
        let (words, _) = block.as_chunks::<8>();
        wanted.map(|wanted| {
            let words = words.iter().enumerate();
            words.fold(0, |mask, (index, word)| {
                mask | equal(u64::from_le_bytes(*word), wanted) << (index * 8)
            })
        })
    }

    /// Eight bytes at once: the exact zero-byte test, then one bit of each byte gathered.
    #[inline]
    fn equal(word: u64, wanted: u8) -> u64 {
        const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        let difference = word ^ (0x0101_0101_0101_0101 * u64::from(wanted));
        let zero = !(((difference & LOW) + LOW) | difference | LOW);
        (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn masks_say_where_bytes_are(bytes in prop::collection::vec(0_u8..4, 0..100)) {
            let masks = find_in(&bytes, [1, 3]);
            for (index, &byte) in bytes.iter().take(BLOCK).enumerate() {
                prop_assert_eq!(masks.map(|mask| mask >> index & 1 == 1), [byte == 1, byte == 3]);
            }
            prop_assert!(bytes.len() >= BLOCK || (masks[0] | masks[1]) >> bytes.len() == 0);
        }

        #[test]
        fn parity_counts_bits(mask: u64, index in 0_u32..64) {
            let before = (mask << (63 - index)).count_ones();
            prop_assert_eq!(parity(mask) >> index & 1, u64::from(before % 2));
        }
    }
}
