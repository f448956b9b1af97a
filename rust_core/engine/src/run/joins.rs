//! Chooses how rows are joined: by a table in memory where that fits, else by sorting, which spills.

use std::sync::Arc;

use arrow::compute::SortOptions;
use datafusion::common::JoinType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::operator_statistics::StatisticsRegistry;

use super::held::HoldWindows;

/// The share of the operators' memory that the tables of a plan's joins may take together.
const SHARE: f64 = 0.6;
/// What a row takes in the table besides its values, in bytes.
const ENTRY: usize = 24;

/// Replaces joins whose table may not fit.
#[derive(Debug)]
struct SpillingJoins {
    /// The most that all tables of a plan may take, in bytes.
    most: usize,
}

/// The optimiser's rules for operators that share `memory` bytes.
#[must_use]
pub fn rules(memory: usize) -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let most = (memory as f64 * SHARE) as usize;
    let mut rules = PhysicalOptimizer::new().rules;
    // Before the rule that sorts and distributes what joins ask for.
    let place = rules
        .iter()
        .position(|rule| rule.name() == "join_selection");
    rules.insert(
        place.map_or(0, |at| at + 1),
        Arc::new(SpillingJoins { most }),
    );
    rules.push(Arc::new(HoldWindows));
    rules
}

impl PhysicalOptimizerRule for SpillingJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut left = self.most;
        plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            if !is_replaceable(join) {
                return Ok(Transformed::no(plan));
            }
            match table_bytes(join)?.and_then(|bytes| left.checked_sub(bytes)) {
                Some(rest) => left = rest,
                None => return Ok(Transformed::yes(sorted(join)?)),
            }
            Ok(Transformed::no(plan))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "spilling_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether sorting can do what the join does.
fn is_replaceable(join: &HashJoinExec) -> bool {
    !join.null_aware
        && join.projection.is_none()
        && !matches!(join.join_type(), JoinType::LeftMark | JoinType::RightMark)
}

/// About how many bytes the join's table takes, where anything is known of it.
fn table_bytes(join: &HashJoinExec) -> Result<Option<usize>> {
    let registry = StatisticsRegistry::default_with_builtin_providers();
    let table = registry.compute_base(join.left().as_ref())?;
    let (rows, bytes) = (
        table.num_rows.get_value(),
        table.total_byte_size.get_value(),
    );
    Ok(rows
        .zip(bytes)
        .map(|(rows, bytes)| bytes.saturating_add(rows.saturating_mul(ENTRY))))
}

fn sorted(join: &HashJoinExec) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(Arc::new(SortMergeJoinExec::try_new(
        Arc::clone(join.left()),
        Arc::clone(join.right()),
        join.on().to_vec(),
        join.filter().cloned(),
        *join.join_type(),
        vec![SortOptions::default(); join.on().len()],
        join.null_equality(),
    )?))
}
