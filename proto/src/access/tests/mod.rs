//! A room whose members are numbers, and signatures that cost nothing.

mod ballots;
mod joins;
mod offers;
mod rows;
mod work;

use super::{
    AccessKey, Ack, Ballot, Change, Changes, Commit, CommitName, CommitParts, Grant, Memory, Publish,
    Refusal, Rows as _, Standing, Verify, ack_statement, ballot_statement, commit_statement,
};
use crate::{PublicKey, RoomId};

pub(super) const ROOM: RoomId = RoomId([9; 32]);
pub(super) const GENERATION: [u8; 16] = [7; 16];
pub(super) const DAY: u64 = 24 * 3600 * 1000;

/// The signer's name and the statement's end: nobody here forges.
pub(super) struct Toy;

impl Verify for Toy {
    fn verify(&self, key: &PublicKey, statement: &[u8], signature: &[u8; 64]) -> bool {
        sign(*key, statement) == *signature
    }
}

fn sign(key: PublicKey, statement: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&key.0);
    for (at, byte) in statement.iter().enumerate() {
        let place = &mut signature[32 + at % 32];
        *place = place.wrapping_mul(31).wrapping_add(*byte);
    }
    signature
}

pub(super) fn key(n: u8) -> PublicKey {
    PublicKey([n; 32])
}

/// The authority of an epoch that somebody made.
pub(super) fn authority(n: u8) -> PublicKey {
    PublicKey([100 + n; 32])
}

pub(super) fn member(n: u8) -> AccessKey {
    AccessKey { key: key(n), grant: Grant::Member }
}

pub(super) fn invite(n: u8, max_uses: u32) -> AccessKey {
    let grant = Grant::Invite { expires_ms: 0, max_uses, card: bytes::Bytes::from_static(b"card") };
    AccessKey { key: key(n), grant }
}

pub(super) fn change(added: Vec<AccessKey>, removed: &[u8]) -> Change {
    Change { added, removed: removed.iter().map(|n| key(*n)).collect() }
}

pub(super) struct Room {
    pub state: Memory,
    pub now_ms: u64,
    pub seq: u64,
}

impl Room {
    /// Members 1 to `members`, and the invite 50.
    pub(super) fn of(members: u8) -> Self {
        let keys: Vec<_> = (1..=members).map(member).chain([invite(50, 0)]).collect();
        Self { state: Memory::open(authority(0), &keys), now_ms: DAY, seq: 0 }
    }

    pub(super) fn publish(
        &mut self,
        by: u8,
        commit: Option<&Commit>,
        ack: Option<&Ack>,
        ballot: Option<&Ballot>,
    ) -> Result<Changes, Refusal> {
        let (seq, now_ms, key) = (self.seq + 1, self.now_ms, key(by));
        let (room, generation, max_keys) = (&ROOM, &GENERATION, 32);
        let what = Publish { room, generation, seq, now_ms, max_keys, key, commit, ack, ballot };
        let changes = self.state.publish(&Toy, &what)?;
        self.seq = seq;
        Ok(changes)
    }

    /// A commit on `expected`, signed by an authority or a key.
    pub(super) fn part(&self, by: u8, expected: u64, change: Change, next: u8, signer: PublicKey) -> Commit {
        let (parts, authority) = (CommitParts::of(b"", [0; 32], &change), authority(next));
        let statement = commit_statement(&ROOM, expected, &key(by), &authority, &parts);
        let instead_of = self.state.head.tip().position;
        Commit { expected, instead_of, change, authority, signature: sign(signer, &statement), parts }
    }

    /// A member's commit on what is newest.
    pub(super) fn commit(&mut self, by: u8, change: Change, next: u8) -> Result<u64, Refusal> {
        let tip = self.state.head.tip();
        let part = self.part(by, tip.position, change, next, tip.authority);
        self.publish(by, Some(&part), None, None)?;
        Ok(self.seq)
    }

    /// A member's commit on what is confirmed.
    pub(super) fn drop(&mut self, by: u8, change: Change, next: u8) -> Result<u64, Refusal> {
        let base = self.state.head.confirmed;
        let part = self.part(by, base.position, change, next, base.authority);
        self.publish(by, Some(&part), None, None)?;
        Ok(self.seq)
    }

    /// A join by an invite.
    pub(super) fn join(&mut self, by: u8, expected: u64, newcomer: u8, next: u8) -> Result<u64, Refusal> {
        let part = self.part(by, expected, change(vec![member(newcomer)], &[]), next, key(by));
        self.publish(by, Some(&part), None, None)?;
        Ok(self.seq)
    }

    /// A member whose leaf is in the tree enters anew.
    pub(super) fn come_back(&mut self, by: u8, expected: u64, next: u8) -> Result<u64, Refusal> {
        let part = self.part(by, expected, change(vec![], &[]), next, key(by));
        self.publish(by, Some(&part), None, None)?;
        Ok(self.seq)
    }

    pub(super) fn ack(&mut self, by: u8, seq: u64, announced: u8) -> Result<Changes, Refusal> {
        let ack = self.signed_ack(by, seq, announced, by);
        self.publish(by, None, Some(&ack), None)
    }

    /// By `by`, or by `signer` in its name.
    pub(super) fn signed_ack(&self, by: u8, seq: u64, announced: u8, signer: u8) -> Ack {
        let head = &self.state.head;
        let tips = head.offer.iter().chain(&head.joins).map(|step| step.tip);
        let name =
            tips.into_iter().find(|tip| tip.position == seq).map_or_else(Default::default, |tip| tip.name);
        let statement = ack_statement(&ROOM, seq, &name, &key(by));
        let (signature, key_signature) =
            (sign(authority(announced), &statement), sign(key(signer), &statement));
        Ack { seq, signature, key_signature }
    }

    /// Against what stands there.
    pub(super) fn vote(&mut self, by: u8, seq: u64) -> Result<u64, Refusal> {
        let name = self.step_name(seq);
        self.vote_for(by, seq, name)
    }

    pub(super) fn vote_for(&mut self, by: u8, seq: u64, step: CommitName) -> Result<u64, Refusal> {
        let signature = sign(key(by), &ballot_statement(&ROOM, &GENERATION, seq, &step));
        Ok(self.publish(by, None, None, Some(&Ballot { seq, step, signature }))?.undone)
    }

    /// Of the step that a commit belongs to.
    pub(super) fn step_name(&self, seq: u64) -> CommitName {
        let offered = self.state.head.offered(seq).cloned();
        let step = offered.or_else(|| self.state.step(seq).unwrap().filter(|step| step.has(seq)));
        step.map_or_else(Default::default, |step| step.name)
    }

    pub(super) fn say(&mut self, by: u8) -> Result<(), Refusal> {
        self.publish(by, None, None, None).map(drop)
    }

    pub(super) fn standing(&self, of: u8) -> Option<Standing> {
        self.state.standing(&key(of), self.now_ms)
    }

    pub(super) fn is_in(&self, of: u8) -> bool {
        matches!(self.standing(of), Some(Standing::Member { .. }))
    }

    pub(super) fn is_barred(&self, of: u8) -> bool {
        matches!(self.standing(of), Some(Standing::Barred { .. }))
    }

    pub(super) fn confirmed(&self) -> u64 {
        self.state.head.confirmed.position
    }

    /// Time for those who are awake to take what is offered.
    pub(super) fn wait(&mut self) {
        self.now_ms += super::OFFER_GRACE_MS;
    }
}
