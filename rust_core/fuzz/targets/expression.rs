//! Whatever text stands as an expression, it is refused, or computed for every row or its reject.
#![no_main]
#![expect(
    unsafe_code,
    clippy::expect_used,
    reason = "the fuzzer's entry is not safe by its nature, and a fault must stop it"
)]

use std::collections::BTreeMap;

use etlplus_engine::error::Code;
use etlplus_engine::plan::pb;
use etlplus_engine::run::compile::Compiled;
use etlplus_engine::run::preview;
use etlplus_engine::run::runtime::runtime;
use libfuzzer_sys::fuzz_target;

const ROWS: &[u8] = b"n,x,d,t,s,b\n1,1.5,9.99,2026-01-02,a,true\n-9223372036854775808,-0.0,-9999999.99,0001-01-01,,false\n9223372036854775807,1e308,0.01,9999-12-31,\xc3\xa9'\",true\n,,,,,\n";
const TYPES: [(&str, &str); 6] = [
    ("n", "bigint"),
    ("x", "double"),
    ("d", "decimal(9,2)"),
    ("t", "date"),
    ("s", "text"),
    ("b", "boolean"),
];

fuzz_target!(init: etlplus_fuzz::write("rows.csv", ROWS), |input: &str| {
    // Texts that ask for much are bounded by the memory limit, not by this target.
    let asks_much = ["repeat", "lpad", "rpad", "range", "series"];
    if asks_much.iter().any(|name| input.to_lowercase().contains(name)) {
        return;
    }
    let settings = etlplus_fuzz::settings();
    let result = runtime().expect("a runtime").block_on(async {
        let compiled = Compiled::new(plan(input), settings, BTreeMap::new()).await?;
        preview(&compiled, "made", 10).await
    });
    if let Err(error) = result {
        assert_ne!(error.code, Code::EngineBug, "{}", error.message);
    }
});

fn plan(expr: &str) -> pb::Plan {
    let column = |(name, kind): &(&str, &str)| pb::Column {
        name: (*name).to_owned(),
        r#type: (*kind).to_owned(),
    };
    let csv = pb::CsvSource {
        uri: "rows.csv".into(),
        header: Some(true),
        columns: TYPES.iter().map(column).collect(),
        ..pb::CsvSource::default()
    };
    let made = pb::Assignment {
        name: "made".into(),
        expr: expr.to_owned(),
    };
    let spec = pb::PipelineSpec {
        api: "etlplus/v1".into(),
        name: "fuzzed".into(),
        sources: vec![pb::Source {
            name: "rows".into(),
            kind: Some(pb::source::Kind::Csv(csv)),
        }],
        steps: vec![pb::Step {
            name: "made".into(),
            from: "rows".into(),
            kind: Some(pb::step::Kind::Map(pb::MapStep {
                columns: vec![made],
            })),
            ..pb::Step::default()
        }],
        sinks: vec![pb::Sink {
            name: "out".into(),
            from: "made".into(),
            kind: Some(pb::sink::Kind::Jsonl(pb::JsonlSink {
                uri: "out.jsonl".into(),
                ..pb::JsonlSink::default()
            })),
        }],
        ..pb::PipelineSpec::default()
    };
    pb::Plan {
        spec: Some(spec),
        params: Vec::new(),
    }
}
