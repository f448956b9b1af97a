//! What compiling found out, for `plan` and `validate`.

use arrow::datatypes::Field;

use super::compile::Compiled;
use crate::plan::{pb, types};
use crate::reject::row_node::user_columns;

impl Compiled {
    /// Columns of every source and step, targets of every sink, and the query engine's own plans.
    #[must_use]
    pub fn report(&self) -> pb::PlanReport {
        let nodes = self.nodes.iter().filter_map(|node| {
            let plan = self.plans.get(node.name.as_ref())?;
            let notes = self
                .spec
                .sources
                .iter()
                .position(|source| source.name == *node.name);
            let notes = notes.and_then(|index| self.sources.get(index));
            Some(pb::NodeReport {
                name: node.name.to_string(),
                kind: node.kind.to_owned(),
                columns: user_columns(plan.schema())
                    .map(|(_, field)| column(field))
                    .collect(),
                notes: notes.map(|source| source.notes()).unwrap_or_default(),
            })
        });
        let sinks = self
            .spec
            .sinks
            .iter()
            .filter_map(|sink| self.sinks.get(&sink.name));
        pb::PlanReport {
            nodes: nodes.collect(),
            sinks: sinks.map(|sink| sink.report()).collect(),
            explain: self.explain(),
        }
    }

    fn explain(&self) -> String {
        let staged = self
            .staged
            .iter()
            .map(|(name, plan, _)| (name.as_str(), plan));
        let read = self
            .graph
            .sinks
            .keys()
            .filter(|name| !self.graph.is_staged(name));
        let ends = read.filter_map(|name| Some((name.as_str(), self.plans.get(name)?)));
        let state = self.session.context.state();
        let text = staged
            .chain(ends)
            .map(|(name, plan)| match state.optimize(plan) {
                Ok(plan) => format!("{name}:\n{}", plan.display_indent()),
                Err(error) => format!("{name}: {}", error.strip_backtrace()),
            });
        self.redacted(&text.collect::<Vec<_>>().join("\n\n"))
    }
}

/// A column's name and SQL type.
#[must_use]
pub fn column(field: &Field) -> pb::ColumnReport {
    pb::ColumnReport {
        name: field.name().clone(),
        r#type: types::type_name(field.data_type()),
        nullable: field.is_nullable(),
    }
}
