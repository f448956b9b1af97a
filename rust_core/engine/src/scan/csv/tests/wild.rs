//! Files as people make them, read without a hint.

use super::*;

/// The columns, the notes that are not about sizes and types, and the rows.
fn wild(text: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
    wild_with(text, options(""))
}

fn wild_with(text: &str, options: pb::CsvSource) -> (Vec<String>, Vec<String>, Vec<String>) {
    with_source(text, options, |source| {
        let known = |note: &&String| !note.contains("bytes") && !note.contains("types of");
        let notes = source.notes().iter().filter(known).cloned().collect();
        let whole = read_chunked(&source, 1, 1 << 20);
        for (partitions, chunk_size) in [(1, 1), (2, 7), (7, 64)] {
            assert_eq!(read_chunked(&source, partitions, chunk_size), whole);
        }
        (types(&source), notes, values(&whole))
    })
}

#[test]
fn a_title_above_the_table_is_passed_over() {
    let table = "id,name,price\n1,Ada,1.50\n2,Grace,2.25\n3,Edsger,7.00\n";
    let expected = ["1|Ada|1.50", "2|Grace|2.25", "3|Edsger|7.00"];
    for (above, start) in [
        ("Prices of 2024\n", 2),
        ("Prices of 2024\n\n", 3),
        ("Prices,,\n,,\n", 3),
        ("# made by hand\n# do not edit\n\n", 4),
        ("Prices;;;\nas of 2024-01-01\n", 3),
    ] {
        let (columns, notes, rows) = wild(&format!("{above}{table}"));
        assert_eq!(
            columns,
            ["id bigint", "name text", "price decimal(18,2)"],
            "{above:?}"
        );
        assert_eq!(rows, expected);
        let note = format!("the table starts after line {} (detected)", start - 1);
        assert!(notes.contains(&note), "{above:?} {notes:?}");
    }
    let skipped = pb::CsvSource {
        skip_rows: Some(2),
        ..options("")
    };
    let (columns, notes, rows) = wild_with("\"odd, title\n\nid,name\n1,x\n", skipped);
    assert_eq!((columns.len(), rows), (2, vec!["1|x".to_owned()]));
    assert!(notes.contains(&"the first 2 lines are skipped (declared)".to_owned()));
}

#[test]
fn a_short_first_row_of_values_is_not_a_title() {
    for text in ["1,2\n1,2,3\n4,5,6\n7,8,9\n", "x,2\ny,2,z\nz,5,u\nu,8,v\n"] {
        let outcome = load(text, options(""));
        assert_eq!(outcome.records, 4, "{text}");
    }
}

#[test]
fn several_rows_of_names_become_one() {
    let (columns, notes, rows) = wild("what,weight,height\ntext,kg,m\nx,1,2\ny,3,4\nz,5,6\n");
    assert_eq!(
        columns,
        ["what text text", "weight kg bigint", "height m bigint"]
    );
    assert!(notes.contains(&"header of 2 rows (detected)".to_owned()));
    assert_eq!(rows.len(), 3);
    let (columns, _, rows) = wild("a,b\na,b\n1,x\n2,y\n");
    assert_eq!((columns.len(), rows.len()), (2, 2));
    assert!(columns[0].starts_with("a a "));
    let declared = pb::CsvSource {
        header_rows: Some(1),
        ..options("")
    };
    let (_, _, rows) = wild_with("what,weight,height\ntext,kg,m\nx,1,2\n", declared);
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_first_row_of_bad_values_is_no_second_header() {
    let declared = pb::CsvSource {
        columns: columns(&[("a", "int"), ("b", "int")]),
        ..options("")
    };
    let outcome = load("a,b\nunknown,n/a\n1,2\n3,4\n5,6\n", declared);
    assert_eq!((outcome.rows.len(), outcome.rejected), (3, 1));
}

#[test]
fn dates_and_money_are_no_names() {
    let (columns, _, rows) = wild("28/01/2018,$1.50\n29/01/2018,$2.50\n");
    assert_eq!(columns, ["column1 text", "column2 text"]);
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_header_that_does_not_fit_never_names_the_wrong_column() {
    let (columns, notes, _) = wild("a,,b,c\n1,2,3\n4,5,6\n7,8,9\n");
    assert_eq!(columns, ["a bigint", "b bigint", "c bigint"], "{notes:?}");
    let (columns, notes, rows) = wild("ab,c\n1,2,3\n4,5,6\n7,8,9\n");
    assert_eq!(
        columns,
        ["column1 bigint", "column2 bigint", "column3 bigint"]
    );
    assert_eq!(rows.len(), 3);
    let note = "the header has 2 names for 3 columns, so the columns are numbered";
    assert!(notes.contains(&note.to_owned()), "{notes:?}");
    let (columns, _, rows) = wild("a,\"b,\"c\"\n1,2,3\n4,5,6\n7,8,9\n");
    assert_eq!(columns, ["a bigint", "\"b bigint", "c bigint"]);
    assert_eq!(rows.len(), 3);
}

#[test]
fn tables_below_each_other_lose_no_row() {
    let text = "id,name\n1,x\n2,y\nid,name\n3,z\n";
    let outcome = load(text, options(""));
    assert_eq!(values(&outcome), ["1|x", "2|y", "3|z"]);
    assert_eq!(refused(&outcome), ["4: - REPEATED_HEADER"]);
    let other = load(
        "id,name\n1,x\n2,y\n3,z\n\ncode,city,zip\na,b,1\n",
        options(""),
    );
    assert_eq!(values(&other), ["1|x", "2|y", "3|z"]);
    assert_eq!(other.rejected, 2);
}

#[test]
fn footnotes_are_rejects() {
    let outcome = load("id,name\n1,x\n2,y\n3,z\nSource: a survey\n", options(""));
    assert_eq!(refused(&outcome), ["5: - TOO_FEW_FIELDS"]);
    assert_eq!(outcome.rows.len(), 3);
}

#[test]
fn long_delimiters_are_read_exactly() {
    let (columns, _, rows) = wild("id, name, note\n1, \"x, y\", a,b\n2, z, \n3, \"u\", w\r\n");
    assert_eq!(columns, ["id bigint", "name text", "note text"]);
    assert_eq!(rows, ["1|x, y|a,b", "2|z|∅", "3|u|w"]);
    let declared = pb::CsvSource {
        delimiter: "~|~".into(),
        ..options("")
    };
    let (_, _, rows) = wild_with("a~|~b\n1~|\"~|~\"~|~\"\n2~|~\"x\"~\n", declared);
    assert_eq!(rows, ["1~|\"|~|~"]);
}

#[test]
fn quotes_and_escapes_are_detected() {
    let (_, notes, rows) = wild("id,name\n1,'x,y'\n2,'it''s'\n3,z\n");
    assert_eq!(rows, ["1|x,y", "2|it's", "3|z"]);
    assert!(notes.contains(&"quote ' (detected)".to_owned()));
    let (_, notes, rows) = wild("id,name\n1,\"x\\\"y\"\n2,z\n");
    assert_eq!(rows, ["1|x\"y", "2|z"]);
    assert!(notes.contains(&"escape \\ (detected)".to_owned()));
}

#[test]
fn numbers_are_read_as_they_are_written() {
    let (columns, notes, rows) = wild("name;price;count\nx;1.234,50;1\ny;2,25;2\nz;-0,75;3\n");
    assert_eq!(
        columns,
        ["name text", "price decimal(18,2)", "count bigint"]
    );
    assert_eq!(rows, ["x|1234.50|1", "y|2.25|2", "z|-0.75|3"]);
    assert!(
        notes.contains(&"decimal mark ',' (detected)".to_owned()),
        "{notes:?}"
    );
    let (columns, _, rows) = wild("a,b\n\"1,234.50\",x\n\"2,000,000.00\",y\n0.25,z\n");
    assert_eq!(columns[0], "a decimal(18,2)");
    assert_eq!(rows, ["1234.50|x", "2000000.00|y", "0.25|z"]);
    let (columns, _, _) = wild("a;b\n1,234;x\n2,345;y\n");
    assert_eq!(columns[0], "a text");
    let declared = pb::CsvSource {
        decimal_mark: ",".into(),
        columns: super::columns(&[("a", "decimal(9,2)")]),
        ..options("")
    };
    let outcome = load("a;b\n1,5;x\n1.5;y\n,;z\n", declared);
    assert_eq!(values(&outcome), ["1.50|x"]);
    assert_eq!(
        refused(&outcome),
        ["3: a CONVERSION_FAILED", "4: a CONVERSION_FAILED"]
    );
}

#[test]
fn a_word_for_nothing_does_not_make_numbers_text() {
    let (columns, notes, rows) = wild("id,n,t\n1,5,n/a\n2,n/a,x\n3,7,y\n4,8,z\n");
    assert_eq!(columns, ["id bigint", "n bigint", "t text"]);
    assert_eq!(rows, ["1|5|n/a", "2|∅|x", "3|7|y", "4|8|z"]);
    let note = "'n/a' means a missing value in columns that are not text (detected)";
    assert!(notes.contains(&note.to_owned()), "{notes:?}");
    let declared = pb::CsvSource {
        null_values: vec!["NA".into()],
        ..options("")
    };
    let (columns, _, _) = wild_with("id,n\n1,5\n2,n/a\n3,7\n4,8\n", declared);
    assert_eq!(columns, ["id bigint", "n text"]);
}
