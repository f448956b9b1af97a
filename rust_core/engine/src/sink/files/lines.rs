//! Writers of text formats: batches become bytes, bytes go to one file.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use super::place::unwritable;
use super::{Place, StagedPath};
use crate::error::Result;
use crate::plan::pb;
use crate::sink::checksum::Checksum;
use crate::sink::{StageContext, StagingWriter, blocking, columns};

/// Turns batches into a text format.
pub(super) trait Encode: std::fmt::Debug + Send + Sync {
    /// What comes before the first row.
    fn start(&self, schema: &SchemaRef, out: &mut Vec<u8>);

    /// The rows of a batch.
    ///
    /// # Errors
    /// When a column's type has no text.
    fn rows(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()>;
}

/// Stages a file of a text format.
pub(super) struct LineWriter {
    kind: &'static str,
    place: Place,
    schema: SchemaRef,
    encode: Arc<dyn Encode>,
    open: Option<Open>,
}

/// What moves to the thread that encodes and writes, and back.
struct Open {
    staged: StagedPath,
    file: File,
    buffer: Vec<u8>,
    rows: u64,
    checksum: Checksum,
}

impl LineWriter {
    /// Makes the staged file.
    ///
    /// # Errors
    /// `SINK_UNWRITABLE`, `DISK_FULL`.
    pub(super) async fn open(
        kind: &'static str,
        place: Place,
        schema: SchemaRef,
        encode: Arc<dyn Encode>,
        context: &StageContext,
    ) -> Result<Box<dyn StagingWriter>> {
        let target = place.final_path(context);
        let (context, start, fields) = (context.clone(), Arc::clone(&encode), Arc::clone(&schema));
        let open = blocking(move || {
            let (staged, mut file) = StagedPath::create(target, &context)?;
            let mut buffer = Vec::new();
            start.start(&fields, &mut buffer);
            file.write_all(&buffer)
                .map_err(|error| unwritable(staged.path(), &error))?;
            Ok(Open {
                staged,
                file,
                buffer,
                rows: 0,
                checksum: Checksum::default(),
            })
        });
        let open = Some(open.await?);
        Ok(Box::new(Self {
            kind,
            place,
            schema,
            encode,
            open,
        }))
    }
}

#[async_trait]
impl StagingWriter for LineWriter {
    async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        let Some(mut open) = self.open.take() else {
            return Err(super::closed());
        };
        let encode = Arc::clone(&self.encode);
        let written = blocking(move || {
            open.buffer.clear();
            encode.rows(&batch, &mut open.buffer)?;
            let sent = open.file.write_all(&open.buffer);
            sent.map_err(|error| unwritable(open.staged.path(), &error))?;
            open.rows += batch.num_rows() as u64;
            open.checksum.add(&batch);
            Ok(open)
        });
        self.open = Some(written.await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<pb::StagedSink> {
        let Some(open) = self.open.take() else {
            return Err(super::closed());
        };
        let Open {
            staged,
            file,
            rows,
            checksum,
            ..
        } = open;
        let file = blocking(move || staged.keep(&file, rows)).await?;
        Ok(self
            .place
            .staged(self.kind, checksum.text(), file, columns(&self.schema)))
    }
}
