//! Rows as they would be: nothing is written until everything is decided.

use std::collections::BTreeMap;

use super::{Head, KeyRow, Step};
use crate::PublicKey;

/// Where rows are kept.
pub trait Rows {
    /// Why they cannot be read.
    type Error;

    /// One key.
    ///
    /// # Errors
    /// Rows cannot be read; so below.
    fn key(&self, key: &PublicKey) -> Result<Option<KeyRow>, Self::Error>;

    /// All keys, in any order: when something is dropped, undone or forgotten.
    ///
    /// # Errors
    /// Rows cannot be read.
    fn keys(&self) -> Result<Vec<(PublicKey, KeyRow)>, Self::Error>;

    /// Of the steps that are not offered any more, the newest that began at this commit or before.
    ///
    /// # Errors
    /// Rows cannot be read.
    fn step(&self, seq: u64) -> Result<Option<Step>, Self::Error>;

    /// Up to `count` of them that began at this commit or later, in order.
    ///
    /// # Errors
    /// Rows cannot be read.
    fn steps(&self, from: u64, count: usize) -> Result<Vec<Step>, Self::Error>;

    /// Whether a key has voted on the step of this name.
    ///
    /// # Errors
    /// Rows cannot be read.
    fn voted(&self, first: u64, key: &PublicKey) -> Result<bool, Self::Error>;

    /// Who has voted on the step of this name, in any order.
    ///
    /// # Errors
    /// Rows cannot be read.
    fn votes_of(&self, first: u64) -> Result<Vec<PublicKey>, Self::Error>;
}

/// What one publish changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The head as it is then.
    pub head: Head,
    /// Keys that are written, or removed (`None`).
    pub keys: BTreeMap<PublicKey, Option<KeyRow>>,
    /// Steps that are written, or forgotten (`None`) with the votes on them.
    pub steps: BTreeMap<u64, Option<Step>>,
    /// A vote: the step's name and whose.
    pub vote: Option<(u64, PublicKey)>,
    /// Commits whose slots are not kept any more.
    pub slots: Vec<u64>,
    /// The first commit of what a majority undid; 0 for nothing.
    pub undone: u64,
}

impl Changes {
    /// Whether it leaves everything as it was, the head being this one.
    pub fn is_nothing(&self, before: &Head) -> bool {
        let is_empty = self.keys.is_empty() && self.steps.is_empty() && self.slots.is_empty();
        is_empty && self.vote.is_none() && self.undone == 0 && self.head == *before
    }
}

/// Rows with changes on top.
pub(super) struct Draft<'a, R> {
    rows: &'a R,
    slots: Vec<u64>,
    pub changes: Changes,
}

impl<'a, R: Rows> Draft<'a, R> {
    pub(super) fn new(head: &Head, rows: &'a R) -> Self {
        let changes = Changes {
            head: head.clone(),
            keys: BTreeMap::new(),
            steps: BTreeMap::new(),
            vote: None,
            slots: Vec::new(),
            undone: 0,
        };
        Self { rows, slots: head.slots().collect(), changes }
    }

    pub(super) fn finish(mut self) -> Changes {
        let kept: Vec<u64> = self.changes.head.slots().collect();
        self.slots.retain(|position| !kept.contains(position));
        self.changes.slots = self.slots;
        self.changes
    }

    pub(super) fn head(&mut self) -> &mut Head {
        &mut self.changes.head
    }

    pub(super) fn key(&self, key: &PublicKey) -> Result<Option<KeyRow>, R::Error> {
        match self.changes.keys.get(key) {
            Some(row) => Ok(row.clone()),
            None => self.rows.key(key),
        }
    }

    pub(super) fn put_key(&mut self, key: PublicKey, row: Option<KeyRow>) {
        self.changes.keys.insert(key, row);
    }

    pub(super) fn put_step(&mut self, step: Step) {
        self.changes.steps.insert(step.first, Some(step));
    }

    pub(super) fn forget_step(&mut self, first: u64) {
        self.changes.steps.insert(first, None);
        self.changes.head.steps = self.changes.head.steps.saturating_sub(1);
    }
}

impl<R: Rows> Rows for Draft<'_, R> {
    type Error = R::Error;

    fn key(&self, key: &PublicKey) -> Result<Option<KeyRow>, R::Error> {
        Draft::key(self, key)
    }

    fn keys(&self) -> Result<Vec<(PublicKey, KeyRow)>, R::Error> {
        let mut rows = self.rows.keys()?;
        rows.retain(|(key, _)| !self.changes.keys.contains_key(key));
        let changed = self.changes.keys.iter();
        rows.extend(changed.filter_map(|(key, row)| Some((*key, row.clone()?))));
        Ok(rows)
    }

    fn step(&self, seq: u64) -> Result<Option<Step>, R::Error> {
        let mut at = seq;
        let stored = loop {
            let step = self.rows.step(at)?;
            match step {
                // Changed here: looked up below.
                Some(step) if self.changes.steps.contains_key(&step.first) => {
                    let Some(before) = step.first.checked_sub(1) else { break None };
                    at = before;
                }
                other => break other,
            }
        };
        Ok(stored.into_iter().chain(self.changed_steps(0, seq)).max_by_key(|step| step.first))
    }

    fn steps(&self, from: u64, count: usize) -> Result<Vec<Step>, R::Error> {
        let mut steps = self.rows.steps(from, count.saturating_add(self.changes.steps.len()))?;
        steps.retain(|step| !self.changes.steps.contains_key(&step.first));
        steps.extend(self.changed_steps(from, u64::MAX));
        steps.sort_by_key(|step| step.first);
        steps.truncate(count);
        Ok(steps)
    }

    fn voted(&self, first: u64, key: &PublicKey) -> Result<bool, R::Error> {
        Ok(self.changes.vote == Some((first, *key)) || self.rows.voted(first, key)?)
    }

    fn votes_of(&self, first: u64) -> Result<Vec<PublicKey>, R::Error> {
        let mut votes = self.rows.votes_of(first)?;
        votes.extend(self.changes.vote.filter(|(step, _)| *step == first).map(|(_, key)| key));
        Ok(votes)
    }
}

impl<R> Draft<'_, R> {
    fn changed_steps(&self, from: u64, to: u64) -> impl Iterator<Item = Step> {
        self.changes.steps.range(from..=to).filter_map(|(_, step)| step.clone())
    }
}
