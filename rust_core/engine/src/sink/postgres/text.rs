//! Values that travel as text.

use super::encode::{Refusal, framed, measured};
use super::fit::Fit;

/// The version of the binary form of `jsonb`.
const JSONB_VERSION: u8 = 1;

/// Appends a text with its length.
///
/// # Errors
/// When the target would refuse or cut it.
pub(super) fn put_string(text: &str, fit: &Fit, out: &mut Vec<u8>) -> Result<(), Refusal> {
    if let Fit::Uuid = fit {
        let id = uuid::Uuid::try_parse(text.trim());
        let id = id.map_err(|_| Refusal::new("it is not a UUID".into()))?;
        framed(out, id.into_bytes());
        return Ok(());
    }
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(Refusal::new("it holds a NUL character".into()));
    }
    match fit {
        Fit::Text(Some(most)) => check_length(text, *most)?,
        Fit::Json(is_binary) => check_json(text, *is_binary)?,
        Fit::Label(labels) if !labels.contains(text) => {
            return Err(Refusal::new("it is not a label of the enumeration".into()));
        }
        _ => {}
    }
    measured(out, |out| {
        if *fit == Fit::Json(true) {
            out.push(JSONB_VERSION);
        }
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })
}

fn check_length(text: &str, most: usize) -> Result<(), Refusal> {
    // A text has no more characters than bytes.
    if text.len() > most && text.chars().count() > most {
        return Err(Refusal::new(format!("it is longer than {most} characters")));
    }
    Ok(())
}

fn check_json(text: &str, is_binary: bool) -> Result<(), Refusal> {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
    let value = parsed.map_err(|error| Refusal::new(format!("it is not JSON: {error}")))?;
    if is_binary && text.contains("\\u0000") && holds_nul(&value) {
        return Err(Refusal::new(
            "it holds a NUL character, which jsonb refuses".into(),
        ));
    }
    Ok(())
}

fn holds_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}
