//! A room's rows in memory: members' ledger, their test relay and the model.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use super::{
    AccessKey, Changes, Head, KeyRow, Publish, Refusal, Rows, Standing, Step, Verify, publish, standing,
};
use crate::PublicKey;

/// A room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    /// Its head.
    pub head: Head,
    keys: BTreeMap<PublicKey, KeyRow>,
    steps: BTreeMap<u64, Step>,
    votes: BTreeSet<(u64, PublicKey)>,
}

impl Memory {
    /// A room begins.
    pub fn open(authority: PublicKey, keys: &[AccessKey]) -> Self {
        let (head, rows) = Head::open(authority, keys);
        Self { head, keys: rows.into_iter().collect(), steps: BTreeMap::new(), votes: BTreeSet::new() }
    }

    /// A room as its rows say.
    pub fn of(
        head: Head,
        keys: impl IntoIterator<Item = (PublicKey, KeyRow)>,
        steps: impl IntoIterator<Item = Step>,
        votes: impl IntoIterator<Item = (u64, PublicKey)>,
    ) -> Self {
        Self {
            head,
            keys: keys.into_iter().collect(),
            steps: steps.into_iter().map(|step| (step.first, step)).collect(),
            votes: votes.into_iter().collect(),
        }
    }

    /// The step that a commit belongs to, offered or not.
    pub fn step_of(&self, seq: u64) -> Option<&Step> {
        let decided = || self.steps.range(..=seq).next_back().map(|(_, step)| step);
        self.head.offered(seq).or_else(decided).filter(|step| step.has(seq))
    }

    /// All that is decided, oldest first.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.values()
    }

    /// All keys.
    pub fn all_keys(&self) -> impl Iterator<Item = (&PublicKey, &KeyRow)> {
        self.keys.iter()
    }

    /// All votes on what is not forgotten: the step's first commit, and whose.
    pub fn all_votes(&self) -> impl Iterator<Item = &(u64, PublicKey)> {
        self.votes.iter()
    }

    /// Who has voted on the step that began with this commit.
    pub fn votes_on(&self, first: u64) -> impl Iterator<Item = PublicKey> + '_ {
        let (least, greatest) = (PublicKey([0; 32]), PublicKey([0xff; 32]));
        self.votes.range((first, least)..=(first, greatest)).map(|(_, key)| *key)
    }

    /// Decides on a publish, and changes what it changes.
    ///
    /// # Errors
    /// [`Refusal`]: nothing has changed.
    pub fn publish(&mut self, verify: &impl Verify, what: &Publish<'_>) -> Result<Changes, Refusal> {
        let changes = self.decide(verify, what)?;
        self.apply(&changes);
        Ok(changes)
    }

    /// Decides on a publish, and changes nothing.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn decide(&self, verify: &impl Verify, what: &Publish<'_>) -> Result<Changes, Refusal> {
        match publish(&self.head, self, verify, what) {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// What a key may do.
    pub fn standing(&self, key: &PublicKey, now_ms: u64) -> Option<Standing> {
        let row = self.keys.get(key)?;
        match standing(&self.head, self, row, now_ms) {
            Ok(standing) => standing,
            Err(never) => match never {},
        }
    }

    /// One key's row.
    pub fn row(&self, key: &PublicKey) -> Option<&KeyRow> {
        self.keys.get(key)
    }

    /// Changes what a publish changes.
    pub fn apply(&mut self, changes: &Changes) {
        self.head = changes.head.clone();
        for (key, row) in &changes.keys {
            match row {
                Some(row) => drop(self.keys.insert(*key, row.clone())),
                None => drop(self.keys.remove(key)),
            }
        }
        self.votes.extend(changes.vote);
        for (first, step) in &changes.steps {
            match step {
                Some(step) => drop(self.steps.insert(*first, step.clone())),
                None => {
                    self.steps.remove(first);
                    for key in self.votes_on(*first).collect::<Vec<_>>() {
                        self.votes.remove(&(*first, key));
                    }
                }
            }
        }
    }
}

impl Rows for Memory {
    type Error = Infallible;

    fn key(&self, key: &PublicKey) -> Result<Option<KeyRow>, Infallible> {
        Ok(self.keys.get(key).cloned())
    }

    fn keys(&self) -> Result<Vec<(PublicKey, KeyRow)>, Infallible> {
        Ok(self.keys.iter().map(|(key, row)| (*key, row.clone())).collect())
    }

    fn step(&self, seq: u64) -> Result<Option<Step>, Infallible> {
        Ok(self.steps.range(..=seq).next_back().map(|(_, step)| step.clone()))
    }

    fn steps(&self, from: u64, count: usize) -> Result<Vec<Step>, Infallible> {
        Ok(self.steps.range(from..).take(count).map(|(_, step)| step.clone()).collect())
    }

    fn voted(&self, first: u64, key: &PublicKey) -> Result<bool, Infallible> {
        Ok(self.votes.contains(&(first, *key)))
    }

    fn votes_of(&self, first: u64) -> Result<Vec<PublicKey>, Infallible> {
        Ok(self.votes_on(first).collect())
    }
}
