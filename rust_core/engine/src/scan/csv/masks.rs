//! Finds two kinds of bytes in blocks of 64, as bit masks.

/// How many bytes a block has.
pub const BLOCK: usize = 64;

/// Where `first` and where `second` occur in a block: bit *i* stands for byte *i*.
#[inline]
#[must_use]
pub fn find(block: &[u8; BLOCK], first: u8, second: u8) -> (u64, u64) {
    imp::find(block, first, second)
}

/// The same for a last, shorter block.
#[must_use]
pub fn find_tail(tail: &[u8], first: u8, second: u8) -> (u64, u64) {
    let mut masks = (0, 0);
    for (index, &byte) in tail.iter().take(BLOCK).enumerate() {
        masks.0 |= u64::from(byte == first) << index;
        masks.1 |= u64::from(byte == second) << index;
    }
    masks
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
    pub(super) fn find(block: &[u8; BLOCK], first: u8, second: u8) -> (u64, u64) {
        // SAFETY: SSE2 is part of the x86-64 architecture; no pointers are involved.
        unsafe { find_lanes(block, first, second) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn find_lanes(block: &[u8; BLOCK], first: u8, second: u8) -> (u64, u64) {
        let mut masks = (0, 0);
        let (lanes, _) = block.as_chunks::<16>();
        for (index, lane) in lanes.iter().enumerate() {
            let whole = u128::from_le_bytes(*lane);
            let (low, high) = (whole as u64, (whole >> 64) as u64);
            let bytes = _mm_set_epi64x(high.cast_signed(), low.cast_signed());
            masks.0 |= equal(bytes, first) << (index * 16);
            masks.1 |= equal(bytes, second) << (index * 16);
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
    pub(super) fn find(block: &[u8; BLOCK], first: u8, second: u8) -> (u64, u64) {
        let mut masks = (0, 0);
        let (words, _) = block.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            masks.0 |= equal(word, first) << (index * 8);
            masks.1 |= equal(word, second) << (index * 8);
        }
        masks
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
        fn blocks_and_tails_agree(block in proptest::array::uniform32(0_u8..4), more in proptest::array::uniform32(0_u8..4)) {
            let bytes: Vec<u8> = block.into_iter().chain(more).collect();
            let whole: [u8; BLOCK] = bytes.as_slice().try_into().map_err(|_| TestCaseError::fail("length"))?;
            prop_assert_eq!(find(&whole, 1, 3), find_tail(&bytes, 1, 3));
        }
    }
}
