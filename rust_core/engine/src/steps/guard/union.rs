//! UNION ALL: each row is one of an input, so it keeps its identity where all inputs have one.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Union};

use super::{Guard, owned, renamed};
use crate::reject::row_node::{identity_columns, user_columns};

impl Guard<'_, '_> {
    pub(super) fn union(&self, union: Union) -> Result<LogicalPlan> {
        let inputs = union.inputs.into_iter();
        let inputs = inputs
            .map(|input| self.rewrite(owned(input)))
            .collect::<Result<Vec<_>>>()?;
        let keeps = inputs
            .iter()
            .all(|input| identity_columns(input.schema()).is_some());
        let names: Vec<&String> = union
            .schema
            .fields()
            .iter()
            .map(|field| field.name())
            .collect();
        let inputs = inputs
            .into_iter()
            .map(|input| in_order(input, &names, keeps).map(Arc::new))
            .collect::<Result<Vec<_>>>()?;
        let plan = LogicalPlan::Union(Union::try_new(inputs)?);
        renamed(&union.schema, plan, |_| true)
    }
}

/// An input with the union's names, for its rows are matched by position: identity comes last.
fn in_order(input: LogicalPlan, names: &[&String], keeps: bool) -> Result<LogicalPlan> {
    let schema = Arc::clone(input.schema());
    let own = user_columns(&schema)
        .zip(names)
        .map(|(column, name)| Expr::from(column).alias(name.as_str()));
    let identity = identity_columns(&schema).filter(|_| keeps);
    let identity = identity.into_iter().flatten().map(|column| {
        let name = column.name.clone();
        Expr::Column(column).alias(name)
    });
    let columns: Vec<Expr> = own.chain(identity).collect();
    LogicalPlanBuilder::from(input).project(columns)?.build()
}
