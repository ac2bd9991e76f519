//! What an envelope costs over AES-256-GCM on the same padded bytes. Compare the two of each pair with each
//! other: the absolute figures say more about the machine.

use std::{collections::HashMap, hint::black_box};

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use proto::RoomId;
use sha2::{Digest, Sha256};
use shared::{
    crypto::aead::{Envelope, EnvelopeSecret, OpeningKey, Origin, Scope, SealingKey, SenderTag, Session},
    crypto::replay::Window,
    file::{FileCipher, FileKey, PART, PartPosition},
};
use zeroize::Zeroizing;

/// Buckets: a chat line's and the greatest of the powers of two, in bytes.
const BUCKETS: [usize; 2] = [256, 64 << 10];
const SESSION: Session = Session([1; 8]);

fn inputs() -> (EnvelopeSecret, Scope) {
    (EnvelopeSecret::new([2; 32]), Scope { room: RoomId([3; 32]), epoch: 4, origin: Origin::Leaf(5) })
}

/// In and out of a fresh buffer, as the envelope needs one as well.
fn plain_seal(aes: &Aes256Gcm, plaintext: &[u8]) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(plaintext.len() + 16);
    buffer.extend_from_slice(plaintext);
    if let Ok(tag) = aes.encrypt_inout_detached(&[0; 12].into(), &[0; 53], buffer.as_mut_slice().into()) {
        buffer.extend_from_slice(&tag);
    }
    buffer
}

/// The plaintext is wiped as well: at 64 KiB that alone costs up to two fifths of the decryption.
fn plain_open(aes: &Aes256Gcm, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (body, tag) = ciphertext.split_last_chunk::<16>()?;
    let mut buffer = Zeroizing::new(body.to_vec());
    aes.decrypt_inout_detached(&[0; 12].into(), &[0; 53], buffer.as_mut_slice().into(), tag.into()).ok()?;
    Some(buffer)
}

/// A part of a file: sealed and hashed, beside the same bytes by bare AES-256-GCM in chunks of the same size, and SHA-256 alone.
fn files(c: &mut Criterion) {
    let cipher = FileCipher::new(&FileKey::from_bytes([6; 32]));
    let aes = Aes256Gcm::new(&[6; 32].into());
    let plaintext = vec![7; PART];
    let place = PartPosition::Data { part: 0, last: false };
    let sealed = cipher.seal(place, &plaintext).map(|part| part.bytes).unwrap_or_default();
    let mut group = c.benchmark_group("part");
    group.throughput(Throughput::Bytes(PART as u64));
    group.bench_function("sealed and hashed", |b| b.iter(|| cipher.seal(place, black_box(&plaintext))));
    group.bench_function("sha-256", |b| b.iter(|| Sha256::digest(black_box(&sealed))));
    group.bench_function("aes-gcm", |b| {
        b.iter(|| {
            for chunk in plaintext.chunks(64 << 10) {
                black_box(plain_seal(&aes, black_box(chunk)));
            }
        });
    });
    group.finish();
}

fn envelopes(c: &mut Criterion) {
    let (secret, scope) = inputs();
    let aes = Aes256Gcm::new(&[6; 32].into());
    for (name, opens) in [("seal", false), ("open", true)] {
        let mut group = c.benchmark_group(name);
        for bucket in BUCKETS {
            let content = vec![7; bucket - 1];
            let padded = vec![7; bucket];
            let mut sealing = SealingKey::new(&secret, &scope, SESSION);
            let opening = OpeningKey::new(&secret, &scope, SESSION);
            let (sealed, plain) = (sealing.seal(&content).unwrap_or_default(), plain_seal(&aes, &padded));
            group.throughput(Throughput::Bytes(bucket as u64));
            group.bench_function(BenchmarkId::new("envelope", bucket), |b| {
                if opens {
                    b.iter(|| Envelope::parse(black_box(&sealed)).map(|envelope| opening.open(&envelope)));
                } else {
                    b.iter(|| sealing.seal(black_box(&content)));
                }
            });
            group.bench_function(BenchmarkId::new("aes-gcm", bucket), |b| {
                if opens {
                    b.iter(|| plain_open(&aes, black_box(&plain)));
                } else {
                    b.iter(|| plain_seal(&aes, black_box(&padded)));
                }
            });
        }
        group.finish();
    }
}

fn keys(c: &mut Criterion) {
    let (secret, scope) = inputs();
    c.bench_function("sender's tag", |b| b.iter(|| SenderTag::derive(&secret, black_box(&scope))));
    c.bench_function("opening key", |b| b.iter(|| OpeningKey::new(&secret, black_box(&scope), SESSION)));
}

/// Leaves of the room, and the one that seals.
const LEAVES: u32 = 1_000;
const SEALER: u32 = 500;

/// The first envelope of a session: by the table of an epoch's tags, and by a derivation for each leaf until one
/// fits, as version 1 of the envelope needed it. A table costs what the second does, twice, once per epoch.
fn first_of_a_session(c: &mut Criterion) {
    let (secret, room) = (EnvelopeSecret::new([2; 32]), RoomId([3; 32]));
    let scope = |leaf| Scope { room, epoch: 4, origin: Origin::Leaf(leaf) };
    let tags: HashMap<_, _> =
        (0..LEAVES).map(|leaf| (SenderTag::derive(&secret, &scope(leaf)), leaf)).collect();
    let sealed = SealingKey::new(&secret, &scope(SEALER), SESSION).seal(&[7; 200]).unwrap_or_default();
    let Ok(envelope) = Envelope::parse(&sealed) else { return };
    let open = |leaf: u32| OpeningKey::new(&secret, &scope(leaf), SESSION).open(&envelope);
    c.bench_function("first of a session, table", |b| {
        b.iter(|| tags.get(&black_box(envelope).sender()).map(|leaf| open(*leaf)));
    });
    c.bench_function("first of a session, search", |b| {
        b.iter(|| {
            let fits = |leaf: &u32| SenderTag::derive(&secret, &scope(*leaf)) == black_box(envelope).sender();
            (0..LEAVES).find(fits).map(open)
        });
    });
}

fn replay(c: &mut Criterion) {
    let mut window = Window::default();
    let mut next = 0;
    c.bench_function("replay check and commit, in order", |b| {
        b.iter(|| {
            next += 1;
            window.check(black_box(next)).and_then(|()| window.commit(next))
        });
    });
    c.bench_function("replay check, duplicate", |b| b.iter(|| window.check(black_box(next))));
}

criterion_group!(benches, envelopes, files, keys, first_of_a_session, replay);
criterion_main!(benches);
