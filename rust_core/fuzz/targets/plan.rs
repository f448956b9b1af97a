//! Whatever bytes come as a plan, it compiles or is refused by name. Nothing may be read or reached.
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
use etlplus_engine::run::runtime::runtime;
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(init: etlplus_fuzz::write("a.csv", b"id,name,day\n1,a,2026-01-02\n2,b,\n"), |input: &[u8]| {
    let Ok(mut plan) = pb::Plan::decode(input) else {
        return;
    };
    let sources = plan.spec.iter_mut().flat_map(|spec| &mut spec.sources);
    for source in sources {
        // The one file that is there, so that plans get further than their sources.
        if let Some(pb::source::Kind::Csv(csv)) = &mut source.kind {
            csv.uri = "a.csv".into();
        }
    }
    let settings = etlplus_fuzz::settings();
    let compiled = runtime()
        .expect("a runtime")
        .block_on(Compiled::new(plan, settings, BTreeMap::new()));
    match compiled {
        Ok(compiled) => drop(compiled.report()),
        Err(error) => assert_ne!(error.code, Code::EngineBug, "{}", error.message),
    }
});
