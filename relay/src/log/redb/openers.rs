//! Who opened a room: to whom its bytes are counted.
//!
//! A room that a token opened is counted to the token, any other to the address it was opened from. Of an address only a
//! keyed hash is kept, and the key is replaced after [`KEY_LIFE_MS`]: then nobody can tell any more which address the older
//! hashes were, and rooms that the same address opens from then on are another opener's.

use std::net::IpAddr;

use aws_lc_rs::rand;
use proto::RoomId;
use redb::{ReadTransaction, ReadableTable, StorageError, TableError};

use super::{
    opener::{KEY, Opener},
    tables::{OPENERS, Room, Snapshot, Tables},
};
use crate::policy::token::{TokenHash, TokenRecord};

/// Life of the key under which addresses are hashed, in milliseconds: 30 days.
const KEY_LIFE_MS: u64 = 30 * 24 * 3600 * 1000;

/// Who opens a room now, by a token or from an address; `None` where nobody is known.
pub(super) fn opener(
    tables: &mut Tables<'_>,
    token: Option<&TokenRecord>,
    address: Option<IpAddr>,
    now_ms: u64,
) -> Result<Option<Opener>, StorageError> {
    match (token, address) {
        (Some(token), _) => Ok(Some(Opener::of_token(&token.hash))),
        (None, Some(address)) => Ok(Some(Opener::of_address(address, &key(tables, now_ms)?))),
        (None, None) => Ok(None),
    }
}

/// Notes who opened a room. Those of tokens are noted with the token, which may be revoked.
pub(super) fn note(tables: &mut Tables<'_>, room: &RoomId, opener: Opener) -> Result<(), StorageError> {
    if tables.more()?.opened_by.get(&room.0)?.is_none() {
        tables.more_mut()?.openers.insert(&room.0, &opener.0)?;
    }
    tables.sizes.opened(room, opener);
    Ok(())
}

/// The key in force; another one when that is over age.
fn key(tables: &mut Tables<'_>, now_ms: u64) -> Result<[u8; KEY], StorageError> {
    let known = tables.more()?.opener_key.get(())?.map(|row| {
        let (made_ms, key) = row.value();
        (made_ms, *key)
    });
    match known {
        Some((made_ms, key)) if now_ms.saturating_sub(made_ms) < KEY_LIFE_MS => Ok(key),
        _ => {
            let mut key = [0; KEY];
            rand::fill(&mut key).map_err(|_| StorageError::Corrupted("no randomness".into()))?;
            tables.more_mut()?.opener_key.insert((), (now_ms, &key))?;
            Ok(key)
        }
    }
}

/// Who opened a room, if that is known.
pub(super) fn of_room(transaction: &ReadTransaction, room: &RoomId) -> Result<Option<Opener>, redb::Error> {
    let all = Snapshot::open(transaction)?;
    if let Some(hash) = all.opened_by.get(&room.0)? {
        return Ok(Some(Opener::of_token(&TokenHash(*hash.value()))));
    }
    match transaction.open_table(OPENERS) {
        // A database of before has no such table.
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        opened => Ok(opened?.get(&room.0)?.map(|opener| Opener(*opener.value()))),
    }
}

/// Every room, what it takes, and who opened it if that is known.
pub(super) fn load(transaction: &ReadTransaction) -> Result<Vec<(RoomId, Option<Opener>, u64)>, redb::Error> {
    let all = Snapshot::open(transaction)?;
    // A database of before has no such table.
    let openers = match transaction.open_table(OPENERS) {
        Err(TableError::TableDoesNotExist(_)) => None,
        opened => Some(opened?),
    };
    let mut rooms = Vec::new();
    for row in all.rooms.range::<&[u8; 32]>(..)? {
        let (id, row) = row?;
        let room = Room::from(row.value());
        let token = all.opened_by.get(id.value())?.map(|hash| Opener::of_token(&TokenHash(*hash.value())));
        let opener = match (token, &openers) {
            (None, Some(openers)) => openers.get(id.value())?.map(|opener| Opener(*opener.value())),
            (token, _) => token,
        };
        rooms.push((RoomId(*id.value()), opener, room.size()));
    }
    Ok(rooms)
}
