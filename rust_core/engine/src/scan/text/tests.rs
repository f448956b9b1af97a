//! Every way to store a text, good and damaged.

use std::io::{Cursor, Read, Write};

use proptest::prelude::*;

use super::compression::Compression;
use super::encoding::{Encoding, detect};
use super::unit::{Places, prefix};

const ALL: [Compression; 5] = [
    Compression::Gzip,
    Compression::Zstd,
    Compression::Bzip2,
    Compression::Xz,
    Compression::Lz4,
];

pub fn compress(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match compression {
        Compression::None | Compression::Member(_) => out.extend_from_slice(bytes),
        Compression::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(&mut out, flate2::Compression::best());
            writer.write_all(bytes).unwrap();
        }
        Compression::Zstd => {
            let mut writer = zstd::Encoder::new(&mut out, 1).unwrap();
            writer.include_checksum(true).unwrap();
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap();
        }
        Compression::Bzip2 => {
            let mut writer = bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::fast());
            writer.write_all(bytes).unwrap();
        }
        Compression::Xz => {
            let mut writer = liblzma::write::XzEncoder::new(&mut out, 0);
            writer.write_all(bytes).unwrap();
        }
        Compression::Lz4 => {
            let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
            let mut writer = lz4_flex::frame::FrameEncoder::with_frame_info(info, &mut out);
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap();
        }
    }
    out
}

fn read(compression: Compression, bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut reader = compression.open(Box::new(Cursor::new(bytes)))?;
    reader.read_to_end(&mut out)?;
    Ok(out)
}

/// Text that does not repeat itself much.
fn text() -> Vec<u8> {
    let line = |n: u64| format!("{n},{:x}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (0..20_000).map(line).collect::<String>().into_bytes()
}

#[test]
fn compressed_files_are_known_by_their_first_bytes_and_read_whole() {
    let text = text();
    for compression in ALL {
        let mut stored = compress(compression, &text);
        assert_eq!(Compression::detect(&stored), compression);
        assert_eq!(
            Compression::named(&compression.to_string()).unwrap(),
            Some(compression)
        );
        assert_eq!(
            read(compression, stored.clone()).unwrap(),
            text,
            "{compression}"
        );
        stored.extend(compress(compression, b"more\n"));
        let both = read(compression, stored).unwrap();
        assert_eq!(both, [text.as_slice(), b"more\n"].concat(), "{compression}");
    }
    assert_eq!(Compression::detect(b"a,b\n"), Compression::None);
    assert!(Compression::named("rar").is_err());
}

#[test]
fn damage_is_reported_where_it_is() {
    let text = text();
    for compression in ALL {
        let stored = compress(compression, &text);
        let mut flipped = stored.clone();
        let middle = flipped.len() / 2;
        flipped[middle..middle + 64].fill(0x55);
        for damaged in [stored[..stored.len() * 3 / 4].to_vec(), flipped] {
            let length = damaged.len();
            let result = read(compression, damaged);
            let error = result.map(|text| text.len()).unwrap_err();
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::InvalidData,
                "{compression}"
            );
            let message = error.to_string();
            let place = message.split("before byte ").nth(1).unwrap_or_default();
            let byte: usize = place.split(',').next().unwrap().parse().unwrap();
            assert!(byte > 0 && byte <= length, "{compression} {message}");
        }
    }
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; 160 << 20];
    for compression in [Compression::Gzip, Compression::Zstd, Compression::Xz] {
        let bomb = compress(compression, &zeros);
        let mut reader = compression.open(Box::new(Cursor::new(bomb))).unwrap();
        let mut read = 0_u64;
        let mut block = vec![0; 1 << 20];
        let error = loop {
            match reader.read(&mut block) {
                Ok(length) => read += length as u64,
                Err(error) => break error,
            }
            assert!(read < 160 << 20, "{compression}");
        };
        assert!(error.to_string().contains("more than 500 times"), "{error}");
    }
}

#[test]
fn encodings_are_told_apart() {
    let utf16 = |big: bool, text: &str| -> Vec<u8> {
        let bytes = text.encode_utf16().map(|unit| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        });
        bytes.flatten().collect()
    };
    let name = |bytes: &[u8]| {
        let (encoding, mark, _) = detect(bytes, true);
        (encoding.name(), mark)
    };
    assert_eq!(name(b"a,b\n"), ("utf-8", 0));
    assert_eq!(name("\u{feff}a,é\n".as_bytes()), ("utf-8", 3));
    for big in [false, true] {
        let expected = if big { "utf-16be" } else { "utf-16le" };
        assert_eq!(name(&utf16(big, "\u{feff}a,b\n")), (expected, 2));
        assert_eq!(name(&utf16(big, "id,name\n1,Zoë\n")), (expected, 0));
    }
    assert_eq!(
        name(b"name\nCaf\xe9\n\xc9mile Zol\xe0 \x80 5\n"),
        ("windows-1252", 0)
    );
    // Bytes that are no letters, and files that are UTF-8 elsewhere, are damaged UTF-8.
    assert_eq!(name(b"a,\xff\nb,\xfe\n"), ("utf-8", 0));
    assert_eq!(name(b"a,Caf\xe9\nb,Caf\xc3\xa9\n"), ("utf-8", 0));
    assert_eq!(
        detect("a,é".as_bytes().split_last().unwrap().1, false).0,
        Encoding::Utf8
    );
}

fn decoded(encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reader = encoding.decode(Box::new(Cursor::new(bytes.to_vec())));
    reader.read_to_end(&mut out).unwrap();
    out
}

#[test]
fn what_is_no_text_in_an_encoding_is_none_afterwards() {
    let utf16 = Encoding::named("utf-16le").unwrap();
    assert_eq!(decoded(utf16, b"a\0\xe9\0"), "aé".as_bytes());
    assert_eq!(decoded(utf16, b"\x3d\xd8\x00\xde"), "😀".as_bytes());
    let sjis = Encoding::named("shift_jis").unwrap();
    assert_eq!(decoded(sjis, b"\x93\xfa\x96\x7b,a"), "日本,a".as_bytes());
    let ansi = Encoding::named("latin1").unwrap();
    assert_eq!(decoded(ansi, b"\x80 Caf\xe9"), "€ Café".as_bytes());
    for (encoding, bytes) in [
        (utf16, &b"a\0\x00\xd8,\0"[..]),
        (utf16, b"a\0,"),
        (sjis, b"a,\x93\xff,b"),
        (Encoding::named("windows-1253").unwrap(), b"a,\xaa"),
    ] {
        assert!(std::str::from_utf8(&decoded(encoding, bytes)).is_err());
    }
    assert!(Encoding::named("klingon").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn places_in_decoded_text_are_places_in_the_file(units in prop::collection::vec(any::<u16>(), 0..900), cut in 0_usize..900) {
        let encoding = Encoding::Utf16 { big: false };
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let text = decoded(encoding, &bytes);
        prop_assert_eq!(encoding.unit().length(&text), bytes.len() as u64);
        let places = Places::new(encoding.unit(), &text);
        let starts: Vec<usize> = (0..text.len()).filter(|&at| text[at] & 0xc0 != 0x80).collect();
        if let Some(&start) = starts.get(cut % starts.len().max(1)) {
            let place = places.length(&text, start);
            prop_assert_eq!(place, encoding.unit().length(&text[..start]));
            prop_assert_eq!(prefix(encoding.unit(), &text, place), start);
            let place = usize::try_from(place).unwrap();
            prop_assert_eq!(&decoded(encoding, &bytes[place..]), &text[start..]);
        }
    }
}
