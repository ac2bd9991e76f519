//! Rooms for a benchmark: opened with all the keys that will join.

use ed25519_dalek::SigningKey;
use proto::{
    RoomId,
    relay::{AccessKey, Create, Slot, access_key::Kind},
};
use quinn::Connection;

use super::client::{Ear, Mouth, join, new_key, random};

/// A room and the keys of its members.
pub(super) struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its members' keys, at most [`KEYS_PER_CHANGE`](crate::policy::limits::KEYS_PER_CHANGE).
    pub keys: Vec<SigningKey>,
}

impl Room {
    /// Opens a room for so many members; the first of them is in it then.
    pub(super) async fn open(
        connection: &Connection,
        members: usize,
    ) -> anyhow::Result<(Self, (Mouth, Ear))> {
        let keys: Vec<_> = (0..members).map(|_| new_key()).collect::<Result<_, _>>()?;
        let Some(first) = keys.first() else { anyhow::bail!("a room needs a member") };
        let id = RoomId(random()?);
        let slot = Slot { last_commit: 0, sealed: random::<64>()?.to_vec().into(), ..Slot::default() };
        let create = Create {
            slot: Some(slot),
            keys: keys.iter().map(access).collect(),
            authority: new_key()?.verifying_key().to_bytes().to_vec().into(),
            ..Create::default()
        };
        let stream = join(connection, id, first, 0, Some(create)).await?;
        Ok((Self { id, keys }, stream))
    }
}

fn access(key: &SigningKey) -> AccessKey {
    let key = key.verifying_key().to_bytes().to_vec().into();
    AccessKey { key, kind: Kind::Member.into(), ..AccessKey::default() }
}
