//! Steps: each kind is one file that turns its message and its input into a logical plan.
//!
//! A step's plan ends in unqualified columns, followed by the identity columns where rows still
//! have one origin each.

mod aggregate;
mod cast;
mod columns;
mod constants;
mod dedupe;
mod drop;
pub mod expr;
mod filter;
mod guard;
mod hide;
mod join;
mod json_list;
mod keys;
mod limit;
mod lookup;
mod map;
mod mask;
mod numbers;
mod order;
pub mod ordered;
mod readings;
mod rename;
pub mod route;
mod select;
mod sort;
mod sql;
pub mod sum;
pub mod syntax;
mod types;
mod unnest;
pub mod validate;

use std::collections::{BTreeMap, BTreeSet};

use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;

use crate::error::{Code, EngineError, Result};
use crate::plan::pb::{self, step::Kind};
use crate::reject::state::{NodeRef, OnError};

pub use readings::Readings;
pub use sql::referenced_tables;
pub use types::Types;

/// What building a step works with.
pub struct StepContext<'a> {
    /// Parses and types SQL.
    pub state: &'a SessionState,
    /// Plans of sources and earlier steps.
    pub plans: &'a BTreeMap<String, LogicalPlan>,
    /// The step.
    pub node: NodeRef,
    /// The names of the pipeline's sources.
    pub sources: &'a BTreeSet<String>,
    /// Bound parameters.
    pub params: &'a expr::Params,
}

impl StepContext<'_> {
    /// The plan of a source or earlier step.
    ///
    /// # Errors
    /// `PLAN_INVALID` when there is none of that name.
    pub fn plan(&self, name: &str) -> Result<LogicalPlan> {
        self.plans.get(name).cloned().ok_or_else(|| {
            EngineError::new(
                Code::PlanInvalid,
                format!("there is no source or step '{name}'"),
            )
            .hint("A step reads sources and steps above it")
        })
    }
}

/// The kind's name, as in the pipeline.
#[must_use]
pub const fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Sql(_) => "sql",
        Kind::Filter(_) => "filter",
        Kind::Select(_) => "select",
        Kind::Map(_) => "map",
        Kind::Rename(_) => "rename",
        Kind::Drop(_) => "drop",
        Kind::Cast(_) => "cast",
        Kind::Join(_) => "join",
        Kind::Validate(_) => "validate",
        Kind::Limit(_) => "limit",
        Kind::Sort(_) => "sort",
        Kind::Dedupe(_) => "dedupe",
        Kind::Aggregate(_) => "aggregate",
        Kind::Unnest(_) => "unnest",
        Kind::Route(_) => "route",
        Kind::Mask(_) => "mask",
    }
}

/// The step's `on_error`.
///
/// # Errors
/// `PLAN_INVALID` for an unknown value.
pub fn on_error(step: &pb::Step) -> Result<OnError> {
    match step.on_error.as_str() {
        "" | "reject" => Ok(OnError::Reject),
        "fail" => Ok(OnError::Fail),
        "skip" => Ok(OnError::Skip),
        other => Err(EngineError::new(
            Code::PlanInvalid,
            format!("on_error is reject, fail or skip, not '{other}'"),
        )),
    }
}

/// Builds a step's plan.
///
/// # Errors
/// `EXPRESSION_INVALID`, `COLUMN_UNKNOWN`, `TYPE_UNKNOWN` and their kin, naming step and place.
pub fn build(step: &pb::Step, kind: &Kind, context: &StepContext<'_>) -> Result<LogicalPlan> {
    let input = || context.plan(&step.from);
    let built = match kind {
        Kind::Sql(spec) => sql::build(spec, context),
        Kind::Join(spec) => input().and_then(|left| join::build(spec, left, context)),
        Kind::Validate(spec) => input().and_then(|input| validate::build(spec, input, context)),
        Kind::Limit(spec) => input().and_then(|input| limit::build(spec, input, context)),
        Kind::Sort(spec) => input().and_then(|input| sort::build(spec, input, context)),
        Kind::Dedupe(spec) => input().and_then(|input| dedupe::build(spec, input, context)),
        Kind::Unnest(spec) => input().and_then(|input| unnest::build(spec, input, context)),
        Kind::Route(spec) => input().and_then(|input| route::build(spec, input, context)),
        Kind::Mask(spec) => input().and_then(|input| mask::build(spec, input, context)),
        Kind::Aggregate(spec) => aggregate::build(spec, &step.from, context),
        Kind::Filter(spec) => input().and_then(|input| filter::build(spec, input, context)),
        Kind::Select(spec) => input().and_then(|input| select::build(spec, input, context)),
        Kind::Map(spec) => input().and_then(|input| map::build(spec, input, context)),
        Kind::Rename(spec) => input().and_then(|input| rename::build(spec, input, context)),
        Kind::Drop(spec) => input().and_then(|input| drop::build(spec, input, context)),
        Kind::Cast(spec) => input().and_then(|input| cast::build(spec, input, context)),
    };
    built.map_err(|error| error.at(step.name.as_str()))
}
