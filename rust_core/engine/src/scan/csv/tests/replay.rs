//! Reading again only what an earlier run refused.

use std::sync::Arc;

use super::*;
use crate::reject::{Origin, Reason, Reject, RejectCode, RejectLog};
use crate::scan::replay::Wanted;

const TEXT: &str = "id,word\n1,a\nx,b\n3,\"c\nc\"\n4\n5,\"e\ny,f\n7,g\n";

fn source(dir: &Path, id: &str) -> CsvSource {
    let options = pb::CsvSource {
        header: Some(true),
        columns: columns(&[("id", id), ("word", "text")]),
        ..options("in.csv")
    };
    compile(&options, &env(dir)).unwrap()
}

/// Writes rejects of the steps `rows`, at the places of these records, and asks for them.
fn wanted(dir: &Path, records: &[(u64, u64)], since: i64) -> Wanted {
    let log = RejectLog::new(dir.join("rejects.arrow"));
    let reject = |(step, offset, line): (&str, u64, u64)| Reject {
        step: step.into(),
        origin: Some(Origin {
            source: "in.csv".into(),
            line: Some(line),
            offset: Some(offset),
        }),
        raw: Vec::new(),
        reasons: vec![Reason {
            column: None,
            code: RejectCode::RuleBroken,
            message: "as is".into(),
        }],
    };
    // A record may be refused several times; those of other steps are not asked for.
    let twice = records.iter().chain(records);
    log.push(twice.map(|&(offset, line)| reject(("rows", offset, line))))
        .unwrap();
    log.push([reject(("elsewhere", 8, 2))]).unwrap();
    log.finish().unwrap();
    let replay = pb::Replay {
        source: "rows".into(),
        rejects_path: log.path().display().to_string(),
        steps: vec!["rows".into(), "checked".into()],
        unchanged_since: since,
    };
    Wanted::load(&replay).unwrap()
}

fn again(source: &CsvSource, partitions: usize, wanted: Wanted) -> Result<Outcome> {
    let all: Vec<usize> = (0..source.schema().fields().len()).collect();
    let only = Arc::new(wanted);
    read_with(&all, |context| {
        let mut context = context.clone();
        context.only = Some(only);
        Ok(source.open_with(partitions, 7, &context))
    })
}

fn places(outcome: &Outcome) -> Vec<(u64, u64)> {
    let refused = outcome.refused.iter();
    refused.map(|refused| (refused.2, refused.1)).collect()
}

fn in_folder(body: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "in.csv", TEXT);
    body(dir.path());
}

#[test]
fn what_was_refused_is_refused_again_and_nothing_else_is_read() {
    in_folder(|dir| {
        let first = read(&source(dir, "int"), 1).unwrap();
        assert!(first.refused.len() >= 3 && first.rows.len() >= 2);
        for partitions in [1, 3] {
            let wanted = wanted(dir, &places(&first), i64::MAX);
            let second = again(&source(dir, "int"), partitions, wanted).unwrap();
            assert_eq!(second.refused, first.refused);
            assert_eq!(second.rows, []);
            assert_eq!(second.records, first.refused.len() as u64);
        }
    });
}

#[test]
fn what_was_mended_is_read() {
    in_folder(|dir| {
        let first = read(&source(dir, "int"), 1).unwrap();
        let wanted = wanted(dir, &places(&first), i64::MAX);
        let second = again(&source(dir, "text"), 2, wanted).unwrap();
        let mended = second.rows.iter().map(|row| row.0[0].clone().unwrap());
        assert_eq!(mended.collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(
            second.rows.len() + second.refused.len(),
            first.refused.len()
        );
    });
}

#[test]
fn a_record_that_is_gone_and_a_file_that_changed_are_told() {
    in_folder(|dir| {
        let moved = wanted(dir, &[(13, 3)], i64::MAX);
        let error = again(&source(dir, "int"), 2, moved).unwrap_err();
        assert_eq!(error.code, Code::SourceChanged);
        assert!(
            error.message.contains("of 1 refused records, 0 stand"),
            "{}",
            error.message
        );
        let late = wanted(dir, &[(12, 3)], 1_000_000);
        let error = again(&source(dir, "int"), 2, late).unwrap_err();
        assert_eq!(error.code, Code::SourceChanged);
        assert!(
            error.message.contains("in.csv was written to"),
            "{}",
            error.message
        );
    });
}

#[test]
fn rejects_that_are_gone_are_told() {
    let replay = pb::Replay {
        rejects_path: "/nowhere/rejects.arrow".into(),
        ..Default::default()
    };
    assert_eq!(
        Wanted::load(&replay).unwrap_err().code,
        Code::SourceUnreadable
    );
}
