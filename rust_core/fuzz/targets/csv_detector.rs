//! Whatever a file holds, it is detected or refused.
#![no_main]
#![expect(
    unsafe_code,
    clippy::expect_used,
    reason = "the fuzzer's entry is not safe by its nature, and a fault must stop it"
)]

use etlplus_engine::error::Code;
use etlplus_engine::plan::pb;
use etlplus_engine::scan::csv::sniff::sniff;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    etlplus_fuzz::write("found.csv", input);
    let options = pb::CsvSource {
        uri: "found.csv".into(),
        ..pb::CsvSource::default()
    };
    match sniff(&options, &etlplus_fuzz::env()) {
        Ok(report) => assert!(!report.columns.is_empty()),
        Err(error) => assert_ne!(error.code, Code::EngineBug, "{}", error.message),
    }
});
