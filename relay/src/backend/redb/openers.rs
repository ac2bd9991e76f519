//! Who opened a room: to whom its bytes are counted.
//!
//! A room that a token opened is counted to the token, any other to the address it was opened from. Of an address only a
//! keyed hash is kept, and the key is replaced after [`KEY_LIFE`]: then nobody can tell any more which address the older
//! hashes were, and rooms that the same address opens from then on are another opener's.

use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::{hmac, rand};
use proto::RoomId;
use redb::{ReadTransaction, ReadableTable, StorageError, TableError};

use super::tables::{OPENERS, Room, Snapshot, Tables};
use crate::token::{TokenHash, TokenRecord};

/// Life of the key under which addresses are hashed, in milliseconds: 30 days.
const KEY_LIFE_MS: u64 = 30 * 24 * 3600 * 1000;

/// Bytes of the key.
const KEY: usize = 32;

/// The key's row: when it was made (ms), and the key.
pub(super) type KeyRow = (u64, &'static [u8; KEY]);

/// Who opened a room, by a name that says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opener(pub(super) [u8; Self::LEN]);

impl Opener {
    /// In bytes.
    pub(super) const LEN: usize = 16;

    /// What lists show: 40 bits tell all openers apart that a relay has.
    pub fn id(&self) -> String {
        self.0.iter().take(5).map(|byte| format!("{byte:02x}")).collect()
    }

    fn of_token(hash: &TokenHash) -> Self {
        let (start, _) = hash.0.split_first_chunk().unwrap_or((&[0; Self::LEN], &[]));
        Self(*start)
    }

    fn of_address(address: IpAddr, key: &[u8; KEY]) -> Self {
        let bytes = match household(address) {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &bytes);
        let mut opener = [0; Self::LEN];
        opener.iter_mut().zip(tag.as_ref()).for_each(|(byte, of_tag)| *byte = *of_tag);
        Self(opener)
    }
}

/// The address as disks count it: of IPv6 the /48, which is what one customer may have of it.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

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
    if tables.opened_by.get(&room.0)?.is_none() {
        tables.openers.insert(&room.0, &opener.0)?;
    }
    tables.sizes.opened(room, opener);
    Ok(())
}

/// The key in force; another one when that is over age.
fn key(tables: &mut Tables<'_>, now_ms: u64) -> Result<[u8; KEY], StorageError> {
    let known = tables.opener_key.get(())?.map(|row| {
        let (made_ms, key) = row.value();
        (made_ms, *key)
    });
    match known {
        Some((made_ms, key)) if now_ms.saturating_sub(made_ms) < KEY_LIFE_MS => Ok(key),
        _ => {
            let mut key = [0; KEY];
            rand::fill(&mut key).map_err(|_| StorageError::Corrupted("no randomness".into()))?;
            tables.opener_key.insert((), (now_ms, &key))?;
            Ok(key)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_by_the_key_and_ipv6_by_the_48() {
        let opener = |text: &str, key: u8| Opener::of_address(text.parse().unwrap(), &[key; KEY]);
        assert_eq!(opener("192.0.2.1", 1), opener("::ffff:192.0.2.1", 1));
        assert_ne!(opener("192.0.2.1", 1), opener("192.0.2.2", 1));
        assert_ne!(opener("192.0.2.1", 1), opener("192.0.2.1", 2), "another key, another name");
        assert_eq!(opener("2001:db8:1:2::1", 1), opener("2001:db8:1:ffff::9", 1));
        assert_ne!(opener("2001:db8:1::1", 1), opener("2001:db8:2::1", 1));
    }
}
