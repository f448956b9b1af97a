//! The reader as a whole.

use std::path::Path;

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, LargeStringArray, StringViewArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;

use super::*;
use crate::scan::testing::{Outcome, env, read, read_with};

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>, rows_a_group: usize) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows_a_group))
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn source(dir: &Path, uri: &str) -> Result<Arc<dyn Source>> {
    let options = pb::ParquetSource {
        uri: uri.into(),
        ..Default::default()
    };
    compile(&options, &env(dir))
}

fn ids(rows: std::ops::Range<i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(rows))
}

fn values(outcome: &Outcome) -> Vec<String> {
    let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "∅".to_owned());
    outcome
        .rows
        .iter()
        .map(|row| row.0.iter().map(show).collect::<Vec<_>>().join("|"))
        .collect()
}

fn types(source: &dyn Source) -> Vec<String> {
    let schema = source.schema();
    let fields = schema.fields().iter();
    fields
        .map(|field| format!("{} {}", field.name(), type_name(field.data_type())))
        .collect()
}

#[test]
fn row_groups_are_read_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("a.parquet"),
        vec![("id", ids(0..1000))],
        100,
    );
    let source = source(dir.path(), "a.parquet").unwrap();
    assert_eq!((source.partitions(4), source.partitions(64)), (4, 10));
    for partitions in [1, 2, 7] {
        let mut outcome = read(source.as_ref(), partitions).unwrap();
        outcome.rows.sort_by_key(|row| row.2);
        assert_eq!(outcome.records, 1000);
        assert_eq!(Some(outcome.bytes), source.bytes_total());
        let expected = (0..1000_u64).map(|id| (vec![Some(id.to_string())], 0, id + 1, 0));
        assert!(outcome.rows.into_iter().eq(expected));
    }
}

#[test]
fn types_become_normal_and_lossy_values_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "view",
            Arc::new(StringViewArray::from(vec![Some("a"), None, Some("c")])),
        ),
        (
            "large",
            Arc::new(LargeStringArray::from(vec!["x", "y", "z"])),
        ),
        (
            "coded",
            Arc::new(DictionaryArray::<Int32Type>::from_iter(["p", "q", "p"])),
        ),
        ("wide", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1]))),
        (
            "at",
            Arc::new(
                TimestampNanosecondArray::from(vec![1_000, 1_001, 2_000]).with_timezone("+02:00"),
            ),
        ),
    ];
    write(&dir.path().join("a.parquet"), columns, 100);
    let source = source(dir.path(), "a.parquet").unwrap();
    assert_eq!(
        types(source.as_ref()),
        [
            "view text",
            "large text",
            "coded text",
            "wide decimal(20,0)",
            "at timestamptz"
        ]
    );
    let outcome = read(source.as_ref(), 1).unwrap();
    assert_eq!(
        values(&outcome),
        [
            "a|x|p|18446744073709551615|1970-01-01T00:00:00.000001Z",
            "c|z|p|1|1970-01-01T00:00:00.000002Z"
        ]
    );
    assert_eq!(outcome.refused[0].4, ["at CONVERSION_FAILED"]);
    assert!(outcome.refused[0].3.contains("\"large\":\"y\""));
    let projected = read_with(&[1], |context| source.open(1, context)).unwrap();
    assert_eq!(values(&projected), ["x", "z"]);
    let origin = Origin {
        source: "a.parquet".into(),
        line: Some(3),
        offset: None,
    };
    let raw = String::from_utf8(source.raw_record(&origin, 1000).unwrap()).unwrap();
    assert!(raw.contains("\"view\":\"c\""), "{raw}");
}

#[test]
fn files_are_matched_by_name_and_type() {
    let dir = tempfile::tempdir().unwrap();
    let text: ArrayRef = Arc::new(LargeStringArray::from(vec!["x"]));
    write(
        &dir.path().join("1.parquet"),
        vec![("id", ids(0..1)), ("t", Arc::clone(&text))],
        10,
    );
    write(
        &dir.path().join("2.parquet"),
        vec![("t", Arc::clone(&text)), ("id", ids(1..2))],
        10,
    );
    let both = source(dir.path(), "*.parquet").unwrap();
    let outcome = read(both.as_ref(), 2).unwrap();
    assert_eq!(values(&outcome), ["0|x", "1|x"]);
    assert_eq!(outcome.rows[1].1, 1);
    write(
        &dir.path().join("3.parquet"),
        vec![("t", ids(0..1)), ("id", ids(1..2))],
        10,
    );
    let error = source(dir.path(), "*.parquet")
        .map(|source| types(source.as_ref()))
        .unwrap_err();
    assert_eq!(error.code, Code::SourceMismatch);
    assert!(
        error.message.contains("column 't' is integer in 3.parquet"),
        "{error}"
    );
}

#[test]
fn a_damaged_file_is_named_and_never_ends_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    write(&path, vec![("id", ids(0..5000))], 1000);
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 3, 10, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = source(dir.path(), "a.parquet")
            .map(|source| types(source.as_ref()))
            .unwrap_err();
        assert_eq!(error.code, Code::SourceCorrupt);
        assert!(error.message.contains("a.parquet"));
    }
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for at in (4..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, &damaged).unwrap();
        let result = source(dir.path(), "a.parquet").and_then(|source| read(source.as_ref(), 1));
        if let Err(error) = result {
            assert!(
                matches!(error.code, Code::SourceCorrupt | Code::SourceMismatch),
                "{error}"
            );
        }
    }
    std::panic::set_hook(hook);
}

#[test]
fn an_empty_table_is_no_rows() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a.parquet"), vec![("id", ids(0..0))], 10);
    let source = source(dir.path(), "a.parquet").unwrap();
    assert_eq!(read(source.as_ref(), 3).unwrap().records, 0);
}
