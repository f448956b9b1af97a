//! What a row operator does to a batch: compute, refuse, count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;

use super::fault::RowFault;
use super::locate::{Evaluated, evaluate};
use super::state::{Counters, Node, OnError};
use super::{Reason, RejectCode, refuse};
use crate::error::{Code, EngineError};

/// An operation compiled against its input's columns.
#[derive(Debug)]
pub struct Program {
    /// The step it belongs to.
    pub step: Arc<Node>,
    /// Whether it counts the step's rows in and out.
    pub counts: bool,
    /// What it does.
    pub op: Op,
}

/// A compiled operation; see [`super::row_node::RowOp`].
#[derive(Debug)]
pub enum Op {
    /// Output columns, and the column that a reject of each names.
    Project(Vec<(Arc<dyn PhysicalExpr>, Option<String>)>),
    /// A condition.
    Filter(Arc<dyn PhysicalExpr>),
    /// A condition of the rows that others are merged into.
    Merge(Arc<dyn PhysicalExpr>),
    /// Rules.
    Check(Vec<Rule>),
}

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// False means refused.
    pub expr: Arc<dyn PhysicalExpr>,
    /// The reject's column.
    pub column: Option<String>,
    /// The reject's code.
    pub code: RejectCode,
    /// The reject's message.
    pub message: String,
    /// The step's tally that counts the row instead of refusing it.
    pub tally: Option<usize>,
}

/// The reasons of the refused rows of a batch, by row.
type Refusals = BTreeMap<usize, Vec<Reason>>;

impl Program {
    /// The expressions that are evaluated.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        match &self.op {
            Op::Project(outputs) => outputs.iter().map(|(expr, _)| expr).collect(),
            Op::Filter(expr) | Op::Merge(expr) => vec![expr],
            Op::Check(rules) => rules.iter().map(|rule| &rule.expr).collect(),
        }
    }

    /// Runs the operation on a batch; refused rows go to the log.
    ///
    /// # Errors
    /// An error that is not about single rows, or a refused row where the step says `fail`.
    pub fn run(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        let counters = &self.step.counters;
        if self.counts {
            Counters::add(&counters.rows_in, batch.num_rows());
        }
        let out = match &self.op {
            Op::Project(outputs) => self.project(outputs, batch, schema)?,
            Op::Filter(expr) => self.filter(expr, batch, &counters.filtered)?,
            Op::Merge(expr) => self.filter(expr, batch, &counters.merged)?,
            Op::Check(rules) => self.check(rules, batch)?,
        };
        if self.counts {
            Counters::add(&counters.rows_out, out.num_rows());
        }
        Ok(out)
    }

    fn project(
        &self,
        outputs: &[(Arc<dyn PhysicalExpr>, Option<String>)],
        batch: &RecordBatch,
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let mut refusals = Refusals::new();
        let mut columns = Vec::with_capacity(outputs.len());
        for (expr, name) in outputs {
            match evaluate(expr.as_ref(), batch)? {
                Evaluated::Values(array) => columns.push(Some(array)),
                Evaluated::Faults(faults) => {
                    note(&mut refusals, name.as_deref(), faults);
                    columns.push(None);
                }
            }
        }
        let options = RecordBatchOptions::new();
        if refusals.is_empty() {
            let options = options.with_row_count(Some(batch.num_rows()));
            let columns = columns.into_iter().flatten().collect();
            return Ok(RecordBatch::try_new_with_options(
                Arc::clone(schema),
                columns,
                &options,
            )?);
        }
        let keep = self.refuse(batch, &refusals)?;
        let kept = filter_record_batch(batch, &keep)?;
        let columns = outputs
            .iter()
            .zip(columns)
            .map(|((expr, _), column)| good_values(expr, column, &keep, &kept))
            .collect::<Result<Vec<_>>>()?;
        let options = options.with_row_count(Some(kept.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(schema),
            columns,
            &options,
        )?)
    }

    /// Keeps the rows for which an expression is true; `dropped` counts the others.
    fn filter(
        &self,
        expr: &Arc<dyn PhysicalExpr>,
        batch: &RecordBatch,
        dropped: &AtomicU64,
    ) -> Result<RecordBatch> {
        let (batch, condition) = match evaluate(expr.as_ref(), batch)? {
            Evaluated::Values(array) => (batch.clone(), array),
            Evaluated::Faults(faults) => {
                let mut refusals = Refusals::new();
                note(&mut refusals, None, faults);
                let keep = self.refuse(batch, &refusals)?;
                let kept = filter_record_batch(batch, &keep)?;
                let condition = good_values(expr, None, &keep, &kept)?;
                (kept, condition)
            }
        };
        let out = filter_record_batch(&batch, condition.as_boolean())?;
        Counters::add(dropped, batch.num_rows() - out.num_rows());
        Ok(out)
    }

    fn check(&self, rules: &[Rule], batch: &RecordBatch) -> Result<RecordBatch> {
        let mut refusals = Refusals::new();
        for rule in rules {
            let found = breaches(rule, batch)?;
            match rule.tally {
                Some(tally) => self.count(tally, found.len()),
                None => {
                    for (row, reasons) in found {
                        refusals.entry(row).or_default().extend(reasons);
                    }
                }
            }
        }
        if refusals.is_empty() {
            return Ok(batch.clone());
        }
        let keep = self.refuse(batch, &refusals)?;
        Ok(filter_record_batch(batch, &keep)?)
    }

    fn count(&self, tally: usize, rows: usize) {
        let tallies = self.step.tallies.get();
        if let Some(tally) = tallies.and_then(|tallies| tallies.get(tally)) {
            Counters::add(&tally.rows, rows);
        }
    }

    /// Sends refused rows to the log, or does what the step's `on_error` says. Returns the mask of
    /// the rows that stay.
    fn refuse(&self, batch: &RecordBatch, refusals: &Refusals) -> Result<BooleanArray> {
        let counters = &self.step.counters;
        match self.step.on_error {
            OnError::Fail => return Err(self.first_failure(batch, refusals).into()),
            OnError::Skip => Counters::add(&counters.filtered, refusals.len()),
            OnError::Reject => {
                let logged = refuse::log(&self.step, batch, refusals)?;
                Counters::add(&counters.rejected, logged);
            }
        }
        Ok((0..batch.num_rows())
            .map(|row| Some(!refusals.contains_key(&row)))
            .collect())
    }

    fn first_failure(&self, batch: &RecordBatch, refusals: &Refusals) -> EngineError {
        let (row, reason) = match refusals.iter().next() {
            Some((row, reasons)) => (*row, reasons.first()),
            None => (0, None),
        };
        let message = reason.map_or_else(String::new, |reason| {
            let column = reason
                .column
                .as_deref()
                .map(|column| format!("column {column}: "));
            format!("{}{}", column.unwrap_or_default(), reason.message)
        });
        let error = EngineError::new(Code::RowFailed, message)
            .at(self.step.name.as_ref())
            .hint("The step says on_error: fail; `reject` keeps the run going");
        match refuse::origin_text(&self.step, batch, row) {
            Some(place) => error.place(place),
            None => error,
        }
    }
}

fn note(refusals: &mut Refusals, column: Option<&str>, faults: Vec<(usize, RowFault)>) {
    for (row, fault) in faults {
        refusals.entry(row).or_default().push(Reason {
            column: column.map(str::to_owned),
            code: fault.code,
            message: fault.message,
        });
    }
}

fn good_values(
    expr: &Arc<dyn PhysicalExpr>,
    column: Option<ArrayRef>,
    keep: &BooleanArray,
    kept: &RecordBatch,
) -> Result<ArrayRef> {
    if let Some(column) = column {
        return Ok(arrow::compute::filter(&column, keep)?);
    }
    if kept.num_rows() == 0 {
        // A constant that fails would fail for no rows too.
        let data_type = expr.data_type(kept.schema_ref())?;
        return Ok(arrow::array::new_empty_array(&data_type));
    }
    match evaluate(expr.as_ref(), kept)? {
        Evaluated::Values(array) => Ok(array),
        Evaluated::Faults(_) => Err(datafusion::error::DataFusionError::Internal(
            "a row that could be computed cannot be computed again".to_owned(),
        )),
    }
}

/// The rows that break a rule, or for which it cannot be computed.
fn breaches(rule: &Rule, batch: &RecordBatch) -> Result<Refusals> {
    let mut found = Refusals::new();
    match evaluate(rule.expr.as_ref(), batch)? {
        Evaluated::Values(array) => broken(rule, array.as_boolean(), &mut found),
        Evaluated::Faults(faults) => {
            let bad: Vec<_> = faults.iter().map(|(row, _)| *row).collect();
            note(&mut found, rule.column.as_deref(), faults);
            check_others(rule, batch, &bad, &mut found)?;
        }
    }
    Ok(found)
}

fn broken(rule: &Rule, holds: &BooleanArray, refusals: &mut Refusals) {
    if !holds.has_false() {
        return;
    }
    for row in 0..holds.len() {
        if holds.is_valid(row) && !holds.value(row) {
            refusals.entry(row).or_default().push(Reason {
                column: rule.column.clone(),
                code: rule.code,
                message: rule.message.clone(),
            });
        }
    }
}

/// Evaluates a rule for the rows for which it can be computed.
fn check_others(
    rule: &Rule,
    batch: &RecordBatch,
    bad: &[usize],
    refusals: &mut Refusals,
) -> Result<()> {
    for row in (0..batch.num_rows()).filter(|row| bad.binary_search(row).is_err()) {
        if let Evaluated::Values(array) = evaluate(rule.expr.as_ref(), &batch.slice(row, 1))? {
            let mut single = Refusals::new();
            broken(rule, array.as_boolean(), &mut single);
            for reasons in single.into_values() {
                refusals.entry(row).or_default().extend(reasons);
            }
        }
    }
    Ok(())
}
