//! The engine's errors: a stable code, what happened, where, and what to do next.

use std::fmt;

/// Result of everything in the engine that can fail.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The stable codes of errors that end a run or refuse a plan. A bad row is not an error: see
        /// [`crate::reject::RejectCode`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, for documentation and tests.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as it appears in messages, logs and the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The plan's bytes are not a plan, or it refers to something that is not there.
    PlanInvalid = "PLAN_INVALID",
    /// The pipeline has no source or step of that name.
    NodeUnknown = "NODE_UNKNOWN",
    /// A SQL query or expression does not parse or does not fit the columns.
    ExpressionInvalid = "EXPRESSION_INVALID",
    /// A column that is referred to does not exist.
    ColumnUnknown = "COLUMN_UNKNOWN",
    /// A type's name is not known.
    TypeUnknown = "TYPE_UNKNOWN",
    /// No file matches.
    SourceNotFound = "SOURCE_NOT_FOUND",
    /// A source has no rows to infer columns from and none are declared.
    SourceEmpty = "SOURCE_EMPTY",
    /// A source's bytes are damaged or not of the format.
    SourceCorrupt = "SOURCE_CORRUPT",
    /// A source could not be read.
    SourceUnreadable = "SOURCE_UNREADABLE",
    /// Files of one source differ in their columns.
    SourceMismatch = "SOURCE_MISMATCH",
    /// A source is not any more what an earlier run read.
    SourceChanged = "SOURCE_CHANGED",
    /// A source cannot be read for single records.
    ReplayUnsupported = "REPLAY_UNSUPPORTED",
    /// A stream source was not handed in.
    SourceNotProvided = "SOURCE_NOT_PROVIDED",
    /// A Python source raised.
    SourceRaised = "SOURCE_RAISED",
    /// A path lies outside the file roots.
    PathRefused = "PATH_REFUSED",
    /// A connection is not known.
    ConnectionUnknown = "CONNECTION_UNKNOWN",
    /// A database cannot be reached, or the connection to it was lost.
    ConnectionFailed = "CONNECTION_FAILED",
    /// A database refuses the user, the password, the database's name or the kind of TLS.
    ConnectionDenied = "CONNECTION_DENIED",
    /// A table does not exist.
    TableNotFound = "TABLE_NOT_FOUND",
    /// A target's column is missing or has a type that the rows do not fit.
    TargetMismatch = "TARGET_MISMATCH",
    /// A database refused a statement.
    DatabaseError = "DATABASE_ERROR",
    /// A database gave a statement up for the sake of others: a deadlock, a lock that was not to be
    /// had, or resources that ran out.
    DatabaseConflict = "DATABASE_CONFLICT",
    /// A sink could not be written.
    SinkUnwritable = "SINK_UNWRITABLE",
    /// The disk is full.
    DiskFull = "DISK_FULL",
    /// A row could not be computed in a step whose `on_error` is `fail`.
    RowFailed = "ROW_FAILED",
    /// The rows of a `validate` step together are not as its `expect` says.
    ExpectationFailed = "EXPECTATION_FAILED",
    /// A sum does not fit its type.
    SumOverflow = "SUM_OVERFLOW",
    /// More rows were rejected than the budget allows.
    RejectBudgetExceeded = "REJECT_BUDGET_EXCEEDED",
    /// The books of a run do not balance.
    BooksUnbalanced = "BOOKS_UNBALANCED",
    /// The memory limit is too small for this plan.
    MemoryExceeded = "MEMORY_EXCEEDED",
    /// The run was cancelled.
    Cancelled = "CANCELLED",
    /// The engine is used in a forked child.
    ForkedProcess = "FORKED_PROCESS",
    /// A fault of the engine itself.
    EngineBug = "ENGINE_BUG",
}

/// An error with everything a person needs to act on it.
#[derive(Clone, Debug)]
pub struct EngineError {
    /// The stable code.
    pub code: Code,
    /// What happened, in one sentence, with the values involved.
    pub message: String,
    /// The source, step or sink.
    pub node: Option<String>,
    /// The place inside it: an option, an expression with position, a file with line.
    pub place: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl EngineError {
    /// An error with a code and a message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            node: None,
            place: None,
            hint: None,
        }
    }

    /// Names the source, step or sink, unless one is named already.
    #[must_use]
    pub fn at(mut self, node: impl Into<String>) -> Self {
        self.node.get_or_insert_with(|| node.into());
        self
    }

    /// Names the place inside the node, unless one is named already.
    #[must_use]
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place.get_or_insert_with(|| place.into());
        self
    }

    /// Says what to do next, unless that is said already.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.code.as_str())?;
        if let Some(node) = &self.node {
            write!(out, "{node}: ")?;
        }
        out.write_str(&self.message)?;
        if let Some(place) = &self.place {
            write!(out, " ({place})")?;
        }
        if let Some(hint) = &self.hint {
            write!(out, ". {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for EngineError {}

impl From<EngineError> for datafusion::error::DataFusionError {
    fn from(error: EngineError) -> Self {
        Self::External(Box::new(error))
    }
}
