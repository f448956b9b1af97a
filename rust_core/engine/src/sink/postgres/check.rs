//! Which rows the target would refuse, found before they are staged.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::encode::Cells;
use super::fit::Fit;
use super::target::{Target, TargetColumn};
use crate::reject::{Reason, RejectCode};
use crate::sink::json_form::{has_form, may_lack_form};

/// The most characters of a value in a message.
const SHOWN: usize = 80;

/// The refused rows in ascending order, with every reason.
pub(super) fn refused(batch: &RecordBatch, target: &Target) -> Vec<(usize, Vec<Reason>)> {
    let mut refused: BTreeMap<usize, Vec<Reason>> = BTreeMap::new();
    let cells = match Cells::of(batch, target) {
        Ok(cells) => cells,
        // Staging the same batch fails with the same error, which ends the run.
        Err(error) => {
            log::debug!("rows are not checked: {error}");
            return Vec::new();
        }
    };
    for (index, (cell, column)) in cells.iter().zip(&target.columns).enumerate() {
        for row in missing(cell, column, batch.num_rows()) {
            refused.entry(row).or_default().push(Reason {
                column: Some(column.name.clone()),
                code: RejectCode::MissingValue,
                message: format!("the target's column {} needs a value", column.name),
            });
        }
        for (row, why) in unfit(cell, batch, index) {
            refused.entry(row).or_default().push(Reason {
                column: Some(column.name.clone()),
                code: RejectCode::TargetRefused,
                message: format!(
                    "{} does not fit {} of the target: {why}",
                    shown(batch, index, row),
                    column.type_name
                ),
            });
        }
    }
    refused.into_iter().collect()
}

fn missing(cell: &Cells<'_>, column: &TargetColumn, rows: usize) -> Vec<usize> {
    let some_missing =
        *cell.fit == Fit::Null || cell.nulls().is_some_and(|nulls| nulls.null_count() > 0);
    if !column.required || !some_missing {
        return Vec::new();
    }
    (0..rows).filter(|row| cell.is_missing(*row)).collect()
}

fn unfit(cell: &Cells<'_>, batch: &RecordBatch, index: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let array = batch.columns().get(index);
    if let Some(array) = array.filter(|array| {
        matches!(cell.fit, Fit::Json(_) | Fit::Text(_))
            && array.data_type().is_nested()
            && may_lack_form(array.data_type())
    }) {
        let rows = (0..batch.num_rows()).filter(|row| !has_form(array, *row));
        found.extend(rows.map(|row| (row, "JSON has no NaN and no infinity".to_owned())));
    }
    if cell.is_safe() {
        return found;
    }
    let mut scratch = Vec::new();
    for row in 0..batch.num_rows() {
        scratch.clear();
        if let Err(refusal) = cell.put(row, &mut scratch) {
            found.push((row, refusal.reason));
        }
    }
    found
}

/// A value for people: short, in quotes.
fn shown(batch: &RecordBatch, column: usize, row: usize) -> String {
    let options = FormatOptions::default();
    let text = batch
        .columns()
        .get(column)
        .and_then(|array| ArrayFormatter::try_new(array.as_ref(), &options).ok())
        .map(|texts| texts.value(row).to_string())
        .unwrap_or_default();
    let mut short: String = text
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    format!("'{short}'")
}
