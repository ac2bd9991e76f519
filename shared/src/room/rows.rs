//! Rows in, rows out: what of the engine's state changed, and how it is read back.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use proto::RoomId;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    Change, Connection, Engine, EngineError, Millis, Output, Profile,
    keyring::Keyring,
    ledger::Ledger,
    signal::Signals,
    state::{FORMAT, Format, HashRow, Meta, Outgoing, Own, Peer, Pending, Phase, WindowRow, Wishes, row},
    watch::Hashes,
};
use crate::{
    crypto::aead::Session, crypto::replay::Window, invite::AccessSecret, mls::group::Group,
    mls::group::is_ours,
};

/// What storage has of the rows that do not know it themselves.
#[derive(Default)]
pub(super) struct Stored {
    /// SHA-256 of each row that is a part of the engine. Their fields change with nearly every entry: looked at once for each
    /// batch, no change is forgotten. A hash, because some have secrets.
    parts: BTreeMap<&'static str, [u8; 32]>,
    /// The row `pending` is another one than there. It is large, and changes in one place.
    pub(super) pending_changed: bool,
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
    let mut parts = Parts { rows: &ours, stored: BTreeMap::new() };
    let (meta, own): (Meta, Own) = (parts.read("meta")?, parts.read("own")?);
    let mut wishes: Wishes = parts.read("wishes")?;
    let room = RoomId::try_from(&*meta.room_id).map_err(|_| EngineError::Damaged)?;
    let access_secret = Zeroizing::new(own.access_secret.clone());
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
    wishes.want_update |= meta.phase() == Phase::Member && now.abs_diff(meta.last_update) >= RESUME_UPDATE_MS;
    let mut engine = Engine {
        profile: profile.clone(),
        room,
        access: AccessSecret::from_bytes(access_secret),
        group,
        outbox: Default::default(),
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
        told_frozen: None,
        joined_frozen: false,
        skipped_at: None,
        link: Connection::default(),
        invites: parts.read("invites")?,
        handover: parts.read("handover")?,
        books: parts.read("books")?,
        back: parts.read("back")?,
        stored: Stored { parts: parts.stored, pending_changed: false },
        out: Output::default(),
        meta,
        own,
        wishes,
    };
    let mut ledger = Vec::new();
    for (key, value) in &ours {
        match key.split('/').next().unwrap_or_default() {
            "meta" | "own" | "wishes" | "invites" | "handover" | "books" | "back" => (),
            "pending" => engine.pending = Some(parse::<Pending>(value)?),
            "outbox" => {
                let item = parse::<Outgoing>(value)?;
                engine.outbox.load(item.counter, item);
            }
            "hash" => engine.hashes.load(parse::<HashRow>(value)?),
            "ledger" => ledger.push((key.as_str(), value.as_slice())),
            "peer" => {
                let peer = parse::<Peer>(value)?;
                engine.peers.load(peer.leaf, peer);
            }
            "window" => {
                let window = parse::<WindowRow>(value)?;
                let session =
                    Session(window.session.as_slice().try_into().map_err(|_| EngineError::Damaged)?);
                let state = Window::from_bytes(&window.window).map_err(|_| EngineError::Damaged)?;
                engine.windows.load((window.leaf, session), (window.epoch, state));
            }
            _ => return Err(EngineError::Damaged),
        }
    }
    engine.ledger = Ledger::load(ledger.into_iter()).ok_or(EngineError::Damaged)?;
    engine.ledger.reach(engine.meta.cursor);
    engine.settle_keys();
    Ok(engine)
}

/// What changed since the last time.
pub(super) fn collect(engine: &mut Engine) -> Vec<Change> {
    // The library serialises into memory. Should that fail, nothing is saved, and it is read again after a restart.
    if engine.group.as_mut().is_some_and(|group| group.has_unkept() && group.keep().is_err()) {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let mut put = |key: String, value: Option<Zeroizing<Vec<u8>>>| changes.push(Change { key, value });
    let parts = [
        ("meta", row(&engine.meta)),
        ("own", row(&engine.own)),
        ("wishes", row(&engine.wishes)),
        ("invites", row(&engine.invites)),
        ("handover", row(&engine.handover)),
        ("books", row(&engine.books)),
        ("back", row(&engine.back)),
    ];
    for (key, value) in parts {
        let hash = Sha256::digest(&*value).into();
        if engine.stored.parts.insert(key, hash) != Some(hash) {
            put(key.to_owned(), Some(value));
        }
    }
    if std::mem::take(&mut engine.stored.pending_changed) {
        put("pending".to_owned(), engine.pending.as_ref().map(row));
    }
    for (counter, item) in engine.outbox.take_changed() {
        put(format!("outbox/{counter:020}"), item.map(row));
    }
    for (leaf, peer) in engine.peers.take_changed() {
        put(format!("peer/{leaf}"), peer.map(row));
    }
    for ((leaf, session), value) in engine.windows.take_changed() {
        let value = value.map(|(epoch, window)| {
            let session = session.as_bytes().to_vec();
            row(&WindowRow { leaf, session, epoch: *epoch, window: window.to_bytes() })
        });
        let session: String = session.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        put(format!("window/{leaf}/{session}"), value);
    }
    for (key, hash) in engine.hashes.take_changed() {
        put(key, hash.as_ref().map(row));
    }
    for (key, value) in engine.ledger.take_rows() {
        changes.push(Change { key, value: value.map(Zeroizing::new) });
    }
    if let Some(group) = &mut engine.group {
        changes.extend(group.take_rows().into_iter().map(|(key, value)| Change { key, value }));
    }
    changes
}

/// The rows that are parts of the engine, while they are read.
struct Parts<'a> {
    rows: &'a [(String, Zeroizing<Vec<u8>>)],
    stored: BTreeMap<&'static str, [u8; 32]>,
}

impl Parts<'_> {
    /// A part that has no row yet is in `meta`, where all of them once were.
    fn read<M: Message + Default>(&mut self, key: &'static str) -> Result<M, EngineError> {
        let find = |key: &str| self.rows.iter().find(|(other, _)| other == key);
        if let Some((_, value)) = find(key) {
            self.stored.insert(key, Sha256::digest(&**value).into());
            return parse(value);
        }
        parse(&find("meta").ok_or(EngineError::Damaged)?.1)
    }
}

fn parse<M: Message + Default>(bytes: &[u8]) -> Result<M, EngineError> {
    M::decode(bytes).map_err(|_| EngineError::Damaged)
}
