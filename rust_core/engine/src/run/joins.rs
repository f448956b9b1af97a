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

/// The share of the operators' memory that one table of a join may take.
const SHARE: f64 = 0.4;
/// What a row takes in the table besides its values, in bytes.
const ENTRY: usize = 24;

/// Replaces joins whose table may not fit.
#[derive(Debug)]
struct SpillingJoins {
    /// The most that a table may take, in bytes.
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
    rules
}

impl PhysicalOptimizerRule for SpillingJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| match plan.downcast_ref::<HashJoinExec>() {
            Some(join) if !self.fits(join)? => Ok(Transformed::yes(sorted(join)?)),
            _ => Ok(Transformed::no(plan)),
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

impl SpillingJoins {
    /// Whether the join's table is known to be small enough, or cannot be done without.
    fn fits(&self, join: &HashJoinExec) -> Result<bool> {
        let replaceable = !join.null_aware
            && join.projection.is_none()
            && !matches!(join.join_type(), JoinType::LeftMark | JoinType::RightMark);
        if !replaceable {
            return Ok(true);
        }
        let registry = StatisticsRegistry::default_with_builtin_providers();
        let table = registry.compute_base(join.left().as_ref())?;
        let (Some(rows), Some(bytes)) = (
            table.num_rows.get_value(),
            table.total_byte_size.get_value(),
        ) else {
            return Ok(false);
        };
        Ok(bytes.saturating_add(rows.saturating_mul(ENTRY)) <= self.most)
    }
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
