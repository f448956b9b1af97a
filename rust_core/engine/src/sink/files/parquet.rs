//! Parquet files.

use std::fs::File;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::{
    WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use datafusion::parquet::file::writer::SerializedFileWriter;
use tokio::task::JoinHandle;

use super::place::unwritable;
use super::row_group::{self, RowGroup};
use super::{Place, StagedPath, closed, encoding};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::sink::checksum::Checksum;
use crate::sink::{Sink, SinkEnv, StageContext, StagingWriter, blocking, columns};

const KIND: &str = "parquet";
/// The level where none is given. Beyond it a file shrinks by a few percent and takes a tenth longer.
const ZSTD_LEVEL: i32 = 1;

#[derive(Debug)]
struct ParquetSink {
    place: Place,
    schema: SchemaRef,
    compression: Compression,
}

/// Compiles a Parquet sink.
///
/// # Errors
/// `PATH_REFUSED`, `PLAN_INVALID`, `SINK_UNWRITABLE`; `TARGET_MISMATCH` for a type that Parquet lacks.
pub(in crate::sink) fn compile(
    name: &str,
    options: &pb::ParquetSink,
    schema: SchemaRef,
    env: &SinkEnv,
) -> Result<Arc<dyn Sink>> {
    let place = Place::compile(name, &options.uri, &options.mode, ".parquet", env)?;
    let compression = match options.compression.as_str() {
        "" | "zstd" => zstd(options.compression_level)?,
        _ if options.compression_level > 0 => {
            let text = format!("{} has no levels", options.compression);
            return Err(EngineError::new(Code::PlanInvalid, text)
                .place("compression_level")
                .hint("Leave the level out, or use zstd"));
        }
        "snappy" => Compression::SNAPPY,
        "lz4" => Compression::LZ4_RAW,
        "none" => Compression::UNCOMPRESSED,
        other => {
            let text = format!("the compression '{other}' is not known");
            return Err(EngineError::new(Code::PlanInvalid, text)
                .place("compression")
                .hint("Use zstd, snappy, lz4 or none"));
        }
    };
    let sink = ParquetSink {
        place,
        schema,
        compression,
    };
    ArrowWriter::try_new(
        Vec::new(),
        Arc::clone(&sink.schema),
        Some(sink.properties().build()),
    )
    .map_err(|error| {
        EngineError::new(
            Code::TargetMismatch,
            format!("Parquet cannot hold a column: {error}"),
        )
        .hint("Cast the column to another type")
    })?;
    Ok(Arc::new(sink))
}

fn zstd(level: u64) -> Result<Compression> {
    let wanted = match level {
        0 => Some(ZSTD_LEVEL),
        _ => i32::try_from(level).ok(),
    };
    let level = wanted.and_then(|level| ZstdLevel::try_new(level).ok());
    let level = level.ok_or_else(|| {
        EngineError::new(Code::PlanInvalid, "zstd has no such level")
            .place("compression_level")
            .hint("Use a level from 1 to 22")
    })?;
    Ok(Compression::ZSTD(level))
}

impl ParquetSink {
    fn properties(&self) -> WriterPropertiesBuilder {
        WriterProperties::builder()
            .set_compression(self.compression)
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(concat!("etlplus version ", env!("CARGO_PKG_VERSION")).into())
    }
}

#[async_trait]
impl Sink for ParquetSink {
    fn report(&self) -> pb::SinkReport {
        self.place.report(KIND, columns(&self.schema))
    }

    async fn open(&self, context: &StageContext) -> Result<Box<dyn StagingWriter>> {
        let (target, staging) = (self.place.final_path(context), context.clone());
        let (staged, file) = blocking(move || StagedPath::create(target, &staging)).await?;
        Ok(Box::new(ParquetWriter {
            place: self.place.clone(),
            schema: Arc::clone(&self.schema),
            threads: context.writers,
            properties: self.properties(),
            output: Output::Empty(staged, file),
            factory: None,
            groups: 0,
            group: None,
            rows: 0,
            checksum: Checksum::default(),
        }))
    }
}

/// The file, which moves to the thread that writes a row group, and back.
struct Open {
    staged: StagedPath,
    file: SerializedFileWriter<File>,
}

/// The file, or the task that ends and writes a row group and then gives it back.
enum Output {
    /// How columns are encoded is decided by the first rows.
    Empty(StagedPath, File),
    Idle(Box<Open>),
    Busy(JoinHandle<Result<Open>>),
    Gone,
}

/// Fills one row group while the one before is ended and written.
struct ParquetWriter {
    place: Place,
    schema: SchemaRef,
    threads: usize,
    properties: WriterPropertiesBuilder,
    output: Output,
    factory: Option<ArrowRowGroupWriterFactory>,
    groups: usize,
    group: Option<RowGroup>,
    rows: u64,
    checksum: Checksum,
}

impl ParquetWriter {
    /// Begins the file, unless it has begun, with encodings for rows like the `first`.
    fn begin(&mut self, first: &RecordBatch) -> Result<()> {
        let (staged, file) = match std::mem::replace(&mut self.output, Output::Gone) {
            Output::Empty(staged, file) => (staged, file),
            begun => {
                self.output = begun;
                return Ok(());
            }
        };
        let properties = self.properties.clone();
        let properties = encoding::choose(properties, &self.schema, first, row_group::MAX_ROWS);
        let schema = Arc::clone(&self.schema);
        let made = ArrowWriter::try_new(file, schema, Some(properties.build()))
            .and_then(ArrowWriter::into_serialized_writer);
        let (file, factory) = made.map_err(|error| unwritable(staged.path(), &error))?;
        self.output = Output::Idle(Box::new(Open { staged, file }));
        self.factory = Some(factory);
        Ok(())
    }

    /// The file, once the row group before is written.
    async fn open(&mut self) -> Result<Open> {
        match std::mem::replace(&mut self.output, Output::Gone) {
            Output::Idle(open) => Ok(*open),
            Output::Busy(task) => task.await.map_err(|error| {
                let text = format!("a Parquet writer ended badly: {error}");
                EngineError::new(Code::EngineBug, text)
            })?,
            Output::Empty(..) | Output::Gone => Err(closed()),
        }
    }

    /// Starts a row group.
    fn start(&mut self) -> Result<RowGroup> {
        let factory = self.factory.as_ref().ok_or_else(closed)?;
        let writers = factory.create_column_writers(self.groups);
        let writers = writers.map_err(|error| {
            EngineError::new(Code::EngineBug, format!("no Parquet writer: {error}"))
        })?;
        self.groups += 1;
        RowGroup::start(&self.schema, writers, self.threads)
    }

    /// Starts to end and write the row group that was filled.
    async fn flush(&mut self) -> Result<()> {
        let Some(group) = self.group.take() else {
            return Ok(());
        };
        let open = self.open().await?;
        self.output = Output::Busy(tokio::spawn(append(open, group)));
        Ok(())
    }
}

async fn append(mut open: Open, group: RowGroup) -> Result<Open> {
    let chunks = group.finish().await?;
    let written = blocking(move || {
        let fail = |error: ParquetError| unwritable(open.staged.path(), &error);
        let mut to = open.file.next_row_group().map_err(fail)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut to).map_err(fail)?;
        }
        to.close().map_err(fail)?;
        Ok(open)
    });
    written.await
}

#[async_trait]
impl StagingWriter for ParquetWriter {
    async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        let rows = batch.num_rows() as u64;
        if rows == 0 {
            return Ok(());
        }
        self.begin(&batch)?;
        let mut group = match self.group.take() {
            Some(group) => group,
            None => self.start()?,
        };
        self.checksum.add(&batch);
        let full = group.write(batch).await?;
        self.group = Some(group);
        self.rows += rows;
        if full { self.flush().await } else { Ok(()) }
    }

    async fn abandon(mut self: Box<Self>) {
        // A row group that is being written holds the file until then.
        drop(self.open().await);
    }

    async fn finish(mut self: Box<Self>) -> Result<pb::StagedSink> {
        self.begin(&RecordBatch::new_empty(Arc::clone(&self.schema)))?;
        self.flush().await?;
        let open = self.open().await?;
        let rows = self.rows;
        let file = blocking(move || {
            let Open { staged, mut file } = open;
            file.finish()
                .map_err(|error| unwritable(staged.path(), &error))?;
            staged.keep(file.inner(), rows)
        });
        let (checksum, file) = (self.checksum.text(), file.await?);
        Ok(self
            .place
            .staged(KIND, checksum, file, columns(&self.schema)))
    }
}
