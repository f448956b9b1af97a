//! Sizes as people write them.

use crate::error::{Code, EngineError, Result};

/// Bytes of a size such as `256MiB`, `64 MB`, `1G` or `4096`. None when the text is empty.
///
/// # Errors
/// `PLAN_INVALID` for anything else.
pub fn parse_size(text: &str) -> Result<Option<usize>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.trim().trim_end_matches('B') {
        "" => 1,
        "K" => 1_000,
        "Ki" => 1 << 10,
        "M" => 1_000_000,
        "Mi" => 1 << 20,
        "G" => 1_000_000_000,
        "Gi" => 1 << 30,
        _ => return Err(refused(text)),
    };
    let number: usize = number.parse().map_err(|_| refused(text))?;
    number
        .checked_mul(factor)
        .map(Some)
        .ok_or_else(|| refused(text))
}

fn refused(text: &str) -> EngineError {
    EngineError::new(Code::PlanInvalid, format!("'{text}' is not a size"))
        .hint("Write it as 256MiB")
}
