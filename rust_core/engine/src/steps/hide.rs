//! The functions that hide text: keyed hashes and tokens, and partly replaced text.

use std::fmt::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What tells tokens from hashes of the same value and key.
const TOKEN: &[u8] = b"token\0";
/// Bytes of a token: enough that two values never share one.
const TOKEN_BYTES: usize = 16;

/// How text is hidden.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Way {
    /// By the hexadecimal HMAC-SHA-256 under this key.
    Hash(Vec<u8>),
    /// By `tok_` and the first half of such a code.
    Token(Vec<u8>),
    /// By another character in place of all but the first and last ones.
    Partial {
        /// How many characters at the start stay.
        first: u64,
        /// How many characters at the end stay.
        last: u64,
        /// What takes the place of the others.
        with: char,
    },
}

/// Shows no key.
impl fmt::Debug for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Way {
    const fn name(&self) -> &'static str {
        match self {
            Self::Hash(_) => "mask_hash",
            Self::Token(_) => "mask_token",
            Self::Partial { .. } => "mask_partial",
        }
    }

    /// The text that takes the place of another one.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn hide(&self, text: &str) -> Result<String> {
        match self {
            Self::Hash(key) => Ok(hexadecimal(&code(key, &[text.as_bytes()])?)),
            Self::Token(key) => {
                let code = code(key, &[TOKEN, text.as_bytes()])?;
                let code = code.get(..TOKEN_BYTES).unwrap_or_default();
                Ok(format!("tok_{}", hexadecimal(code)))
            }
            Self::Partial { first, last, with } => Ok(partial(text, *first, *last, *with)),
        }
    }
}

fn code(key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>> {
    let mut code = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|error| DataFusionError::Internal(error.to_string()))?;
    for part in parts {
        code.update(part);
    }
    Ok(code.finalize().into_bytes().to_vec())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Replaces the characters between both ends; all of them where the ends would meet.
fn partial(text: &str, first: u64, last: u64, with: char) -> String {
    let length = text.chars().count();
    let size = |stays: u64| usize::try_from(stays).unwrap_or(usize::MAX);
    let (first, last) = (size(first), size(last));
    if first.saturating_add(last) >= length {
        return text.chars().map(|_| with).collect();
    }
    let stays = |at: usize| at < first || at >= length - last;
    text.chars()
        .enumerate()
        .map(|(at, character)| if stays(at) { character } else { with })
        .collect()
}

/// The function that hides text in one way.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Hide {
    way: Way,
    signature: Signature,
}

impl Hide {
    /// Hides in this way.
    #[must_use]
    pub fn new(way: Way) -> Self {
        Self {
            way,
            signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Hide {
    fn name(&self) -> &str {
        self.way.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let texts = arrays
            .iter()
            .flat_map(|array| array.as_string::<i32>().iter());
        let hidden = texts.map(|text| text.map(|text| self.way.hide(text)).transpose());
        let hidden: StringArray = hidden.collect::<Result<_>>()?;
        let hidden: ArrayRef = Arc::new(hidden);
        Ok(ColumnarValue::Array(hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(way: &Way, text: &str) -> String {
        way.hide(text).unwrap()
    }

    #[test]
    fn a_hash_is_the_hmac_that_others_compute() {
        // RFC 4231, test case 2.
        assert_eq!(
            hidden(&Way::Hash(b"Jefe".to_vec()), "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_token_depends_on_value_and_key_and_is_no_part_of_the_hash() {
        let key = b"key".to_vec();
        let token = hidden(&Way::Token(key.clone()), "a");
        assert_eq!(token, hidden(&Way::Token(key.clone()), "a"));
        assert_ne!(token, hidden(&Way::Token(key.clone()), "b"));
        assert_ne!(token, hidden(&Way::Token(b"other".to_vec()), "a"));
        assert_eq!(token.len(), "tok_".len() + 2 * TOKEN_BYTES);
        let digits = token.trim_start_matches("tok_");
        assert!(!hidden(&Way::Hash(key), "a").contains(digits));
    }

    #[test]
    fn characters_stay_at_the_ends_and_short_text_is_hidden_whole() {
        let way = Way::Partial {
            first: 1,
            last: 2,
            with: '*',
        };
        for (text, expected) in [
            ("", ""),
            ("ä", "*"),
            ("abc", "***"),
            ("abcd", "a*cd"),
            ("äöü🙂ß", "ä**🙂ß"),
        ] {
            assert_eq!(hidden(&way, text), expected);
        }
    }

    #[test]
    fn what_is_shown_of_it_holds_no_key() {
        let shown = format!("{:?}", Hide::new(Way::Hash(b"geheim".to_vec())));
        assert!(
            !shown.contains("geheim") && !shown.contains("103"),
            "{shown}"
        );
    }
}
