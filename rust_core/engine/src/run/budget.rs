//! The reject budget of a run.

use std::sync::Arc;

use super::compile::Compiled;
use crate::error::{Code, EngineError, Result};

/// How many rejects are borne while the run goes on.
#[derive(Clone)]
pub struct Budget {
    max: Option<u64>,
    rejects: Arc<crate::reject::RejectLog>,
}

impl Budget {
    /// Stops a run whose rejects exceed the absolute bound; the ratio is known at the end.
    ///
    /// # Errors
    /// `REJECT_BUDGET_EXCEEDED`.
    pub fn check(&self) -> Result<()> {
        match self.max {
            Some(max) if self.rejects.rows() > max => {
                Err(exceeded(self.rejects.rows(), &max.to_string()))
            }
            _ => Ok(()),
        }
    }
}

fn exceeded(rejected: u64, bound: &str) -> EngineError {
    let rows = if rejected == 1 {
        "1 row was".to_owned()
    } else {
        format!("{rejected} rows were")
    };
    let text = format!("{rows} rejected; limits.rejects allows {bound}");
    EngineError::new(Code::RejectBudgetExceeded, text)
        .hint("Nothing was published. Look at the rejects, then mend the source or raise the limit")
}

impl Compiled {
    /// The run's reject budget.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let limits = self
            .spec
            .limits
            .as_ref()
            .and_then(|limits| limits.rejects.as_ref());
        Budget {
            max: limits.and_then(|limits| limits.max),
            rejects: Arc::clone(&self.state.rejects),
        }
    }

    /// Checks both bounds of the reject budget at the end of a run.
    ///
    /// # Errors
    /// `REJECT_BUDGET_EXCEEDED`.
    pub fn check_budget(&self, read: u64) -> Result<()> {
        self.budget().check()?;
        let limits = self
            .spec
            .limits
            .as_ref()
            .and_then(|limits| limits.rejects.as_ref());
        let rejected = self.state.rejects.rows();
        match limits.and_then(|limits| limits.max_ratio) {
            Some(ratio) if rejected as f64 > ratio * read as f64 => {
                Err(exceeded(rejected, &format!("a share of {ratio} of {read}")))
            }
            _ => Ok(()),
        }
    }
}
