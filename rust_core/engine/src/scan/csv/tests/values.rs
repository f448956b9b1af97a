//! What good files turn into.

use super::*;

#[test]
fn a_plain_file_is_read_with_inferred_types() {
    let text = "id,name,price,day,zip\n1,Anna,1.50,2024-02-29,01234\n2,,20.25,NA,99999\n";
    with_source(text, options(""), |source| {
        assert_eq!(
            types(&source),
            [
                "id bigint",
                "name text",
                "price decimal(18,2)",
                "day date",
                "zip text"
            ]
        );
        let outcome = read(&source, 2).unwrap();
        assert_eq!(
            values(&outcome),
            ["1|Anna|1.50|2024-02-29|01234", "2|∅|20.25|∅|99999"]
        );
        assert_eq!(outcome.rows[1].2, 3);
        assert_eq!(outcome.rows[1].3, 51);
        assert_eq!(
            (outcome.records, outcome.rejected, outcome.bytes),
            (2, 0, text.len() as u64)
        );
        let notes = source.notes();
        assert_eq!(
            notes[1..3],
            ["delimiter ',' (detected)", "header present (detected)"]
        );
        assert_eq!(
            notes[3],
            "the types of 5 columns are inferred from 2 records"
        );
    });
}

#[test]
fn line_ends_marks_and_blank_lines_do_not_matter() {
    let expected = ["1|x", "2|y"];
    for text in [
        "a,b\n1,x\n2,y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\r1,x\r2,y\r",
        "a,b\r\n1,x\n2,y",
        "\u{feff}a,b\n1,x\n2,y",
        "\n\na,b\n\n1,x\r\n\r\n\n2,y\n\n\n",
    ] {
        assert_eq!(values(&load(text, options(""))), expected, "{text:?}");
    }
}

#[test]
fn quotes_keep_delimiters_line_ends_and_quotes() {
    let text = "a,b,c\n1,\"x,\ny\",\"he said \"\"no\"\"\"\n2,\"\",6\"\n";
    let outcome = load(text, options(""));
    assert_eq!(values(&outcome), ["1|x,\ny|he said \"no\"", "2||6\""]);
    assert_eq!((outcome.rows[0].2, outcome.rows[1].2), (2, 4));
    let escaped = pb::CsvSource {
        escape: "\\".into(),
        ..options("")
    };
    assert_eq!(
        values(&load("a,b\n1,\"x\\\"y\\\\\"\n", escaped)),
        ["1|x\"y\\"]
    );
    let single = pb::CsvSource {
        quote: "'".into(),
        ..options("")
    };
    assert_eq!(values(&load("a,b\n1,'x,\"'\n", single)), ["1|x,\""]);
}

#[test]
fn empty_text_and_a_missing_value_differ() {
    let text = "n,t\n,\n\"\",\"\"\nNA,NA\n\"1\",\"NA\"\n";
    let declared = pb::CsvSource {
        columns: columns(&[("n", "int"), ("t", "text")]),
        ..options("")
    };
    assert_eq!(values(&load(text, declared)), ["∅|∅", "∅|", "∅|∅", "1|NA"]);
    let tokens = pb::CsvSource {
        null_values: vec!["-".into()],
        ..options("")
    };
    let outcome = load("n,t\n-,\n1,NA\n,x\n", tokens);
    assert_eq!(values(&outcome), ["∅|", "1|NA", "|x"]);
}

#[test]
fn one_column_may_be_missing_on_a_blank_line() {
    let outcome = load("a\n1\n\n3\n", options(""));
    assert_eq!(values(&outcome), ["1", "∅", "3"]);
    assert_eq!(outcome.rows[2].2, 4);
}

#[test]
fn declared_types_win() {
    let declared = [
        ("a", "decimal(12,2)"),
        ("b", "text"),
        ("c", "boolean"),
        ("d", "timestamp"),
        ("e", "timestamptz"),
        ("f", "time"),
        ("g", "bytea"),
        ("h", "real"),
        ("i", "smallint"),
        ("j", "tinyint"),
        ("k", "double"),
    ];
    let text = "a,b,c,d,e,f,g,h,i,j,k\n9.9,007,yes,2024-01-01,2024-01-01T02:00+02:00,12:30,\\x00ff,0.5,+7,-8,1e3\n";
    let outcome = load(
        text,
        pb::CsvSource {
            columns: columns(&declared),
            ..options("")
        },
    );
    assert_eq!(
        values(&outcome),
        ["9.90|007|true|2024-01-01T00:00:00|2024-01-01T00:00:00Z|12:30:00|00ff|0.5|7|-8|1000.0"]
    );
}

#[test]
fn names_may_be_declared_missing_or_repeated() {
    let named = |header| pb::CsvSource {
        names: vec!["x".into(), "y".into()],
        header,
        ..options("")
    };
    with_source("1,2\n3,4\n", named(None), |source| {
        assert_eq!(types(&source), ["x bigint", "y bigint"]);
    });
    assert_eq!(values(&load("a,b\n1,2\n", named(Some(true)))), ["1|2"]);
    assert_eq!(values(&load("X, y\n1,2\n", named(None))), ["1|2"]);
    assert_eq!(
        values(&load("a,b\n1,2\n", named(Some(false)))),
        ["a|b", "1|2"]
    );
    with_source("a,,a\n1,2,3\n", options(""), |source| {
        assert_eq!(types(&source), ["a bigint", "column2 bigint", "a_2 bigint"]);
    });
    with_source("1,2\n3,4\n", options(""), |source| {
        assert_eq!(types(&source), ["column1 bigint", "column2 bigint"]);
    });
    with_source("", named(None), |source| {
        assert_eq!(types(&source), ["x text", "y text"]);
    });
}

#[test]
fn a_header_alone_is_no_rows() {
    with_source("id,name\n", options(""), |source| {
        assert_eq!(types(&source), ["id text", "name text"]);
        assert_eq!(read(&source, 2).unwrap().records, 0);
    });
}

#[test]
fn several_files_are_matched_by_name() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "1.csv", "id,name\n1,x\n");
    write(dir.path(), "2.csv", "name,id\ny,2\nz,bad\n");
    write(dir.path(), "3.csv", "id,name\n");
    let source = compile(&options("*.csv"), &env(dir.path())).unwrap();
    // The second file's `bad` was seen in the sample, so the column is text.
    assert_eq!(types(&source), ["id text", "name text"]);
    let declared = pb::CsvSource {
        columns: columns(&[("id", "int")]),
        ..options("*.csv")
    };
    let source = compile(&declared, &env(dir.path())).unwrap();
    let outcome = read(&source, 2).unwrap();
    assert_eq!(values(&outcome), ["1|x", "2|y"]);
    assert_eq!(outcome.rows[1].1, 1);
    assert_eq!(source.origin_name(1), "2.csv");
    assert_eq!(outcome.refused[0].0, "2.csv");
    assert_eq!(refused(&outcome), ["3: id CONVERSION_FAILED"]);
    write(dir.path(), "4.csv", "id,nom\n1,x\n");
    let error = compile(&options("*.csv"), &env(dir.path()))
        .map(|source| types(&source))
        .unwrap_err();
    assert_eq!(error.code, Code::SourceMismatch);
    assert!(
        error.message.contains("4.csv lacks 'name' and has 'nom'"),
        "{error}"
    );
}

#[test]
fn a_projection_keeps_order_and_never_hides_a_bad_value() {
    let text = "a,b,c\n1,2,x\n3,?,y\n5,6,z\n";
    let declared = pb::CsvSource {
        columns: columns(&[("b", "int")]),
        ..options("")
    };
    with_source(text, declared, |source| {
        let outcome = read_with(&[0, 2], |context| source.open(1, context)).unwrap();
        assert_eq!(values(&outcome), ["1|x", "5|z"]);
        assert_eq!(refused(&outcome), ["3: b CONVERSION_FAILED"]);
        let none = read_with(&[], |context| source.open(1, context)).unwrap();
        assert_eq!((none.rows.len(), none.rejected), (2, 1));
    });
}

#[test]
fn a_record_is_found_again_by_its_origin() {
    let long = "y".repeat(5000);
    let text = format!("a,b\n1,\"x\nx\"\n2,{long}\n");
    with_source(&text, options(""), |source| {
        let at = |offset| crate::reject::Origin {
            source: "in.csv".into(),
            line: None,
            offset: Some(offset),
        };
        let raw = |offset, limit| {
            source
                .raw_record(&at(offset), limit)
                .map(|raw| String::from_utf8(raw).unwrap())
        };
        assert_eq!(raw(4, 100).as_deref(), Some("1,\"x\nx\""));
        assert_eq!(raw(12, 9000), Some(format!("2,{long}")));
        assert_eq!(raw(12, 3).as_deref(), Some("2,y"));
    });
}
