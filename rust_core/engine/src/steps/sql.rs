//! The `sql` step: a query over sources and earlier steps.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, Session, TableProvider};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, ParamValues};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::SessionState;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;

use super::expr::{invalid, same_names};
use super::guard::{Guard, has_subquery};
use super::numbers::{beside_floats, mark_doubles};
use super::readings::{Readings, readings};
use super::{StepContext, constants};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::reject::row_node::{identity_columns, user_columns};
use crate::reject::tap::{Edge, Tap};

/// A source or step as a table of the query. It is replaced by that node's plan before execution.
#[derive(Debug)]
pub struct InputTable {
    /// The source's or step's name.
    pub name: String,
    schema: SchemaRef,
}

impl InputTable {
    /// The table of a source or step.
    #[must_use]
    pub fn new(name: &str, plan: &LogicalPlan) -> Self {
        let fields: Vec<_> = user_columns(plan.schema())
            .map(|(_, field)| Arc::clone(field))
            .collect();
        Self {
            name: name.to_owned(),
            schema: Arc::new(Schema::new(fields)),
        }
    }
}

#[async_trait]
impl TableProvider for InputTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Err(DataFusionError::Internal(format!(
            "table {} was not replaced by its plan",
            self.name
        )))
    }
}

/// The tables that a query reads, and how often.
///
/// # Errors
/// `EXPRESSION_INVALID` when the query does not parse.
pub fn referenced_tables(query: &str, state: &SessionState) -> Result<Readings> {
    let statement = parsed(query, state).map_err(|error| invalid(&error, query))?;
    Ok(readings(&statement))
}

fn parsed(query: &str, state: &SessionState) -> DfResult<Statement> {
    let dialect = state.config().options().sql_parser.dialect;
    let mut statement = state.sql_to_statement(query, &dialect)?;
    if let Statement::Statement(statement) = &mut statement {
        mark_doubles(statement.as_mut());
    }
    Ok(statement)
}

/// Plans the query, makes its conversions refuse single rows, and counts rows at its edges.
pub fn build(spec: &pb::SqlStep, context: &StepContext<'_>) -> Result<LogicalPlan> {
    let fail = |error: DataFusionError| invalid(&error, &spec.query);
    let session = SessionContext::new_with_state(context.state.clone());
    for (name, plan) in context.plans {
        let table = Arc::new(InputTable::new(name, plan));
        if let Some((step, _)) = name.split_once('.') {
            known_schema(&session, step).map_err(fail)?;
        }
        // The catalog outlives the step, and an earlier query may have read the same table.
        session.deregister_table(name.as_str()).map_err(fail)?;
        session.register_table(name.as_str(), table).map_err(fail)?;
    }
    known_tables(spec, context)?;
    let state = session.state();
    let query = parsed(&spec.query, &state)
        .and_then(|statement| futures::executor::block_on(state.statement_to_plan(statement)))
        .map_err(fail)?;
    let options = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    options.verify_plan(&query).map_err(fail)?;
    let params = context.params.iter();
    let params =
        params.map(|(name, value)| (name.trim_start_matches('$').to_owned(), value.clone()));
    let query = query
        .replace_params_with_values(&ParamValues::from(params.collect::<Vec<_>>()))
        .and_then(|query| constants::rewrite_all(query, beside_floats))
        .and_then(|query| analyzed(query, &state))
        .and_then(|query| constants::rewrite_all(query, |expr, _| constants::fold(expr)))
        .map_err(fail)?;
    let names = query
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone());
    let names: Vec<String> = names.collect();
    unique_names(&names)?;
    let merges = query.exists(|plan| Ok(merges(plan))).map_err(fail)?;
    context.node.0.merges.store(merges, Ordering::Relaxed);
    let guard = Guard::new(context);
    let plan = guard.rewrite(query).map_err(fail)?;
    let readings = guard.readings();
    if readings.values().any(|count| *count > 1) {
        context.node.0.refuse_once();
    }
    *context.node.0.readings.lock() = readings;
    let plan = unqualified(plan).map_err(fail)?;
    Ok(Tap::plan(&context.node, Edge::Out, plan))
}

/// Whether an operator makes one row of several, or looks up rows of a subquery.
fn merges(plan: &LogicalPlan) -> bool {
    matches!(
        plan,
        LogicalPlan::Aggregate(_)
            | LogicalPlan::Distinct(_)
            | LogicalPlan::Join(_)
            | LogicalPlan::RecursiveQuery(_)
    ) || plan.expressions().iter().any(has_subquery)
}

/// Makes the schema that the outputs of a route are in.
fn known_schema(session: &SessionContext, step: &str) -> DfResult<()> {
    for catalog in session.catalog_names() {
        if let Some(catalog) = session.catalog(&catalog)
            && catalog.schema(step).is_none()
        {
            catalog.register_schema(step, Arc::new(MemorySchemaProvider::new()))?;
        }
    }
    Ok(())
}

fn known_tables(spec: &pb::SqlStep, context: &StepContext<'_>) -> Result<()> {
    for table in referenced_tables(&spec.query, context.state)?.into_keys() {
        if !context.plans.contains_key(&table) {
            let names: Vec<_> = context.plans.keys().map(String::as_str).collect();
            let text = format!("there is no source or earlier step '{table}'");
            return Err(EngineError::new(Code::PlanInvalid, text)
                .place(format!("in `{}`", spec.query))
                .hint(format!("The query can read: {}", names.join(", "))));
        }
    }
    Ok(())
}

fn unique_names(names: &[String]) -> Result<()> {
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(same_names(name)),
        None => Ok(()),
    }
}

/// The plan with its types made equal and its wildcards expanded.
///
/// # Errors
/// When types do not fit each other.
pub fn analyzed(plan: LogicalPlan, state: &SessionState) -> DfResult<LogicalPlan> {
    let options = state.config_options();
    state
        .analyzer()
        .execute_and_check(plan, &options.clone(), |_, _| {})
}

/// The plan's columns by their bare names, identity last.
///
/// # Errors
/// When the columns cannot be planned.
pub fn unqualified(plan: LogicalPlan) -> DfResult<LogicalPlan> {
    let columns = output_columns(plan.schema());
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

fn output_columns(schema: &DFSchema) -> Vec<Expr> {
    let identity = identity_columns(schema)
        .into_iter()
        .flatten()
        .map(Expr::Column);
    user_columns(schema)
        .map(Expr::from)
        .chain(identity)
        .map(|expr| {
            let name = match &expr {
                Expr::Column(column) => column.name.clone(),
                other => other.schema_name().to_string(),
            };
            expr.alias(name)
        })
        .collect()
}

/// The table behind a scan, where it is a source or step.
#[must_use]
pub fn input_table(provider: &dyn TableProvider) -> Option<&InputTable> {
    (provider as &dyn Any).downcast_ref::<InputTable>()
}
