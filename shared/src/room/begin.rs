//! How a room begins on a device: made, opened, joined by a link, or as its rows say.

use std::collections::BTreeSet;

use proto::RoomId;
use zeroize::Zeroizing;

use super::{
    Connection, Engine, EngineError, Millis, Output, Policy, Profile, kept,
    keyring::Keyring,
    ledger, rows, signal,
    state::{self, JoinRow, Meta, Phase},
    watch,
};
use crate::{
    crypto::aead::Session,
    identity::{
        clean_name, clean_optional, clean_speaker,
        credential::{MAX_GLYPH, MAX_STATUS},
    },
    invite::{AccessSecret, InviteSecret, link::Link, nfc, open_room_id},
    mls::group::Signer,
};

/// How long the invite of a linking room lives, in milliseconds: ten minutes, in which a code is typed by hand, too.
pub const LINKING_MS: u64 = 10 * 60 * 1_000;

impl Engine {
    /// A new private room with this device as its only member.
    ///
    /// # Errors
    /// [`EngineError::Name`] for a name that cannot be shown.
    pub fn create(
        profile: &Profile,
        room_name: &str,
        policy: Policy,
        now: Millis,
    ) -> Result<Self, EngineError> {
        let room = RoomId(profile.random.bytes());
        let mut engine = Self::begin(profile, room, clean_name(room_name)?, Phase::Creating)?;
        engine.build_room(policy, None, now)?;
        Ok(engine)
    }

    /// A room that links two devices: one invite, for one device, as long as [`LINKING_MS`] says.
    ///
    /// # Errors
    /// [`EngineError::Name`] for a name that cannot be shown.
    pub fn create_linking(profile: &Profile, room_name: &str, now: Millis) -> Result<Self, EngineError> {
        let room = RoomId(profile.random.bytes());
        let mut engine = Self::begin(profile, room, clean_name(room_name)?, Phase::Creating)?;
        engine.build_room(Policy::default(), Some((now.saturating_add(LINKING_MS), 1)), now)?;
        Ok(engine)
    }

    /// The open room of that name: joined if it exists, opened if not. Whoever knows the name, the
    /// relay's operator included, can do the same.
    ///
    /// # Errors
    /// [`EngineError::Name`] for a name that cannot be shown.
    pub fn open(profile: &Profile, room_name: &str, _now: Millis) -> Result<Self, EngineError> {
        let room_name = clean_name(&nfc(room_name))?;
        let mut row = JoinRow::default();
        row.secret = InviteSecret::of_open_room(&room_name).as_bytes().to_vec();
        row.is_known = true;
        let mut engine = Self::begin(profile, open_room_id(&room_name), room_name, Phase::Joining)?;
        engine.meta.open = true;
        engine.meta.link = Some(row);
        Ok(engine)
    }

    /// The room of an invite link. Which one that is, the card at the relay says: until then [`Engine::room_id`] is all
    /// zero and [`Engine::room_name`] empty.
    ///
    /// # Errors
    /// [`EngineError::Name`] for a name that cannot be shown.
    pub fn join(profile: &Profile, link: &Link, _now: Millis) -> Result<Self, EngineError> {
        let unknown = RoomId([0; RoomId::LEN]);
        let mut engine = Self::begin(profile, unknown, String::new(), Phase::Joining)?;
        let mut row = JoinRow::default();
        row.secret = link.secret.as_bytes().to_vec();
        row.pin = link.pin.map(|pin| pin.to_vec()).unwrap_or_default();
        engine.meta.link = Some(row);
        Ok(engine)
    }

    /// The room as its rows say.
    ///
    /// # Errors
    /// [`EngineError::Damaged`] when the rows are not what was saved, [`EngineError::Version1`] and
    /// [`EngineError::TooNew`] when another version saved them.
    pub fn load(
        profile: &Profile,
        rows: Vec<(String, Zeroizing<Vec<u8>>)>,
        now: Millis,
    ) -> Result<Self, EngineError> {
        rows::load(profile, rows, now)
    }

    pub(super) fn begin(
        profile: &Profile,
        room: RoomId,
        room_name: String,
        phase: Phase,
    ) -> Result<Self, EngineError> {
        let name = clean_speaker(&profile.name)?;
        let status = clean_optional(&profile.status, MAX_STATUS)?;
        let glyph = clean_optional(&profile.glyph, MAX_GLYPH)?;
        let random = &profile.random;
        let signer = Signer::generate(profile.suite, random)?;
        let access = AccessSecret::generate(random);
        let (mut meta, mut own) = (Meta::default(), state::Own::default());
        meta.room_id = room.as_bytes().to_vec();
        meta.room_name = room_name;
        meta.set_phase(phase);
        own.access_secret = access.to_bytes().to_vec();
        own.leaf_secret = signer.secret.as_bytes().to_vec();
        own.leaf_public = signer.public.as_bytes().to_vec();
        own.device_id = random.bytes::<16>().to_vec();
        (own.name, own.status, own.glyph) = (name, status, glyph);
        own.device_name = clean_name(&profile.device_name).unwrap_or_else(|_| "device".to_owned());
        own.suite = u32::from(profile.suite.cipher_suite().raw_value());
        meta.next_counter = 1;
        meta.format = state::FORMAT;
        let engine = Self {
            profile: profile.clone(),
            room,
            access,
            group: None,
            outbox: kept::Outbox::default(),
            pending: None,
            windows: kept::Kept::default(),
            peers: kept::Kept::default(),
            hashes: watch::Hashes::default(),
            ledger: ledger::Ledger::default(),
            keyring: Keyring::new(room, &[]),
            session: (Session::random(random), 0),
            signal_session: (Session::random(random), 0),
            signals: signal::Signals::default(),
            reports: BTreeSet::new(),
            told_still: false,
            told_frozen: None,
            joined_frozen: false,
            skipped_at: None,
            link: Connection::default(),
            stored: rows::Stored::default(),
            out: Output::default(),
            meta,
            own,
            wishes: state::Wishes::default(),
            invites: state::Invites::default(),
            handover: state::Handover::default(),
            books: state::Books::default(),
            back: state::Back::default(),
        };
        Ok(engine)
    }
}
