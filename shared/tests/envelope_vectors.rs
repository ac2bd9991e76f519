//! `docs/envelope-vectors.json`: made once by another implementation, with another AES and another HKDF, from
//! `docs/envelope.md` alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a wrong vector file is to fail the test"
)]

use std::convert::Infallible;

use proto::RoomId;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use shared::{
    crypto::aead::{
        Envelope, EnvelopeSecret, OpenError, OpeningKey, Origin, ParseError, Scope, SealingKey, SenderTag,
        Session,
        record::RecordKey,
        stream::{FileCipher, FileKey, PartPosition},
    },
    crypto::random::Random,
    file::PartList,
};

fn vectors(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../docs/envelope-vectors.json")).unwrap();
    let found = all[kind].as_array().unwrap().clone();
    assert!(!found.is_empty());
    found
}

fn bytes(vector: &Value, field: &str) -> Vec<u8> {
    hex::decode(vector[field].as_str().unwrap()).unwrap()
}

fn array<const N: usize>(vector: &Value, field: &str) -> [u8; N] {
    bytes(vector, field).try_into().unwrap()
}

fn inputs(vector: &Value) -> (EnvelopeSecret, Scope, Session) {
    let origin = match vector["origin"].as_str().unwrap() {
        "leaf" => Origin::Leaf(vector["leaf"].as_u64().unwrap().try_into().unwrap()),
        "invite" => Origin::Invite,
        "slot" => Origin::Slot,
        other => panic!("unknown origin {other}"),
    };
    let scope =
        Scope { room: RoomId(array(vector, "room")), epoch: vector["epoch"].as_u64().unwrap(), origin };
    (EnvelopeSecret::new(array(vector, "secret")), scope, Session(array(vector, "session")))
}

#[test]
fn envelopes_are_exactly_the_documented_ones() {
    for vector in vectors("envelopes") {
        let (secret, scope, session) = inputs(&vector);
        let sequence = vector["sequence"].as_u64().unwrap();
        let (content, expected) = (bytes(&vector, "content"), bytes(&vector, "envelope"));
        assert_eq!(SenderTag::derive(&secret, &scope), SenderTag(array(&vector, "sender")), "{vector}");
        let mut sealing = SealingKey::resume(&secret, &scope, session, sequence);
        assert_eq!(sealing.seal(&content).unwrap(), expected, "{vector}");
        let envelope = Envelope::parse(&expected).unwrap();
        assert_eq!((envelope.session(), envelope.sequence()), (session, sequence));
        assert_eq!(*OpeningKey::new(&secret, &scope, session).open(&envelope).unwrap(), content, "{vector}");
    }
}

#[test]
fn documented_wrong_envelopes_are_refused_for_the_documented_reason() {
    let chat_line = vectors("envelopes").into_iter().find(|v| v["name"] == "chat line").unwrap();
    let (secret, scope, session) = inputs(&chat_line);
    let key = OpeningKey::new(&secret, &scope, session);
    for vector in vectors("refused") {
        let bytes = bytes(&vector, "envelope");
        let why = match Envelope::parse(&bytes).map(|envelope| key.open(&envelope).err()) {
            Err(ParseError::Version) => "version",
            Err(ParseError::Length(_)) => "length",
            Ok(Some(OpenError::OtherKey)) => "other key",
            Ok(Some(OpenError::Forged)) => "forged",
            Ok(Some(OpenError::Padding)) => "padding",
            Ok(None) => "opened",
        };
        assert_eq!(why, vector["why"], "{}", vector["name"]);
    }
}

#[test]
fn sealed_files_are_exactly_the_documented_ones() {
    for vector in vectors("files") {
        let length = usize::try_from(vector["content_length"].as_u64().unwrap()).unwrap();
        let content = vec![bytes(&vector, "content_byte").first().copied().unwrap_or_default(); length];
        let cipher = FileCipher::new(&FileKey::from_bytes(array(&vector, "key")));
        let place = match vector["part"].as_u64() {
            Some(part) => PartPosition::Data { part: part.try_into().unwrap(), last: vector["last"] == true },
            None => PartPosition::List,
        };
        let sealed = cipher.seal(place, &content).unwrap();
        assert_eq!(hex::encode(sealed.hash), vector["sealed_sha256"], "{}", vector["name"]);
        if vector["sealed"].is_string() {
            assert_eq!(sealed.bytes, bytes(&vector, "sealed"), "{}", vector["name"]);
        }
        let opened = cipher.open(place, &sealed.bytes).unwrap().to_vec();
        assert_eq!(opened, content);
    }
}

#[test]
fn lists_of_parts_are_exactly_the_documented_ones() {
    for vector in vectors("file_lists") {
        let hashes = vector["parts"].as_array().unwrap().iter();
        let hashes = hashes.map(|hash| hex::decode(hash.as_str().unwrap()).unwrap().try_into().unwrap());
        let list = PartList::new(hashes.collect());
        let size = vector["size"].as_u64().unwrap();
        assert_eq!(hex::encode(list.hash(size)), vector["hash"], "{}", vector["name"]);
    }
}

#[test]
fn records_are_exactly_the_documented_ones() {
    for vector in vectors("records") {
        let key = RecordKey::new(array(&vector, "key"));
        let (label, plaintext) = (bytes(&vector, "label"), bytes(&vector, "plaintext"));
        let record = key.seal(&fixed(bytes(&vector, "salt")), &label, &plaintext);
        assert_eq!(record, bytes(&vector, "record"), "{}", vector["name"]);
        assert_eq!(*key.open(&label, &record).unwrap(), plaintext);
    }
}

/// A source that gives exactly these bytes.
fn fixed(bytes: Vec<u8>) -> Random {
    Random::new(Fixed(bytes))
}

struct Fixed(Vec<u8>);

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are asked for")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0.drain(..out.len()).collect::<Vec<_>>());
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}
