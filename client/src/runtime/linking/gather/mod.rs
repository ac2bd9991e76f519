//! Puts together what a new device gets: the profile, and one invite for each room.

mod asked;

use std::collections::{BTreeMap, BTreeSet};

use proto::{Message as _, RoomId};
use shared::invite::link::InviteLink;
use tokio::{sync::mpsc, time::timeout};
use zeroize::{Zeroize as _, Zeroizing};

pub use self::asked::is_of_own_devices;
pub(in crate::runtime) use self::asked::no_answer;
use self::asked::{Asked, INVITE};
use super::{HandedPast, blob::MAX_PAST, handed};
use crate::{
    portable::{
        Gather, Gathered as Found, History, Selection,
        schema::{Body, Relay, Settings, WayIn},
    },
    reason::Reason,
    runtime::{Local, now_ms},
    settings::as_toml,
    store::{KnownRelay, Store, StoreError, Where},
};

/// How far it has come, or all of it.
pub(super) enum Gathered {
    /// Rooms that are ready, of all, and the invite that was just made.
    Some(usize, usize, Option<(RoomId, [u8; 16])>),
    /// What is handed over.
    All(Box<Whole>),
    /// The profile cannot be read.
    Failed(Reason),
}

/// What is handed over.
pub(super) struct Whole {
    pub(super) records: Vec<Body>,
    pub(super) own_devices: Option<InviteLink>,
    /// The past of the rooms, if it is wanted and there is some.
    pub(super) past: Option<Zeroizing<Vec<u8>>>,
    /// Rooms that the new device can enter.
    pub(super) rooms: usize,
    /// Those that it cannot, and why.
    pub(super) without: Vec<(String, Reason)>,
    /// The rooms and ids of all invites in it.
    pub(super) invites: Vec<([u8; 32], [u8; 16])>,
}

/// Begins, for the device of that linking; what comes out last is all, or a failure.
pub(super) fn begin(local: &Local, whose: [u8; 16], past: HandedPast) -> mpsc::Receiver<Gathered> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(gather(local.clone(), whose, past, sender));
    receiver
}

async fn gather(local: Local, whose: [u8; 16], past: HandedPast, told: mpsc::Sender<Gathered>) {
    let whole = all(&local, whose, past, &told).await.unwrap_or_else(Gathered::Failed);
    if let Err(mpsc::error::SendError(Gathered::All(whole))) = told.send(whole).await {
        // Whoever asked has ended.
        local.end_invites(whole.invites.into_iter().map(|(room, id)| (RoomId(room), id)).collect());
    }
}

async fn all(
    local: &Local,
    whose: [u8; 16],
    past: HandedPast,
    told: &mpsc::Sender<Gathered>,
) -> Result<Gathered, Reason> {
    let mut asked = Asked::new(local, whose, told);
    // Without it the devices do not tell each other what was read; they work all the same.
    let own = tokio::spawn({
        let local = local.clone();
        async move {
            let invite = timeout(INVITE, local.invite_own_device(whose)).await.ok()?.ok()?;
            Some((local.own_devices()?.id, invite))
        }
    });
    asked.ask_rooms().await;
    let own = own.await.ok().flatten();
    // What was entered meanwhile as well. From here on a room waits for whoever comes by the way into the room of own devices.
    asked.ask_rooms().await;
    let Asked { invites, without, .. } = asked;
    let count = invites.len();
    let ids: Vec<RoomId> = invites.keys().copied().collect();
    let made = invites.iter().filter_map(|(room, invite)| Some((*room, invite.as_ref()?)));
    let made = made.chain(own.iter().map(|(room, invite)| (*room, invite)));
    let made = made.map(|(room, invite)| (room.0, invite.link.secret.id())).collect();
    let own = own.map(|(_, invite)| invite);
    let drafts = local.0.config.tells_drafts;
    let records = local.0.vault.run(move |store| records(store, &invites, drafts)).await?;
    let past = pasts(local, past, ids).await?;
    let rooms = count.saturating_sub(without.len());
    Ok(Gathered::All(Box::new(Whole { records, own_devices: own, past, rooms, without, invites: made })))
}

/// The past of these rooms, as far as it is wanted and fits: what is over the bound is left out, from the last room on.
async fn pasts(
    local: &Local,
    wanted: HandedPast,
    rooms: Vec<RoomId>,
) -> Result<Option<Zeroizing<Vec<u8>>>, Reason> {
    let history = match wanted {
        HandedPast::Nothing | HandedPast::Newest(0) => return Ok(None),
        HandedPast::Newest(lines) => History::Newest(lines),
        HandedPast::All => History::All,
    };
    let mut gather = Gather::new(Selection { account: false, drafts: false, history, files: false });
    let (mut records, mut size) = (Vec::new(), 0);
    loop {
        // One record for each time: a chat goes on meanwhile.
        let job = move |store: &mut Store| {
            let found = gather.next(store)?;
            Ok((gather, found))
        };
        let (back, found) = local.0.vault.run(job).await?;
        gather = back;
        match found {
            None => break,
            Some(Found::Record(Body::Past(past))) if rooms.iter().any(|room| *past.room == room.0) => {
                size += past.encoded_len();
                if size > MAX_PAST / 2 {
                    break;
                }
                records.push(Body::Past(past));
            }
            Some(_) => {}
        }
    }
    if records.is_empty() {
        return Ok(None);
    }
    Ok(Some(handed::stream(&records, now_ms()).map_err(StoreError::from)?))
}

/// The profile, with the rooms that are in `invites`.
fn records(
    store: &mut Store,
    invites: &BTreeMap<RoomId, Option<InviteLink>>,
    drafts: bool,
) -> Result<Vec<Body>, StoreError> {
    let what = Selection { account: true, drafts, history: History::Nothing, files: false };
    let (mut gather, mut records) = (Gather::new(what), Vec::new());
    let toml = as_toml(store.followed().agreed());
    if !toml.is_empty() {
        records.push(Body::Settings(Settings { toml }));
    }
    while let Some(found) = gather.next(store)? {
        match found {
            Found::Record(Body::Account(mut account)) => {
                // What gives the account another key stays here: whoever takes the new device would have it as well.
                account.phrase.zeroize();
                // It is another device, which has a name of its own.
                account.device_name.clear();
                records.push(Body::Account(account));
            }
            Found::Record(body) => records.push(body),
            Found::Room(mut room) => {
                let Some(invite) = handed::id(&room).and_then(|id| invites.get(&id)) else { continue };
                if let Some(invite) = invite {
                    (room.host, room.port) = (invite.host.clone(), u32::from(invite.port));
                    room.entry = Some(WayIn::Invite(invite.to_string()));
                }
                records.push(Body::Room(room));
            }
            Found::File(..) => {}
        }
    }
    records.extend(pinned(store, invites)?);
    Ok(records)
}

/// Relays of those rooms that are known by the pin of an invite alone: the new device trusts them by that as well.
fn pinned(store: &Store, invites: &BTreeMap<RoomId, Option<InviteLink>>) -> Result<Vec<Body>, StoreError> {
    let mut known: BTreeSet<_> = store.known_relays()?.into_iter().map(|(address, _)| address).collect();
    let rooms = store.rooms()?.into_iter().filter(|room| invites.contains_key(&room.id));
    let relays = rooms.filter_map(|room| match room.place {
        Where::Relay { address, pin: Some(pin) } => known.insert(address.clone()).then(|| {
            Body::Relay(Relay {
                host: address.host,
                port: address.port.into(),
                ground: KnownRelay::FromLink(pin).ground(),
                pin: pin.as_bytes().to_vec(),
                token: Vec::new(),
            })
        }),
        Where::Relay { pin: None, .. } | Where::Own => None,
    });
    Ok(relays.collect())
}

#[cfg(test)]
mod tests;
