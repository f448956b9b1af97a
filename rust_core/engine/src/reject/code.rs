//! The stable codes of reasons.

macro_rules! reject_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a row was refused. The text of a code never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RejectCode { $($(#[$doc])* $name,)* }

        impl RejectCode {
            /// Every code, for documentation and tests.
            pub const ALL: &'static [RejectCode] = &[$(RejectCode::$name,)*];

            /// The code as it appears in rejects.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(RejectCode::$name => $text,)* }
            }
        }
    };
}

reject_codes! {
    /// The record has fewer fields than columns.
    TooFewFields = "TOO_FEW_FIELDS",
    /// The record has more fields than columns.
    TooManyFields = "TOO_MANY_FIELDS",
    /// A quote was opened and never closed.
    UnterminatedQuote = "UNTERMINATED_QUOTE",
    /// A closing quote is followed by something else than a delimiter or the record's end.
    StrayQuote = "STRAY_QUOTE",
    /// The record repeats the header.
    RepeatedHeader = "REPEATED_HEADER",
    /// The record is longer than `max_record`.
    RecordTooLong = "RECORD_TOO_LONG",
    /// A text field is not valid in the file's encoding.
    InvalidEncoding = "INVALID_ENCODING",
    /// The field holds a NUL byte.
    NulByte = "NUL_BYTE",
    /// The line is not a JSON object.
    InvalidJson = "INVALID_JSON",
    /// A value cannot be converted to the column's type without loss.
    ConversionFailed = "CONVERSION_FAILED",
    /// A number does not fit the type.
    OutOfRange = "OUT_OF_RANGE",
    /// A division by zero.
    DivisionByZero = "DIVISION_BY_ZERO",
    /// An expression could not be computed for another reason.
    ExpressionFailed = "EXPRESSION_FAILED",
    /// A required value is missing.
    MissingValue = "MISSING_VALUE",
    /// A key that must be unique occurs again.
    DuplicateKey = "DUPLICATE_KEY",
    /// A value is smaller or greater than a `validate` step allows.
    NotInRange = "NOT_IN_RANGE",
    /// A text is shorter or longer than a `validate` step allows.
    WrongLength = "WRONG_LENGTH",
    /// A text does not match the pattern of a `validate` step.
    PatternMismatch = "PATTERN_MISMATCH",
    /// A value is not one of those that a `validate` step allows.
    NotAllowed = "NOT_ALLOWED",
    /// A key is not found in the source or step that it refers to.
    KeyNotFound = "KEY_NOT_FOUND",
    /// A key is found several times where a lookup needs it once.
    AmbiguousKey = "AMBIGUOUS_KEY",
    /// A rule of a `validate` step is broken.
    RuleBroken = "RULE_BROKEN",
    /// A value does not fit the target's column.
    TargetRefused = "TARGET_REFUSED",
}
