//! Truth values.

use super::{Fault, trim};

/// `true` or `false` in any case. A declared column also takes `t`, `f`, `yes`, `no`, `y`, `n`, `on`,
/// `off`, `1` and `0`, as PostgreSQL does; an inferred one does not, because such words also occur as
/// text.
///
/// # Errors
/// [`Fault::Syntax`] for anything else.
#[inline]
pub fn parse(field: &[u8], strict: bool) -> Result<bool, Fault> {
    let field = trim(field);
    if field.eq_ignore_ascii_case(b"true") {
        return Ok(true);
    }
    if field.eq_ignore_ascii_case(b"false") {
        return Ok(false);
    }
    if strict {
        return Err(Fault::Syntax);
    }
    let is_one_of = |words: &[&[u8]]| words.iter().any(|word| field.eq_ignore_ascii_case(word));
    if is_one_of(&[b"t", b"1", b"yes", b"y", b"on"]) {
        return Ok(true);
    }
    if is_one_of(&[b"f", b"0", b"no", b"n", b"off"]) {
        return Ok(false);
    }
    Err(Fault::Syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_truth() {
        assert_eq!(parse(b" True ", true), Ok(true));
        assert_eq!(parse(b"FALSE", true), Ok(false));
        assert_eq!(parse(b"yes", true), Err(Fault::Syntax));
        assert_eq!(parse(b"yes", false), Ok(true));
        assert_eq!(parse(b"0", false), Ok(false));
        assert_eq!(parse(b"", false), Err(Fault::Syntax));
        assert_eq!(parse(b"2", false), Err(Fault::Syntax));
    }
}
