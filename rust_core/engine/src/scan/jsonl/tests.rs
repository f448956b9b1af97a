//! The reader as a whole.

use proptest::prelude::*;

use super::*;
use crate::plan::types::type_name;
use crate::scan::files::resolve;
use crate::scan::testing::{Outcome, env, read, read_with};
use crate::scan::text::compression::Compression;
use crate::scan::text::tests::compress;

fn source(bytes: &[u8], columns: &[(&str, &str)], max_record: &str) -> Result<Arc<dyn Source>> {
    let dir = tempfile::tempdir().unwrap().keep();
    std::fs::write(dir.join("in.jsonl"), bytes).unwrap();
    let column = |&(name, r#type): &(&str, &str)| pb::Column {
        name: name.into(),
        r#type: r#type.into(),
    };
    let options = pb::JsonlSource {
        uri: "in.jsonl".into(),
        columns: columns.iter().map(column).collect(),
        max_record: max_record.into(),
        ..Default::default()
    };
    compile(&options, &env(&dir))
}

fn load(text: &str, columns: &[(&str, &str)]) -> Outcome {
    read(source(text.as_bytes(), columns, "").unwrap().as_ref(), 2).unwrap()
}

fn types(source: &dyn Source) -> Vec<String> {
    let schema = source.schema();
    let fields = schema.fields().iter();
    fields
        .map(|field| format!("{} {}", field.name(), type_name(field.data_type())))
        .collect()
}

fn values(outcome: &Outcome) -> Vec<String> {
    let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "∅".to_owned());
    outcome
        .rows
        .iter()
        .map(|row| row.0.iter().map(show).collect::<Vec<_>>().join("|"))
        .collect()
}

fn refused(outcome: &Outcome) -> Vec<String> {
    outcome
        .refused
        .iter()
        .map(|reject| format!("{}: {}", reject.1, reject.4.join(", ")))
        .collect()
}

#[test]
fn columns_and_types_are_inferred_without_loss() {
    let text = concat!(
        r#"{"id": 9007199254740993, "big": 123456789012345678901, "price": 1.5, "ok": true, "day": "2024-02-29"}"#,
        "\n",
        r#"{"ok": null, "at": "2013-01-01T10:00:00Z", "tags": [1, "a"], "id": 2, "price": 2, "zip": "01234"}"#,
        "\n",
    );
    let source = source(text.as_bytes(), &[], "").unwrap();
    assert_eq!(
        types(source.as_ref()),
        [
            "id bigint",
            "big decimal(38,0)",
            "price double",
            "ok boolean",
            "day date",
            "at timestamptz",
            "tags text",
            "zip text"
        ]
    );
    let outcome = read(source.as_ref(), 1).unwrap();
    assert_eq!(
        values(&outcome),
        [
            "9007199254740993|123456789012345678901|1.5|true|2024-02-29|∅|∅|∅",
            "2|∅|2.0|∅|∅|2013-01-01T10:00:00Z|[1, \"a\"]|01234",
        ]
    );
    assert_eq!((outcome.rows[1].2, outcome.rows[1].3), (2, 102));
    assert_eq!(
        source.notes()[2],
        "column 'tags' has nested values and is read as their JSON text"
    );
}

#[test]
fn mixed_values_are_kept_as_text() {
    let outcome = load(
        "{\"a\":1}\n{\"a\":\"x\\n\\u00e9\"}\n{\"a\":{\"b\": 1.0}}\n{\"a\":false}\n",
        &[],
    );
    assert_eq!(values(&outcome), ["1", "x\né", "{\"b\": 1.0}", "false"]);
}

#[test]
fn declared_types_win_and_may_be_written_as_text() {
    let declared = [
        ("a", "int"),
        ("b", "decimal(10,2)"),
        ("c", "date"),
        ("d", "boolean"),
        ("e", "text"),
    ];
    let text = "{\"a\":\"7\",\"b\":1.50,\"c\":\"2024-01-31\",\"d\":\"yes\"}\n";
    assert_eq!(values(&load(text, &declared)), ["7|1.50|2024-01-31|true|∅"]);
}

#[test]
fn every_bad_line_is_refused_with_its_reason() {
    let mut text = String::new();
    for id in 0..12_000 {
        text.push_str(&format!("{{\"a\":{id},\"b\":\"x\"}}\n"));
    }
    text.push_str(
        "{\"a\":1.5,\"b\":\"\\ud800\"}\nnonsense\n[1]\n\n{\"a\":\"1\"}\n{\"a\":1,\"a\":2}\n",
    );
    text.push_str("{\"a\":1,\"new\":2}\n{\"a\":NaN}\n{\"b\":\"\\u0000\"}\n{\"a\":1} x\n{\"a\":\n{\"a\":5}\r\n{\"b\":7}");
    let outcome = load(&text, &[]);
    assert_eq!(
        refused(&outcome),
        [
            "12001: a CONVERSION_FAILED, b INVALID_ENCODING",
            "12002: - INVALID_JSON",
            "12003: - INVALID_JSON",
            "12005: a CONVERSION_FAILED",
            "12006: a INVALID_JSON",
            "12007: new TOO_MANY_FIELDS",
            "12008: - INVALID_JSON",
            "12009: b NUL_BYTE",
            "12010: - INVALID_JSON",
            "12011: - INVALID_JSON",
        ]
    );
    assert_eq!(values(&outcome)[12_000..], ["5|∅", "∅|7"]);
    assert_eq!(outcome.records, 12_012);
    assert_eq!(outcome.bytes, text.len() as u64);
    assert_eq!(outcome.refused[0].3, "{\"a\":1.5,\"b\":\"\\ud800\"}");
}

#[test]
fn invalid_bytes_and_long_lines_cost_one_line() {
    let mut bytes = b"{\"a\":\"x\"}\n{\"a\":\"\xff\"}\n{\"a\":\"".to_vec();
    bytes.extend(std::iter::repeat_n(b'y', 3 << 20));
    bytes.extend_from_slice(b"\"}\n{\"a\":\"z\"}\n");
    let source = source(&bytes, &[], "1KiB").unwrap();
    let outcome = read(source.as_ref(), 1).unwrap();
    assert_eq!(values(&outcome), ["x", "z"]);
    assert_eq!(
        refused(&outcome),
        ["2: - INVALID_ENCODING", "3: - RECORD_TOO_LONG"]
    );
    assert_eq!(outcome.refused[1].3.len(), 1024);
    assert_eq!(outcome.rows[1].2, 4);
}

#[test]
fn files_that_are_no_lines_of_objects_are_refused() {
    let code = |bytes: &[u8], columns: &[(&str, &str)]| {
        source(bytes, columns, "")
            .map(|source| types(source.as_ref()))
            .map_err(|error| error.code)
    };
    assert_eq!(code(b"[\n{\"a\":1}\n]\n", &[]), Err(Code::SourceCorrupt));
    assert_eq!(code(b"", &[]), Err(Code::SourceEmpty));
    assert_eq!(code(b"", &[("a", "int")]), Ok(vec!["a integer".into()]));
    assert_eq!(
        code(b"{\"a\":1}\n", &[("a", "money")]),
        Err(Code::TypeUnknown)
    );
    assert_eq!(
        code(b"\xef\xbb\xbf{\"a\":1}\n", &[]),
        Ok(vec!["a bigint".into()])
    );
}

#[test]
fn a_line_is_found_again_by_its_origin() {
    let source = source(b"{\"a\":1}\r\n{\"a\":2}\n", &[], "").unwrap();
    let origin = Origin {
        source: "in.jsonl".into(),
        line: None,
        offset: Some(9),
    };
    assert_eq!(
        source.raw_record(&origin, 100).as_deref(),
        Some(&b"{\"a\":2}"[..])
    );
    assert_eq!(
        source.raw_record(&origin, 4).as_deref(),
        Some(&b"{\"a\""[..])
    );
}

#[test]
fn compressed_lines_are_lines() {
    let text = b"{\"a\":1}\n{\"a\":2}\n{\n";
    let stored = compress(Compression::Gzip, text);
    let source = source(&stored, &[], "").unwrap();
    let outcome = read(source.as_ref(), 2).unwrap();
    assert_eq!(values(&outcome), ["1", "2"]);
    assert_eq!(outcome.refused[0].2, 16);
    let origin = Origin {
        source: "in.jsonl".into(),
        line: None,
        offset: Some(8),
    };
    assert_eq!(
        source.raw_record(&origin, 100).as_deref(),
        Some(&text[8..15])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn rows_and_rejects_do_not_depend_on_chunks_or_partitions(
        lines in prop::collection::vec(prop::sample::select(vec![
            "{\"a\":1}", "{\"a\":2,\"b\":\"x\"}", "{\"a\":\"?\"}", "", " ", "{", "{\"b\":\"yyyyyyyyyyyyyyyyyyyyyyyy\"}",
        ]), 0..30),
        chunk_size in 1_usize..60,
        crlf: bool,
        limited: bool,
    ) {
        let text = lines.join(if crlf { "\r\n" } else { "\n" });
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("in.jsonl"), &text).unwrap();
        let files = resolve("in.jsonl", &env(dir.path())).unwrap();
        let spec = |name: &str, data_type| ColumnSpec { name: name.into(), data_type, strict: false };
        let columns = vec![spec("a", DataType::Int64), spec("b", DataType::Utf8)];
        let keys = Keys::new(&columns);
        let layout = Layout { src: 0, name: "in.jsonl".into(), fields: Arc::from([]) };
        let files: Vec<_> = files.into_iter().map(|found| FeedFile { found, layout: layout.clone() }).collect();
        let max_record = if limited { 20 } else { 1 << 20 };
        let format = Arc::new(Format { columns, keys, max_record });
        let form = Form::detect(&files[0].found, &Declared::utf8("").unwrap()).unwrap();
        let source = JsonlSource { format, files, forms: vec![form], again: Again::default(), notes: vec![] };
        let outcome = |partitions, chunk_size| {
            read_with(&[0, 1], |context| Ok(source.open_with(partitions, chunk_size, context))).unwrap()
        };
        let whole = outcome(1, 1 << 20);
        prop_assert_eq!(whole.records as usize, lines.iter().filter(|line| !line.trim().is_empty()).count());
        for partitions in [1, 2, 7] {
            prop_assert_eq!(&outcome(partitions, chunk_size), &whole);
        }
    }
}
