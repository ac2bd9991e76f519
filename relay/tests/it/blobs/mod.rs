//! Files: sent, fetched and dropped, by whoever may and whoever may not.

mod chat;
mod hostile;
mod killed;
mod limits;
#[cfg(unix)]
mod operator;
mod over_tcp;
mod rooms;
#[cfg(target_os = "linux")]
mod speed;
mod transfers;

use ed25519_dalek::{Signer, SigningKey};
use proto::{
    BlobId, CHANNEL_BINDING_LABEL,
    blob::{Layout, PART, PartSet, blob_statement},
    relay::{
        BlobDrop, BlobGet, BlobHave, BlobOpen, BlobPart, BlobProof, Refused, client_frame, relay_frame::Frame,
    },
};

use crate::common::*;

pub(crate) const P: u64 = PART as u64;

/// A file of this many bytes whose parts differ from each other.
pub(crate) fn part(size: u64, number: u32) -> Vec<u8> {
    let length = Layout::of(size).unwrap().length(number).unwrap();
    (0..length).map(|at| (at as u32 ^ (at as u32 >> 8) ^ number.wrapping_mul(0x9e37)) as u8).collect()
}

pub(crate) fn proof(binding: &[u8; 32], byte: u8, id: u8, key: &SigningKey) -> BlobProof {
    let (room, blob) = (room(byte), BlobId([id; 16]));
    BlobProof {
        room_id: room.0.to_vec().into(),
        access_key: public(key).0.to_vec().into(),
        blob_id: blob.0.to_vec().into(),
        signature: key.sign(&blob_statement(&room, &blob, binding)).to_bytes().to_vec().into(),
    }
}

pub(crate) fn binding(client: &Client) -> [u8; 32] {
    let mut binding = [0; 32];
    client.connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"").unwrap();
    binding
}

impl Client {
    pub(crate) fn blob_open(&self, byte: u8, id: u8, key: &SigningKey, size: u64) -> BlobOpen {
        BlobOpen { proof: Some(proof(&binding(self), byte, id, key)), size, ..BlobOpen::default() }
    }

    pub(crate) fn blob_get(&self, byte: u8, id: u8, key: &SigningKey) -> BlobGet {
        BlobGet { proof: Some(proof(&binding(self), byte, id, key)), ..BlobGet::default() }
    }

    pub(crate) fn blob_drop(&self, byte: u8, id: u8, key: &SigningKey, secret: &[u8]) -> BlobDrop {
        let secret = secret.to_vec().into();
        BlobDrop { proof: Some(proof(&binding(self), byte, id, key)), secret }
    }

    /// A stream that begins with this, and the first answer.
    pub(crate) async fn asked(&self, frame: client_frame::Frame) -> (Stream, Frame) {
        let mut stream = self.stream().await;
        stream.frame(frame).await;
        let answer = stream.next().await;
        (stream, answer)
    }

    /// The no that such a stream gets.
    pub(crate) async fn no(&self, frame: client_frame::Frame) -> Refused {
        let (mut stream, answer) = self.asked(frame).await;
        stream.ended().await;
        match answer {
            Frame::Refused(refused) => refused,
            other => panic!("expected Refused, found {other:?}"),
        }
    }

    pub(crate) async fn sends(&self, open: BlobOpen) -> (Stream, BlobHave) {
        match self.asked(client_frame::Frame::BlobOpen(open)).await {
            (stream, Frame::BlobHave(have)) => (stream, have),
            (_, other) => panic!("not opened: {other:?}"),
        }
    }

    /// Sends a whole file.
    pub(crate) async fn sent(&self, byte: u8, id: u8, key: &SigningKey, size: u64) {
        let (mut stream, have) = self.sends(self.blob_open(byte, id, key, size)).await;
        let parts = parts(&have);
        for number in parts.missing() {
            stream.part(number, part(size, number)).await;
        }
        while !stream.have().await.whole {}
        stream.ended().await;
    }

    /// Fetches parts of a file.
    pub(crate) async fn fetched(&self, get: BlobGet) -> (BlobHave, Vec<BlobPart>) {
        let (mut stream, answer) = self.asked(client_frame::Frame::BlobGet(get)).await;
        let Frame::BlobHave(have) = answer else { panic!("not fetched: {answer:?}") };
        let mut parts = Vec::new();
        while let Some(frame) = stream.try_next().await {
            let Frame::BlobPart(part) = frame else { panic!("expected a part, found {frame:?}") };
            parts.push(part);
        }
        (have, parts)
    }

    pub(crate) async fn drops(&self, drop: BlobDrop) -> Frame {
        let (mut stream, answer) = self.asked(client_frame::Frame::BlobDrop(drop)).await;
        stream.ended().await;
        answer
    }
}

impl Stream {
    pub(crate) async fn part(&mut self, number: u32, bytes: Vec<u8>) {
        self.frame(client_frame::Frame::BlobPart(BlobPart { number, bytes: bytes.into() })).await;
    }

    pub(crate) async fn have(&mut self) -> BlobHave {
        match self.next().await {
            Frame::BlobHave(have) => have,
            other => panic!("expected BlobHave, found {other:?}"),
        }
    }
}

pub(crate) fn parts(have: &BlobHave) -> PartSet {
    PartSet::from_bytes(Layout::of(have.size).unwrap(), &have.parts).unwrap()
}

/// Asserts that these are the parts of the file from one on.
pub(crate) fn assert_parts(size: u64, from: u32, found: &[BlobPart]) {
    for (expected, found) in (from..).zip(found) {
        assert_eq!(found.number, expected);
        assert!(found.bytes == part(size, expected), "part {expected} is as it was sent");
    }
}

/// The files that hold blobs, and their bytes.
pub(crate) fn on_disk(data_dir: &std::path::Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(data_dir.join("blobs")).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap();
            found.push((file.file_name().into_string().unwrap(), file.metadata().unwrap().len()));
        }
    }
    found
}

/// A relay with room 1, whose members are 1 and 2 and which has invite 7.
pub(crate) async fn with_room(limits: relay::Limits) -> (Server, Client, Stream) {
    let server = Server::with(limits).await;
    let client = server.client().await;
    let stream = client.create(room(1), &key(1), vec![member(&key(2)), invite(&key(7), 0, 0)]).await;
    (server, client, stream)
}
