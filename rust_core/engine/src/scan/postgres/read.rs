//! The stream of batches of one COPY.

use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt32Array, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use bytes::{Buf, Bytes, BytesMut};
use futures::{StreamExt, stream};
use tokio_postgres::CopyOutStream;

use super::PostgresSource;
use super::column::SourceColumn;
use super::decode::{Column, Fault};
use crate::error::{Code, EngineError, Result};
use crate::pg::{Session, connect, statement_failed};
use crate::reject::{Origin, Reason, Reject, RejectCode};
use crate::scan::{BatchStream, ScanContext, identity_fields};

/// A batch is ended at so many bytes, however few rows it has.
const BATCH_BYTES: usize = 4 << 20;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// The signature, flags and the length of the extension.
const HEADER: usize = 19;

/// Opens the source when the first batch is asked for.
pub(super) fn stream(source: PostgresSource, context: ScanContext) -> BatchStream {
    let batches = stream::unfold(State::Closed(source, context), |state| async move {
        let mut reader = match state {
            State::Closed(source, context) => match Reader::open(source, context).await {
                Ok(reader) => Box::new(reader),
                Err(error) => return Some((Err(error), State::Ended)),
            },
            State::Open(reader) => reader,
            State::Ended => return None,
        };
        match reader.next().await {
            Ok(Some(batch)) => Some((Ok(batch), State::Open(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), State::Ended)),
        }
    });
    Box::pin(batches)
}

#[expect(clippy::large_enum_variant, reason = "there is one for each partition")]
enum State {
    Closed(PostgresSource, ScanContext),
    Open(Box<Reader>),
    Ended,
}

/// Reads one COPY.
struct Reader {
    source: PostgresSource,
    context: ScanContext,
    /// Keeps the transaction open while the copy is read.
    _session: Session,
    copy: Pin<Box<CopyOutStream>>,
    /// The columns that are read: the projected ones and those whose values may be refused.
    wanted: Vec<usize>,
    builders: Vec<Column>,
    /// Bytes that are not decoded yet: less than a row, or rows of the next batch.
    pending: BytesMut,
    is_started: bool,
    is_ended: bool,
    ordinal: u64,
}

/// The rows of a batch that is being filled.
#[derive(Default)]
struct Filling {
    rows: usize,
    bytes: usize,
    faults: Vec<(usize, Vec<Reason>)>,
}

impl Reader {
    async fn open(source: PostgresSource, context: ScanContext) -> Result<Self> {
        let failed = |error| statement_failed(&format!("cannot read {}", source.name), &error);
        let session = connect(&source.connection).await?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        session.batch_execute(begin).await.map_err(failed)?;
        let wanted: Vec<usize> = (0..source.columns.len())
            .filter(|index| {
                context.projection.contains(index)
                    || source
                        .columns
                        .get(*index)
                        .is_some_and(|each| each.read_as.may_fail())
            })
            .collect();
        let copy = session
            .copy_out(&source.statement(&wanted))
            .await
            .map_err(failed)?;
        let builders = wanted.iter().filter_map(|index| source.columns.get(*index));
        let builders = builders.map(|column| Column::new(column.read_as));
        let builders = builders
            .collect::<Result<_, _>>()
            .map_err(|error| damaged(&error))?;
        Ok(Self {
            source,
            context,
            _session: session,
            copy: Box::pin(copy),
            wanted,
            builders,
            pending: BytesMut::new(),
            is_started: false,
            is_ended: false,
            ordinal: 0,
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut filling = Filling::default();
        while filling.rows < self.context.batch_rows && filling.bytes < BATCH_BYTES {
            if self.take_row(&mut filling)? {
                continue;
            }
            if self.is_ended {
                break;
            }
            match self.receive().await? {
                Some(bytes) if self.pending.is_empty() => self.pending = BytesMut::from(bytes),
                Some(bytes) => self.pending.extend_from_slice(&bytes),
                None => return Err(damaged(&"it ended without a trailer")),
            }
        }
        if filling.rows == 0 {
            return Ok(None);
        }
        self.batch(filling).map(Some)
    }

    async fn receive(&mut self) -> Result<Option<Bytes>> {
        let next = tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => {
                return Err(EngineError::new(Code::Cancelled, "the run was cancelled"));
            }
            next = self.copy.next() => next,
        };
        let name = &self.source.name;
        let failed = |error| statement_failed(&format!("cannot read {name}"), &error);
        next.transpose().map_err(failed)
    }

    /// Decodes a row; false when its bytes have not all arrived, or after the last row.
    fn take_row(&mut self, filling: &mut Filling) -> Result<bool> {
        if !self.is_started {
            if self.pending.len() < HEADER {
                return Ok(false);
            }
            if !self.pending.starts_with(SIGNATURE) {
                return Err(damaged(
                    &"it does not start with the signature of a binary copy",
                ));
            }
            self.pending.advance(HEADER);
            self.is_started = true;
        }
        let Some((count, mut rest)) = self.pending.split_first_chunk::<2>() else {
            return Ok(false);
        };
        let count = i16::from_be_bytes(*count);
        if count < 0 {
            self.is_ended = true;
            return Ok(false);
        }
        if usize::try_from(count).ok() != Some(self.builders.len()) {
            return Err(damaged(&"a row has another number of columns"));
        }
        let Some(length) = row_length(rest, self.builders.len()) else {
            return Ok(false);
        };
        let mut reasons = Vec::new();
        for (builder, index) in self.builders.iter_mut().zip(&self.wanted) {
            let (field, after) = field(rest).ok_or_else(|| damaged(&"a row is cut off"))?;
            rest = after;
            let pushed = match field {
                Some(bytes) => builder.push(bytes),
                None => {
                    builder.push_missing();
                    Ok(())
                }
            };
            match pushed {
                Ok(()) => {}
                Err(Fault::Value(why)) => {
                    builder.push_missing();
                    reasons.push(reason(self.source.columns.get(*index), why));
                }
                Err(Fault::Form) => return Err(damaged(&"a value is not of its column's type")),
            }
        }
        if !reasons.is_empty() {
            filling.faults.push((filling.rows, reasons));
        }
        filling.rows += 1;
        filling.bytes += length + 2;
        self.pending.advance(length + 2);
        Ok(true)
    }

    /// Ends a batch: rejects rows with faults and adds identity.
    fn batch(&mut self, filling: Filling) -> Result<RecordBatch> {
        let Filling {
            rows,
            bytes,
            faults,
        } = filling;
        let columns: Vec<ArrayRef> = self.builders.iter_mut().map(Column::finish).collect();
        let fields = self
            .wanted
            .iter()
            .map(|index| self.source.schema.field(*index).clone());
        let read = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut columns: Vec<_> = self.wanted.iter().copied().zip(columns).collect();
        let first = self.ordinal + 1;
        self.ordinal += rows as u64;
        self.context
            .counters
            .add(rows as u64, faults.len() as u64, bytes as u64);
        let lines: ArrayRef = Arc::new(UInt64Array::from_iter_values(first..first + rows as u64));
        if !faults.is_empty() {
            let all: Vec<ArrayRef> = columns
                .iter()
                .map(|(_, column)| Arc::clone(column))
                .collect();
            self.reject(&assemble(read, all, rows)?, first, &faults)?;
        }
        columns.retain(|(index, _)| self.context.projection.contains(index));
        let mut fields: Vec<_> = columns
            .iter()
            .map(|(index, _)| self.source.schema.field(*index).clone())
            .collect();
        fields.extend(identity_fields());
        let mut arrays: Vec<ArrayRef> = columns.into_iter().map(|(_, column)| column).collect();
        arrays.push(Arc::new(UInt32Array::from_value(0, rows)));
        arrays.push(lines);
        arrays.push(Arc::new(UInt64Array::from_value(0, rows)));
        let batch = assemble(Arc::new(Schema::new(fields)), arrays, rows)?;
        if faults.is_empty() {
            return Ok(batch);
        }
        let bad = |row: usize| faults.binary_search_by_key(&row, |(row, _)| *row).is_ok();
        let keep: BooleanArray = (0..rows).map(|row| Some(!bad(row))).collect();
        filter_record_batch(&batch, &keep).map_err(|error| damaged(&error))
    }

    fn reject(
        &self,
        batch: &RecordBatch,
        first: u64,
        faults: &[(usize, Vec<Reason>)],
    ) -> Result<()> {
        let rejects = faults.iter().map(|(row, reasons)| Reject {
            step: self.context.name.to_string(),
            origin: Some(Origin {
                source: self.source.name.clone(),
                line: Some(first + *row as u64),
                offset: None,
            }),
            raw: as_json(batch, *row),
            reasons: reasons.clone(),
        });
        self.context.rejects.push(rejects.collect::<Vec<_>>())
    }
}

fn reason(column: Option<&SourceColumn>, why: &str) -> Reason {
    Reason {
        column: column.map(|column| column.name.clone()),
        code: RejectCode::ConversionFailed,
        message: why.to_owned(),
    }
}

/// A row as JSON, the values that were refused as null.
fn as_json(batch: &RecordBatch, row: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = arrow::json::LineDelimitedWriter::new(&mut out);
    let written = writer
        .write(&batch.slice(row, 1))
        .and_then(|()| writer.finish());
    if let Err(error) = written {
        log::debug!("a rejected row cannot be shown as JSON: {error}");
    }
    out.truncate(out.trim_ascii_end().len().min(Reject::RAW_LIMIT));
    out
}

/// The bytes of a row's fields; none when they have not all arrived.
fn row_length(bytes: &[u8], fields: usize) -> Option<usize> {
    let mut rest = bytes;
    for _ in 0..fields {
        rest = field(rest)?.1;
    }
    Some(bytes.len() - rest.len())
}

/// A field, which may be missing, and what follows it.
fn field(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    match usize::try_from(i32::from_be_bytes(*length)) {
        Ok(length) => rest
            .split_at_checked(length)
            .map(|(value, rest)| (Some(value), rest)),
        Err(_) => Some((None, rest)),
    }
}

fn assemble(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(|error| damaged(&error))
}

fn damaged(why: &dyn std::fmt::Display) -> EngineError {
    EngineError::new(
        Code::SourceCorrupt,
        format!("the server's answer cannot be read: {why}"),
    )
}
