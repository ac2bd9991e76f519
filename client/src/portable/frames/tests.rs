use super::*;
use crate::portable::schema::{Profile, Settings};

fn stream(bodies: &[Body]) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), 7).unwrap();
    bodies.iter().for_each(|body| writer.put(body).unwrap());
    writer.end().unwrap()
}

fn settings(text: &str) -> Body {
    Body::Settings(Settings { toml: text.to_owned() })
}

fn read(bytes: &[u8]) -> Result<Vec<Body>, ReadError> {
    Reader::new(bytes).collect()
}

/// A record as it stands in a stream.
fn framed(body: Body) -> Vec<u8> {
    let bytes = Record { body: Some(body) }.encode_to_vec();
    [(bytes.len() as u32).to_be_bytes().to_vec(), bytes].concat()
}

#[test]
fn records_come_back_in_their_order() {
    let bodies = [settings("a"), Body::Profile(Profile::default()), Body::Bytes(vec![1, 2])];
    let found = read(&stream(&bodies)).unwrap();
    assert_eq!(found.len(), 5);
    assert_eq!(found[0], Body::Begin(Begin { version: VERSION, at: 7 }));
    assert_eq!(&found[1..4], &bodies);
    assert_eq!(found[4], Body::End(End { records: 4 }));
}

#[test]
fn stream_that_was_cut_anywhere_is_told_as_cut() {
    let whole = stream(&[settings("some text"), settings("more")]);
    for length in 0..whole.len() {
        let error = read(&whole[..length]).unwrap_err();
        assert!(matches!(error, ReadError::Cut), "{length}: {error:?}");
    }
}

#[test]
fn what_is_no_such_stream_is_told_as_foreign() {
    for bytes in [&b"PK\x03\x04 some other file"[..], &[0; 64], &[0xff; 64], &framed(settings("first"))] {
        assert!(matches!(read(bytes), Err(ReadError::Foreign)), "{bytes:?}");
    }
}

#[test]
fn later_version_is_told_by_its_number() {
    let bytes = framed(Body::Begin(Begin { version: VERSION + 1, at: 0 }));
    assert!(matches!(read(&bytes), Err(ReadError::TooNew(version)) if version == VERSION + 1));
}

#[test]
fn length_that_is_claimed_allocates_nothing_and_is_refused() {
    let begin = framed(Body::Begin(Begin { version: 1, at: 0 }));
    let huge = [begin.clone(), u32::MAX.to_be_bytes().to_vec()].concat();
    assert!(matches!(read(&huge), Err(ReadError::TooLong(_))));
    let claimed = [begin, (MAX_RECORD as u32).to_be_bytes().to_vec(), vec![1]].concat();
    assert!(matches!(read(&claimed), Err(ReadError::Cut)));
}

#[test]
fn end_that_counts_otherwise_is_refused() {
    let begin = framed(Body::Begin(Begin { version: 1, at: 0 }));
    let bytes = [begin.clone(), framed(settings("a")), framed(Body::End(End { records: 1 }))].concat();
    assert!(matches!(read(&bytes), Err(ReadError::Malformed(_))));
    let bytes = [begin.clone(), begin].concat();
    assert!(matches!(read(&bytes), Err(ReadError::Order(_))));
}

#[test]
fn record_of_a_later_version_is_passed_over() {
    let begin = framed(Body::Begin(Begin { version: 1, at: 0 }));
    // Field 200, with two bytes.
    let later = [vec![0, 0, 0, 5], vec![0xc2, 0x0c, 2, 1, 2]].concat();
    let bytes = [begin, later, framed(Body::End(End { records: 2 }))].concat();
    assert_eq!(read(&bytes).unwrap().len(), 2);
}

#[test]
fn record_that_is_too_long_is_not_written() {
    let mut writer = Writer::begin(Vec::new(), 0).unwrap();
    assert!(writer.put(&Body::Bytes(vec![0; MAX_RECORD + 1])).is_err());
}
