//! Rows in, rows out: what of the engine's state changed, and how it is read back.

use std::collections::{BTreeSet, VecDeque};

use prost::Message;
use proto::RoomId;
use zeroize::Zeroizing;

use super::{
    Change, Connection, Engine, EngineError, Millis, Output, Profile,
    keyring::Keyring,
    ledger::Ledger,
    signal::Signals,
    state::{FORMAT, Format, HashRow, Meta, Outgoing, Peer, Pending, Phase, WindowRow, row},
    watch::Hashes,
};
use crate::{
    crypto::aead::Session, crypto::replay::Window, invite::AccessSecret, mls::group::Group,
    mls::group::is_ours,
};

/// Rows that differ from what storage has. Bounded by the state they belong to.
#[derive(Default)]
pub(super) struct Dirty {
    pub(super) meta: bool,
    pub(super) pending: bool,
    pub(super) outbox: BTreeSet<u64>,
    pub(super) peers: BTreeSet<u32>,
    pub(super) windows: BTreeSet<(u32, Session)>,
    pub(super) hashes: BTreeSet<u64>,
}

/// A join of more than an hour ago is refreshed when the device comes back: see `commit`.
const RESUME_UPDATE_MS: u64 = 3600 * 1000;

pub(super) fn format(meta: &[u8]) -> Result<Format, EngineError> {
    parse(meta)
}

pub(super) fn load(
    profile: &Profile,
    rows: Vec<(String, Zeroizing<Vec<u8>>)>,
    now: Millis,
) -> Result<Engine, EngineError> {
    let (group_rows, ours): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(key, _)| is_ours(key));
    let meta = ours.iter().find(|(key, _)| key == "meta").ok_or(EngineError::Damaged)?;
    match format(&meta.1)?.format {
        FORMAT => {}
        0 => return Err(EngineError::Version1),
        _ => return Err(EngineError::TooNew),
    }
    let mut meta = parse::<Meta>(&meta.1)?;
    let room = RoomId::try_from(&*meta.room_id).map_err(|_| EngineError::Damaged)?;
    let access_secret = Zeroizing::new(meta.access_secret.clone());
    let access_secret = access_secret.as_slice().try_into().map_err(|_| EngineError::Damaged)?;
    let group = match group_rows.is_empty() {
        true => None,
        false => Some(Group::load(&profile.random, &room, group_rows)?),
    };
    let missing_group =
        matches!(meta.phase(), Phase::Creating | Phase::Confirming | Phase::Member) && group.is_none();
    if missing_group {
        return Err(EngineError::Damaged);
    }
    meta.want_update |= meta.phase() == Phase::Member && now.abs_diff(meta.last_update) >= RESUME_UPDATE_MS;
    let mut engine = Engine {
        profile: profile.clone(),
        room,
        access: AccessSecret::from_bytes(access_secret),
        group,
        outbox: VecDeque::new(),
        pending: None,
        windows: Default::default(),
        peers: Default::default(),
        hashes: Hashes::default(),
        ledger: Ledger::default(),
        keyring: Keyring::new(room, &meta.epochs),
        session: (Session::random(&profile.random), 0),
        signal_session: (Session::random(&profile.random), 0),
        signals: Signals::default(),
        reports: BTreeSet::new(),
        told_still: false,
        link: Connection::default(),
        dirty: Dirty::default(),
        out: Output::default(),
        meta,
    };
    let (mut hashes, mut ledger) = (Vec::new(), Vec::new());
    for (key, value) in &ours {
        match key.split('/').next().unwrap_or_default() {
            "meta" => (),
            "pending" => engine.pending = Some(parse::<Pending>(value)?),
            "outbox" => engine.outbox.push_back(parse::<Outgoing>(value)?),
            "hash" => hashes.push(parse::<HashRow>(value)?),
            "ledger" => ledger.push((key.as_str(), value.as_slice())),
            "peer" => {
                let peer = parse::<Peer>(value)?;
                engine.peers.insert(peer.leaf, peer);
            }
            "window" => {
                let window = parse::<WindowRow>(value)?;
                let session =
                    Session(window.session.as_slice().try_into().map_err(|_| EngineError::Damaged)?);
                let state = Window::from_bytes(&window.window).map_err(|_| EngineError::Damaged)?;
                engine.windows.insert((window.leaf, session), (window.epoch, state));
            }
            _ => return Err(EngineError::Damaged),
        }
    }
    engine.outbox.make_contiguous().sort_by_key(|item| item.counter);
    hashes.sort_by_key(|row| row.seq);
    hashes.into_iter().for_each(|row| engine.hashes.insert(row));
    engine.ledger = Ledger::load(ledger.into_iter()).ok_or(EngineError::Damaged)?;
    Ok(engine)
}

/// What changed since the last time.
pub(super) fn collect(engine: &mut Engine) -> Vec<Change> {
    // The library serialises into memory. Should that fail, nothing is saved, and it is read again after a restart.
    if engine.group.as_mut().is_some_and(|group| group.has_unkept() && group.keep().is_err()) {
        return Vec::new();
    }
    let dirty = std::mem::take(&mut engine.dirty);
    let mut changes = Vec::new();
    let mut put = |key: String, value: Option<Zeroizing<Vec<u8>>>| changes.push(Change { key, value });
    if dirty.meta {
        put("meta".to_owned(), Some(row(&engine.meta)));
    }
    if dirty.pending {
        put("pending".to_owned(), engine.pending.as_ref().map(row));
    }
    for counter in dirty.outbox {
        let item = engine.outbox.iter().find(|item| item.counter == counter);
        put(format!("outbox/{counter:020}"), item.map(row));
    }
    for leaf in dirty.peers {
        put(format!("peer/{leaf}"), engine.peers.get(&leaf).map(row));
    }
    for id in dirty.windows {
        let (leaf, session) = id;
        let value = engine.windows.get(&id).map(|(epoch, window)| {
            let session = session.as_bytes().to_vec();
            row(&WindowRow { leaf, session, epoch: *epoch, window: window.to_bytes() })
        });
        let session: String = session.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        put(format!("window/{leaf}/{session}"), value);
    }
    for seq in dirty.hashes {
        let hash = engine.hashes.get(seq).map(<[u8]>::to_vec);
        put(Hashes::key(seq), hash.map(|hash| row(&HashRow { seq, hash })));
    }
    for (key, value) in engine.ledger.take_rows() {
        changes.push(Change { key, value: value.map(Zeroizing::new) });
    }
    if let Some(group) = &mut engine.group {
        changes.extend(group.take_rows().into_iter().map(|(key, value)| Change { key, value }));
    }
    changes
}

fn parse<M: Message + Default>(bytes: &[u8]) -> Result<M, EngineError> {
    M::decode(bytes).map_err(|_| EngineError::Damaged)
}
