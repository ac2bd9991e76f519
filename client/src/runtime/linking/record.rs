//! What is kept of a linking besides the room's own rows: sealed, in the same transaction as those.

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::{
    identity::Identity,
    linking::{Agreed, Parcel, Role},
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::HandedPast;
use crate::{
    runtime::LinkEnd,
    store::Where,
    transport::{Pin, RelayAddress},
};

/// Of this form.
const VERSION: u8 = 2;

/// How far a linking has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// The other device is not there yet.
    Open,
    /// It is, and both say what the phrase is made of.
    Shaking,
    /// Both show it.
    Agreed,
    /// The old device: a person confirmed it, and what is handed over is put together.
    Confirmed,
    /// The old device: all of it was said.
    Posted,
    /// The new device: all of it is here, but the past of the rooms, which is being fetched.
    Fetching,
    /// The new device: all of it is here.
    Received,
    /// The old device: the new one has everything.
    Done,
    /// It ends; the other device is being told.
    Ending,
}

/// A linking. Secret.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    version: u8,
    pub(super) role: Role,
    pub(super) is_maker: bool,
    room: [u8; 32],
    host: String,
    port: u16,
    pin: Option<[u8; 32]>,
    /// In the room this device is nobody: an account for this alone.
    account: Secret,
    pub(super) step: Step,
    /// When the present step has taken too long, in Unix milliseconds.
    pub(super) ends_ms: u64,
    handshake: Option<Secret>,
    pub(super) agreed: Option<Agreed>,
    parcel: (u32, u32, Secret),
    /// Parts that the relay has not said to have.
    pub(super) unsent: u32,
    pub(super) rooms: usize,
    pub(super) without: Vec<(String, crate::reason::Reason)>,
    pub(super) end: Option<LinkEnd>,
    /// How much of the past is wanted.
    pub(super) past: HandedPast,
    /// Times that the past was fetched in vain.
    pub(super) tries: u32,
    /// Who the other device is in the room.
    pub(super) peer: Option<[u8; 32]>,
    /// The old device: parts were said, or may have been.
    pub(super) is_handed: bool,
    /// Rooms and the ids of the invites that are handed over, or are to be: they end with a linking of which nothing comes.
    pub(super) invites: Vec<([u8; 32], [u8; 16])>,
}

/// Bytes that are wiped.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Secret(Vec<u8>);

impl Record {
    pub(super) fn new(
        (role, is_maker): (Role, bool),
        account: &[u8],
        (room, place): (RoomId, &Where),
        ends_ms: u64,
    ) -> Option<Self> {
        let Where::Relay { address, pin } = place else { return None };
        Some(Self {
            version: VERSION,
            role,
            is_maker,
            room: room.0,
            host: address.host.clone(),
            port: address.port,
            pin: pin.map(|pin| *pin.as_bytes()),
            account: Secret(account.to_vec()),
            step: Step::Open,
            ends_ms,
            handshake: None,
            agreed: None,
            parcel: (0, 0, Secret::default()),
            unsent: 0,
            rooms: 0,
            without: Vec::new(),
            end: None,
            past: HandedPast::Nothing,
            tries: 0,
            peer: None,
            is_handed: false,
            invites: Vec::new(),
        })
    }

    /// What was kept; none for what another version kept.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let record: Self = postcard::from_bytes(bytes).ok()?;
        (record.version == VERSION).then_some(record)
    }

    pub(super) fn write(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(postcard::to_extend(self, Vec::new()).unwrap_or_default())
    }

    pub(super) fn room(&self) -> RoomId {
        RoomId(self.room)
    }

    /// The invites that are to end, where nothing comes of the linking: once.
    pub(super) fn endings(&mut self) -> Vec<(RoomId, [u8; 16])> {
        let invites = if self.step == Step::Ending { std::mem::take(&mut self.invites) } else { Vec::new() };
        invites.into_iter().map(|(room, invite)| (RoomId(room), invite)).collect()
    }

    /// The invites that are with the new device, or on their way there.
    pub(super) fn kept(&self) -> Vec<(RoomId, [u8; 16])> {
        let is_posted = matches!(self.step, Step::Posted | Step::Done);
        let invites = if is_posted { self.invites.as_slice() } else { &[] };
        invites.iter().map(|(room, invite)| (RoomId(*room), *invite)).collect()
    }

    pub(super) fn relay(&self) -> Option<(RelayAddress, Option<Pin>)> {
        let address = RelayAddress::new(&self.host, self.port).ok()?;
        Some((address, self.pin.map(Pin::from)))
    }

    pub(super) fn account(&self) -> Option<Identity> {
        Identity::read(&self.account.0)
    }

    pub(super) fn handshake(&self) -> Option<&[u8]> {
        self.handshake.as_ref().map(|secret| secret.0.as_slice())
    }

    pub(super) fn set_handshake(&mut self, bytes: &[u8]) {
        self.handshake = Some(Secret(bytes.to_vec()));
    }

    pub(super) fn parcel(&self) -> Parcel {
        let (next, count, bytes) = &self.parcel;
        Parcel::of(*next, *count, Zeroizing::new(bytes.0.clone()))
    }

    pub(super) fn set_parcel(&mut self, parcel: &Parcel) {
        let (next, count) = parcel.progress();
        self.parcel = (next, count, Secret(parcel.bytes().to_vec()));
    }
}
