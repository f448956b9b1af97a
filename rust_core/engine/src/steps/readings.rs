//! How often a query reads each of its tables: a table that is joined with itself is read twice, and
//! so is one behind a WITH query that is used twice.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query, Visit, Visitor};

/// Tables and how often each is read.
pub type Readings = BTreeMap<String, usize>;

/// The schema that tables without one are in.
const SCHEMA: &str = "public";

/// Counts the readings of a statement.
#[must_use]
pub fn readings(statement: &Statement) -> Readings {
    let Statement::Statement(statement) = statement else {
        return Readings::new();
    };
    let mut counter = Counter::default();
    // The visitor never breaks off.
    let _ = statement.visit(&mut counter);
    counter.found
}

/// Visits a query; bodies of WITH queries count where the query's name is used.
#[derive(Default)]
struct Counter {
    /// What the WITH queries in scope read, by their names.
    with: BTreeMap<String, Readings>,
    /// The scopes around, to come back to.
    outer: Vec<BTreeMap<String, Readings>>,
    /// The bodies of WITH queries, which are passed by.
    bodies: BTreeSet<*const Query>,
    passing: usize,
    found: Readings,
}

impl Counter {
    fn note(&mut self, name: String) {
        if self.passing > 0 {
            return;
        }
        let read = match self.with.get(&name) {
            Some(read) => read.clone(),
            None => Readings::from([(name, 1)]),
        };
        for (table, count) in read {
            *self.found.entry(table).or_default() += count;
        }
    }

    /// What a query reads, seen from the current scope.
    fn inner(&self, query: &Query) -> Readings {
        let mut counter = Self {
            with: self.with.clone(),
            ..Self::default()
        };
        let _ = query.visit(&mut counter);
        counter.found
    }
}

impl Visitor for Counter {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.bodies.contains(&std::ptr::from_ref(query)) || self.passing > 0 {
            self.passing += 1;
            return ControlFlow::Continue(());
        }
        self.outer.push(self.with.clone());
        let with = query.with.as_ref();
        for cte in with.into_iter().flat_map(|with| &with.cte_tables) {
            let name = normal(&cte.alias.name);
            if with.is_some_and(|with| with.recursive) {
                self.with.insert(name.clone(), Readings::new());
            }
            let read = self.inner(&cte.query);
            self.with.insert(name, read);
            self.bodies.insert(std::ptr::from_ref(cte.query.as_ref()));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        if self.passing > 0 {
            self.passing -= 1;
        } else if let Some(outer) = self.outer.pop() {
            self.with = outer;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let parts: Vec<_> = relation
            .0
            .iter()
            .filter_map(|part| part.as_ident())
            .collect();
        match parts.as_slice() {
            // The output of a route is read as `step.output`.
            [.., step, output] if normal(step) != SCHEMA => {
                self.note(format!("{}.{}", normal(step), normal(output)));
            }
            [.., name] => self.note(normal(name)),
            [] => {}
        }
        ControlFlow::Continue(())
    }
}

fn normal(name: &Ident) -> String {
    if name.quote_style.is_some() {
        name.value.clone()
    } else {
        name.value.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::DFParser;

    use super::*;

    fn read(query: &str) -> Vec<(String, usize)> {
        let statements = DFParser::parse_sql(query).unwrap();
        readings(&statements[0]).into_iter().collect()
    }

    #[test]
    fn every_use_of_a_table_counts() {
        for (query, expected) in [
            ("select * from a", vec![("a", 1)]),
            ("select * from A x join a y on x.i = y.i", vec![("a", 2)]),
            (
                "select * from a where i in (select i from b)",
                vec![("a", 1), ("b", 1)],
            ),
            (
                "with c as (select * from a) select * from c",
                vec![("a", 1)],
            ),
            (
                "with c as (select * from a) select * from c x, c y",
                vec![("a", 2)],
            ),
            (
                "with c as (select * from a), d as (select * from c, c z) select * from d, a",
                vec![("a", 3)],
            ),
            (
                "with a as (select * from a) select * from a",
                vec![("a", 1)],
            ),
            (
                "select * from (with c as (select * from a) select * from c) x, c",
                vec![("a", 1), ("c", 1)],
            ),
            (
                "with recursive n as (select i from a union all select i + 1 from n) \
                 select * from n",
                vec![("a", 1)],
            ),
            ("select * from public.a", vec![("a", 1)]),
            ("select * from s.a x, s.b", vec![("s.a", 1), ("s.b", 1)]),
            ("select 1", vec![]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(t, n)| (t.to_owned(), n))
                .collect();
            assert_eq!(read(query), expected, "{query}");
        }
    }
}
