//! The same records whatever the size of chunks and the number of partitions, and the same as other
//! readers find where they agree on what a record is.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::reject::Reject;
use crate::scan::chunk::{Damaged, Defect, Place, Split};
use crate::scan::csv::automaton::{LineSkip, Patience, Scan};
use crate::scan::csv::delimiter::Delimiter;
use crate::scan::csv::dialect::Dialect;
use crate::scan::csv::fields::{Fields, value};
use crate::scan::csv::index::{Cursor as IndexCursor, RowIndex};
use crate::scan::csv::splitter::Splitter;

/// A record or malformed record: offset, line, bytes, and the defect.
type Found = (u64, u64, Vec<u8>, Option<(Defect, usize)>);

/// The definition: the automaton over the whole file.
fn defined(bytes: &[u8], dialect: &Dialect, mut patience: Patience) -> Vec<Found> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let record = Scan::new(&patience)
            .advance(&bytes[at..], true, dialect)
            .unwrap();
        patience.note(&record);
        let raw = bytes[at..at + record.end].to_vec();
        if record.defect.is_some() || record.end > 0 || dialect.blank_is_record {
            found.push((at as u64, line, raw, record.defect));
        }
        at += record.next;
        line += record.lines;
        if matches!(record.defect, Some((Defect::TooLong, _))) {
            at += LineSkip::default()
                .advance(&bytes[at..])
                .unwrap_or(bytes.len() - at);
        }
    }
    found
}

/// What splitter and index make of it in chunks.
fn chunked(
    bytes: &[u8],
    dialect: &Dialect,
    patience: Patience,
    chunk_size: usize,
    width: usize,
) -> Vec<Found> {
    let place = Place { offset: 0, line: 1 };
    let mut splitter = Splitter::new(Cursor::new(bytes), *dialect, chunk_size, place, patience);
    let mut found: Vec<Found> = Vec::new();
    let mut total = 0;
    while let Some(chunk) = splitter.next_chunk().unwrap() {
        total += chunk.bytes;
        let damaged = |damaged: Damaged| {
            (
                damaged.offset,
                damaged.line,
                damaged.raw,
                Some((damaged.defect, damaged.field)),
            )
        };
        found.extend(chunk.damaged.into_iter().map(damaged));
        for segment in &chunk.segments {
            let base = segment.offset - segment.start as u64;
            let mut cursor = IndexCursor::new(segment);
            let mut index = RowIndex::new(width);
            while !cursor.is_done(segment) {
                index.clear();
                index.fill(&chunk.data, segment, &mut cursor, dialect, 3);
                for row in 0..index.rows() {
                    let start = index.starts[row] as usize;
                    let raw = chunk.data[start..index.row_end(row)].to_vec();
                    let fields: Vec<_> = Fields::new(&raw, dialect).collect();
                    let mut ends = start;
                    for (field, end) in fields.iter().zip(&index.ends[row * width..]) {
                        assert_eq!(ends + field.len(), *end as usize);
                        ends += field.len() + dialect.delimiter.len();
                    }
                    assert_eq!(fields.len(), width);
                    found.push((base + start as u64, index.lines[row], raw, None));
                }
                for ragged in &index.ragged {
                    let raw = chunk.data[ragged.start..ragged.end].to_vec();
                    assert_eq!(Fields::new(&raw, dialect).count(), ragged.fields);
                    found.push((base + ragged.start as u64, ragged.line, raw, None));
                }
            }
        }
    }
    assert_eq!(total, bytes.len() as u64);
    found.sort();
    found
}

/// Text made of what matters to the automaton.
fn dirty() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        ",",
        ",",
        ",",
        ",",
        "\"",
        "\"",
        "\"",
        "\"",
        "\n",
        "\n",
        "\n",
        "\r",
        "\r\n",
        "\\",
        "a",
        "a",
        "a",
        "a",
        "\"\"",
        ",\"",
        "\",\"",
        "bcdefghijklmnopqrstuvwxyz",
        "1,2\n",
        "1,2\n",
        "\"x\ny\",2\n",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

fn dialects() -> impl Strategy<Value = Dialect> {
    (
        prop::option::of(Just(b'\\')),
        any::<bool>(),
        prop_oneof![Just(4_usize), Just(20), Just(1 << 20)],
        prop::sample::select(vec![",", ",", ",a", ",,", "a,a"]),
    )
        .prop_map(|(escape, blank_is_record, max_record, delimiter)| Dialect {
            escape,
            delimiter: Delimiter::new(delimiter.as_bytes()).unwrap(),
            blank_is_record,
            max_record,
            ..Dialect::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn chunks_never_change_what_a_record_is(
        bytes in dirty(), dialect in dialects(), chunk_size in 1_usize..90, width in 1_usize..4, grace in 0_u64..40,
    ) {
        let patience = Patience::with_grace(grace);
        let mut expected = defined(&bytes, &dialect, patience);
        for found in &mut expected {
            found.2.truncate(Reject::RAW_LIMIT);
        }
        let dialect = Dialect { blank_is_record: dialect.blank_is_record, ..dialect };
        prop_assert_eq!(chunked(&bytes, &dialect, patience, chunk_size, width), expected);
    }

    #[test]
    fn valid_text_is_read_as_the_csv_crate_does(
        rows in prop::collection::vec(prop::collection::vec("[a\" ,\n\r;]{0,6}", 3), 1..12), crlf: bool,
    ) {
        let mut writer = csv::WriterBuilder::new();
        if crlf {
            writer.terminator(csv::Terminator::CRLF);
        }
        let mut writer = writer.from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let dialect = Dialect::default();
        let found = defined(&bytes, &dialect, Patience::default());
        prop_assert!(found.iter().all(|found| found.3.is_none()));
        let read: Vec<Vec<String>> = found
            .iter()
            .map(|found| {
                let fields = Fields::new(&found.2, &dialect).map(|field| value(field, &dialect).0.into_owned());
                fields.map(|field| String::from_utf8(field).unwrap()).collect()
            })
            .collect();
        prop_assert_eq!(read, rows);
    }
}

/// How many files are made up: `ETLPLUS_DIRTY_FILES`, or few enough for every day.
fn files() -> u32 {
    let wanted = std::env::var("ETLPLUS_DIRTY_FILES").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(1000)
}

/// Dirty text of which a byte may have become one that is no text.
fn dirtier() -> impl Strategy<Value = Vec<u8>> {
    let damage = (
        any::<prop::sample::Index>(),
        prop::sample::select(vec![0, 0xC3, 0xED, 0xFF]),
    );
    (dirty(), prop::option::weighted(0.3, damage)).prop_map(|(mut bytes, damage)| {
        if let Some((place, byte)) = damage.filter(|_| !bytes.is_empty()) {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(files()))]

    #[test]
    fn rows_and_rejects_are_the_file_whatever_the_chunks_and_partitions(
        body in dirtier(), chunk_size in 1_usize..70, max_record in prop_oneof![Just("12"), Just("1MiB")],
    ) {
        let bytes = [b"a,b\n".as_slice(), &body].concat();
        let options = pb::CsvSource {
            header: Some(true),
            delimiter: ",".into(),
            quote: "\"".into(),
            escape: "\"".into(),
            skip_rows: Some(0),
            encoding: "utf-8".into(),
            max_record: max_record.into(),
            columns: columns(&[("a", "int"), ("b", "text")]),
            ..options("")
        };
        let dialect = Dialect {
            max_record: if max_record == "12" { 12 } else { 1 << 20 },
            ..Dialect::default()
        };
        let records = defined(&bytes, &dialect, Patience::default());
        let records: Vec<_> = records.iter().skip(1).map(|found| (found.0, found.1)).collect();
        with_source(&bytes, options, |source| {
            let whole = read_chunked(&source, 1, 1 << 20);
            let rows = whole.rows.iter().map(|row| (row.3, row.2));
            let refused = whole.refused.iter().map(|refused| (refused.2, refused.1));
            let mut found: Vec<_> = rows.chain(refused).collect();
            found.sort_unstable();
            prop_assert_eq!(found, records);
            for partitions in [1, 2, 7] {
                prop_assert_eq!(&read_chunked(&source, partitions, chunk_size), &whole);
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_hostile_file_takes_linear_time() {
    // Each line opens a quote that only the end of the file leaves open.
    let bytes = b"x\",\"\n".repeat(200_000);
    let found = defined(&bytes, &Dialect::default(), Patience::with_grace(1 << 20));
    assert!(found.len() < 1000);
    assert!(found.iter().all(|found| found.3.is_some()));
}
