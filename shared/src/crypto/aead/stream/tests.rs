use super::*;
use crate::crypto::aead::testing::random;

/// A sealed file of three chunks, and its key.
fn file(test: &str) -> (Vec<Vec<u8>>, FileKey) {
    let (mut sealing, key) = SealingStream::start(&random(test));
    let mut chunks = vec![sealing.seal(&[1; CHUNK]).unwrap(), sealing.seal(&[2; CHUNK]).unwrap()];
    chunks.push(sealing.finish(&[3; CHUNK]).unwrap());
    (chunks, key)
}

fn read(chunks: &[Vec<u8>], key: &FileKey) -> Result<Vec<u8>, OpenChunkError> {
    let mut opening = OpeningStream::start(key);
    let mut out = Vec::new();
    let (last, before) = chunks.split_last().unwrap();
    for chunk in before {
        out.extend_from_slice(&opening.open(chunk)?);
    }
    out.extend_from_slice(&opening.finish(last)?);
    Ok(out)
}

#[test]
fn files_of_every_edge_length_come_back() {
    let source = random("edges");
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1] {
        let content = vec![9; length];
        let (mut sealing, key) = SealingStream::start(&source);
        let full = length.saturating_sub(1) / CHUNK;
        let mut chunks: Vec<_> =
            content[..full * CHUNK].chunks(CHUNK).map(|chunk| sealing.seal(chunk).unwrap()).collect();
        chunks.push(sealing.finish(&content[full * CHUNK..]).unwrap());
        assert_eq!(read(&chunks, &key), Ok(content));
    }
}

#[test]
fn cut_moved_repeated_and_lengthened_files_are_refused() {
    let (chunks, key) = file("moved");
    assert!(read(&chunks, &key).is_ok());
    let [a, b, c] = [0, 1, 2].map(|i| chunks[i].clone());
    let table = [
        ("cut after the first", vec![a.clone()]),
        ("cut after the second", vec![a.clone(), b.clone()]),
        ("first missing", vec![b.clone(), c.clone()]),
        ("second missing", vec![a.clone(), c.clone()]),
        ("swapped", vec![b.clone(), a.clone(), c.clone()]),
        ("repeated", vec![a.clone(), a.clone(), c.clone()]),
        ("last one twice", vec![a.clone(), b.clone(), c.clone(), c.clone()]),
        ("last one in the middle", vec![a.clone(), c.clone(), b.clone()]),
        ("lengthened", vec![a.clone(), b.clone(), c.clone(), a.clone()]),
        ("last chunk cut", vec![a.clone(), b.clone(), c[..c.len() - 1].to_vec()]),
        ("last chunk lengthened", vec![a.clone(), b.clone(), [&c[..], &[0]].concat()]),
        ("last chunk shorter than a tag", vec![a.clone(), b.clone(), c[..15].to_vec()]),
        ("last chunk empty", vec![a.clone(), b.clone(), vec![]]),
        ("middle chunk cut", vec![a.clone(), b[1..].to_vec(), c.clone()]),
    ];
    for (wrong, chunks) in table {
        assert!(read(&chunks, &key).is_err(), "{wrong}");
    }
    assert!(read(&chunks, &FileKey::from_bytes([0; 32])).is_err(), "another key");
}

#[test]
fn changed_chunk_is_refused_and_does_not_advance() {
    let (chunks, key) = file("changed");
    let mut opening = OpeningStream::start(&key);
    for at in [0, CHUNK / 2, CHUNK - 1, CHUNK, SEALED_CHUNK - 1] {
        let mut bad = chunks[0].clone();
        bad[at] ^= 1;
        assert_eq!(opening.open(&bad).unwrap_err(), OpenChunkError::Forged);
    }
    assert!(opening.open(&chunks[0]).is_ok());
}

#[test]
fn chunks_of_other_lengths_are_not_sealed() {
    let source = random("lengths");
    let (mut sealing, _) = SealingStream::start(&source);
    for length in [0, CHUNK - 1, CHUNK + 1] {
        assert_eq!(sealing.seal(&vec![0; length]), Err(SealChunkError::Length(length)));
    }
    sealing.seal(&[0; CHUNK]).unwrap();
    assert_eq!(sealing.finish(&[]), Err(SealChunkError::Length(0)), "an empty last chunk after others");
    let (sealing, _) = SealingStream::start(&source);
    assert_eq!(sealing.finish(&[0; CHUNK + 1]), Err(SealChunkError::Length(CHUNK + 1)));
}

#[test]
fn index_never_wraps() {
    let (mut sealing, key) = SealingStream::start(&random("wrap"));
    sealing.0.next = Some(u32::MAX);
    let chunk = sealing.seal(&[0; CHUNK]).unwrap();
    assert_eq!(sealing.seal(&[0; CHUNK]), Err(SealChunkError::Exhausted));
    assert_eq!(sealing.finish(&[0]), Err(SealChunkError::Exhausted));
    let mut opening = OpeningStream::start(&key);
    opening.0.next = Some(u32::MAX);
    assert!(opening.open(&chunk).is_ok());
    assert_eq!(opening.open(&chunk).unwrap_err(), OpenChunkError::Exhausted);
    assert_eq!(opening.finish(&chunk).unwrap_err(), OpenChunkError::Exhausted);
}

#[test]
fn debug_shows_the_index_and_no_key() {
    let (sealing, key) = SealingStream::start(&random("debug"));
    assert_eq!(format!("{sealing:?} {key:?}"), "SealingStream(next Some(0)) FileKey(..)");
}
