//! Files in other encodings and compressed files.

use super::*;
use crate::reject::Origin;
use crate::scan::testing::Outcome;
use crate::scan::text::compression::Compression;
use crate::scan::text::tests::compress;

const TEXT: &str = "id,name\n1,Zoë\n2,\"a\nb\"\nx,Émile\n4,x,y\n5,\"open\n6,ÿ€\n";

fn encoded(label: &str) -> Vec<u8> {
    match label {
        "utf-16le" => TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "windows-1252" => encoding_rs::WINDOWS_1252.encode(TEXT).0.into_owned(),
        _ => TEXT.as_bytes().to_vec(),
    }
}

fn typed() -> pb::CsvSource {
    pb::CsvSource {
        columns: columns(&[("id", "int")]),
        ..options("")
    }
}

/// Rows and rejects without their offsets.
fn without_offsets(outcome: &Outcome) -> (Vec<(String, u64)>, Vec<String>, Vec<String>) {
    let lines = outcome.rows.iter().map(|row| row.2);
    let raws = outcome.refused.iter().map(|reject| reject.3.clone());
    (
        values(outcome).into_iter().zip(lines).collect(),
        refused(outcome),
        raws.collect(),
    )
}

#[test]
fn every_encoding_gives_the_same_rows_and_the_places_of_its_own_file() {
    let expected = without_offsets(&load(TEXT, typed()));
    assert_eq!(expected.0.len(), 3);
    for label in ["utf-16le", "utf-16be", "windows-1252"] {
        let bytes = encoded(label);
        let declared = pb::CsvSource {
            encoding: label.into(),
            ..typed()
        };
        with_source(&bytes, declared, |source| {
            let whole = read_chunked(&source, 1, 1 << 20);
            assert_eq!(without_offsets(&whole), expected, "{label}");
            assert_eq!(whole.bytes, bytes.len() as u64);
            for (partitions, chunk_size) in [(1, 1), (2, 7), (7, 13)] {
                assert_eq!(read_chunked(&source, partitions, chunk_size), whole);
            }
            let scale = if label.starts_with("utf-16") { 2 } else { 1 };
            for (_, line, offset, raw, _) in &whole.refused {
                let before: usize = TEXT
                    .split_inclusive('\n')
                    .take(*line as usize - 1)
                    .map(|line| line.chars().count())
                    .sum();
                assert_eq!(*offset, (scale * before) as u64, "{label} {raw}");
            }
            let again = |offset| {
                source.raw_record(
                    &Origin {
                        source: "in.csv".into(),
                        line: None,
                        offset: Some(offset),
                    },
                    100,
                )
            };
            for row in &whole.rows {
                assert!(
                    again(row.3)
                        .unwrap()
                        .starts_with(row.0[0].as_deref().unwrap().as_bytes())
                );
            }
        });
    }
}

#[test]
fn encodings_are_detected_and_noted() {
    for (label, note) in [
        ("utf-16le", "encoding utf-16le"),
        ("utf-16be", "encoding utf-16be"),
        ("windows-1252", "encoding windows-1252"),
    ] {
        let bytes = encoded(label);
        let bytes = if label == "windows-1252" {
            &bytes[..bytes.len() - 5]
        } else {
            &bytes
        };
        with_source(bytes, typed(), |source| {
            assert!(
                source.notes().contains(&note.to_owned()),
                "{:?}",
                source.notes()
            );
            assert_eq!(values(&read(&source, 1).unwrap())[0], "1|Zoë");
        });
    }
}

#[test]
fn compressed_files_give_the_same_rows_with_places_of_the_text() {
    let expected = load(TEXT, typed());
    for compression in [
        Compression::Gzip,
        Compression::Zstd,
        Compression::Bzip2,
        Compression::Xz,
        Compression::Lz4,
    ] {
        with_source(compress(compression, TEXT.as_bytes()), typed(), |source| {
            assert!(
                source
                    .notes()
                    .contains(&format!("compressed with {compression}"))
            );
            let found = read_chunked(&source, 2, 9);
            assert_eq!(found, expected, "{compression}");
            for (_, _, offset, raw, _) in found.refused.iter().rev() {
                let origin = Origin {
                    source: "in.csv".into(),
                    line: None,
                    offset: Some(*offset),
                };
                let again = source.raw_record(&origin, 100).unwrap();
                assert_eq!(String::from_utf8(again).unwrap(), *raw);
            }
        });
    }
}

#[test]
fn damage_ends_the_run_with_its_place() {
    let text: String = (0..100_000)
        .map(|n| format!("{n},{}\n", n * 7919 % 10_007))
        .collect();
    let mut bytes = compress(Compression::Gzip, format!("a,b\n{text}").as_bytes());
    bytes.truncate(bytes.len() - 2000);
    with_source(bytes, options(""), |source| {
        let error = read(&source, 2).unwrap_err();
        assert_eq!(error.code, Code::SourceCorrupt);
        assert!(
            error.message.contains("gzip data is damaged before byte"),
            "{error}"
        );
    });
}

#[test]
fn a_bomb_is_refused() {
    let zeros = format!("a,b\n{}", "0,0\n".repeat(60 << 20));
    with_source(
        compress(Compression::Zstd, zeros.as_bytes()),
        options(""),
        |source| {
            let error = read(&source, 1).unwrap_err();
            assert_eq!(error.code, Code::SourceCorrupt);
            assert!(error.message.contains("more than 500 times"), "{error}");
        },
    );
}

/// A ZIP archive with these files, deflated.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut packed = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::DeflateEncoder::new(*bytes, flate2::Compression::fast()),
            &mut packed,
        )
        .unwrap();
        let start = out.len() as u32;
        let mut fields = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        for value in [crc.sum(), packed.len() as u32, bytes.len() as u32] {
            fields.extend(value.to_le_bytes());
        }
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        out.extend(name.as_bytes());
        out.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, length, count) = (out.len() as u32, directory.len() as u32, files.len() as u16);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes().repeat(2));
    out.extend(length.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

#[test]
fn the_files_of_an_archive_are_files_of_the_source() {
    let files: [(&str, &[u8]); 4] = [
        ("data/b.csv", b"name,id\ny,2\nz,bad\n"),
        ("data/", b""),
        ("a.csv", b"id,name\n1,x\n"),
        ("__MACOSX/._a.csv", b"junk"),
    ];
    let bytes = archive(&files);
    with_source(&bytes, typed(), |source| {
        let outcome = read(&source, 2).unwrap();
        assert_eq!(values(&outcome), ["1|x", "2|y"]);
        assert_eq!(outcome.refused[0].0, "in.csv/data/b.csv");
        assert_eq!(refused(&outcome), ["3: id CONVERSION_FAILED"]);
        let origin = Origin {
            source: "in.csv/data/b.csv".into(),
            line: None,
            offset: Some(8),
        };
        assert_eq!(
            source.raw_record(&origin, 100).as_deref(),
            Some(&b"y,2"[..])
        );
    });
    let mut damaged = bytes.clone();
    let at = damaged
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    damaged[at + 16] ^= 1;
    assert_eq!(failure(&damaged, options("")), Code::SourceCorrupt);
    assert_eq!(failure(&bytes[..60], options("")), Code::SourceCorrupt);
    let sheet = archive(&[("[Content_Types].xml", b"<x/>")]);
    assert_eq!(failure(&sheet, options("")), Code::SourceCorrupt);
    assert_eq!(failure(archive(&[]), options("")), Code::SourceCorrupt);
}
