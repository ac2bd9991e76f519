//! A room's state: a small head, a row for each key, a row for each step of the last thirty days.

use super::{AccessKey, CommitName, Grant, draft::Rows};
use crate::PublicKey;

/// A commit and the authority that it announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tip {
    /// Its sequence number; 0 for the room's beginning.
    pub position: u64,
    /// Who signs what is built on it.
    pub authority: PublicKey,
    /// Which commit it is.
    pub name: CommitName,
}

/// Commits that are confirmed, dropped and undone together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// Sequence number of its first commit: its key among the rows.
    pub first: u64,
    /// Which commit that is: what votes are for.
    pub name: CommitName,
    /// Its last commit.
    pub tip: Tip,
    /// What it was built on.
    pub base: Tip,
    /// The confirmed key that made it; `None` for joins and returns.
    pub author: Option<PublicKey>,
    /// Time of its newest commit, Unix milliseconds.
    pub at_ms: u64,
    /// Since when it waits for somebody's word, Unix milliseconds: whoever adds to it, or puts another of its own in its place, gains no
    /// time.
    pub since_ms: u64,
    /// Member keys that were confirmed before it, suspended ones among them: who may vote on it.
    pub voters: u64,
    /// How many of them want it undone.
    pub votes: u64,
    /// Member keys that it adds.
    pub added: u64,
    /// Member keys that it removes.
    pub removed: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a step. Once it is no longer offered, votes count until a time in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Not decided.
    Offered,
    /// Another key said that it is good, or time did.
    Confirmed(u64),
    /// Another commit took its place.
    Dropped(u64),
    /// A majority undid it.
    Undone(u64),
}

/// What is read and written with every commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// The last confirmed commit.
    pub confirmed: Tip,
    /// What one member offers on it.
    pub offer: Option<Step>,
    /// Joins and returns on top of either.
    pub joins: Option<Step>,
    /// Member keys that are confirmed, suspended ones among them.
    pub members: u64,
    /// Keys with access, those that are only offered among them.
    pub keys: u64,
    /// Rows of keys.
    pub rows: u64,
    /// Rows of steps.
    pub steps: u64,
}

/// One access key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyRow {
    /// What it may do.
    pub grant: Grant,
    /// Join commits published with it.
    pub uses: u32,
    /// The commit that added it; 0 for the room's beginning.
    pub added: u64,
    /// The commit that removed it, or for which it was suspended; 0 for none.
    pub removed: u64,
    /// That commit was dropped: the key counts as a member's still, but may only vote.
    pub suspended: bool,
}

/// What a key may do now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// All that members may. Only a confirmed one confirms, drops and removes.
    Member {
        /// It is in the confirmed state.
        confirmed: bool,
    },
    /// Read the slot and the card, and join.
    Invite,
    /// Vote, and nothing else.
    Barred {
        /// The commit that took its access away.
        by: u64,
        /// The first one of the step which that belongs to.
        step: CommitName,
    },
}

impl Head {
    /// A room begins: its head and its rows.
    pub fn open(authority: PublicKey, keys: &[AccessKey]) -> (Self, Vec<(PublicKey, KeyRow)>) {
        let rows: Vec<_> =
            keys.iter().map(|AccessKey { key, grant }| (*key, KeyRow::new(grant.clone(), 0))).collect();
        let count = rows.len() as u64;
        let members = rows.iter().filter(|(_, row)| row.grant.is_member()).count() as u64;
        let confirmed = Tip { position: 0, authority, name: CommitName::default() };
        (Self { confirmed, offer: None, joins: None, members, keys: count, rows: count, steps: 0 }, rows)
    }

    /// The newest commit.
    pub fn tip(&self) -> Tip {
        let step = self.joins.as_ref().or(self.offer.as_ref());
        step.map_or(self.confirmed, |step| step.tip)
    }

    /// Commits whose slots are kept.
    pub fn slots(&self) -> impl Iterator<Item = u64> + use<> {
        let offer = self.offer.as_ref().map(|step| step.tip.position);
        let joins = self.joins.as_ref().map(|step| step.tip.position);
        [Some(self.confirmed.position), offer, joins].into_iter().flatten()
    }

    /// Whether the word of a key with this row counts: it is a member's in good standing, and not itself only offered.
    pub fn heeds(&self, row: &KeyRow) -> bool {
        row.grant.is_member() && row.removed == 0 && row.added <= self.confirmed.position
    }

    /// The step that is offered and has this commit.
    pub(super) fn offered(&self, seq: u64) -> Option<&Step> {
        [&self.joins, &self.offer].into_iter().flatten().find(|step| step.has(seq))
    }
}

impl Step {
    /// Whether a commit is one of its own.
    pub fn has(&self, seq: u64) -> bool {
        (self.first..=self.tip.position).contains(&seq)
    }

    /// Whether no vote counts on it: the only key that was there made it. Were that key removed later, it alone would be the majority
    /// that goes back to before all who came since.
    pub(super) fn is_final(&self) -> bool {
        self.voters <= 1 && matches!(self.fate, Fate::Confirmed(_))
    }
}

impl Fate {
    /// Whether votes still count.
    pub fn is_open(self, now_ms: u64) -> bool {
        match self {
            Self::Offered => true,
            Self::Confirmed(until) | Self::Dropped(until) | Self::Undone(until) => now_ms < until,
        }
    }
}

impl KeyRow {
    pub(super) fn new(grant: Grant, added: u64) -> Self {
        Self { grant, uses: 0, added, removed: 0, suspended: false }
    }

    /// An invite that still lets somebody in.
    pub fn is_live(&self, now_ms: u64) -> bool {
        match self.grant {
            Grant::Member => false,
            Grant::Invite { expires_ms, max_uses, .. } => {
                (expires_ms == 0 || now_ms < expires_ms) && (max_uses == 0 || self.uses < max_uses)
            }
        }
    }

    /// Whether it is a member's key that is confirmed up to a commit, offered removals aside.
    pub fn counts(&self, confirmed: u64) -> bool {
        self.grant.is_member() && self.added <= confirmed && (self.removed == 0 || self.suspended)
    }

    /// Whether the key was confirmed just before a step began.
    pub(super) fn votes_on(&self, step: &Step) -> bool {
        let was_there = self.removed == 0 || self.removed >= step.first || self.suspended;
        self.grant.is_member() && self.added < step.first && was_there
    }
}

/// What a key may do now; `None` for one without any right.
///
/// # Errors
/// What reading rows says.
pub fn standing<R: Rows>(
    head: &Head,
    rows: &R,
    row: &KeyRow,
    now_ms: u64,
) -> Result<Option<Standing>, R::Error> {
    if !row.grant.is_member() {
        return Ok(row.is_live(now_ms).then_some(Standing::Invite));
    }
    if row.removed == 0 {
        return Ok(Some(Standing::Member { confirmed: head.heeds(row) }));
    }
    let step = match head.offered(row.removed) {
        Some(step) => Some(step.clone()),
        None => rows.step(row.removed)?.filter(|step| step.has(row.removed) && step.fate.is_open(now_ms)),
    };
    Ok(step.map(|step| Standing::Barred { by: row.removed, step: step.name }))
}
