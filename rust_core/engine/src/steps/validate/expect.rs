//! What all rows of a step together must keep.

use std::sync::atomic::Ordering;

use datafusion::common::DFSchema;

use super::{Checks, Condition};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::RejectCode;
use crate::reject::state::Node;
use crate::steps::expr::column;

/// Counts the rows without a value in each column whose missing values are bounded.
pub fn count(expect: &pb::Expectations, schema: &DFSchema, checks: &mut Checks) -> Result<()> {
    for bound in &expect.max_null_ratio {
        checks.count(Condition {
            column: Some(bound.column.clone()),
            code: RejectCode::MissingValue,
            message: String::new(),
            rule: String::new(),
            expr: column(&bound.column, schema)
                .map_err(|error| error.place("max_null_ratio"))?
                .is_not_null(),
        });
    }
    Ok(())
}

/// Checks a step's expectations once all of its rows have passed.
///
/// # Errors
/// `EXPECTATION_FAILED` with everything that is not as expected.
pub fn check(expect: &pb::Expectations, node: &Node) -> Result<()> {
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let (came, passed) = (read(&node.counters.rows_in), read(&node.counters.rows_out));
    let rejected = read(&node.counters.rejected);
    let mut broken = Vec::new();
    if let Some(least) = expect.min_rows.filter(|least| passed < *least) {
        broken.push(format!("{passed} rows pass, min_rows is {least}"));
    }
    if let Some(most) = expect.max_rows.filter(|most| passed > *most) {
        broken.push(format!("{passed} rows pass, max_rows is {most}"));
    }
    if let Some(most) = expect
        .max_reject_ratio
        .filter(|most| exceeds(rejected, came, *most))
    {
        broken.push(format!(
            "{rejected} of {came} rows are rejected, max_reject_ratio is {most}"
        ));
    }
    for bound in &expect.max_null_ratio {
        let tallies = node.tallies.get().into_iter().flatten();
        let counted = tallies.filter(|tally| !tally.warns);
        let mut counted = counted.filter(|tally| tally.column.as_ref() == Some(&bound.column));
        let missing = counted.next().map_or(0, |tally| read(&tally.rows));
        if exceeds(missing, came, bound.ratio) {
            broken.push(format!(
                "{missing} of {came} rows have no {}, max_null_ratio is {}",
                bound.column, bound.ratio
            ));
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(EngineError::new(Code::ExpectationFailed, broken.join("; "))
        .at(node.name.as_ref())
        .place("expect")
        .hint("Nothing was published. Look at the source, or change what is expected"))
}

fn exceeds(part: u64, whole: u64, ratio: f64) -> bool {
    part as f64 > ratio * whole as f64
}
