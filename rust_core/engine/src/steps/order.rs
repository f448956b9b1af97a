//! Orders of rows: by the columns that a step names, and among equal rows always the same.

use std::collections::BTreeSet;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::expr::column;
use crate::error::Result;
use crate::plan::pb;
use crate::reject::row_node::{RowNode, identity_columns, user_columns};
use crate::reject::tap::Tap;

/// The order by the columns that a step names; missing values come last unless it says otherwise.
///
/// # Errors
/// `COLUMN_UNKNOWN`.
pub fn named(keys: &[pb::SortKey], schema: &DFSchema) -> Result<Vec<Sort>> {
    keys.iter()
        .map(|key| {
            let nulls_first = key.nulls == "first";
            Ok(column(&key.column, schema)?.sort(!key.desc, nulls_first))
        })
        .collect()
}

/// Appends what tells equal rows apart: their place in the source, and where several rows may share
/// one, all their columns. Rows that are still equal cannot be told apart by anyone.
#[must_use]
pub fn total(mut order: Vec<Sort>, plan: &LogicalPlan, sources: &BTreeSet<String>) -> Vec<Sort> {
    let schema = plan.schema();
    let identity = identity_columns(schema);
    let unique = identity.is_some() && has_unique_origins(plan, sources);
    let columns: Vec<Expr> = if unique {
        Vec::new()
    } else {
        // Lists and structs have no order of their own.
        user_columns(schema)
            .filter(|(_, field)| !field.data_type().is_nested())
            .map(Expr::from)
            .collect()
    };
    let identity = identity.into_iter().flatten().map(Expr::Column);
    for expr in identity.chain(columns) {
        if !order.iter().any(|known| known.expr == expr) {
            order.push(expr.sort(true, false));
        }
    }
    order
}

/// The same order from its end.
#[must_use]
pub fn reversed(order: Vec<Sort>) -> Vec<Sort> {
    order
        .into_iter()
        .map(|key| Sort::new(key.expr, !key.asc, !key.nulls_first))
        .collect()
}

/// Whether no two rows come from one record: between here and the sources nothing makes several
/// rows of one.
fn has_unique_origins(plan: &LogicalPlan, sources: &BTreeSet<String>) -> bool {
    let repeats = |plan: &LogicalPlan| match plan {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_) => false,
        LogicalPlan::Extension(extension) => {
            let node = extension.node.as_any();
            !(node.is::<RowNode>() || node.is::<Tap>() || node.is::<super::ordered::Ordered>())
        }
        LogicalPlan::TableScan(scan) => !sources.contains(scan.table_name.table()),
        _ => true,
    };
    !plan.exists(|plan| Ok(repeats(plan))).unwrap_or(true)
}
