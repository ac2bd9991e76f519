//! What needs the backend's insides.

mod dice;
mod disk;
mod drop;
mod full;
mod power;
mod probe;
mod simdisk;
mod space;
mod workload;

use proto::{PublicKey, PublishId};
use tempfile::TempDir;

use super::*;
use crate::{
    access::{AccessKey, Grant},
    backend::{AppendError, Appended, CreateError, Lack, Measured},
    request::{Memory, Opening},
    token::Right,
};

const ROOM: RoomId = RoomId([1; 32]);
const ALICE: PublicKey = PublicKey([0xa; 32]);

fn author() -> Author {
    Author { room: ROOM, key: ALICE, now_ms: 0 }
}

fn publish(number: u32, bytes: usize) -> Publish {
    let (id, envelope) = (PublishId(u128::from(number).to_be_bytes()), vec![7; bytes].into());
    Publish { id, envelope, commit: None, memory: Memory::default() }
}

async fn append(backend: &Redb, number: u32, bytes: usize) -> Result<Appended, AppendError> {
    backend.append(author(), publish(number, bytes)).await.wait().await
}

async fn head(backend: &Redb) -> Result<u64, Unavailable> {
    Ok(backend.view(ROOM, ALICE).await?.map_or(0, |view| view.head))
}

fn opening() -> Opening {
    Opening { slot: b"slot".as_slice().into(), keys: vec![AccessKey { key: ALICE, grant: Grant::Member }] }
}
