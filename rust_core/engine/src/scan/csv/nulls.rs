//! Which text means a missing value.

/// Unquoted text that means a missing value.
#[derive(Clone, Debug)]
pub struct NullTokens {
    empty: bool,
    /// Bit *n* is set when a token has *n* bytes; bit 63 stands for all longer ones.
    lengths: u64,
    tokens: Vec<Vec<u8>>,
}

impl NullTokens {
    /// The tokens that a source declares; an empty field and `NA` when it declares none.
    #[must_use]
    pub fn new(declared: &[String]) -> Self {
        let default = [String::new(), "NA".to_owned()];
        let tokens = if declared.is_empty() {
            &default
        } else {
            declared
        };
        Self {
            empty: tokens.iter().any(String::is_empty),
            lengths: tokens
                .iter()
                .fold(0, |mask, token| mask | 1 << token.len().min(63)),
            tokens: tokens
                .iter()
                .map(|token| token.clone().into_bytes())
                .collect(),
        }
    }

    /// The same tokens and some more.
    #[must_use]
    pub fn with(&self, words: &[Vec<u8>]) -> Self {
        let mut all = self.clone();
        for word in words.iter().filter(|word| !word.is_empty()) {
            all.lengths |= 1 << word.len().min(63);
            all.tokens.push(word.clone());
        }
        all
    }

    /// Whether an unquoted field means a missing value.
    #[inline]
    #[must_use]
    pub fn matches(&self, field: &[u8]) -> bool {
        if field.is_empty() {
            return self.empty;
        }
        self.lengths >> field.len().min(63) & 1 == 1
            && self.tokens.iter().any(|token| token == field)
    }

    /// Whether an empty field means a missing value.
    #[inline]
    #[must_use]
    pub fn empty(&self) -> bool {
        self.empty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_tokens_replace_the_default() {
        let default = NullTokens::new(&[]);
        assert!(default.matches(b"") && default.matches(b"NA") && !default.matches(b"na"));
        let long = "x".repeat(80);
        let declared = NullTokens::new(&["-".into(), long.clone()]);
        assert!(declared.matches(b"-") && declared.matches(long.as_bytes()));
        assert!(!declared.matches(b"") && !declared.empty() && !declared.matches(b"NA"));
    }
}
