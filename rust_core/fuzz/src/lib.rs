//! What the targets share: a folder of this process for the files that sources read.
#![expect(clippy::expect_used, reason = "a fuzzer without a folder must stop")]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use etlplus_engine::plan::pb;
use etlplus_engine::scan::ScanEnv;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("etlplus-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the inputs");
    folder
});

/// The folder.
pub fn folder() -> &'static Path {
    &FOLDER
}

/// Writes a file into the folder.
pub fn write(name: &str, bytes: &[u8]) {
    std::fs::write(folder().join(name), bytes).expect("the input as a file");
}

/// Sources may read the folder and nothing else.
pub fn env() -> ScanEnv {
    ScanEnv {
        base_dir: folder().to_owned(),
        file_roots: vec![folder().to_owned()],
        ..ScanEnv::default()
    }
}

/// Plans may read and write in the folder and nowhere else, and know no connection.
pub fn settings() -> pb::Runtime {
    let folder = folder().display().to_string();
    pb::Runtime {
        file_roots: vec![folder.clone()],
        base_dir: folder.clone(),
        work_dir: folder,
        load_id: "0".repeat(32),
        threads: 1,
        ..pb::Runtime::default()
    }
}
