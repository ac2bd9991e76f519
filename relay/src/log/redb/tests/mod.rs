//! What needs the backend's insides.

mod damage;
pub(crate) mod dice;
mod disk;
mod drop;
mod full;
mod holds;
mod journal;
mod openers;
mod power;
mod probe;
pub(crate) mod simdisk;
mod slots;
mod space;
mod trimming;
mod upgrade;
mod workload;

use ed25519_dalek::SigningKey;
use proto::{
    PublicKey, PublishId,
    access::{AccessKey, Grant},
};
use tempfile::TempDir;

use super::*;
use crate::{
    log::{AppendError, Appended, CreateError, Hold, Log, Measured, Opening, Operator, SpaceError, Tokens},
    policy::{
        reason::{Notice, Reason},
        token::Right,
    },
};

const ROOM: RoomId = RoomId([1; 32]);
const ALICE: PublicKey = PublicKey([0xa; 32]);

fn author() -> Author {
    Author { room: ROOM, key: ALICE, now_ms: 0 }
}

fn publish(number: u32, bytes: usize) -> Publish {
    Publish::plain(PublishId(u128::from(number).to_be_bytes()), vec![7; bytes].into())
}

async fn append(backend: &Redb, number: u32, bytes: usize) -> Result<Appended, AppendError> {
    backend.append(author(), publish(number, bytes)).await.wait().await
}

async fn head(backend: &Redb) -> Result<u64, Unavailable> {
    Ok(backend.view(author()).await?.map_or(0, |view| view.head))
}

/// As by `relay drop-room` without a reason.
fn dropped(at_ms: u64) -> Hold {
    Hold::Drop(Notice::new(at_ms, Reason::default()))
}

fn opening() -> Opening {
    let authority = PublicKey(signer().verifying_key().to_bytes());
    let keys = vec![AccessKey { key: ALICE, grant: Grant::Member }];
    Opening { slot: b"slot".as_slice().into(), keys, authority, address: None }
}

/// The authority of every epoch.
fn signer() -> SigningKey {
    SigningKey::from_bytes(&[0xee; 32])
}
