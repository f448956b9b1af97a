//! What stands between fields: one character, or a few.

use std::fmt;

/// One to eight bytes between fields. One byte is the usual case and has the fast paths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Delimiter {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl Delimiter {
    /// The most bytes of a delimiter.
    pub const LONGEST: usize = 8;

    /// A delimiter of one byte.
    #[must_use]
    pub const fn byte(byte: u8) -> Self {
        Self {
            bytes: [byte, 0, 0, 0, 0, 0, 0, 0],
            length: 1,
        }
    }

    /// A delimiter of these bytes; none when there are none or too many.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let length = u8::try_from(text.len()).ok()?;
        (length > 0).then_some(Self { bytes, length })
    }

    /// Its bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    /// Its first byte.
    #[inline]
    #[must_use]
    pub const fn first(&self) -> u8 {
        let [first, ..] = self.bytes;
        first
    }

    /// How many bytes it has.
    #[inline]
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a delimiter is never empty")]
    pub const fn len(&self) -> usize {
        self.length as usize
    }

    /// Whether it is one byte.
    #[inline]
    #[must_use]
    pub const fn is_byte(&self) -> bool {
        self.length == 1
    }

    /// Where it first occurs in `text`.
    #[inline]
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        if self.is_byte() {
            return memchr::memchr(self.first(), text);
        }
        memchr::memmem::find(text, self.as_bytes())
    }

    /// Whether `text` starts with it; none when `text` is too short to tell.
    #[inline]
    #[must_use]
    pub fn starts(&self, text: &[u8]) -> Option<bool> {
        let wanted = self.as_bytes();
        match text.get(..wanted.len()) {
            Some(head) => Some(head == wanted),
            None if wanted.starts_with(text) => None,
            None => Some(false),
        }
    }
}

impl fmt::Debug for Delimiter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "'{self}'")
    }
}

/// As people write it: a tab is `\t`.
impl fmt::Display for Delimiter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.as_bytes());
        write!(out, "{}", text.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_have_one_to_eight_bytes() {
        assert_eq!(Delimiter::new(b","), Some(Delimiter::byte(b',')));
        assert_eq!(Delimiter::new(b""), None);
        assert_eq!(Delimiter::new(b"123456789"), None);
        let wide = Delimiter::new(b", ").unwrap();
        assert_eq!(wide.find(b"a,b, c"), Some(3));
        assert_eq!(wide.starts(b","), None);
        assert_eq!(wide.starts(b",b"), Some(false));
        assert_eq!(wide.starts(b", b"), Some(true));
        assert_eq!(Delimiter::byte(b'\t').to_string(), "\\t");
    }
}
