//! The logical node of steps that look at one row at a time and may refuse it.
//!
//! It is opaque to predicate and limit pushdown, because moving a filter below it would change
//! which rows are refused. Columns that nobody needs may still be pruned beneath it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchema, DFSchemaRef, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    Expr, ExprSchemable, Extension, LogicalPlan, UserDefinedLogicalNodeCore,
};

use super::RejectCode;
use super::state::NodeRef;
use crate::run::table::SourceTable;
use crate::scan::{LINE, OFFSET, SRC};

/// The names of the identity columns.
pub const IDENTITY: [&str; 3] = [SRC, LINE, OFFSET];

/// What is done to each row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RowOp {
    /// Computes the output's columns.
    Project(Vec<Output>),
    /// Keeps the row when the expression is true.
    Filter(Expr),
    /// Keeps the row when the expression is true; the others are merged into rows that are kept.
    Merge(Expr),
    /// Refuses the row when an expression is false, with every reason.
    Check(Vec<Check>),
}

/// An output column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Output {
    /// What computes it.
    pub expr: Expr,
    /// The qualifier that SQL above refers to it by.
    pub qualifier: Option<TableReference>,
    /// Its name.
    pub name: String,
}

/// Begins the names of columns that are computed below the operator that needs them.
pub const COMPUTED: &str = "__computed_";

/// The column that holds the number of a row's output within a route. No reject names it.
pub const ROUTED: &str = "__computed_output";

impl Output {
    /// The column that a reject names: where people did not name it, the one it is computed from.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        if self.name == ROUTED {
            return None;
        }
        if !self.name.starts_with(COMPUTED) {
            return Some(self.name.clone());
        }
        let columns = self.expr.column_refs();
        let mut names = columns.iter().map(|column| column.name.as_str());
        Some(match (names.next(), names.next()) {
            (Some(name), None) => name.to_owned(),
            _ => self.expr.human_display().to_string(),
        })
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Check {
    /// The column that the reject names.
    pub column: Option<String>,
    /// The reject's code.
    pub code: RejectCode,
    /// The reject's message.
    pub message: String,
    /// False means refused; null does not.
    pub expr: Expr,
    /// The step's tally that counts the row instead of refusing it.
    pub tally: Option<usize>,
}

/// The node. See the module's comment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowNode {
    /// The step it belongs to.
    pub step: NodeRef,
    /// Whether it counts the step's rows in and out; a node inside a SQL query does not.
    pub counts: bool,
    /// What it does.
    pub op: RowOp,
    /// Where rows come from.
    pub input: Arc<LogicalPlan>,
    schema: DFSchemaRef,
}

impl PartialOrd for RowNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.step.0.name.partial_cmp(&other.step.0.name)
    }
}

impl RowNode {
    /// Puts an operation on top of a plan.
    ///
    /// # Errors
    /// When an expression's type cannot be told.
    pub fn plan(
        step: &NodeRef,
        counts: bool,
        op: RowOp,
        input: LogicalPlan,
    ) -> Result<LogicalPlan> {
        let node = Self::new(step.clone(), counts, op, Arc::new(input))?;
        Ok(LogicalPlan::Extension(Extension {
            node: Arc::new(node),
        }))
    }

    /// The same over other outputs.
    ///
    /// # Errors
    /// When an expression's type cannot be told.
    pub fn projecting(&self, outputs: Vec<Output>) -> Result<Self> {
        let (step, input) = (self.step.clone(), Arc::clone(&self.input));
        Self::new(step, self.counts, RowOp::Project(outputs), input)
    }

    fn new(step: NodeRef, counts: bool, op: RowOp, input: Arc<LogicalPlan>) -> Result<Self> {
        let schema = match &op {
            RowOp::Project(outputs) => project_schema(outputs, input.schema())?,
            RowOp::Filter(_) | RowOp::Merge(_) | RowOp::Check(_) => Arc::clone(input.schema()),
        };
        Ok(Self {
            step,
            counts,
            op,
            input,
            schema,
        })
    }
}

fn project_schema(outputs: &[Output], input: &DFSchema) -> Result<DFSchemaRef> {
    let fields = outputs
        .iter()
        .map(|output| {
            let (_, field) = output.expr.to_field(input)?;
            let field = Field::new(&output.name, field.data_type().clone(), field.is_nullable());
            Ok((output.qualifier.clone(), FieldRef::new(field)))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(DFSchema::new_with_metadata(
        fields,
        Default::default(),
    )?))
}

impl UserDefinedLogicalNodeCore for RowNode {
    fn name(&self) -> &str {
        "Rows"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        match &self.op {
            RowOp::Project(outputs) => outputs.iter().map(|output| output.expr.clone()).collect(),
            RowOp::Filter(expr) | RowOp::Merge(expr) => vec![expr.clone()],
            RowOp::Check(checks) => checks.iter().map(|check| check.expr.clone()).collect(),
        }
    }

    fn fmt_for_explain(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exprs: Vec<_> = self.expressions().iter().map(ToString::to_string).collect();
        let op = match &self.op {
            RowOp::Project(_) => "project",
            RowOp::Filter(_) => "filter",
            RowOp::Merge(_) => "merge",
            RowOp::Check(_) => "check",
        };
        write!(
            out,
            "Rows: step={}, {op}=[{}]",
            self.step.0.name,
            exprs.join(", ")
        )
    }

    fn with_exprs_and_inputs(
        &self,
        exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> Result<Self> {
        let input = inputs
            .pop()
            .ok_or_else(|| DataFusionError::Internal("a row node needs an input".to_owned()))?;
        let op = match &self.op {
            RowOp::Project(outputs) => RowOp::Project(
                outputs
                    .iter()
                    .zip(exprs)
                    .map(|(output, expr)| Output {
                        expr: unaliased(expr),
                        ..output.clone()
                    })
                    .collect(),
            ),
            RowOp::Filter(old) => RowOp::Filter(first(exprs, old)),
            RowOp::Merge(old) => RowOp::Merge(first(exprs, old)),
            RowOp::Check(checks) => RowOp::Check(
                checks
                    .iter()
                    .zip(exprs)
                    .map(|(check, expr)| Check {
                        expr: unaliased(expr),
                        ..check.clone()
                    })
                    .collect(),
            ),
        };
        Self::new(self.step.clone(), self.counts, op, Arc::new(input))
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let input = self.input.schema();
        if shows_rows(&self.input) {
            return Some(vec![(0..input.fields().len()).collect()]);
        }
        let mut needed = Vec::new();
        for expr in self.expressions() {
            for column in expr.column_refs() {
                needed.push(input.maybe_index_of_column(column)?);
            }
        }
        if !matches!(self.op, RowOp::Project(_)) {
            needed.extend_from_slice(output_columns);
        }
        for name in IDENTITY {
            needed.extend(input.iter().position(|(_, field)| field.name() == name));
        }
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// Whether rejects must show the rows themselves, all columns of them, because a source below cannot
/// be asked for the record again.
fn shows_rows(plan: &LogicalPlan) -> bool {
    let once = |plan: &LogicalPlan| match plan {
        LogicalPlan::TableScan(scan) => source_as_provider(&scan.source)
            .is_ok_and(|provider| SourceTable::is_read_once(provider.as_ref())),
        _ => false,
    };
    plan.exists(|plan| Ok(once(plan))).unwrap_or(true)
}

fn first(exprs: Vec<Expr>, old: &Expr) -> Expr {
    let expr = exprs.into_iter().next();
    expr.map_or_else(|| old.clone(), unaliased)
}

/// Optimiser rules wrap expressions in aliases to keep names; this node keeps names itself.
fn unaliased(expr: Expr) -> Expr {
    match expr {
        Expr::Alias(alias) => unaliased(*alias.expr),
        other => other,
    }
}

/// The identity columns of a plan's output, or none when it has lost them.
#[must_use]
pub fn identity_columns(schema: &DFSchema) -> Option<[Column; 3]> {
    let find = |name: &str| {
        let mut found = schema.iter().filter(|(_, field)| field.name() == name);
        match (found.next(), found.next()) {
            (Some((qualifier, _)), None) => Some(Column::new(qualifier.cloned(), name)),
            _ => None,
        }
    };
    Some([find(SRC)?, find(LINE)?, find(OFFSET)?])
}

/// The columns of a plan's output without identity.
pub fn user_columns(
    schema: &DFSchema,
) -> impl Iterator<Item = (Option<&TableReference>, &FieldRef)> {
    schema
        .iter()
        .filter(|(_, field)| !IDENTITY.contains(&field.name().as_str()))
}
