//! The relay's ledger, kept by this device for itself: who may do what, by the very rules of the relay
//! ([`proto::access`]), over the entries that this device reads. So what the relay says became of a commit is believed
//! only where the rules and the signatures in the log say the same.
//!
//! Whoever makes a room keeps it from its beginning. Whoever joins it, or has lost a part of the log, begins with what
//! the relay says at the next Join: a relay that lies then is believed as far as the device's own group agrees
//! (`takeback`). Where the log cannot be followed, the ledger is closed until then.

use std::collections::BTreeMap;

use bytes::Bytes;
use proto::{
    PublicKey, RoomId,
    access::{
        Ack, Ballot, Changes, Commit, CommitName, Ed25519, Grant, Head, KeyRow, Memory, OFFER_GRACE_MS,
        Publish, Refusal, Standing, Step,
    },
    relay::{Create, Deliver, Joined},
};

use super::{Engine, Problem, kinship::part_of, state::Phase};

/// Keys that a room has here at most, eight times as many as relays allow unless told otherwise: how many it may have is
/// the relay's affair, and what fills this device's memory is its own.
const MAX_KEYS: u64 = 1 << 16;

/// Who may do what, as far as this device has read; or nothing, while the ledger is closed.
#[derive(Default)]
pub(super) struct Ledger {
    state: Option<Memory>,
    /// What came up to here is in it already.
    from: u64,
    /// It began with the room, and owes nothing to what a relay says.
    own: bool,
    /// This device has read as far as it goes.
    level: bool,
    /// Rows that differ from storage.
    rows: BTreeMap<String, Option<Vec<u8>>>,
}

/// What the ledger says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Booked {
    /// Nothing: it is closed, or began later.
    Unknown,
    /// The rules allow it. `undone`: the first commit of what this ballot undoes, 0 for nothing.
    Allowed { undone: u64 },
    /// No honest relay takes it.
    Refused,
}

impl Ledger {
    /// Whether it owes nothing to what a relay says.
    pub(super) fn is_own(&self) -> bool {
        self.own && self.state.is_some()
    }

    /// Whether there is one, perhaps of later than what this device has read.
    pub(super) fn is_open(&self) -> bool {
        self.state.is_some()
    }

    /// Who may do what, as of what this device has read; none while closed.
    pub(super) fn now(&self) -> Option<&Memory> {
        self.state.as_ref().filter(|_| self.level)
    }

    /// Whether it was never held against the log, and is of a place that a log which ends there has not.
    fn is_beyond(&self, head: u64) -> bool {
        self.is_open() && !self.level && self.from > head
    }

    /// This device has read up to there.
    pub(super) fn reach(&mut self, seq: u64) {
        self.level |= seq >= self.from;
    }

    /// The last confirmed commit; none while closed.
    pub(super) fn confirmed(&self) -> Option<u64> {
        self.now().map(|state| state.head.confirmed.position)
    }

    /// The newest commit that still stands; none while closed.
    pub(super) fn tip(&self) -> Option<u64> {
        self.now().map(|state| state.head.tip().position)
    }

    /// What the rows' head says; none while closed.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn head(&self) -> Option<&Head> {
        self.now().map(|state| &state.head)
    }

    /// Which commit began the step that this one belongs to.
    pub(super) fn step_name(&self, seq: u64) -> Option<CommitName> {
        self.state.as_ref()?.step_of(seq).map(|step| step.name)
    }

    /// Whether that is no member's key any more, or never was one. Who was suspended by what was dropped is a member still. While
    /// closed it says nothing.
    pub(super) fn has_removed(&self, key: &[u8]) -> bool {
        let row = |state: &Memory| state.row(&PublicKey::try_from(key).ok()?).cloned();
        let is_in = |row: KeyRow| row.grant.is_member() && (row.removed == 0 || row.suspended);
        self.now().is_some_and(|state| !row(state).is_some_and(is_in))
    }

    /// What a key may do; none while closed.
    fn standing(&self, key: &PublicKey, now_ms: u64) -> Option<Option<Standing>> {
        self.state.as_ref().map(|state| state.standing(key, now_ms))
    }

    fn open(&mut self, state: Memory, from: u64, own: bool) {
        self.close();
        self.put_head(&state.head, from, own);
        state.all_keys().for_each(|(key, row)| self.put_key(key, Some(row)));
        state.all_steps().for_each(|step| self.put_step(step.first, Some(step)));
        state.all_votes().for_each(|vote| self.put_vote(*vote, true));
        (self.state, self.from, self.own, self.level) = (Some(state), from, own, from == 0);
    }

    /// What follows is not known to follow.
    pub(super) fn close(&mut self) {
        let Some(state) = self.state.take() else { return };
        self.rows.insert("ledger/head".to_owned(), None);
        state.all_keys().for_each(|(key, _)| self.put_key(key, None));
        state.all_steps().for_each(|step| self.put_step(step.first, None));
        state.all_votes().for_each(|vote| self.put_vote(*vote, false));
    }

    fn apply(&mut self, changes: &Changes) {
        let Some(mut state) = self.state.take() else { return };
        for (first, _) in changes.steps.iter().filter(|(_, step)| step.is_none()) {
            state.votes_on(*first).for_each(|key| self.put_vote((*first, key), false));
        }
        state.apply(changes);
        self.put_head(&state.head, self.from, self.own);
        changes.keys.iter().for_each(|(key, row)| self.put_key(key, row.as_ref()));
        changes.steps.iter().for_each(|(first, step)| self.put_step(*first, step.as_ref()));
        changes.vote.into_iter().for_each(|vote| self.put_vote(vote, true));
        self.state = Some(state);
    }

    fn put_head(&mut self, head: &Head, from: u64, own: bool) {
        let row = [&from.to_be_bytes(), &[u8::from(own)][..], &head.to_bytes()].concat();
        self.rows.insert("ledger/head".to_owned(), Some(row));
    }

    fn put_key(&mut self, key: &PublicKey, row: Option<&KeyRow>) {
        let row = row.map(|row| [&key.0[..], &row.to_bytes()].concat());
        self.rows.insert(format!("ledger/key/{}", hex(&key.0)), row);
    }

    fn put_step(&mut self, first: u64, step: Option<&Step>) {
        self.rows.insert(format!("ledger/step/{first}"), step.map(Step::to_bytes));
    }

    fn put_vote(&mut self, (first, key): (u64, PublicKey), is_there: bool) {
        let row = is_there.then(|| [&first.to_be_bytes()[..], &key.0].concat());
        self.rows.insert(format!("ledger/vote/{first}/{}", hex(&key.0)), row);
    }

    /// Rows that changed since the last time.
    pub(super) fn take_rows(&mut self) -> BTreeMap<String, Option<Vec<u8>>> {
        std::mem::take(&mut self.rows)
    }

    /// Out of the rows `ledger/…`; none if they are not what was saved.
    pub(super) fn load<'a>(rows: impl Iterator<Item = (&'a str, &'a [u8])>) -> Option<Self> {
        let (mut head, mut keys, mut steps, mut votes) = (None, Vec::new(), Vec::new(), Vec::new());
        for (name, row) in rows {
            match name.split('/').nth(1)? {
                "head" => {
                    let (from, rest) = row.split_first_chunk()?;
                    let (own, rest) = rest.split_first()?;
                    head = Some((u64::from_be_bytes(*from), *own != 0, Head::from_bytes(rest).ok()?));
                }
                "key" => {
                    let (key, row) = row.split_first_chunk()?;
                    keys.push((PublicKey(*key), KeyRow::from_bytes(row).ok()?));
                }
                "step" => steps.push(Step::from_bytes(row).ok()?),
                "vote" => {
                    let (first, key) = row.split_first_chunk()?;
                    votes.push((u64::from_be_bytes(*first), PublicKey(key.try_into().ok()?)));
                }
                _ => return None,
            }
        }
        let Some((from, own, head)) = head else { return Some(Self::default()) };
        let state = Some(Memory::of(head, keys, steps, votes));
        Some(Self { state, from, own, ..Self::default() })
    }
}

impl Engine {
    /// A room of ours begins.
    pub(super) fn open_ledger(&mut self, create: &Create) {
        let Ok(authority) = PublicKey::try_from(&*create.authority) else { return };
        let Ok(keys) = proto::access::distinct_keys(&create.keys) else { return };
        self.ledger.open(Memory::open(authority, &keys), 0, true);
    }

    /// Whether the relay is to be asked how things stand.
    pub(super) fn wants_ledger(&self) -> bool {
        self.ledger.state.is_none() && matches!(self.phase(), Phase::Confirming | Phase::Member)
    }

    /// The relay says how things stand. Not where it is of before what this device has read.
    pub(super) fn learn_ledger(&mut self, joined: &Joined) {
        if self.ledger.is_beyond(joined.head) {
            // Made up: it would never be held against anything. The next Join asks for another.
            self.ledger.close();
            self.refuse(Problem::NoLedger);
            return;
        }
        if !self.wants_ledger() {
            return;
        }
        match Memory::from_snapshot(&joined.access) {
            Ok((position, state)) if (self.meta.cursor..=joined.head).contains(&position) => {
                self.ledger.open(state, position, false);
                self.ledger.reach(self.meta.cursor);
            }
            _ => self.refuse(Problem::NoLedger),
        }
    }

    /// Enters the next entry of the log.
    pub(super) fn book(&mut self, entry: &Deliver) -> Booked {
        self.ledger.reach(entry.seq);
        let Some(state) = self.ledger.state.as_ref().filter(|_| entry.seq > self.ledger.from) else {
            return Booked::Unknown;
        };
        if !entry.is_commit && entry.ack.is_none() && entry.ballot.is_none() {
            return Booked::Allowed { undone: 0 };
        }
        match decide(state, &self.room, &self.meta.generation, entry) {
            Some(Ok(changes)) => {
                self.ledger.apply(&changes);
                Booked::Allowed { undone: changes.undone }
            }
            _ => Booked::Refused,
        }
    }

    /// Whether the ledger, if it has that commit, says as the relay does that it took this device's access away.
    pub(super) fn is_barred_by(&self, seq: u64, step: &[u8]) -> Option<bool> {
        let standing = self.ledger.standing(&self.access.public(), self.meta.last_at)?;
        (seq <= self.meta.cursor).then(|| match standing {
            Some(Standing::Barred { by, step: ours }) => by == seq && ours.0 == *step,
            _ => false,
        })
    }
}

/// What the rules say of an entry; none where it is nothing that a relay takes.
fn decide(
    state: &Memory,
    room: &RoomId,
    generation: &[u8],
    entry: &Deliver,
) -> Option<Result<Changes, Refusal>> {
    let commit = if entry.is_commit { Some(commit(state, entry)?) } else { None };
    let ack = match &entry.ack {
        Some(ack) => Some(Ack {
            seq: ack.seq,
            signature: (&*ack.signature).try_into().ok()?,
            key_signature: (&*ack.key_signature).try_into().ok()?,
        }),
        None => None,
    };
    let ballot = match &entry.ballot {
        Some(ballot) => Some(Ballot {
            seq: ballot.seq,
            step: CommitName((&*ballot.step).try_into().ok()?),
            signature: (&*ballot.signature).try_into().ok()?,
        }),
        None => None,
    };
    // How long the relay let an offer stand is its affair, as any delay is.
    let waited = state.head.offer.as_ref().map_or(0, |offer| offer.since_ms.saturating_add(OFFER_GRACE_MS));
    let others =
        state.head.offer.as_ref().is_some_and(|offer| offer.author.is_none_or(|by| by.0 != *entry.key));
    let drops = others && commit.as_ref().is_some_and(|commit| commit.expected != state.head.tip().position);
    let key = PublicKey::try_from(&*entry.key).ok()?;
    let at_ms = if drops { entry.at_ms.max(waited) } else { entry.at_ms };
    // The relay's clock may have gone back behind the log's time, so whether an invite was over when it took a join is its
    // word; the group judges the join.
    let at_ms = end_of(state, &key).map_or(at_ms, |end| at_ms.min(end.saturating_sub(1)));
    let what = Publish {
        room,
        generation: generation.try_into().ok()?,
        seq: entry.seq,
        now_ms: at_ms,
        max_keys: MAX_KEYS,
        key,
        commit: commit.as_ref(),
        ack: ack.as_ref(),
        ballot: ballot.as_ref(),
    };
    Some(state.decide(&Ed25519, &what))
}

/// When an invite ends; none for one without an end, and for keys of members.
fn end_of(state: &Memory, key: &PublicKey) -> Option<u64> {
    match state.row(key)?.grant {
        Grant::Invite { expires_ms, .. } if expires_ms != 0 => Some(expires_ms),
        Grant::Invite { .. } | Grant::Member => None,
    }
}

fn commit(state: &Memory, entry: &Deliver) -> Option<Commit> {
    let (_, mut commit) = part_of(entry)?;
    for added in &mut commit.change.added {
        // Nobody looks into it here.
        if let Grant::Invite { card, .. } = &mut added.grant {
            *card = Bytes::new();
        }
    }
    // Who took it has looked.
    Some(Commit { instead_of: state.head.tip().position, ..commit })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
