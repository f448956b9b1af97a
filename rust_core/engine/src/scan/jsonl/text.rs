//! Decodes the text of strings.

/// Why the text of a string is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadText {
    /// It holds NUL.
    Nul,
    /// Half of a surrogate pair stands alone.
    Surrogate,
}

/// Appends what stands between a string's quotes to `out`, escapes decoded.
///
/// # Errors
/// For NUL and lone surrogates; `out` is then as before.
pub fn decode(inner: &[u8], out: &mut Vec<u8>) -> Result<(), BadText> {
    let start = out.len();
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some((&kind, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        let plain = match kind {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, after) = match unicode(after) {
                    Ok(decoded) => decoded,
                    Err(bad) => {
                        out.truncate(start);
                        return Err(bad);
                    }
                };
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
                continue;
            }
            other => other,
        };
        out.push(plain);
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Four hexadecimal digits, and the other half of a surrogate pair.
fn unicode(text: &[u8]) -> Result<(char, &[u8]), BadText> {
    let (first, rest) = hex(text).ok_or(BadText::Surrogate)?;
    if first == 0 {
        return Err(BadText::Nul);
    }
    if let Some(character) = char::from_u32(first) {
        return Ok((character, rest));
    }
    let (second, rest) = rest
        .strip_prefix(b"\\u")
        .and_then(hex)
        .ok_or(BadText::Surrogate)?;
    let pair = [first, second].map(|half| u16::try_from(half).unwrap_or_default());
    match char::decode_utf16(pair).next() {
        Some(Ok(character)) if second >= 0xdc00 => Ok((character, rest)),
        _ => Err(BadText::Surrogate),
    }
}

fn hex(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let value = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        let decoded = |text: &str| {
            let mut out = vec![b'>'];
            decode(text.as_bytes(), &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(
            decoded(r#"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z"#),
            Ok(">a\"\\/\u{8}\u{c}\n\r\té😀z".into())
        );
        assert_eq!(decoded("\\u0000"), Err(BadText::Nul));
        for lone in [
            "\\ud83d",
            "\\ude00",
            "\\ud83dx",
            "\\ud83d\\u0041",
            "\\ud83d\\ud83d",
        ] {
            assert_eq!(decoded(lone), Err(BadText::Surrogate), "{lone}");
        }
    }
}
