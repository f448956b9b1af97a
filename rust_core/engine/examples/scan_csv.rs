//! Measures the scan of a delimited text file: `scan_csv FILE [PARTITIONS] [COLUMN=TYPE…]`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use etlplus_engine::plan::pb;
use etlplus_engine::reject::RejectLog;
use etlplus_engine::scan::stream::Streams;
use etlplus_engine::scan::{ScanContext, ScanCounters, ScanEnv, compile};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .ok_or("scan_csv FILE [PARTITIONS] [COLUMN=TYPE…]")?;
    let partitions: usize = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let columns = arguments.filter_map(|text| {
        let (name, r#type) = text.split_once('=')?;
        Some(pb::Column {
            name: name.to_owned(),
            r#type: r#type.to_owned(),
        })
    });
    let options = pb::CsvSource {
        uri: file.clone(),
        columns: columns.collect(),
        ..Default::default()
    };
    let source = pb::Source {
        name: "file".into(),
        kind: Some(pb::source::Kind::Csv(options)),
    };
    let folder = Path::new(&file)
        .canonicalize()?
        .parent()
        .ok_or("no folder")?
        .to_owned();
    let env = ScanEnv {
        base_dir: std::env::current_dir()?,
        file_roots: vec![folder],
        ..ScanEnv::default()
    };
    let source = compile(&source, &env, &mut Streams::new()).await?;
    let mut out = String::new();
    for note in source.notes() {
        out.push_str(&format!("{note}\n"));
    }
    for field in source.schema().fields() {
        out.push_str(&format!("  {} {}\n", field.name(), field.data_type()));
    }
    let context = ScanContext {
        name: "file".into(),
        projection: (0..source.schema().fields().len()).collect(),
        batch_rows: 8192,
        rejects: Arc::new(RejectLog::new(
            std::env::temp_dir().join("scan_csv.rejects"),
        )),
        counters: Arc::new(ScanCounters::default()),
        cancel: CancellationToken::new(),
    };
    let start = Instant::now();
    let mut tasks = Vec::new();
    for mut stream in source.open(partitions, &context)? {
        tasks.push(tokio::spawn(async move {
            while let Some(batch) = stream.next().await {
                batch?;
            }
            Ok::<_, etlplus_engine::error::EngineError>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = context.counters.bytes.load(Ordering::Relaxed) as f64 / 1e6;
    out.push_str(&format!(
        "{} records, {} rejected, {megabytes:.0} MB in {seconds:.2} s: {:.0} MB/s with {partitions} partitions\n",
        context.counters.records.load(Ordering::Relaxed),
        context.counters.rejected.load(Ordering::Relaxed),
        megabytes / seconds,
    ));
    std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes())?;
    Ok(())
}
