//! The query engine's optimiser changes how rows are computed, never which are refused: the same
//! pipelines with and without its rules give the same rows and the same rejects.

use std::collections::BTreeMap;
use std::path::Path;

use datafusion::execution::{SessionStateBuilder, context::SessionContext};
use datafusion::physical_plan::displayable;

use super::compile::Compiled;
use crate::plan::pb::{self, step::Kind};

const ORDERS: &str = "id,amount,word\n1,5,a\n2,x,b\n0,7,c\n4,,d\n5,-3,a\nbad,1,e\n7,0,\n2,12,b\n";
const USERS: &str = "word,number\na,1\nb,two\nd,4\n";

/// What became of a run: the rows of its sink, and the rejects.
#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<String>,
    rejects: Vec<String>,
}

fn assignments(columns: &[(&str, &str)]) -> Vec<pb::Assignment> {
    let columns = columns.iter();
    columns
        .map(|(name, expr)| pb::Assignment {
            name: (*name).to_owned(),
            expr: (*expr).to_owned(),
        })
        .collect()
}

fn map(columns: &[(&str, &str)]) -> Kind {
    Kind::Map(pb::MapStep {
        columns: assignments(columns),
    })
}

fn filter(expr: &str) -> Kind {
    Kind::Filter(pb::FilterStep {
        expr: expr.to_owned(),
    })
}

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|name| (*name).to_owned()).collect()
}

fn select(columns: &[&str]) -> Kind {
    Kind::Select(pb::SelectStep {
        columns: names(columns),
    })
}

fn sql(query: &str) -> Kind {
    Kind::Sql(pb::SqlStep {
        query: query.to_owned(),
    })
}

fn sort(column: &str) -> Kind {
    let key = pb::SortKey {
        column: column.to_owned(),
        ..pb::SortKey::default()
    };
    Kind::Sort(pb::SortStep { by: vec![key] })
}

fn users(columns: &[&str]) -> Kind {
    Kind::Join(pb::JoinStep {
        with: "users".to_owned(),
        on: names(columns),
        how: "lookup".to_owned(),
        missing: "reject".to_owned(),
        ..pb::JoinStep::default()
    })
}

fn typed(column: &str, to: &str) -> Kind {
    let rule = pb::ColumnRule {
        column: column.to_owned(),
        r#type: to.to_owned(),
        ..pb::ColumnRule::default()
    };
    let reference = pb::Reference {
        to: "users".to_owned(),
        on: names(&["word"]),
        ..pb::Reference::default()
    };
    Kind::Validate(pb::ValidateStep {
        columns: vec![rule],
        unique: names(&["id"]),
        references: vec![reference],
        ..pb::ValidateStep::default()
    })
}

fn totals() -> Kind {
    Kind::Aggregate(pb::AggregateStep {
        by: names(&["word"]),
        columns: assignments(&[
            ("total", "sum(cast(amount as bigint))"),
            ("n", "max(10 / id)"),
        ]),
    })
}

/// Chains that an optimiser would like to rearrange: filters that could move below what fails,
/// columns that nobody needs, limits, joins and groups above them.
fn chains() -> Vec<Vec<Kind>> {
    vec![
        vec![
            map(&[("n", "cast(amount as bigint)")]),
            filter("id > 1"),
            select(&["id"]),
        ],
        vec![
            map(&[("ratio", "10 / id")]),
            select(&["word"]),
            filter("word = 'a'"),
        ],
        vec![
            filter("cast(amount as bigint) > 0"),
            filter("10 / id > 1"),
            select(&["id"]),
        ],
        vec![filter("id <> 0 and 10 / id > 1"), map(&[("id", "id + 0")])],
        vec![typed("amount", "bigint"), filter("id = 5"), select(&["id"])],
        vec![users(&["word"]), filter("number = '1'"), select(&["id"])],
        vec![
            map(&[("n", "cast(amount as bigint)")]),
            sort("n"),
            select(&["id"]),
        ],
        vec![totals(), filter("word = 'a'"), select(&["word"])],
        vec![sql(
            "select id from (select id, cast(amount as bigint) as n from orders) t where id > 1",
        )],
        vec![sql(
            "select id from orders where false and cast(amount as bigint) > 0",
        )],
        vec![sql(
            "select id, case when id = 0 then 0 else 10 / id end as n from orders",
        )],
        vec![sql(
            "select o.id, u.number from orders o join users u on o.word = u.word \
             where cast(o.amount as bigint) > 0",
        )],
        vec![sql(
            "with typed as (select word, cast(amount as bigint) as n from orders) \
             select word, sum(n) as n, count(*) as c from typed group by word having sum(n) > 0",
        )],
        vec![sql(
            "select id, sum(cast(amount as bigint)) over (partition by word) as n from orders",
        )],
        vec![
            sql("select word from orders union select number from users"),
            filter("word <> 'a'"),
        ],
        vec![sql(
            "select distinct cast(amount as bigint) as n from orders where id > 0",
        )],
    ]
}

fn source(name: &str, file: &str, columns: &[(&str, &str)]) -> pb::Source {
    let columns = columns.iter().map(|(name, r#type)| pb::Column {
        name: (*name).to_owned(),
        r#type: (*r#type).to_owned(),
    });
    pb::Source {
        name: name.to_owned(),
        kind: Some(pb::source::Kind::Csv(pb::CsvSource {
            uri: file.to_owned(),
            header: Some(true),
            columns: columns.collect(),
            ..pb::CsvSource::default()
        })),
    }
}

fn plan(chain: Vec<Kind>) -> pb::Plan {
    let mut from = "orders".to_owned();
    let steps = chain.into_iter().zip(0..).map(|(kind, number)| {
        let name = format!("step_{number}");
        pb::Step {
            from: std::mem::replace(&mut from, name.clone()),
            name,
            kind: Some(kind),
            ..pb::Step::default()
        }
    });
    let orders = [("id", "bigint"), ("amount", "text"), ("word", "text")];
    let steps = steps.collect();
    let sink = pb::Sink {
        name: "out".to_owned(),
        from,
        kind: Some(pb::sink::Kind::Jsonl(pb::JsonlSink {
            uri: "out.jsonl".to_owned(),
            mode: "replace".to_owned(),
        })),
    };
    let spec = pb::PipelineSpec {
        sources: vec![
            source("orders", "orders.csv", &orders),
            source(
                "users",
                "users.csv",
                &[("word", "text"), ("number", "text")],
            ),
        ],
        steps,
        sinks: vec![sink],
        ..pb::PipelineSpec::default()
    };
    pb::Plan {
        spec: Some(spec),
        params: Vec::new(),
    }
}

/// The session without the optimiser's rules, but for the one that planning cannot do without.
fn unoptimised(compiled: &Compiled) -> SessionContext {
    let state = compiled.session.context.state();
    let rules = state.optimizers().iter();
    let needed = rules.filter(|rule| rule.name() == "replace_distinct_aggregate");
    let needed: Vec<_> = needed.cloned().collect();
    assert_eq!(needed.len(), 1);
    let bare = SessionStateBuilder::new_from_existing(state).with_optimizer_rules(needed);
    SessionContext::new_with_state(bare.build())
}

async fn compiled(plan: pb::Plan, folder: &Path) -> Compiled {
    let runtime = pb::Runtime {
        file_roots: vec![folder.display().to_string()],
        base_dir: folder.display().to_string(),
        work_dir: folder.join("work").display().to_string(),
        load_id: "0".repeat(32),
        epoch: 1,
        threads: 2,
        batch_rows: 3,
        ..pb::Runtime::default()
    };
    Compiled::new(plan, runtime, BTreeMap::new()).await.unwrap()
}

async fn outcome(chain: Vec<Kind>, folder: &Path, optimised: bool) -> Outcome {
    std::fs::write(folder.join("orders.csv"), ORDERS).unwrap();
    std::fs::write(folder.join("users.csv"), USERS).unwrap();
    let mut compiled = compiled(plan(chain), folder).await;
    if !optimised {
        compiled.session.context = unoptimised(&compiled);
    }
    let result = super::run(&compiled).await.unwrap();
    let staged = result.sinks.iter().flat_map(|sink| &sink.files);
    let mut rows: Vec<String> = staged
        .flat_map(|file| {
            let text = std::fs::read_to_string(&file.staged_path).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    rows.sort_unstable();
    let summary = result.rejects.unwrap();
    let counts = summary.counts.iter();
    let rejects = counts.map(|count| {
        let (step, column) = (&count.step, &count.column);
        format!("{step} {column} {} {}", count.code, count.rows)
    });
    Outcome {
        rows,
        rejects: rejects.collect(),
    }
}

#[tokio::test]
async fn the_optimiser_never_changes_which_rows_are_refused() {
    let number = chains().len();
    let mut refused = 0;
    for index in 0..number {
        let folder = tempfile::tempdir().unwrap();
        let chain = || chains().swap_remove(index);
        let plain = outcome(chain(), folder.path(), false).await;
        let folder = tempfile::tempdir().unwrap();
        let optimised = outcome(chain(), folder.path(), true).await;
        assert_eq!(plain, optimised, "chain {index}");
        refused += plain.rejects.len();
    }
    assert!(refused > number, "the chains refuse rows: {refused}");
}

/// How the query engine runs a join of 60,000 users with orders, and the columns it reads.
async fn join_of(memory: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let users: String = (0..60_000)
        .map(|number| format!("w{number},{number}\n"))
        .collect();
    std::fs::write(folder.path().join("orders.csv"), ORDERS.repeat(50_000)).unwrap();
    std::fs::write(
        folder.path().join("users.csv"),
        format!("word,number\n{users}"),
    )
    .unwrap();
    let query = "select u.number, sum(cast(o.amount as bigint)) as total \
        from orders o join users u on o.word = u.word group by 1";
    let mut plan = plan(vec![sql(query)]);
    if let Some(spec) = &mut plan.spec {
        spec.limits = Some(pb::Limits {
            memory: memory.to_owned(),
            ..pb::Limits::default()
        });
    }
    let compiled = compiled(plan, folder.path()).await;
    let state = compiled.session.context.state();
    let plan = state
        .create_physical_plan(&compiled.plans["step_0"])
        .await
        .unwrap();
    displayable(plan.as_ref()).indent(false).to_string()
}

#[tokio::test]
async fn the_smaller_side_of_a_join_is_kept_in_memory_where_it_fits() {
    let plan = join_of("256MiB").await;
    let (join, sides) = plan.split_once("HashJoinExec").expect(&plan);
    assert!(!join.contains("SortExec"), "{plan}");
    let (users, orders) = (sides.find("source=users"), sides.find("source=orders"));
    assert!(users < orders, "{plan}");
}

#[tokio::test]
async fn a_join_whose_sides_do_not_fit_is_sorted() {
    let plan = join_of("8MiB").await;
    assert!(plan.contains("SortMergeJoinExec"), "{plan}");
}

#[tokio::test]
async fn columns_that_nobody_needs_do_not_go_through_a_join() {
    let plan = join_of("256MiB").await;
    let computed = plan.lines().find(|line| line.contains("RowExec"));
    assert!(computed.is_some(), "{plan}");
    assert!(!plan.contains("id@"), "{plan}");
}
