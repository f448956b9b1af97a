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
use datafusion::parquet::file::properties::{WriterProperties, WriterVersion};
use datafusion::parquet::file::writer::SerializedFileWriter;
use tokio::task::JoinHandle;

use super::place::unwritable;
use super::row_group::RowGroup;
use super::{Place, StagedPath, closed};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::sink::checksum::Checksum;
use crate::sink::{Sink, SinkEnv, StageContext, StagingWriter, blocking, columns};

const KIND: &str = "parquet";
const ZSTD_LEVEL: i32 = 3;

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
        "" | "zstd" => Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default()),
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
        Some(sink.properties()),
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

impl ParquetSink {
    fn properties(&self) -> WriterProperties {
        WriterProperties::builder()
            .set_compression(self.compression)
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(concat!("etlplus version ", env!("CARGO_PKG_VERSION")).into())
            .build()
    }
}

#[async_trait]
impl Sink for ParquetSink {
    fn report(&self) -> pb::SinkReport {
        self.place.report(KIND, columns(&self.schema))
    }

    async fn open(&self, context: &StageContext) -> Result<Box<dyn StagingWriter>> {
        let (target, schema) = (self.place.final_path(context), Arc::clone(&self.schema));
        let (properties, staging) = (self.properties(), context.clone());
        let open = blocking(move || {
            let (staged, file) = StagedPath::create(target, &staging)?;
            let made = ArrowWriter::try_new(file, schema, Some(properties))
                .and_then(ArrowWriter::into_serialized_writer);
            let (file, factory) = made.map_err(|error| unwritable(staged.path(), &error))?;
            Ok((Open { staged, file }, factory))
        });
        let (open, factory) = open.await?;
        Ok(Box::new(ParquetWriter {
            place: self.place.clone(),
            schema: Arc::clone(&self.schema),
            threads: context.writers,
            factory,
            file: Some(Output::Idle(Box::new(open))),
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
    Idle(Box<Open>),
    Busy(JoinHandle<Result<Open>>),
}

/// Fills one row group while the one before is ended and written.
struct ParquetWriter {
    place: Place,
    schema: SchemaRef,
    threads: usize,
    factory: ArrowRowGroupWriterFactory,
    file: Option<Output>,
    groups: usize,
    group: Option<RowGroup>,
    rows: u64,
    checksum: Checksum,
}

impl ParquetWriter {
    /// The file, once the row group before is written.
    async fn open(&mut self) -> Result<Open> {
        match self.file.take() {
            Some(Output::Idle(open)) => Ok(*open),
            Some(Output::Busy(task)) => task.await.map_err(|error| {
                let text = format!("a Parquet writer ended badly: {error}");
                EngineError::new(Code::EngineBug, text)
            })?,
            None => Err(closed()),
        }
    }

    /// Starts to end and write the row group that was filled.
    async fn flush(&mut self) -> Result<()> {
        let Some(group) = self.group.take() else {
            return Ok(());
        };
        let open = self.open().await?;
        self.file = Some(Output::Busy(tokio::spawn(append(open, group))));
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
        let group = match self.group.as_mut() {
            Some(group) => group,
            None => {
                let writers = self.factory.create_column_writers(self.groups);
                let writers = writers.map_err(|error| {
                    EngineError::new(Code::EngineBug, format!("no Parquet writer: {error}"))
                })?;
                self.groups += 1;
                self.group
                    .insert(RowGroup::start(&self.schema, writers, self.threads)?)
            }
        };
        self.checksum.add(&batch);
        let full = group.write(batch).await?;
        self.rows += rows;
        if full { self.flush().await } else { Ok(()) }
    }

    async fn abandon(mut self: Box<Self>) {
        // A row group that is being written holds the file until then.
        drop(self.open().await);
    }

    async fn finish(mut self: Box<Self>) -> Result<pb::StagedSink> {
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
