//! The head of each file: what stands before its table, its names, and where its rows start.

use super::dialect::Dialect;
use super::fields::value;
use super::header;
use super::marks::commas;
use super::nulls::NullTokens;
use super::sample::{Sample, SampleRecord, record_bytes};
use super::sniff::Finding;
use super::sniff::dialect::{Known, find};
use super::sniff::table::{Declared, Grid, Table};
use crate::error::{Code, EngineError, Result};
use crate::plan::pb;
use crate::scan::chunk::Place;
use crate::scan::files::FoundFile;
use crate::scan::text::Form;

/// How many records are looked at to find the table.
const RECORDS: usize = 1000;

/// Within how many records the names of declared columns are looked for.
const NAMES_WITHIN: usize = 50;

/// A file's names and where its records start.
#[derive(Clone, Debug)]
pub struct Head {
    /// The names of its columns; none when the file has no records.
    pub names: Vec<String>,
    /// Where its rows start.
    pub start: Place,
}

/// Settles how the files of a source are written, by the first that has records.
pub struct Heads<'a> {
    options: &'a pb::CsvSource,
    nulls: &'a NullTokens,
    /// How the files are written.
    pub dialect: Dialect,
    /// What was detected, for people.
    pub notes: Vec<String>,
    /// What was detected, with how sure it is.
    pub findings: Vec<Finding>,
    /// The names as the first file writes them, where it repeats them among its rows.
    pub repeated: Option<Vec<Vec<u8>>>,
    /// Whether a number in the first file's sample may hold a comma.
    pub commas: bool,
    /// What a record takes on the average, in the first file's sample.
    pub record_bytes: Option<u64>,
    header_rows: Option<usize>,
    settled: bool,
}

impl<'a> Heads<'a> {
    /// For the files of a source.
    ///
    /// # Errors
    /// `PLAN_INVALID` for options that clash.
    pub fn new(
        options: &'a pb::CsvSource,
        nulls: &'a NullTokens,
        memory: Option<usize>,
    ) -> Result<Self> {
        Ok(Self {
            options,
            nulls,
            dialect: Dialect::declared(options, memory)?,
            notes: Vec::new(),
            findings: Vec::new(),
            repeated: None,
            commas: false,
            record_bytes: None,
            header_rows: declared_header_rows(options)?,
            settled: false,
        })
    }

    /// Reads the head of a file.
    ///
    /// # Errors
    /// `SOURCE_UNREADABLE`, `SOURCE_CORRUPT`, `SOURCE_MISMATCH`.
    pub fn read(&mut self, file: &FoundFile, form: &Form, is_first: bool) -> Result<Head> {
        let mut sample = Sample::read(file, form, self.dialect.max_record)?;
        if !sample.skip_lines(self.options.skip_rows()) {
            let text = format!("`skip_rows` reaches beyond the first MiB of {}", file.name);
            return Err(EngineError::new(Code::PlanInvalid, text).place("skip_rows"));
        }
        if !self.settled && !sample.records(&self.dialect, 1).is_empty() {
            self.settle_dialect(&sample);
        }
        let records = sample.records(&self.dialect, RECORDS);
        let mut notes = Vec::new();
        let head = self.head(file, &sample, &records, &mut notes)?;
        if is_first {
            self.notes.append(&mut notes);
            self.commas = commas(&sample.bytes, &self.dialect);
            let rows = records.partition_point(|record| record.at.offset < head.start.offset);
            self.record_bytes = record_bytes(records.get(rows..).unwrap_or_default());
        }
        Ok(head)
    }

    fn settle_dialect(&mut self, sample: &Sample) {
        let known = Known {
            delimiter: !self.options.delimiter.is_empty(),
            quote: !self.options.quote.is_empty(),
            escape: !self.options.escape.is_empty(),
        };
        let found = find(sample, &self.dialect, known);
        self.dialect = found.dialect;
        let sure = |declared: bool| if declared { 1.0 } else { found.sure };
        let delimiter = String::from_utf8_lossy(found.dialect.delimiter.as_bytes()).into_owned();
        self.findings.extend([
            Finding::new("delimiter", &delimiter, sure(known.delimiter)),
            Finding::new("quote", &char::from(found.dialect.quote), sure(known.quote)),
        ]);
        if let Some(escape) = found.dialect.escape {
            let escape = char::from(escape);
            self.findings
                .push(Finding::new("escape", &escape, sure(known.escape)));
        }
        let shown = self.dialect.delimiter;
        let text = format!("delimiter '{shown}' ({})", origin(known.delimiter));
        self.notes.push(text);
        if self.dialect.quote != b'"' || known.quote {
            let shown = char::from(self.dialect.quote);
            self.notes
                .push(format!("quote {shown} ({})", origin(known.quote)));
        }
        if let Some(escape) = self.dialect.escape {
            let shown = char::from(escape);
            self.notes
                .push(format!("escape {shown} ({})", origin(known.escape)));
        }
    }

    fn head(
        &mut self,
        file: &FoundFile,
        sample: &Sample,
        records: &[SampleRecord<'_>],
        notes: &mut Vec<String>,
    ) -> Result<Head> {
        let declared = &self.options.names;
        let Some(table) = self.table(records) else {
            return Ok(Head {
                names: declared.clone(),
                start: sample.start(),
            });
        };
        self.settle_table(&table, records, sample.line);
        let rows = records.get(table.preamble..).unwrap_or_default();
        let (names, rows) = rows.split_at(table.header_rows.min(rows.len()));
        let start = match (names.last(), rows.first()) {
            (Some(last), _) => last.after,
            (None, Some(first)) if table.preamble > 0 => first.at,
            _ => sample.start(),
        };
        if !declared.is_empty() {
            if table.header_rows > 0 && declared.len() != table.width {
                return Err(self.wrong_width(file, table.width));
            }
            return Ok(Head {
                names: declared.clone(),
                start,
            });
        }
        let names = match table.header_rows {
            0 => (0..table.width).map(header::positional).collect(),
            _ => header::names(names, table.width, &self.dialect, file, notes)?,
        };
        Ok(Head { names, start })
    }

    fn table(&self, records: &[SampleRecord<'_>]) -> Option<Table> {
        let grid = Grid::new(records, &self.dialect, self.nulls);
        let named = self.declared_names(records);
        let declared = Declared {
            preamble: self.options.skip_rows.map(|_| 0).or(named),
            header_rows: self.header_rows,
            named: named.is_some() || self.declares_header() && self.header_rows > Some(0),
        };
        let table = grid.table(records, declared)?;
        if self.options.names.is_empty() || self.header_rows.is_some() {
            return Some(table);
        }
        // With declared names, a record that repeats them is a header.
        let first = records.get(table.preamble)?;
        let names = header::texts(first, &self.dialect);
        let same = names
            .iter()
            .zip(&self.options.names)
            .all(|(text, name)| text.trim_ascii().eq_ignore_ascii_case(name.as_bytes()));
        let declared = Declared {
            header_rows: Some(usize::from(same)),
            ..declared
        };
        grid.table(records, declared)
    }

    /// The record that has the names of all declared columns.
    fn declared_names(&self, records: &[SampleRecord<'_>]) -> Option<usize> {
        let columns = &self.options.columns;
        if columns.is_empty() || !self.options.names.is_empty() || self.header_rows == Some(0) {
            return None;
        }
        let head = records.iter().take(NAMES_WITHIN);
        head.map(|record| header::texts(record, &self.dialect))
            .position(|texts| {
                let has = |name: &str| {
                    texts
                        .iter()
                        .any(|text| text.trim_ascii() == name.as_bytes())
                };
                columns.iter().all(|column| has(&column.name))
            })
    }

    fn declares_header(&self) -> bool {
        self.options.header.is_some() || self.options.header_rows.is_some()
    }

    /// The first file that has records decides for all how many rows hold names.
    fn settle_table(&mut self, table: &Table, records: &[SampleRecord<'_>], first_line: u64) {
        if self.settled {
            return;
        }
        self.settled = true;
        let by = origin(self.declares_header());
        let declared = self.declares_header();
        let sure = if declared { 1.0 } else { table.sure };
        let line = |at: usize| records.get(at).map_or(1, |record| record.at.line);
        if table.preamble > 0 {
            let last = line(table.preamble) - 1;
            self.notes
                .push(format!("the table starts after line {last} (detected)"));
        } else if self.options.skip_rows() > 0 {
            let text = format!(
                "the first {} lines are skipped (declared)",
                self.options.skip_rows()
            );
            self.notes.push(text);
        }
        self.notes.push(match table.header_rows {
            0 => format!("no header ({by})"),
            1 => format!("header present ({by})"),
            rows => format!("header of {rows} rows ({by})"),
        });
        let start = match table.preamble {
            0 => first_line,
            rows => line(rows),
        };
        let skipped = if self.options.skip_rows.is_some() {
            1.0
        } else {
            sure
        };
        self.findings.extend([
            Finding::new("skip_rows", &(start - 1), skipped),
            Finding::new("header_rows", &table.header_rows, sure),
        ]);
        self.header_rows = Some(table.header_rows);
        let (Some(at), Some(names)) = (table.repeated, records.get(table.preamble)) else {
            return;
        };
        self.notes.push(format!(
            "line {} repeats the header; rows that do so are rejected",
            line(at)
        ));
        self.repeated = Some(header::texts(names, &self.dialect));
    }

    fn wrong_width(&self, file: &FoundFile, width: usize) -> EngineError {
        let text = format!(
            "the header of {} has {width} fields between '{}', but {} names are declared",
            file.name,
            self.dialect.delimiter,
            self.options.names.len()
        );
        EngineError::new(Code::SourceMismatch, text)
            .place("names")
            .hint("Check delimiter and names")
    }
}

/// Whether a field repeats the text of another.
#[must_use]
pub fn repeats(field: &[u8], text: &[u8], dialect: &Dialect) -> bool {
    value(field, dialect).0.as_ref() == text
}

fn declared_header_rows(options: &pb::CsvSource) -> Result<Option<usize>> {
    let rows = options
        .header_rows
        .map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
    match (options.header, rows) {
        (Some(true), Some(0)) | (Some(false), Some(1..)) => Err(EngineError::new(
            Code::PlanInvalid,
            "`header` and `header_rows` contradict each other",
        )
        .place("header_rows")
        .hint("Leave `header` out; `header_rows: 0` means that there is none")),
        (Some(header), None) => Ok(Some(usize::from(header))),
        (_, rows) => Ok(rows),
    }
}

/// Where a choice comes from, for notes.
#[must_use]
pub fn origin(declared: bool) -> &'static str {
    if declared { "declared" } else { "detected" }
}
