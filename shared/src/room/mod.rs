//! One room as this device sees it, sans-I/O: `(input, now) → (state to save, bytes to send, events)`.
//!
//! ```text
//!                 Connected            Joined              caught up
//!   Creating ───────────────▶ Join+Create ────────────────────────────▶ Member
//!   Joining  ── invite key ─▶ Joined{slot} ─▶ join commit ─▶ Confirming ─▶ Member ─▶ Closed
//! ```
//!
//! At most one publish is in flight, so contents reach the log in the order they were said and a lost
//! race never reorders them. Files: `relay` talks to the relay, `join` gets in, `log` reads the log with
//! the doubts in `checks`, `commit` changes the group, `epoch` takes the change over, `outbox` says things;
//! `watch` and `keyring` are their tools, `state` and `rows` what is stored.

use std::collections::BTreeSet;

use proto::RoomId;
use zeroize::Zeroizing;

use crate::{
    content,
    crypto::aead::Session,
    crypto::replay::Window,
    crypto::suite::Suite,
    identity::credential::{Holder, Shown},
    invite::AccessSecret,
    mls::group::{Group, Signer},
};
use keyring::Keyring;
use state::{Meta, Peer, Pending, Phase};

mod access;
mod account;
mod ack;
mod ahead;
mod alarm;
mod alone;
mod authority;
mod barred;
mod begin;
mod books;
mod bridge;
mod checks;
mod closed;
mod command;
mod commit;
mod echo;
mod epoch;
mod event;
mod fault;
mod gone;
mod ground;
mod heirs;
mod held;
mod incoming;
mod input;
mod invites;
mod join;
mod kept;
mod keyring;
mod keys;
mod kinship;
mod leap;
mod leave;
mod ledger;
mod limit;
mod log;
mod numbering;
mod offer;
mod out;
mod outbox;
mod output;
mod own;
mod past;
mod placed;
mod problem;
mod profile;
mod relay;
mod reports;
mod restored;
mod resync;
mod roles;
mod rows;
mod signal;
mod state;
mod takeback;
mod unconfirmed;
mod verdict;
mod view;
mod vote;
mod watch;
mod wayback;

pub use crate::{
    identity::Person,
    message::{
        Act, Alteration, BodyError, Day, DeviceHere, MAX_EMOJI, MAX_HERE, MAX_TEXT, Message, MessageBody,
        MessageId, Millis, Private,
    },
    mls::rules::MAX_PAST,
};
pub use alarm::{Alarm, AlarmKind, Impostor, Way};
pub use begin::LINKING_MS;
pub use closed::CloseReason;
pub use command::Command;
pub use event::{Event, Stranger};
pub use fault::Fault;
pub use input::Input;
pub use limit::RelayLimit;
pub use outbox::MAX_OUTBOX;
pub use output::{Change, Output};
pub use problem::{Breach, OutCause, Problem, Right, TokenFault};
pub use profile::{EngineError, OldRoom, Policy, Profile};
pub use signal::TYPING_EVERY_MS;
pub use view::{Device, GroupView, Invited, Member, Present};
pub use wayback::Returning;

/// One room on this device.
pub struct Engine {
    profile: Profile,
    room: RoomId,
    meta: Meta,
    own: state::Own,
    wishes: state::Wishes,
    invites: state::Invites,
    handover: state::Handover,
    books: state::Books,
    back: state::Back,
    access: AccessSecret,
    group: Option<Group>,
    /// Nothing but what was not seen in the log yet: at most [`MAX_OUTBOX`].
    outbox: kept::Outbox,
    pending: Option<Pending>,
    /// By leaf ([`INVITED`] for joiners) and session, with the last epoch they were used in.
    windows: kept::Kept<(u32, Session), (u64, Window)>,
    peers: kept::Kept<u32, Peer>,
    hashes: watch::Hashes,
    ledger: ledger::Ledger,
    keyring: Keyring,
    /// Our session and its next sequence number: fresh for each start of the process, so that an old
    /// backup can never repeat a (key, nonce) pair.
    session: (Session, u64),
    /// The same for signals, which are not in the log: their numbers must leave no holes in it.
    signal_session: (Session, u64),
    signals: signal::Signals,
    /// What was reported by whom in this epoch.
    reports: BTreeSet<(u32, &'static str)>,
    /// Since the start of the process it was told why the room stands still, if it does.
    told_still: bool,
    /// What was told of a frozen room since then, until it is thawed.
    told_frozen: Option<Problem>,
    /// The last Join was answered with it.
    joined_frozen: bool,
    /// How far it had read when entries were skipped.
    skipped_at: Option<u64>,
    link: Connection,
    stored: rows::Stored,
    out: Output,
}

/// In the place of a leaf: envelopes sealed by an invite.
const INVITED: u32 = u32::MAX;

/// The stream to the relay.
#[derive(Debug, Default)]
struct Connection {
    state: Stream,
    /// The relay's pin, for cards; none when WebPKI vouched for the relay.
    pin: Option<[u8; 32]>,
    /// What the relay's clock said when the stream opened; 0 where it did not tell.
    relay_ms: Millis,
    /// The log's head when the stream opened, and the cursor then.
    head: u64,
    start: u64,
    /// The one publish that was sent and not yet answered or seen.
    in_flight: Option<Vec<u8>>,
    /// Its id, where it is a ballot.
    ballot: Vec<u8>,
    /// Where the pending commit is on the relay's disk, its entry on its way; 0 when it is not.
    commit_acked: u64,
    /// The relay's operator has frozen the room: nothing is sent on this stream.
    frozen: bool,
    /// Nothing is sent before: rate limits, and jitter after a lost race.
    not_before: Millis,
    /// Commits that repair or follow somebody else's act wait a random moment, so that one member does it.
    commit_not_before: Millis,
    /// The stream is opened again then: it skipped entries.
    again_at: Option<Millis>,
    /// The commit whose slot is of no use to somebody who asks to be let back in: while nobody has committed on it, this
    /// device would.
    slot_wanted: Option<u64>,
    /// The log that the relay has after a restore, while it is compared with what was read.
    restored: Option<state::RestoredRow>,
    /// How long a bridge waits for whoever saw more, in milliseconds, once the time is known.
    bridge_wait: Option<u64>,
    /// Somebody must commit, and every member sees it: wait a random moment first.
    election: bool,
    /// The owner of an account has come in whose old key somebody has: whoever takes that out is quick.
    heir_election: bool,
    /// A commit waits for somebody's word: a random moment is drawn, so that mostly one member gives it.
    ack_election: bool,
    /// That moment.
    ack_at: Millis,
    /// What is under way brings one.
    has_ack: bool,
    /// The relay refused it: none is said to it any more.
    no_acks: bool,
    /// The commit that this device voted against because it was removed by it; 0 for none.
    voted: u64,
    /// The newest slot was of no use to this joiner.
    confirmed_slot: bool,
    /// The newest commit, whose slot was of no use.
    useless: u64,
    /// Devices that asked to be let back in: at most sixteen.
    requests: Vec<resync::Waiting>,
    /// What the commit that is being taken does to the relay's keys.
    began: Option<proto::relay::AccessChange>,
    /// Its name.
    began_name: Vec<u8>,
    /// The log's time of the entry that is being taken.
    entry_at: Millis,
    /// The commit that is being looked at breaks a rule.
    broken: bool,
    /// It is one of an account whose key was replaced.
    by_replaced: bool,
    /// The relay contradicts its own log, or refused a commit for good: no more of them on this stream,
    /// so that messages still go through.
    no_commits: bool,
    /// The newest commit, as the relay says, where this device has read on from and was shown none; 0 for none.
    unseen: u64,
    /// The relay's log ends before what it showed: what is said now would lie where this device has read already.
    ends_early: bool,
    /// The commit that won a race against ours: nothing is built before it was read.
    winner: u64,
    /// Lost races in a row.
    conflicts: u32,
    /// The relay has not the pieces that it should have: a commit brings all of them.
    all_pieces: bool,
    /// The relay took no commit that brings another access key for us.
    keeps_access_key: bool,
    /// How many other access keys of ours were tried since the relay did not know the one that the group shows.
    other_access: usize,
    /// A token went with the Create.
    token_sent: bool,
    /// `Joined` was told to people since the engine was loaded.
    announced: bool,
    /// Since this program was started it was said that this device is out.
    told_out: bool,
    /// The limit of the relay that people were told of.
    told: limit::Told,
    /// When it is our turn to hand the past over, drawn by lot.
    hand_over_at: Option<Millis>,
    /// The runtime was asked for the lines.
    hand_over_asked: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stream {
    #[default]
    Offline,
    /// Join was sent.
    Asking,
    /// Reading up to the head.
    CatchingUp,
    /// The log is read; publishing is allowed.
    Live,
}

impl Engine {
    /// What the relay calls the room.
    pub fn room_id(&self) -> RoomId {
        self.room
    }

    /// What people call the room.
    pub fn room_name(&self) -> &str {
        &self.meta.room_name
    }

    /// The display name that we want in this room.
    pub fn name(&self) -> &str {
        &self.own.name
    }

    /// Whoever knows the name can join.
    pub fn is_open(&self) -> bool {
        self.meta.open
    }

    /// Nobody but this person's devices is in it. False until this device is.
    pub fn is_own_devices(&self) -> bool {
        let room = self.group.as_ref().and_then(|group| group.room().ok());
        room.is_some_and(|room| room.own_devices)
    }

    /// Sequence number of the last log entry processed.
    pub fn cursor(&self) -> u64 {
        self.meta.cursor
    }

    /// Chat lines go so many seconds after they were said; 0 for never. A lookup, where [`Engine::view`] lists all members.
    pub fn disappear_s(&self) -> u32 {
        self.meta.disappear_s
    }

    /// The group, once we are a member.
    pub fn view(&self) -> Option<GroupView> {
        let group = self.group.as_ref().filter(|_| self.is_member())?;
        let me = group.leaf();
        let holders = group.members().ok()?;
        let state = group.room().ok()?;
        let mut view = GroupView {
            room: self.meta.room_name.clone(),
            open: self.meta.open,
            epoch: group.epoch(),
            authenticator: group.authenticator().ok()?,
            members: holders.iter().map(|(leaf, holder)| self.member(*leaf, holder, me, &state)).collect(),
            topic: state.topic.clone(),
            disappear_s: state.disappear_s,
            past_lines: state.past_lines,
            invites: Vec::new(),
            moderators_invite: state.invite_policy() == content::room::InvitePolicy::Moderators,
            seats: state.seats_per_account,
            own_devices: state.own_devices,
        };
        view.invites = self.listed(&state, &holders);
        Some(view)
    }

    fn member(&self, leaf: u32, holder: &Holder, me: u32, state: &content::Room) -> Member {
        let unique = holder.unique();
        let peer = self.peers.get(&leaf).filter(|peer| peer.unique == unique);
        Member {
            person: person(holder),
            leaf,
            me: leaf == me,
            heard: leaf == me || peer.is_some(),
            status: holder.status.clone(),
            glyph: holder.glyph.clone(),
            avatar: holder.avatar.clone(),
            is_moderator: roles::moderates(state, &holder.fingerprint),
            device: device(holder),
            since: peer.map_or(0, |peer| peer.since),
            replaces: holder.replaces,
            invite: self.group.as_ref().and_then(|group| group.invite_of(leaf)),
        }
    }

    /// Does what `input` asks. Never panics and never fails: what goes wrong is an [`Event`].
    pub fn handle(&mut self, input: Input, now: Millis) -> Output {
        let mut output = self.step(input, now);
        output.changes = self.changes();
        output
    }

    /// As [`Engine::handle`], without the state to save: for many inputs at a time. Before anything else of these
    /// steps is told, sent or stored, [`Engine::changes`] has to be.
    pub fn step(&mut self, input: Input, now: Millis) -> Output {
        let result = match input {
            _ if self.phase() == Phase::Closed => Ok(()),
            Input::Connected { binding, token, pin } => self.connected(&binding, token.as_ref(), pin),
            Input::Frame(frame) => self.frame(frame, now),
            Input::Disconnected => {
                self.link = Connection { announced: self.link.announced, ..Connection::default() };
                Ok(())
            }
            Input::Command(command) => self.command(command, now),
            Input::Tick => self.tick(now),
        };
        self.settle_keys();
        if let Err(error) = result.and_then(|()| self.pump(now)) {
            self.refuse(Problem::Group { error: error.to_string() });
        }
        self.hand_over_due(now);
        self.number_events();
        self.out.wake_at = self.wake_at(now);
        std::mem::take(&mut self.out)
    }

    /// What has changed since the last call, to be saved in one transaction.
    pub fn changes(&mut self) -> Vec<Change> {
        rows::collect(self)
    }

    /// Proves to the relay, on one connection, that this device may have a file of the room. None: we are not in.
    pub fn prove_blob(
        &self,
        blob: proto::BlobId,
        binding: &[u8; proto::CHANNEL_BINDING_LEN],
    ) -> Option<proto::relay::BlobProof> {
        let proof = || proto::blob::Proof {
            room: self.room,
            key: self.access.public(),
            blob,
            signature: self.access.sign_blob(&self.room, &blob, binding),
        };
        self.is_member().then(|| proof().into())
    }

    /// What this epoch's members alone have to link two devices. None: we are not in.
    pub fn linking_secret(&self) -> Option<Zeroizing<[u8; 32]>> {
        self.group.as_ref().filter(|_| self.is_member())?.linking_secret().ok()
    }

    fn phase(&self) -> Phase {
        self.meta.phase()
    }

    fn is_member(&self) -> bool {
        self.phase() == Phase::Member
    }

    fn set_phase(&mut self, phase: Phase) {
        self.meta.set_phase(phase);
    }

    fn set_pending(&mut self, pending: Option<Pending>) {
        self.pending = pending;
        self.stored.pending_changed = true;
    }

    fn alarm(&mut self, alarm: Alarm) {
        self.out.events.push(Event::Alarm(alarm));
    }

    fn refuse(&mut self, problem: Problem) {
        self.out.events.push(Event::Problem(problem));
    }

    /// The room is over for this device, for good.
    fn close(&mut self, reason: CloseReason) {
        let was_member = self.is_member();
        self.set_phase(Phase::Closed);
        let unsent = self.outbox.values().filter(|item| item.acked == 0).filter_map(outbox::queued).count();
        if unsent > 0 {
            self.refuse(Problem::NotSent { messages: unsent });
        }
        self.out.events.push(Event::Closed { reason, was_member });
    }

    fn signer(&self) -> Signer {
        Signer { secret: self.own.leaf_secret.clone().into(), public: self.own.leaf_public.clone().into() }
    }

    fn identity(&self) -> mls_rs_core::identity::SigningIdentity {
        self.identity_with(&self.signer())
    }

    fn identity_with(&self, signer: &Signer) -> mls_rs_core::identity::SigningIdentity {
        let device_id = self.own.device_id.as_slice().try_into().unwrap_or_default();
        crate::identity::credential::certify(
            &self.profile.identity,
            &self.room,
            Shown {
                name: &self.own.name,
                status: &self.own.status,
                glyph: &self.own.glyph,
                avatar: &self.own.avatar,
            },
            &self.own.device_name,
            device_id,
            &signer.public,
        )
    }

    /// The founder's, who came by no invite.
    fn leaf_extension(&self) -> content::Leaf {
        let access_key = self.access.public().as_bytes().to_vec().into();
        content::Leaf { access_key, ..content::Leaf::default() }
    }

    fn suite(&self) -> Suite {
        u16::try_from(self.own.suite)
            .ok()
            .and_then(|code| Suite::from_cipher_suite(code.into()))
            .unwrap_or_default()
    }
}

fn device(holder: &Holder) -> Device {
    Device { id: holder.device(), name: holder.device_name.clone() }
}

fn person(holder: &Holder) -> Person {
    Person { name: holder.name.clone(), fingerprint: holder.fingerprint }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod sim;
#[cfg(test)]
mod tests;
