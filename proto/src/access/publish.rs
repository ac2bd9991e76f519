//! One publish: whether it is taken, and what it changes.

use super::{
    Change, Changes, CommitName, CommitParts, Grant, Head, Rows, Standing, Step, Tip, Verify, ack_statement,
    draft::Draft, standing,
};
use crate::{PublicKey, RoomId};

/// What a key publishes; the envelope itself does not matter.
#[derive(Clone, Copy, Debug)]
pub struct Publish<'a> {
    /// Where.
    pub room: &'a RoomId,
    /// Which log of the room.
    pub generation: &'a [u8; 16],
    /// The sequence number that it gets if it is taken.
    pub seq: u64,
    /// The relay's clock, Unix milliseconds.
    pub now_ms: u64,
    /// Keys that the room may have.
    pub max_keys: u64,
    /// Who.
    pub key: PublicKey,
    /// Set for a commit.
    pub commit: Option<&'a Commit>,
    /// Set by who has taken a commit that is only offered.
    pub ack: Option<&'a Ack>,
    /// Set to vote; then nothing else is.
    pub ballot: Option<&'a Ballot>,
}

/// A commit part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Commit {
    /// The commit it is built on.
    pub expected: u64,
    /// For a join on the last confirmed commit: the newest one, whose slot it found to be of no use. Without that
    /// two who come at once would push each other out.
    pub instead_of: u64,
    /// What happens to the access keys.
    pub change: Change,
    /// Of the epoch that it begins.
    pub authority: PublicKey,
    /// Over [`commit_statement`](super::commit_statement).
    pub signature: [u8; 64],
    /// What else it says.
    pub parts: CommitParts,
}

/// A member has taken a commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ack {
    /// Which.
    pub seq: u64,
    /// Over [`ack_statement`], by the authority that the commit announced.
    pub signature: [u8; 64],
    /// Over the same, by the publishing key: every member of the epoch could make the other one.
    pub key_signature: [u8; 64],
}

/// A vote for the undoing of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ballot {
    /// Which.
    pub seq: u64,
    /// Its step: the name of the first commit of those that stand or fall with it.
    pub step: CommitName,
    /// Over [`ballot_statement`](super::ballot_statement), by the publishing key.
    pub signature: [u8; 64],
}

/// Why a publish is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not with this key.
    #[error("not allowed")]
    NotAllowed,
    /// Not on this commit, not now, or not signed by its authority.
    #[error("the last commit is at {last_commit}, the last confirmed one at {confirmed}")]
    Conflict {
        /// The newest commit.
        last_commit: u64,
        /// The newest confirmed one.
        confirmed: u64,
    },
    /// A signature that its own key did not make, or a key that would change its kind.
    #[error("breaks the protocol")]
    Malformed,
    /// More keys than the room may have.
    #[error("too many access keys")]
    TooLarge,
}

/// Outside: rows cannot be read. Inside: the answer.
pub(super) type Outcome<T, E> = Result<Result<T, Refusal>, E>;

/// Decides on one publish. Nothing is written: the caller does it, all or nothing.
///
/// # Errors
/// What reading rows says.
pub fn publish<R: Rows>(
    head: &Head,
    rows: &R,
    verify: &impl Verify,
    publish: &Publish<'_>,
) -> Result<Result<Changes, Refusal>, R::Error> {
    let mut draft = Draft::new(head, rows);
    if publish.commit.is_some() || publish.ballot.is_some() {
        draft.tidy(publish.now_ms)?;
    }
    let Some(row) = draft.key(&publish.key)? else { return Ok(Err(Refusal::NotAllowed)) };
    let standing = standing(&draft.changes.head, &draft, &row, publish.now_ms)?;
    let answer = match (standing, publish.ballot) {
        (Some(Standing::Member { .. } | Standing::Barred { .. }), Some(ballot)) => {
            draft.vote(verify, publish, &row, ballot)?
        }
        (Some(Standing::Invite), None) => match publish.commit {
            Some(commit) => draft.join(verify, publish, row, commit)?,
            None => Err(Refusal::NotAllowed),
        },
        (Some(Standing::Member { confirmed }), None) => draft.say(verify, publish, confirmed)?,
        _ => Err(Refusal::NotAllowed),
    };
    Ok(answer.map(|()| draft.finish()))
}

impl<R: Rows> Draft<'_, R> {
    /// A member in good standing.
    fn say(&mut self, verify: &impl Verify, publish: &Publish<'_>, confirmed: bool) -> Outcome<(), R::Error> {
        if let Some(ack) = publish.ack
            && let Err(refusal) = self.acknowledge(verify, publish, confirmed, ack)
        {
            return Ok(Err(refusal));
        }
        match publish.commit {
            Some(commit) => self.commit(verify, publish, confirmed, commit),
            None => Ok(Ok(())),
        }
    }

    /// What is not offered any more is no mistake: somebody else was faster.
    fn acknowledge(
        &mut self,
        verify: &impl Verify,
        publish: &Publish<'_>,
        confirmed: bool,
        ack: &Ack,
    ) -> Result<(), Refusal> {
        let head = self.head();
        let tip_of = |step: &Option<Step>| step.as_ref().map(|step| step.tip);
        let is_at = |tip: &Tip| tip.position == ack.seq;
        let joins = tip_of(&head.joins).filter(is_at);
        let Some(tip) = joins.or(tip_of(&head.offer).filter(is_at)) else { return Ok(()) };
        let statement = ack_statement(publish.room, ack.seq, &tip.name, &publish.key);
        let is_signed = verify.verify(&tip.authority, &statement, &ack.signature)
            && verify.verify(&publish.key, &statement, &ack.key_signature);
        if !is_signed {
            return Err(Refusal::Malformed);
        }
        if confirmed {
            self.accept(publish.key, publish.now_ms, joins.is_some());
        }
        Ok(())
    }

    /// By an invite's key.
    fn join(
        &mut self,
        verify: &impl Verify,
        publish: &Publish<'_>,
        row: super::KeyRow,
        commit: &Commit,
    ) -> Outcome<(), R::Error> {
        if publish.ack.is_some() || !commit.change.is_one_new_member() {
            return Ok(Err(Refusal::NotAllowed));
        }
        if !commit.is_signed_by(verify, publish, &publish.key) {
            return Ok(Err(Refusal::Malformed));
        }
        if let Err(refusal) = self.place_join(commit)? {
            return Ok(Err(refusal));
        }
        // It may have come with what was dropped.
        if self.key(&publish.key)?.is_none() {
            return Ok(Err(Refusal::NotAllowed));
        }
        // A use counts, whatever becomes of the commit.
        let used = super::KeyRow { uses: row.uses.saturating_add(1), ..row };
        self.put_key(publish.key, Some(used));
        self.push_join(publish, commit)
    }
}

impl Commit {
    /// Which commit it is.
    pub(super) fn name(&self, publish: &Publish<'_>) -> CommitName {
        CommitName::of(publish.room, self.expected, &publish.key, &self.authority, &self.parts)
    }

    pub(super) fn is_signed_by(
        &self,
        verify: &impl Verify,
        publish: &Publish<'_>,
        signer: &PublicKey,
    ) -> bool {
        self.is_signed(verify, (publish.room, &publish.key), signer)
    }

    /// Whether `signer` signed it, as the commit that `key` publishes in that room.
    pub fn is_signed(
        &self,
        verify: &impl Verify,
        (room, key): (&RoomId, &PublicKey),
        signer: &PublicKey,
    ) -> bool {
        let statement = super::commit_statement(room, self.expected, key, &self.authority, &self.parts);
        verify.verify(signer, &statement, &self.signature)
    }

    /// Whether a member's `key` comes back by it: it changes no key, and that key signed it itself. Whatever else it is, nobody
    /// stands for it.
    pub fn is_return(&self, verify: &impl Verify, room: &RoomId, key: &PublicKey) -> bool {
        self.change.is_empty() && self.is_signed(verify, (room, key), key)
    }

    /// Whether somebody comes in by it or comes back, by the look of it: what readers of the log can tell without knowing
    /// whose `key` it is.
    pub fn enters(&self, verify: &impl Verify, room: &RoomId, key: &PublicKey) -> bool {
        let may = self.change.is_empty() || self.change.is_one_new_member();
        may && self.is_signed(verify, (room, key), key)
    }
}

impl Grant {
    pub(super) fn is_same_kind(&self, other: &Self) -> bool {
        self.is_member() == other.is_member()
    }
}
