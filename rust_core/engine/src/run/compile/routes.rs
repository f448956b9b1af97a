//! The outputs of routes as nodes of a run.

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;

use super::Build;
use crate::error::Result;
use crate::plan::pb;
use crate::reject::state::{Node, NodeRef, OnError};
use crate::steps;

impl Build {
    /// Registers the outputs of a route that are read; the route itself cannot be.
    pub(super) fn outputs(
        &mut self,
        spec: &pb::PipelineSpec,
        step: &str,
        route: &pb::RouteStep,
        plan: LogicalPlan,
    ) -> Result<()> {
        let routed = self.shared(step, plan)?;
        for (number, name) in steps::route::outputs(step, route).enumerate() {
            if !self.graph.is_read(&name) {
                continue;
            }
            let node = Node::new(&name, "output", OnError::Reject, Arc::clone(&self.state));
            self.hide_records(spec, &node, &name);
            let handle = NodeRef(Arc::clone(&node));
            let plan = steps::route::output(number, &handle, routed.clone());
            let plan = plan.map_err(|error| error.at(name.as_str()))?;
            self.nodes.push(node);
            self.add_plan(&name, plan)?;
        }
        Ok(())
    }
}
