//! Finds runs of regular records much faster than the automaton does.
//!
//! Where every quote opens or closes a field, or is one of a doubled pair, the number of quotes before
//! a byte says whether it is inside quotes. That is checked, not assumed: a quote that opens must
//! follow a delimiter, a line end or another quote, and one that closes must precede one of them. A
//! run ends before the first record in which that does not hold; the automaton decides about it.

use super::dialect::Dialect;
use super::masks::{BLOCK, find_in, parity};

/// How many bytes at the start of `bytes`, which starts at a record, are whole, well-formed records
/// that end in LF, as far as that is seen at a glance. Not for dialects with an escape character or a long delimiter.
#[must_use]
pub fn regular_run(bytes: &[u8], dialect: &Dialect) -> usize {
    let mut end = 0;
    let mut at = 0;
    // All ones while inside quotes.
    let mut inside = 0_u64;
    // Whether the byte before lets a quote open, and whether it is a quote that has just closed.
    let mut may_open = 1_u64;
    let mut closed = 0_u64;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let [quotes, delimiters, feeds, returns] = find_in(
            rest,
            [dialect.quote, dialect.delimiter.first(), b'\n', b'\r'],
        );
        let edges = quotes | delimiters | feeds | returns;
        let within = parity(quotes) ^ inside;
        let opening = quotes & within;
        let closing = quotes & !within;
        // The byte behind the last one of the block is looked at with the next block.
        let wrong_open = opening & !(edges << 1 | may_open);
        let wrong_close = (closing << 1 | closed) & !edges;
        let wrong = wrong_open | wrong_close & length_mask(rest.len());
        let ends = feeds & !within & below(wrong);
        if ends != 0 {
            end = at + BLOCK - ends.leading_zeros() as usize;
        }
        if wrong != 0 {
            return end;
        }
        inside = 0_u64.wrapping_sub(within >> 63);
        may_open = edges >> 63;
        closed = closing >> 63;
        at += BLOCK;
    }
    end
}

/// The bits below the lowest one of `mask`; all where it has none.
#[inline]
fn below(mask: u64) -> u64 {
    (mask & mask.wrapping_neg()).wrapping_sub(1)
}

/// One bit for each byte of a block.
#[inline]
fn length_mask(length: usize) -> u64 {
    if length >= BLOCK {
        u64::MAX
    } else {
        (1 << length) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::csv::automaton::{Patience, Scan};
    use proptest::prelude::*;

    fn run(text: &str) -> usize {
        regular_run(text.as_bytes(), &Dialect::default())
    }

    #[test]
    fn runs_end_before_what_is_irregular() {
        assert_eq!(run("a,b\n1,2\n3"), 8);
        assert_eq!(run("a,\"b\nb\"\nc\n"), 10);
        assert_eq!(run("a,\"\"\"b\"\"\"\nc\n"), 12);
        assert_eq!(run("a\n6\"\nb\n"), 2);
        assert_eq!(run("a\n\"b\"c\nd\n"), 2);
        assert_eq!(run("a\n\"b\nc\n"), 2);
        assert_eq!(run(""), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn a_run_is_what_the_automaton_accepts(pieces in prop::collection::vec(
            prop::sample::select(vec![",", "\"", "\n", "\r\n", "\r", "a", "bcdefghijklmnopqrstu", "\"\"", "\",\"", ",\"", "\"\n"]),
            0..80,
        )) {
            let text = pieces.concat();
            let dialect = Dialect::default();
            let end = run(&text);
            let mut at = 0;
            while at < end {
                let record = Scan::new(&Patience::default()).advance(&text.as_bytes()[at..], true, &dialect);
                let record = record.unwrap();
                prop_assert_eq!(record.defect, None);
                at += record.next;
            }
            prop_assert_eq!(at, end);
        }
    }
}
