//! The `validate` step: rows that break rules become rejects, each with every reason.

mod convertible;
mod expect;
mod references;
mod rules;
mod unique;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::StepContext;
use super::expr::invalid;
use crate::error::Result;
use crate::plan::pb;
use crate::reject::RejectCode;
use crate::reject::row_node::{Check, RowNode, RowOp};
use crate::reject::state::Tally;
use crate::reject::tap::{Edge, Tap};

pub use expect::check as check_expectations;

/// The severity of rules that let their rows pass.
const WARN: &str = "warn";

/// What is to be checked, and what is to be counted beside.
#[derive(Default)]
struct Checks {
    checks: Vec<Check>,
    tallies: Vec<Tally>,
}

/// One condition that every row must keep.
struct Condition {
    column: Option<String>,
    code: RejectCode,
    message: String,
    /// The rule's name, where it has one.
    rule: String,
    expr: Expr,
}

impl Checks {
    fn add(&mut self, condition: Condition, severity: &str) {
        let counted = (severity == WARN).then_some(true);
        self.push(condition, counted);
    }

    /// Counts the rows that do not keep a condition; nobody is warned of them.
    fn count(&mut self, condition: Condition) {
        self.push(condition, Some(false));
    }

    /// `warns` is none where the condition's breach is a reject.
    fn push(&mut self, condition: Condition, warns: Option<bool>) {
        let tally = warns.map(|warns| {
            self.tallies.push(Tally {
                column: condition.column.clone(),
                code: condition.code,
                rule: condition.rule,
                warns,
                rows: AtomicU64::new(0),
            });
            self.tallies.len() - 1
        });
        self.checks.push(Check {
            column: condition.column,
            code: condition.code,
            message: condition.message,
            expr: condition.expr,
            tally,
        });
    }
}

/// Checks values, rules and references first, then repeated keys among the rows that are left.
///
/// # Errors
/// `EXPRESSION_INVALID`, `COLUMN_UNKNOWN`, `PLAN_INVALID` for a check that cannot be made.
pub fn build(
    spec: &pb::ValidateStep,
    input: LogicalPlan,
    context: &StepContext<'_>,
) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let mut checks = Checks::default();
    rules::not_null(&spec.not_null, &schema, &mut checks)?;
    for rule in &spec.columns {
        rules::column_rule(rule, &schema, &mut checks)
            .map_err(|error| error.place(format!("column {}", rule.column)))?;
    }
    rules::rules(&spec.rules, &schema, context, &mut checks)?;
    let mut plan = Tap::plan(&context.node, Edge::In, input);
    for (number, reference) in spec.references.iter().enumerate() {
        plan = references::look_up(reference, number, plan, context, &mut checks)?;
    }
    if let Some(expect) = &spec.expect {
        expect::count(expect, &schema, &mut checks)?;
    }
    // Nobody else fills the cell: a step is built once.
    let _ = context.node.0.tallies.set(checks.tallies);
    let own = schema.columns().into_iter().map(Expr::Column);
    let plan = RowNode::plan(&context.node, false, RowOp::Check(checks.checks), plan)
        .and_then(|plan| LogicalPlanBuilder::from(plan).project(own)?.build())
        .map_err(|error| invalid(&error, ""))?;
    let plan = if spec.unique.is_empty() {
        plan
    } else {
        unique::build(&spec.unique, plan, context)?
    };
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}
