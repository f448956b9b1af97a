//! What tells whether a file was changed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// What changes when a file is written to or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The size in bytes.
    pub size: u64,
    modified: (i64, i64),
    inode: (u64, u64),
}

impl Stamp {
    /// When it was last written to, in microseconds since 1970.
    #[must_use]
    pub const fn modified_micros(&self) -> i64 {
        self.modified.0 * 1_000_000 + self.modified.1 / 1000
    }

    /// When it was last written to, in nanoseconds since 1970.
    #[must_use]
    pub const fn modified_nanos(&self) -> i64 {
        self.modified
            .0
            .saturating_mul(1_000_000_000)
            .saturating_add(self.modified.1)
    }

    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            inode: (metadata.dev(), metadata.ino()),
        }
    }
}
