//! Small files, each with one thing that readers get wrong, read without a hint and as text.

use super::*;

fn texts(text: &str) -> (Vec<String>, Vec<String>) {
    let as_text = pb::CsvSource {
        infer_types: Some(false),
        ..options("")
    };
    with_source(text, as_text, |source| {
        let whole = read_chunked(&source, 1, 1 << 20);
        for (partitions, chunk_size) in [(1, 1), (2, 5), (7, 64)] {
            assert_eq!(read_chunked(&source, partitions, chunk_size), whole);
        }
        assert_eq!(whole.rejected, 0, "{text:?}");
        let names = source.schema();
        let names = names.fields().iter().map(|field| field.name().clone());
        (names.collect(), values(&whole))
    })
}

fn expect(text: &str, names: &str, rows: &[&str]) {
    let (found_names, found_rows) = texts(text);
    assert_eq!(found_names.join("|"), names, "{text:?}");
    assert_eq!(found_rows, rows, "{text:?}");
}

#[test]
fn plain_files() {
    expect("a,b,c\n1,2,3\n", "a|b|c", &["1|2|3"]);
    expect("a,b,c\r\n1,2,3\r\n", "a|b|c", &["1|2|3"]);
}

#[test]
fn empty_fields() {
    let expected: &[&str] = &["1||", "2|3|4"];
    expect("a,b,c\n1,\"\",\"\"\n2,3,4\n", "a|b|c", expected);
    expect("a,b,c\r\n1,\"\",\"\"\r\n2,3,4\r\n", "a|b|c", expected);
}

#[test]
fn delimiters_and_quotes_within_quotes() {
    expect(
        "first,last,street,town\nAnn,Lee,120 any st.,\"Anytown, WW\"\n",
        "first|last|street|town",
        &["Ann|Lee|120 any st.|Anytown, WW"],
    );
    expect(
        "a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n",
        "a|b",
        &["1|ha \"ha\" ha", "3|4"],
    );
    expect(
        "key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"at\"\": [102.0, 0.5]}\"\n",
        "key|val",
        &["1|{\"type\": \"Point\", \"at\": [102.0, 0.5]}"],
    );
}

#[test]
fn line_ends_within_quotes() {
    expect(
        "a,b,c\n1,2,3\n\"Once upon \na time\",5,6\n7,8,9\n",
        "a|b|c",
        &["1|2|3", "Once upon \na time|5|6", "7|8|9"],
    );
    expect(
        "a,b,c\r\n1,2,3\r\n\"Once upon \r\na time\",5,6\r\n7,8,9\r\n",
        "a|b|c",
        &["1|2|3", "Once upon \r\na time|5|6", "7|8|9"],
    );
    expect(
        "a,b\n1,\"ha \n\"\"ha\"\" \nha\"\n3,4\n",
        "a|b",
        &["1|ha \n\"ha\" \nha", "3|4"],
    );
}

#[test]
fn text_beyond_ascii() {
    expect("a,b,c\n1,2,3\n4,5,ʤ\n", "a|b|c", &["1|2|3", "4|5|ʤ"]);
}
