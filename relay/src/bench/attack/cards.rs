//! Rooms with as many invites as a first frame has room for, each with the longest card: what strangers can have written to the
//! disk and counted with the fewest frames.

use proto::{
    RoomId,
    access::{KEYS_PER_CHANGE, MAX_CARD},
    relay::{AccessKey, Create, Slot, access_key::Kind},
};

use super::Attack;
use crate::{
    bench::client::{Ground, join, new_key, random},
    policy::limits::MAX_FIRST_FRAME,
};

/// Bytes of an invite beside its card, and of a frame beside its invites: with room to spare.
const REST: usize = 64;

/// From each place one room after the other, as often as the relay lets it.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let endpoint = ground.endpoint(1 + place)?;
                let connection = ground.connect(&endpoint).await?;
                let invites =
                    (MAX_FIRST_FRAME / (MAX_CARD + REST)).saturating_sub(1).min(KEYS_PER_CHANGE - 1);
                loop {
                    let founder = new_key()?;
                    let key = |kind: Kind, card: usize| -> anyhow::Result<AccessKey> {
                        let key = new_key()?.verifying_key().to_bytes().to_vec().into();
                        Ok(AccessKey {
                            key,
                            kind: kind.into(),
                            card: vec![0; card].into(),
                            ..AccessKey::default()
                        })
                    };
                    let mut keys = vec![AccessKey {
                        key: founder.verifying_key().to_bytes().to_vec().into(),
                        ..key(Kind::Member, 0)?
                    }];
                    for _ in 0..invites {
                        keys.push(key(Kind::Invite, MAX_CARD)?);
                    }
                    let create = Create {
                        slot: Some(Slot { sealed: random::<64>()?.to_vec().into(), ..Slot::default() }),
                        keys,
                        authority: new_key()?.verifying_key().to_bytes().to_vec().into(),
                        ..Create::default()
                    };
                    // Its stream ends with it, or the connection would soon have no place for another.
                    drop(join(&connection, RoomId(random()?), &founder, 0, Some(create)).await?);
                    tries.add(1);
                }
            }
        })
    })
}
