//! Makes a SQL query refuse single rows instead of failing as a whole.
//!
//! Expressions that can fail for a value are taken out of the query engine's own operators and put
//! into row nodes below or in place of them. Row identity is threaded through the operators that
//! keep rows one to one, so that a reject can name its line.

mod hoist;
mod join;
mod union;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchemaRef, internal_err};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Projection, Sort,
    SubqueryAlias, TableScan, Window,
};

pub use self::hoist::has_subquery;
use self::hoist::{can_fail, is_own};
use super::StepContext;
use super::readings::Readings;
use super::sql::input_table;
use crate::reject::row_node::{Output, RowNode, RowOp, identity_columns, user_columns};
use crate::reject::tap::{Edge, Tap};

/// Rewrites one query.
pub struct Guard<'a, 'b> {
    context: &'a StepContext<'b>,
    /// How many columns were computed so far: both sides of a join may need some.
    computed: Cell<usize>,
    readings: RefCell<Readings>,
}

impl<'a, 'b> Guard<'a, 'b> {
    /// For a step and the plans of its inputs.
    pub fn new(context: &'a StepContext<'b>) -> Self {
        Self {
            context,
            computed: Cell::new(0),
            readings: RefCell::default(),
        }
    }

    /// How often the rewritten plan reads each source and step.
    pub fn readings(&self) -> Readings {
        self.readings.borrow().clone()
    }

    /// Rewrites a plan, inputs first.
    ///
    /// # Errors
    /// When a rewritten operator cannot be built.
    pub fn rewrite(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let plan = self.rewrite_subqueries(plan)?;
        match plan {
            LogicalPlan::TableScan(scan) => self.table(scan),
            LogicalPlan::Projection(projection) => self.project(projection),
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::SubqueryAlias(alias) => {
                let input = self.rewrite(owned(alias.input))?;
                Ok(LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(
                    Arc::new(input),
                    alias.alias,
                )?))
            }
            LogicalPlan::Sort(sort) => self.sort(sort),
            LogicalPlan::Limit(mut limit) => {
                limit.input = Arc::new(self.rewrite(owned(limit.input))?);
                Ok(LogicalPlan::Limit(limit))
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            other => {
                let inputs = other.inputs().into_iter().cloned();
                let inputs = inputs
                    .map(|input| self.rewrite(input).and_then(without_identity))
                    .collect::<Result<Vec<_>>>()?;
                other.with_new_exprs(other.expressions(), inputs)
            }
        }
    }

    fn rewrite_subqueries(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let rewritten = plan.map_subqueries(|plan| match plan {
            LogicalPlan::Subquery(mut subquery) if subquery.outer_ref_columns.is_empty() => {
                let inner = self
                    .rewrite(owned(subquery.subquery))
                    .and_then(without_identity)?;
                subquery.subquery = Arc::new(inner);
                Ok(Transformed::yes(LogicalPlan::Subquery(subquery)))
            }
            LogicalPlan::Subquery(mut subquery) => {
                // A correlated subquery is turned into a join later, which row nodes would hinder,
                // so only its tables are replaced.
                let inner = owned(subquery.subquery).transform_up(|plan| match plan {
                    LogicalPlan::TableScan(scan) => self
                        .table(scan)
                        .and_then(without_identity)
                        .map(Transformed::yes),
                    other => Ok(Transformed::no(other)),
                })?;
                subquery.subquery = Arc::new(inner.data);
                Ok(Transformed::yes(LogicalPlan::Subquery(subquery)))
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(rewritten.data)
    }

    fn table(&self, scan: TableScan) -> Result<LogicalPlan> {
        let provider = source_as_provider(&scan.source)?;
        let Some(table) = input_table(provider.as_ref()) else {
            return Ok(LogicalPlan::TableScan(scan));
        };
        let plan = self.context.plan(&table.name)?;
        *self
            .readings
            .borrow_mut()
            .entry(table.name.clone())
            .or_default() += 1;
        let plan = Tap::plan(&self.context.node, Edge::In, plan);
        LogicalPlanBuilder::from(plan)
            .alias(scan.table_name)?
            .build()
    }

    fn project(&self, projection: Projection) -> Result<LogicalPlan> {
        let input = self.rewrite(owned(projection.input))?;
        let identity = identity_columns(input.schema()).into_iter().flatten();
        if !projection.expr.iter().any(can_fail) {
            let exprs = projection
                .expr
                .into_iter()
                .chain(identity.map(Expr::Column))
                .collect();
            return Ok(LogicalPlan::Projection(Projection::try_new(
                exprs,
                Arc::new(input),
            )?));
        }
        let own =
            projection
                .schema
                .iter()
                .zip(projection.expr)
                .map(|((qualifier, field), expr)| Output {
                    expr: super::expr::unaliased(expr),
                    qualifier: qualifier.cloned(),
                    name: field.name().clone(),
                });
        let identity = identity.map(|column| Output {
            qualifier: column.relation.clone(),
            name: column.name.clone(),
            expr: Expr::Column(column),
        });
        let outputs = own.chain(identity).collect();
        RowNode::plan(&self.context.node, false, RowOp::Project(outputs), input)
    }

    fn filter(&self, filter: Filter) -> Result<LogicalPlan> {
        let input = self.rewrite(owned(filter.input))?;
        if can_fail(&filter.predicate) && !has_subquery(&filter.predicate) {
            return RowNode::plan(
                &self.context.node,
                false,
                RowOp::Filter(filter.predicate),
                input,
            );
        }
        Ok(LogicalPlan::Filter(Filter::try_new(
            filter.predicate,
            Arc::new(input),
        )?))
    }

    fn sort(&self, mut sort: Sort) -> Result<LogicalPlan> {
        let input = self.rewrite(owned(sort.input))?;
        let schema = Arc::clone(input.schema());
        let exprs = sort.expr.iter().map(|key| key.expr.clone()).collect();
        let (exprs, input) = self.hoist(exprs, input)?;
        for (key, expr) in sort.expr.iter_mut().zip(exprs) {
            key.expr = expr;
        }
        sort.input = Arc::new(input);
        only(&schema, LogicalPlan::Sort(sort))
    }

    fn window(&self, window: Window) -> Result<LogicalPlan> {
        let input = self.rewrite(owned(window.input))?;
        let (exprs, input) = self.hoist(window.window_expr, input)?;
        let plan = LogicalPlan::Window(Window::try_new(exprs, Arc::new(input))?);
        renamed(&window.schema, plan, is_own)
    }

    fn aggregate(&self, aggregate: Aggregate) -> Result<LogicalPlan> {
        let input = self.rewrite(owned(aggregate.input))?;
        let groups = aggregate.group_expr.len();
        let exprs = aggregate
            .group_expr
            .into_iter()
            .chain(aggregate.aggr_expr)
            .collect();
        let (mut exprs, input) = self.hoist(exprs, input)?;
        let aggregates = exprs.split_off(groups);
        let input = Arc::new(without_identity(input)?);
        let plan = LogicalPlan::Aggregate(Aggregate::try_new(input, exprs, aggregates)?);
        // All of its columns are wanted: a computed one is a group's key.
        renamed(&aggregate.schema, plan, |_| true)
    }
}

fn owned(plan: Arc<LogicalPlan>) -> LogicalPlan {
    Arc::unwrap_or_clone(plan)
}

fn without_identity(plan: LogicalPlan) -> Result<LogicalPlan> {
    if identity_columns(plan.schema()).is_none() {
        return Ok(plan);
    }
    let columns: Vec<Expr> = user_columns(plan.schema()).map(Expr::from).collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Drops the computed columns that were added below.
fn only(schema: &DFSchemaRef, plan: LogicalPlan) -> Result<LogicalPlan> {
    if plan.schema().fields().len() == schema.fields().len() {
        return Ok(plan);
    }
    let columns: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Gives the operator's outputs that are `visible` the names that the query above refers to, keeps
/// identity, and drops the others.
fn renamed(
    wanted: &DFSchemaRef,
    plan: LogicalPlan,
    visible: impl Fn(&str) -> bool,
) -> Result<LogicalPlan> {
    let found = Arc::clone(plan.schema());
    let visible: Vec<_> = user_columns(&found)
        .filter(|(_, field)| visible(field.name()))
        .collect();
    if visible.len() != wanted.fields().len() {
        return internal_err!("an operator has other columns than its query refers to: {found}");
    }
    let mut exprs = Vec::with_capacity(visible.len());
    for ((qualifier, field), (wanted_qualifier, wanted_field)) in
        visible.into_iter().zip(wanted.iter())
    {
        let expr = Expr::from((qualifier, field));
        let same = qualifier == wanted_qualifier && field.name() == wanted_field.name();
        let expr = if same {
            expr
        } else {
            expr.alias_qualified(wanted_qualifier.cloned(), wanted_field.name())
        };
        debug_assert!(expr.get_type(&found).is_ok());
        exprs.push(expr);
    }
    exprs.extend(
        identity_columns(&found)
            .into_iter()
            .flatten()
            .map(Expr::Column),
    );
    if exprs.len() == found.fields().len()
        && exprs.iter().all(|expr| matches!(expr, Expr::Column(_)))
    {
        return Ok(plan);
    }
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}
