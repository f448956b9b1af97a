//! Faults of single rows: the errors that turn a row into a reject instead of ending the run.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

use super::RejectCode;

/// A value that cannot be computed for one row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowFault {
    /// The stable code.
    pub code: RejectCode,
    /// What is wrong, with the value.
    pub message: String,
}

impl RowFault {
    /// A fault as an error of the query engine.
    pub fn error(code: RejectCode, message: impl Into<String>) -> DataFusionError {
        DataFusionError::External(Box::new(Self {
            code,
            message: message.into(),
        }))
    }

    /// The fault behind an error, or none when the error is not about a row's values.
    #[must_use]
    pub fn from_error(error: &DataFusionError) -> Option<Self> {
        match error.find_root() {
            DataFusionError::External(inner) => {
                inner.downcast_ref::<Self>().cloned().or_else(|| {
                    inner
                        .downcast_ref::<ArrowError>()
                        .and_then(Self::from_arrow)
                })
            }
            DataFusionError::ArrowError(inner, _) => Self::from_arrow(inner),
            DataFusionError::Execution(message) => {
                Some(Self::new(RejectCode::ExpressionFailed, message))
            }
            _ => None,
        }
    }

    fn from_arrow(error: &ArrowError) -> Option<Self> {
        let code = match error {
            ArrowError::DivideByZero => RejectCode::DivisionByZero,
            ArrowError::ArithmeticOverflow(_) => RejectCode::OutOfRange,
            ArrowError::CastError(_) | ArrowError::ParseError(_) => RejectCode::ConversionFailed,
            ArrowError::InvalidArgumentError(_) | ArrowError::ComputeError(_) => {
                RejectCode::ExpressionFailed
            }
            _ => return None,
        };
        Some(Self::new(code, &error.to_string()))
    }

    fn new(code: RejectCode, message: &str) -> Self {
        let overflow = message.contains("verflow") || message.contains("out of range");
        let general = matches!(
            code,
            RejectCode::ExpressionFailed | RejectCode::ConversionFailed
        );
        let code = if message.starts_with("Error parsing") {
            // A function that reads text in a format, such as `to_date`.
            RejectCode::ConversionFailed
        } else if overflow && general {
            RejectCode::OutOfRange
        } else {
            code
        };
        let message = [
            "Cast error: ",
            "Parser error: ",
            "Compute error: ",
            "Arithmetic overflow: ",
        ]
        .iter()
        .fold(message, |text, prefix| {
            text.strip_prefix(prefix).unwrap_or(text)
        });
        Self {
            code,
            message: message.to_owned(),
        }
    }
}

impl std::fmt::Display for RowFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for RowFault {}
