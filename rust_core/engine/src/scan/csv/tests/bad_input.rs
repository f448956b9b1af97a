//! What bad files and records turn into.

use super::*;
use crate::scan::testing;

#[test]
fn every_reason_of_a_record_is_told() {
    let text = b"a,b,c\n1,2,x\nx,99999999999,y\n3,4,\xff\n5,6\n7,8,9,10\n11,12,\x00\n13,14,z\n";
    let declared = [("a", "int"), ("b", "int"), ("c", "text")];
    let outcome = load(
        text,
        pb::CsvSource {
            columns: columns(&declared),
            ..options("")
        },
    );
    assert_eq!(values(&outcome), ["1|2|x", "13|14|z"]);
    assert_eq!(
        refused(&outcome),
        [
            "3: a CONVERSION_FAILED, b OUT_OF_RANGE",
            "4: c INVALID_ENCODING",
            "5: - TOO_FEW_FIELDS",
            "6: - TOO_MANY_FIELDS",
            "7: c NUL_BYTE",
        ]
    );
    assert_eq!(outcome.refused[0].3, "x,99999999999,y");
    assert_eq!((outcome.records, outcome.rejected), (7, 5));
}

#[test]
fn bad_text_and_bad_values_of_one_record_are_told_together() {
    let declared = pb::CsvSource {
        columns: columns(&[("a", "int")]),
        ..options("")
    };
    let outcome = load(b"a,b\n1,x\n?,\xff\n", declared);
    assert_eq!(
        refused(&outcome),
        ["3: a CONVERSION_FAILED, b INVALID_ENCODING"]
    );
}

#[test]
fn a_value_that_contradicts_the_inferred_type_is_refused() {
    let mut text = String::from("id,price\n");
    for id in 1..=30_000 {
        text.push_str(&format!("{id},{}.50\n", id % 90));
    }
    text.push_str("007,1.50\n1,1.555\n2,2.500\nx,y\n");
    for id in 1..=5 {
        text.push_str(&format!("{id},1.50\n"));
    }
    let outcome = load(text, options(""));
    assert_eq!(outcome.rows.len(), 30_006);
    assert_eq!(
        refused(&outcome),
        [
            "30002: id CONVERSION_FAILED",
            "30003: price CONVERSION_FAILED",
            "30005: id CONVERSION_FAILED, price CONVERSION_FAILED",
        ]
    );
}

#[test]
fn a_malformed_quote_costs_one_line() {
    let stray = load("a,b\n1,\"x\" y\n2,z\n", options(""));
    assert_eq!(
        (values(&stray), refused(&stray)),
        (vec!["2|z".into()], vec!["2: b STRAY_QUOTE".into()])
    );
    let open = load("a,b\n1,\"x\n2,\"y\"\n3,z\n", options(""));
    assert_eq!(values(&open), ["2|y", "3|z"]);
    assert_eq!(refused(&open), ["2: b UNTERMINATED_QUOTE"]);
    let at_end = load("a,b\n1,x\n2,\"y\n3,z\n", options(""));
    assert_eq!(values(&at_end), ["1|x", "3|z"]);
    assert_eq!(refused(&at_end), ["3: b UNTERMINATED_QUOTE"]);
    let last = load("a,b\n1,x\n2,\"y", options(""));
    assert_eq!(refused(&last), ["3: b UNTERMINATED_QUOTE"]);
    assert_eq!(last.refused[0].3, "2,\"y");
}

#[test]
fn one_open_quote_does_not_swallow_a_long_file() {
    let mut text = String::from("a,b\n1,\"x\n");
    for id in 2..20_000 {
        text.push_str(&format!("{id},y\n"));
    }
    let limited = pb::CsvSource {
        max_record: "4KiB".into(),
        ..options("")
    };
    let outcome = load(&text, limited);
    assert_eq!(outcome.rows.len(), 19_998);
    assert_eq!(refused(&outcome), ["2: b UNTERMINATED_QUOTE"]);
}

#[test]
fn a_record_that_is_too_long_is_refused_in_bounded_memory() {
    let long = "x".repeat(3 << 20);
    let text = format!("a,b\n1,{long}\n2,y\n3,\"{long}\"\n4,z\n{long}");
    let limited = pb::CsvSource {
        max_record: "100KiB".into(),
        ..options("")
    };
    let outcome = load(&text, limited);
    assert_eq!(values(&outcome), ["2|y", "4|z"]);
    assert_eq!(
        refused(&outcome),
        [
            "2: - RECORD_TOO_LONG",
            "4: - RECORD_TOO_LONG",
            "6: - RECORD_TOO_LONG"
        ]
    );
    assert!(
        outcome
            .refused
            .iter()
            .all(|reject| reject.3.len() == crate::reject::Reject::RAW_LIMIT)
    );
    assert_eq!(outcome.bytes, text.len() as u64);
}

#[test]
fn files_that_are_no_text_are_refused_by_name() {
    for bytes in [&b"\x1f\x8b\x08"[..], b"PK\x03\x04", b"PAR1....PAR1"] {
        assert_eq!(failure(bytes, options("")), Code::SourceCorrupt);
    }
    assert_eq!(failure(b"", options("")), Code::SourceEmpty);
    assert_eq!(failure(b"\n\n", options("")), Code::SourceEmpty);
    assert_eq!(failure(b"\xef\xbb\xbf", options("")), Code::SourceEmpty);
    assert_eq!(failure(b"a\xff,b\nx,2\n", options("")), Code::SourceCorrupt);
}

#[test]
fn a_wrong_delimiter_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "in.csv", "id;name\n1;x\n");
    let wrong = pb::CsvSource {
        delimiter: ",".into(),
        columns: columns(&[("id", "int")]),
        ..options("in.csv")
    };
    let error = compile(&wrong, &env(dir.path()))
        .map(|source| types(&source))
        .unwrap_err();
    assert_eq!(error.code, Code::ColumnUnknown);
    assert!(
        error
            .hint
            .unwrap_or_default()
            .contains("the delimiter ',' the file has 1 columns: id;name")
    );
    let named = pb::CsvSource {
        delimiter: ",".into(),
        names: vec!["a".into(), "b".into()],
        header: Some(true),
        ..options("")
    };
    assert_eq!(failure("id;name\n1;x\n", named), Code::SourceMismatch);
}

#[test]
fn declarations_that_make_no_sense_are_refused() {
    let typed = |r#type| pb::CsvSource {
        columns: columns(&[("a", r#type)]),
        ..options("")
    };
    assert_eq!(failure("a,b\n1,2\n", typed("money")), Code::TypeUnknown);
    let unknown = pb::CsvSource {
        columns: columns(&[("c", "int")]),
        ..options("")
    };
    assert_eq!(failure("a,b\n1,2\n", unknown), Code::ColumnUnknown);
    let size = pb::CsvSource {
        max_record: "4GiB".into(),
        ..options("")
    };
    assert_eq!(failure("a,b\n1,2\n", size), Code::PlanInvalid);
}

#[test]
fn a_file_that_changes_while_it_is_read_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "in.csv", "a,b\n1,x\n");
    let source = compile(&options("in.csv"), &env(dir.path())).unwrap();
    let changed = testing::read_with(&[0], |context| {
        let streams = source.open(1, context);
        write(dir.path(), "in.csv", "a,b\n1,x\n2,y\n");
        streams
    });
    assert_eq!(changed.unwrap_err().code, Code::SourceUnreadable);
}

#[test]
fn a_cancelled_run_stops() {
    with_source("a,b\n1,x\n", options(""), |source| {
        let cancelled = testing::read_with(&[0], |context| {
            context.cancel.cancel();
            source.open(2, context)
        });
        assert_eq!(cancelled.unwrap_err().code, Code::Cancelled);
    });
}
