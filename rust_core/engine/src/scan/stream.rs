//! Rows handed in by the program that runs the pipeline.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::parquet::normal::{normal_type, normalise};
use super::{BatchStream, ScanContext, Source, identity_fields};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::plan::types::{parse_type, type_name};
use crate::reject::Origin;

/// How many batches wait between the program and the run.
const WAITING: usize = 2;

/// Batches from outside, and their columns.
pub struct StreamInput {
    /// The columns of every batch.
    pub schema: SchemaRef,
    /// The batches.
    pub batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
}

/// Streams by the name of their source.
pub type Streams = BTreeMap<String, StreamInput>;

/// Compiles a stream source: takes the stream of its name and checks its columns.
///
/// # Errors
/// `SOURCE_NOT_PROVIDED` without a stream of that name; `SOURCE_MISMATCH` when it lacks a declared
/// column or has it with another type.
pub fn compile(
    name: &str,
    options: &pb::StreamSource,
    streams: &mut Streams,
) -> Result<Arc<dyn Source>> {
    let input = streams.remove(name).ok_or_else(|| {
        EngineError::new(
            Code::SourceNotProvided,
            format!("no rows were handed in for '{name}'"),
        )
        .hint("Pass an iterator of Arrow batches under the source's name when running the pipeline")
    })?;
    let mut schema = rows_schema(&input.schema);
    if schema.fields().is_empty() {
        schema = declared_schema(&options.columns)?;
    }
    for column in &options.columns {
        let declared = parse_type(&column.r#type)
            .map_err(|error| error.place(format!("columns.{}", column.name)))?;
        let given = schema
            .field_with_name(&column.name)
            .ok()
            .map(|field| type_name(field.data_type()));
        if given.as_deref() != Some(type_name(&declared).as_str()) {
            let given = given.map_or("is missing".to_owned(), |given| format!("is {given}"));
            let text = format!(
                "column '{}' {given}, not {}",
                column.name,
                type_name(&declared)
            );
            return Err(EngineError::new(Code::SourceMismatch, text)
                .place(format!("columns.{}", column.name)));
        }
    }
    Ok(Arc::new(StreamSource {
        name: name.into(),
        schema,
        input: Mutex::new(Some(input)),
    }))
}

/// The columns of the rows: any may be missing a value, and values of one kind have one type. What
/// is finer or wider than the usual type keeps its own.
fn rows_schema(given: &Schema) -> SchemaRef {
    let fields = given.fields().iter().map(|field| {
        let own = field.data_type();
        let data_type = match own {
            DataType::Timestamp(TimeUnit::Nanosecond, _)
            | DataType::Time64(TimeUnit::Nanosecond)
            | DataType::Decimal256(..) => own.clone(),
            other => normal_type(other),
        };
        Field::new(field.name(), data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The columns of a stream without any batch.
fn declared_schema(columns: &[pb::Column]) -> Result<SchemaRef> {
    let fields = columns.iter().map(|column| {
        let declared = parse_type(&column.r#type)
            .map_err(|error| error.place(format!("columns.{}", column.name)))?;
        Ok(Field::new(&column.name, declared, true))
    });
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
}

/// Rows of an iterator, read once.
struct StreamSource {
    name: Arc<str>,
    schema: SchemaRef,
    input: Mutex<Option<StreamInput>>,
}

impl fmt::Debug for StreamSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StreamSource")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl Source for StreamSource {
    fn kind(&self) -> &'static str {
        "stream"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    fn bytes_total(&self) -> Option<u64> {
        None
    }

    fn partitions(&self, _wanted: usize) -> usize {
        1
    }

    fn open(&self, _wanted: usize, context: &ScanContext) -> Result<Vec<BatchStream>> {
        let input = self.input.lock().take().ok_or_else(|| {
            EngineError::new(Code::SourceUnreadable, "a stream can be read only once")
                .at(context.name.as_ref())
        })?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let pump = Pump {
            given: Arc::clone(&input.schema),
            schema: Arc::clone(&self.schema),
            context: context.clone(),
            ordinal: 0,
        };
        // A thread of its own: the program's iterator may block for as long as it likes.
        std::thread::Builder::new()
            .name(format!("stream-{}", context.name))
            .spawn(move || pump.run(input.batches, &sender))
            .map_err(|error| {
                EngineError::new(Code::EngineBug, format!("no thread for a stream: {error}"))
            })?;
        let cancel = context.cancel.clone();
        // Rows count when they are taken: what waits at an early end was not read.
        let counters = Arc::clone(&context.counters);
        let count = move |batch: &RecordBatch| {
            let bytes = batch.get_array_memory_size() as u64;
            counters.add(batch.num_rows() as u64, 0, bytes);
        };
        let batches = stream::unfold((receiver, cancel), |(mut receiver, cancel)| async move {
            let next = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    receiver.close();
                    Some(Err(EngineError::new(Code::Cancelled, "the run was cancelled")))
                }
                next = receiver.recv() => next,
            };
            next.map(|batch| (batch, (receiver, cancel)))
        });
        let batches = batches.inspect(move |batch| {
            if let Ok(batch) = batch {
                count(batch);
            }
        });
        Ok(vec![Box::pin(batches)])
    }

    fn origin_name(&self, _src: u32) -> String {
        self.name.to_string()
    }

    fn can_read_again(&self) -> bool {
        false
    }

    fn raw_record(&self, _origin: &Origin, _limit: usize) -> Option<Vec<u8>> {
        None
    }
}

/// Moves batches from the program's iterator to the run.
struct Pump {
    /// The columns as the first batch has them.
    given: SchemaRef,
    schema: SchemaRef,
    context: ScanContext,
    ordinal: u64,
}

impl Pump {
    fn run(
        mut self,
        batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
        sender: &mpsc::Sender<Result<RecordBatch>>,
    ) {
        for batch in batches {
            if self.context.cancel.is_cancelled() {
                return;
            }
            let failed = match batch.and_then(|batch| self.send(&batch, sender)) {
                Ok(true) => continue,
                Ok(false) => return,
                Err(error) => error.at(self.context.name.as_ref()),
            };
            // Nobody listens any more when this fails, so nobody misses the error.
            drop(sender.blocking_send(Err(failed)));
            return;
        }
    }

    /// Sends a batch in pieces; false when nobody listens any more.
    fn send(
        &mut self,
        batch: &RecordBatch,
        sender: &mpsc::Sender<Result<RecordBatch>>,
    ) -> Result<bool> {
        self.check(batch)?;
        let mut start = 0;
        while start < batch.num_rows() {
            let length = self.context.batch_rows.max(1).min(batch.num_rows() - start);
            let piece = self.identify(&batch.slice(start, length))?;
            if sender.blocking_send(Ok(piece)).is_err() {
                return Ok(false);
            }
            start += length;
        }
        Ok(true)
    }

    fn check(&self, batch: &RecordBatch) -> Result<()> {
        let same =
            batch.num_columns() == self.given.fields().len()
                && batch.schema().fields().iter().zip(self.given.fields()).all(
                    |(given, wanted)| {
                        given.name() == wanted.name() && given.data_type() == wanted.data_type()
                    },
                );
        if same {
            return Ok(());
        }
        let text = "a batch has other columns than the stream said";
        Err(EngineError::new(Code::SourceMismatch, text)
            .hint("Every batch has the schema of the first"))
    }

    fn identify(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let bug = |error| {
            EngineError::new(
                Code::EngineBug,
                format!("a batch could not be built: {error}"),
            )
        };
        let own = batch.project(&self.context.projection).map_err(bug)?;
        let schema = self.schema.project(&self.context.projection).map_err(bug)?;
        let first = self.ordinal + 1;
        self.ordinal += rows as u64;
        let columns = own.columns().iter().zip(schema.fields());
        let columns = columns
            .map(|(column, field)| usual(column, field))
            .collect::<Result<Vec<_>>>()?;
        let fields = schema.fields().iter().map(|field| field.as_ref().clone());
        let fields: Vec<Field> = fields.chain(identity_fields()).collect();
        let identity: [ArrayRef; 3] = [
            Arc::new(UInt32Array::from_value(0, rows)),
            Arc::new(UInt64Array::from_iter_values(first..=self.ordinal)),
            Arc::new(UInt64Array::from_value(0, rows)),
        ];
        let columns = columns.into_iter().chain(identity).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .map_err(bug)
    }
}

/// A column in the type that the source says it has.
fn usual(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if field.data_type() == column.data_type() {
        return Ok(Arc::clone(column));
    }
    let unfit = |reason: &str| {
        EngineError::new(
            Code::SourceMismatch,
            format!("column '{}' {reason}", field.name()),
        )
        .hint("Hand the values in as another type, or as text")
    };
    let (normal, _) = normalise(column).map_err(|error| unfit(&error.to_string()))?;
    if normal.null_count() > column.logical_null_count() {
        return Err(unfit("has values that do not fit their type"));
    }
    Ok(normal)
}
