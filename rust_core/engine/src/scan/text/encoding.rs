//! Text in other encodings than UTF-8, made UTF-8 while it is read.
//!
//! Bytes that are no text in the encoding become bytes that are no UTF-8 either, so that the record
//! that holds them is refused and nothing is replaced in silence.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, Encoding as Label};

use super::unit::Unit;
use crate::error::{Code, EngineError, Result};

/// How many bytes are decoded at a time.
const BLOCK: usize = 64 << 10;

/// How a file writes its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Read as it is.
    Utf8,
    /// Two or four bytes a character.
    Utf16 {
        /// The higher byte comes first.
        big: bool,
    },
    /// One byte a character, as in Latin-1.
    Single(&'static Label),
    /// One to four bytes a character, as in Shift_JIS.
    Multi(&'static Label),
}

impl Encoding {
    /// The encoding with a name of the WHATWG's list, such as `latin1` or `windows-1252`, which there
    /// are the same, or `utf-16le`.
    ///
    /// # Errors
    /// `PLAN_INVALID` for a name that is not in the list.
    pub fn named(name: &str) -> Result<Self> {
        let unknown = || {
            EngineError::new(
                Code::PlanInvalid,
                format!("'{name}' is not a known encoding"),
            )
            .place("encoding")
            .hint("Use a name such as `utf-8`, `utf-16le`, `windows-1252` or `shift_jis`")
        };
        let label = Label::for_label(name.as_bytes()).ok_or_else(unknown)?;
        Ok(if label == encoding_rs::UTF_8 {
            Self::Utf8
        } else if label == encoding_rs::UTF_16LE || label == encoding_rs::UTF_16BE {
            Self::Utf16 {
                big: label == encoding_rs::UTF_16BE,
            }
        } else if label == encoding_rs::REPLACEMENT || label == encoding_rs::X_USER_DEFINED {
            return Err(unknown());
        } else if label.is_single_byte() {
            Self::Single(label)
        } else {
            Self::Multi(label)
        })
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 { big: true } => "utf-16be",
            Self::Utf16 { big: false } => "utf-16le",
            Self::Single(label) if label == encoding_rs::WINDOWS_1252 => "windows-1252",
            Self::Single(label) | Self::Multi(label) => label.name(),
        }
    }

    /// How the decoded text tells the bytes it was made from.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Utf8 | Self::Multi(_) => Unit::Byte,
            Self::Utf16 { .. } => Unit::Wide,
            Self::Single(_) => Unit::Single,
        }
    }

    /// Whether places in the file are counted in its own bytes, rather than in those of the text it
    /// was decoded to.
    #[must_use]
    pub fn has_places(self) -> bool {
        !matches!(self, Self::Multi(_))
    }

    /// Reads `reader` as UTF-8.
    #[must_use]
    pub fn decode(self, reader: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let decoder: Box<dyn Decode> = match self {
            Self::Utf8 => return reader,
            Self::Utf16 { big } => Box::new(Utf16 { big, held: None }),
            Self::Single(label) => Box::new(Single::new(label)),
            Self::Multi(label) => Box::new(Multi(label.new_decoder_without_bom_handling())),
        };
        Box::new(Decoded {
            reader,
            decoder,
            raw: Vec::new(),
            text: Vec::new(),
            at: 0,
            ended: false,
        })
    }
}

/// Turns bytes of a file into UTF-8.
trait Decode: Send {
    /// Appends what `raw` means to `text`; keeps what is unfinished for the next call. `last` says
    /// that nothing follows.
    fn decode(&mut self, raw: &[u8], last: bool, text: &mut Vec<u8>);
}

struct Decoded {
    reader: Box<dyn Read + Send>,
    decoder: Box<dyn Decode>,
    raw: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.raw.clear();
            let reader = self.reader.by_ref();
            let read = reader.take(BLOCK as u64).read_to_end(&mut self.raw)?;
            self.ended = read < BLOCK;
            self.text.clear();
            self.at = 0;
            self.decoder.decode(&self.raw, self.ended, &mut self.text);
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.len().min(out.len());
        if let (Some(out), Some(rest)) = (out.get_mut(..length), rest.get(..length)) {
            out.copy_from_slice(rest);
        }
        self.at += length;
        Ok(length)
    }
}

struct Single {
    texts: Vec<Vec<u8>>,
}

impl Single {
    fn new(label: &'static Label) -> Self {
        let text =
            |byte: u8| match label.decode_without_bom_handling_and_without_replacement(&[byte]) {
                Some(text) => text.as_bytes().to_vec(),
                // A byte without a meaning stays one: alone it is no UTF-8.
                None => vec![byte | 0x80],
            };
        Self {
            texts: (0..=u8::MAX).map(text).collect(),
        }
    }
}

impl Decode for Single {
    fn decode(&mut self, raw: &[u8], _last: bool, text: &mut Vec<u8>) {
        text.reserve(raw.len());
        for &byte in raw {
            if byte < 0x80 {
                text.push(byte);
            } else if let Some(decoded) = self.texts.get(usize::from(byte)) {
                text.extend_from_slice(decoded);
            }
        }
    }
}

struct Utf16 {
    big: bool,
    /// The first bytes of a character whose other bytes are not there yet: one to three.
    held: Option<Vec<u8>>,
}

impl Utf16 {
    fn unit(&self, pair: [u8; 2]) -> u16 {
        if self.big {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    }
}

impl Decode for Utf16 {
    fn decode(&mut self, raw: &[u8], last: bool, text: &mut Vec<u8>) {
        let mut bytes = self.held.take().unwrap_or_default();
        bytes.extend_from_slice(raw);
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut at = 0;
        while let Some(&pair) = pairs.get(at) {
            let unit = self.unit(pair);
            let next = pairs.get(at + 1).map(|&pair| self.unit(pair));
            if next.is_none() && (0xd800..0xdc00).contains(&unit) && !last {
                break;
            }
            let both = [unit, next.unwrap_or_default()];
            match char::decode_utf16(both).next() {
                Some(Ok(character)) => {
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    at += character.len_utf16();
                }
                // Half a character: three bytes that are no UTF-8 stand for its two.
                _ => {
                    let [high, low] = [unit >> 6, unit].map(|bits| 0x80 | (bits & 0x3f) as u8);
                    text.extend_from_slice(&[0xed, high, low]);
                    at += 1;
                }
            }
        }
        let mut rest = pairs.get(at..).unwrap_or_default().concat();
        rest.extend_from_slice(odd);
        if last && !rest.is_empty() {
            text.push(0xff);
        } else if !rest.is_empty() {
            self.held = Some(rest);
        }
    }
}

struct Multi(encoding_rs::Decoder);

impl Decode for Multi {
    fn decode(&mut self, raw: &[u8], last: bool, text: &mut Vec<u8>) {
        let mut raw = raw;
        loop {
            let room = self.0.max_utf8_buffer_length_without_replacement(raw.len());
            let start = text.len();
            text.resize(start + room.unwrap_or(raw.len() * 4 + 16), 0);
            let out = text.get_mut(start..).unwrap_or_default();
            let (result, read, written) = self.0.decode_to_utf8_without_replacement(raw, out, last);
            text.truncate(start + written);
            raw = raw.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::Malformed(..) => text.push(0xff),
                DecoderResult::OutputFull => {}
            }
        }
    }
}

/// What `bytes`, the start of a file, are written in, how many bytes a mark of it takes, and how sure
/// that is, from 0 to 1.
#[must_use]
pub fn detect(bytes: &[u8], complete: bool) -> (Encoding, usize, f64) {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => return (Encoding::Utf8, 3, 1.0),
        [0xff, 0xfe, ..] => return (Encoding::Utf16 { big: false }, 2, 1.0),
        [0xfe, 0xff, ..] => return (Encoding::Utf16 { big: true }, 2, 1.0),
        _ => {}
    }
    if let Some(big) = looks_wide(bytes) {
        return (Encoding::Utf16 { big }, 0, 0.9);
    }
    let invalid = std::str::from_utf8(bytes).err();
    let cut = |error: &std::str::Utf8Error| error.error_len().is_none() && !complete;
    match invalid.filter(|error| !cut(error)) {
        None => (Encoding::Utf8, 0, 1.0),
        Some(_) if looks_western(bytes) => (Encoding::Single(encoding_rs::WINDOWS_1252), 0, 0.8),
        Some(_) => (Encoding::Utf8, 0, 0.5),
    }
}

/// Whether every second byte is mostly NUL, as in UTF-16 of western text, and whether it is the first.
fn looks_wide(bytes: &[u8]) -> Option<bool> {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let (pairs, _) = head.as_chunks::<2>();
    let count = |wanted: fn(&[u8; 2]) -> bool| pairs.iter().filter(|pair| wanted(pair)).count();
    let (first, second) = (
        count(|&[one, other]| one == 0 && other != 0),
        count(|&[one, other]| one != 0 && other == 0),
    );
    let most = pairs.len().div_ceil(2).max(2);
    (first >= most || second >= most).then_some(first > second)
}

/// Whether the bytes beyond ASCII are letters and signs of western languages in windows-1252, each
/// letter beside other letters, and no sequence is UTF-8.
fn looks_western(bytes: &[u8]) -> bool {
    let mut high = 0;
    let mut good = 0;
    for (at, &byte) in bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| !byte.is_ascii())
    {
        let letter = |at: Option<usize>| {
            let byte = at.and_then(|at| bytes.get(at)).copied().unwrap_or_default();
            byte.is_ascii_alphabetic() || is_letter(byte)
        };
        high += 1;
        let beside = letter(at.checked_sub(1)) || letter(Some(at + 1));
        let sign = matches!(byte, 0x80 | 0x85 | 0x91..=0x97 | 0xa0 | 0xa3 | 0xa7 | 0xa9 | 0xab | 0xae | 0xb0..=0xb5 | 0xb7 | 0xbb..=0xbe);
        good += usize::from(is_letter(byte) && beside || sign);
    }
    let has_utf8 = bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
    high > 0 && good == high && !has_utf8
}

/// Whether a byte is a letter of a western language, of those that occur in plain text.
fn is_letter(byte: u8) -> bool {
    matches!(byte, 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0xfd | 0x8a | 0x8c | 0x8e | 0x9a | 0x9c | 0x9e)
}
