//! The data plane of ETL Plus: reads sources, transforms rows on Arrow, splits off rejects and
//! stages sinks. It knows nothing of Python; `etlplus_core` binds it.

pub mod error;
pub mod pg;
pub mod plan;
pub mod reject;
pub mod run;
pub mod scan;
pub mod sink;
pub mod steps;
