//! Keys that must be found in another source or step.

use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, col, lit};

use super::{Checks, Condition};
use crate::error::Result;
use crate::plan::pb;
use crate::reject::RejectCode;
use crate::reject::tap::{Edge, Tap};
use crate::steps::StepContext;
use crate::steps::expr::{column, invalid};
use crate::steps::keys::{Pairs, pairs};

/// Adds a column that says whether a row's key was found, and the check of it.
pub fn look_up(
    reference: &pb::Reference,
    number: usize,
    input: LogicalPlan,
    context: &StepContext<'_>,
    checks: &mut Checks,
) -> Result<LogicalPlan> {
    let place = |error: crate::error::EngineError| error.place(format!("reference {}", number + 1));
    let other = context.plan(&reference.to).map_err(place)?;
    let wanted = Pairs {
        on: &reference.on,
        keys: &reference.keys,
        with: &reference.to,
    };
    let keys = pairs(&wanted, input.schema(), other.schema()).map_err(place)?;
    let found = format!("__found_{number}");
    let (mut own, mut selected, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for (position, (left, right)) in keys.iter().enumerate() {
        let name = format!("__key_{number}_{position}");
        own.push(column(left, input.schema())?);
        selected.push(column(right, other.schema())?.alias(&name));
        others.push(name);
    }
    let matched = own.iter().zip(&others);
    let matched = matched.map(|(own, other)| own.clone().eq(col(other)));
    let matched: Vec<Expr> = matched.collect();
    let names: Vec<&str> = keys.iter().map(|(left, _)| left.as_str()).collect();
    let expr = own
        .into_iter()
        .fold(col(&found).is_not_null(), |expr, key| {
            expr.or(key.is_null())
        });
    let condition = Condition {
        column: Some(names.join(", ")),
        code: RejectCode::KeyNotFound,
        message: format!("{} has no row with this key", reference.to),
        rule: String::new(),
        expr,
    };
    checks.add(condition, &reference.severity);
    let other = Tap::plan(&context.node, Edge::Side, other);
    let known = others.iter().map(col).chain([lit(true).alias(&found)]);
    LogicalPlanBuilder::from(other)
        .project(selected)
        .and_then(|plan| plan.distinct()?.project(known)?.build())
        .and_then(|known| {
            LogicalPlanBuilder::from(input)
                .join_on(known, JoinType::Left, matched)?
                .build()
        })
        .map_err(|error| invalid(&error, ""))
}
