//! Rooms that are opened with as many invites as fit, each with the longest card: what nobody reads is kept all the same.

use ed25519_dalek::SigningKey;
use proto::{
    RoomId,
    access::MAX_CARD,
    relay::{AccessKey, Create, Slot, access_key::Kind},
};

use super::Attack;
use crate::bench::client::{Ground, join, new_key, random};

/// Invites of one room: with their cards they fill a first frame.
const INVITES: usize = 100;

/// Opens them from several places, until each is refused, and then tries again.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let endpoint = ground.endpoint(1 + place)?;
                let connection = ground.connect(&endpoint).await?;
                loop {
                    let founder = new_key()?;
                    let mut keys = vec![access(&founder, Kind::Member)];
                    for _ in 0..INVITES {
                        keys.push(access(&new_key()?, Kind::Invite));
                    }
                    let slot = Slot { sealed: random::<64>()?.to_vec().into(), ..Slot::default() };
                    let authority = new_key()?.verifying_key().to_bytes().to_vec().into();
                    let create = Create { slot: Some(slot), keys, authority, ..Create::default() };
                    join(&connection, RoomId(random()?), &founder, 0, Some(create)).await?;
                    tries.add(1);
                }
            }
        })
    })
}

fn access(key: &SigningKey, kind: Kind) -> AccessKey {
    let card = if kind == Kind::Invite { vec![7; MAX_CARD] } else { Vec::new() };
    let key = key.verifying_key().to_bytes().to_vec().into();
    AccessKey { key, kind: kind.into(), card: card.into(), ..AccessKey::default() }
}
