//! The rows and rejects of a delimited file do not depend on where it is cut.
//!
//! The first bytes choose delimiter, quote, columns, the size of chunks and the number of partitions.
#![no_main]
#![expect(
    unsafe_code,
    clippy::expect_used,
    reason = "the fuzzer's entry is not safe by its nature, and a fault must stop it"
)]

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use etlplus_engine::plan::pb;
use etlplus_engine::reject::RejectLog;
use etlplus_engine::scan::csv::{CsvSource, compile::compile};
use etlplus_engine::scan::{ScanContext, ScanCounters, Source};
use futures::StreamExt;
use libfuzzer_sys::fuzz_target;
use tokio_util::sync::CancellationToken;

const DELIMITERS: [&str; 5] = [",", ";", "\t", "|", ", "];
const TYPES: [&str; 6] = [
    "text",
    "bigint",
    "decimal(9,2)",
    "date",
    "boolean",
    "double",
];
/// More than any input: the whole file is one chunk.
const WHOLE: usize = 1 << 24;

fuzz_target!(|input: &[u8]| {
    let Some((&[dialect, types, chunk, partitions], body)) = input.split_first_chunk() else {
        return;
    };
    etlplus_fuzz::write("records.csv", body);
    let Ok(source) = compile(&options(dialect, types), &etlplus_fuzz::env()) else {
        return;
    };
    let whole = read(&source, 1, WHOLE);
    let cut = read(
        &source,
        1 + usize::from(partitions % 7),
        1 + usize::from(chunk),
    );
    assert_eq!(whole, cut);
});

fn options(dialect: u8, types: u8) -> pb::CsvSource {
    let dialect = usize::from(dialect);
    let column = |index: usize| pb::Column {
        name: format!("c{index}"),
        r#type: pick(&TYPES, usize::from(types) + index).to_owned(),
    };
    let escape = dialect / 10 % 2 == 1;
    pb::CsvSource {
        uri: "records.csv".into(),
        delimiter: pick(&DELIMITERS, dialect).into(),
        quote: if dialect / 5 % 2 == 0 { "\"" } else { "'" }.into(),
        escape: if escape { "\\" } else { "" }.into(),
        header: Some(false),
        names: (0..3).map(|index| format!("c{index}")).collect(),
        columns: (0..3).map(column).collect(),
        encoding: "utf-8".into(),
        compression: "none".into(),
        skip_rows: Some(0),
        max_record: if dialect / 20 % 2 == 0 { "" } else { "64B" }.into(),
        ..pb::CsvSource::default()
    }
}

fn pick<'a>(of: &[&'a str], number: usize) -> &'a str {
    of.iter()
        .cycle()
        .nth(number % of.len())
        .copied()
        .unwrap_or_default()
}

/// Rows and rejects as lines of text, sorted.
fn read(source: &CsvSource, partitions: usize, chunk: usize) -> (Vec<String>, Vec<String>) {
    let path = etlplus_fuzz::folder().join("rejects");
    let context = ScanContext {
        name: "records".into(),
        projection: (0..source.schema().fields().len()).collect(),
        batch_rows: 8192,
        rejects: Arc::new(RejectLog::new(&path)),
        counters: Arc::new(ScanCounters::default()),
        cancel: CancellationToken::new(),
        only: None,
    };
    let mut merged = futures::stream::select_all(source.open_with(partitions, chunk, &context));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let mut rows = Vec::new();
    runtime.expect("a runtime").block_on(async {
        while let Some(batch) = merged.next().await {
            rows.extend(lines(&batch.expect("a batch")));
        }
    });
    let written = context.rejects.finish().expect("the rejects");
    let mut rejects: Vec<String> = written
        .iter()
        .flat_map(|path| {
            let file = std::fs::File::open(path).expect("the rejects");
            let reader = StreamReader::try_new(file, None).expect("the rejects");
            reader.flat_map(|batch| lines(&batch.expect("a batch")))
        })
        .collect();
    rows.sort();
    rejects.sort();
    (rows, rejects)
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("∅");
    let columns = batch.columns().iter();
    let columns: Vec<_> = columns
        .map(|column| ArrayFormatter::try_new(column, &options).expect("a column"))
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            let values = columns.iter().map(|column| column.value(row).to_string());
            values.collect::<Vec<_>>().join("\u{1f}")
        })
        .collect()
}
