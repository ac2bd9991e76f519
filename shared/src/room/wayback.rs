//! The way back into a room for a device of which only a backup is left.
//!
//! A backup has no secret of any epoch: no ratchet, no exporter, no private key of the tree. It has what the device is known by (its leaf's
//! signature key and its access key at the relay), where it had read to, and the group's public side: a GroupInfo, which the
//! device signs, and the ratchet tree (RFC 9420, 12.4.3). By these the answers of others are told from forgeries
//! (`resync`), and it comes back as any device does that is out.
//!
//! In the place of the old group stands one that nobody ever was in: an external commit on that GroupInfo which is never sent. It has
//! the members and the rules of the old one, opens nothing that was sealed for it, and what is sealed for it is opened by nobody. Our
//! leaf may stand elsewhere in it, so where it stands for the others is kept beside.

use prost::Message;
use proto::{RoomId, relay::Deliver};
use zeroize::Zeroizing;

use super::{
    Engine, EngineError, Millis, Problem, Profile,
    kinship::Kinship,
    out::AT_ONCE,
    problem::OutCause,
    state::{EpochRow, FORMAT, HashRow, Meta, OutRow, Own, Phase, row},
};
use crate::{
    content,
    invite::pieces::Tree,
    mls::group::{Group, Signer},
};

/// Members and blank places of a tree that is looked at, twice: more than relays take.
const MAX_NODES: usize = 1 << 15;

/// What a backup holds of a room. `own` wipes its secrets on drop.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct WayBack {
    /// Without epochs, links and what only this run knows.
    #[prost(message, optional, tag = "1")]
    meta: Option<Meta>,
    /// The leaf's signature key, the access key at the relay, the device's id and names.
    #[prost(message, optional, tag = "2")]
    own: Option<Own>,
    #[prost(bytes = "vec", tag = "3")]
    group_info: Vec<u8>,
    /// Nodes of the tree; a blank one is empty.
    #[prost(bytes = "vec", repeated, tag = "4")]
    nodes: Vec<Vec<u8>>,
    /// Our leaf, as the others have it.
    #[prost(uint32, tag = "5")]
    leaf: u32,
    #[prost(uint64, tag = "6")]
    epoch: u64,
    /// Of the commit that began it.
    #[prost(uint64, tag = "7")]
    position: u64,
    /// What stands in our leaf besides.
    #[prost(message, optional, tag = "8")]
    extension: Option<content::Leaf>,
    /// Members whom this device saw removed.
    #[prost(bytes = "vec", repeated, tag = "9")]
    gone: Vec<Vec<u8>>,
    /// Somebody else was in the room.
    #[prost(bool, tag = "10")]
    others: bool,
}

/// What of a room comes back from a backup.
pub struct Returning {
    /// The room, out, about to ask.
    pub engine: Engine,
    /// Nobody else was in it when the backup was made, so nobody known can let this device in.
    pub was_alone: bool,
}

impl Engine {
    /// What a backup holds of the room. None: this device is not in it, so there is no way back.
    pub fn way_back(&self) -> Option<Zeroizing<Vec<u8>>> {
        let group = self.group.as_ref().filter(|_| self.is_member())?;
        let mut meta = self.meta.clone();
        meta.epochs.clear();
        meta.link = None;
        let out = self.back.out.as_ref();
        let (leaf, epoch) = out.map_or((group.leaf(), group.epoch()), |out| (out.leaf, out.epoch));
        let way = WayBack {
            meta: Some(meta),
            own: Some(self.own_in_group()),
            group_info: group.public_info().ok()?,
            nodes: group.tree().ok()?.0,
            leaf,
            epoch,
            position: self.books.position,
            extension: group.own_leaf(),
            gone: self.books.gone.clone(),
            others: group.members().ok()?.len() > 1,
        };
        Some(row(&way))
    }

    /// The room as [`Engine::way_back`] had it: this device is out, and asks to be let back in. `now` holds for nothing but
    /// the age of keys.
    ///
    /// # Errors
    /// [`EngineError`] when that is not what was written, or of a later version.
    pub fn come_back(profile: &Profile, way_back: &[u8], now: Millis) -> Result<Returning, EngineError> {
        let mut way = WayBack::decode(way_back).map_err(|_| EngineError::Damaged)?;
        let (Some(meta), Some(own)) = (way.meta.take(), way.own.take()) else {
            return Err(EngineError::Damaged);
        };
        match meta.format {
            FORMAT => {}
            0 => return Err(EngineError::Version1),
            _ => return Err(EngineError::TooNew),
        }
        if way.nodes.len() > MAX_NODES || meta.phase() != Phase::Member {
            return Err(EngineError::Damaged);
        }
        let room = RoomId::try_from(&*meta.room_id).map_err(|_| EngineError::Damaged)?;
        let mut engine = Self::begin(profile, room, meta.room_name.clone(), Phase::Member)?;
        let running_hash = meta.running_hash.clone();
        let hash = HashRow { seq: meta.cursor, hash: running_hash, taken: false };
        (engine.meta, engine.own) = (meta, own);
        let secret = Zeroizing::new(engine.own.access_secret.clone());
        let secret = secret.as_slice().try_into().map_err(|_| EngineError::Damaged)?;
        engine.access = crate::invite::AccessSecret::from_bytes(secret);
        if !hash.hash.is_empty() {
            engine.hashes.insert(hash);
        }
        let tree = Tree(std::mem::take(&mut way.nodes));
        let signer: Signer = engine.signer();
        let extension = way.extension.take().ok_or(EngineError::Damaged)?;
        let suite = (engine.suite(), &profile.random);
        let entrance = (way.group_info.as_slice(), &tree);
        let built =
            Group::rejoin(suite, (&signer, engine.identity()), &room, entrance, (way.leaf, &extension));
        let (mut group, _) = built.map_err(|_| EngineError::Damaged)?;
        group.keep().map_err(|_| EngineError::Damaged)?;
        engine.group = Some(group);
        let mut epoch = EpochRow::default();
        (epoch.epoch, epoch.seq) = (way.epoch, way.position);
        engine.meta.epochs = vec![epoch];
        engine.meta.last_update = now;
        (engine.books.position, engine.books.confirmed) = (way.position, way.position);
        engine.books.gone = std::mem::take(&mut way.gone);
        let mut out = OutRow::default();
        (out.leaf, out.epoch, out.not_before) = (way.leaf, way.epoch, AT_ONCE);
        out.set_why(OutCause::Backup);
        engine.back.out = Some(out);
        Ok(Returning { engine, was_alone: !way.others })
    }

    /// A commit while this device is out: if its own keys came back by it, somebody else has them.
    pub(super) fn note_another(&mut self, entry: &Deliver) {
        let is_backup = self.back.out.as_ref().is_some_and(|out| out.why() == OutCause::Backup);
        if is_backup && self.is_own_return(entry) {
            self.refuse(Problem::AnotherCame);
        }
    }

    /// Whether somebody came back by this device's own keys.
    pub(super) fn is_own_return(&self, entry: &Deliver) -> bool {
        *entry.key == self.own_key() && self.kinship(entry) == Kinship::Return
    }
}
