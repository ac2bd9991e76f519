//! What is true of commits.

use super::{
    people::{JOINER, LINK, Set},
    room::Room,
};

/// What a commit really is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Truth {
    /// Whose key published it.
    pub by: u8,
    /// What it is built on.
    pub on: u64,
    /// Who has a leaf in its group.
    pub group: Set,
    /// Who can open it, and has the secrets of its epoch then.
    pub takers: Set,
    /// A joiner can use its slot.
    pub slot: bool,
    /// It is an ordinary commit, and was published as a return.
    pub is_false_return: bool,
}

impl Room {
    /// Who goes on in the epoch of a commit. Honest members do not take an ordinary one that says it is a return.
    pub(crate) fn holders(&self, position: u64) -> Set {
        let truth = &self.truth[&position];
        if truth.is_false_return { Set::default() } else { truth.takers }
    }

    pub(crate) fn holds(&self, who: u8, position: u64) -> bool {
        self.holders(position).has(who)
    }

    /// Whether a joiner gets into the group of a commit by what the relay has.
    pub(crate) fn lets_in(&self, position: u64) -> bool {
        self.slots.contains(&position) && self.truth[&position].slot
    }

    /// A commit and all that it is built on, the beginning aside.
    pub(crate) fn line(&self, position: u64) -> impl Iterator<Item = u64> {
        let before = |position: &u64| Some(self.truth[position].on);
        std::iter::successors(Some(position), before).take_while(|position| *position > 0)
    }

    /// Whether a commit is built on another one, or is that one.
    pub(crate) fn is_on(&self, position: u64, other: u64) -> bool {
        other == 0 || self.line(position).any(|seq| seq == other)
    }

    /// An honest commit on another one: whoever holds that can take it.
    pub(crate) fn next(&self, by: u8, on: u64) -> Truth {
        let Truth { group, .. } = self.truth[&on];
        Truth { by, on, group, takers: self.holders(on), slot: true, is_false_return: false }
    }

    /// The same, with the joiner in the group.
    pub(crate) fn with_joiner(&self, on: u64) -> Truth {
        let (next, joiner) = (self.next(LINK, on), Set::of(&[JOINER]));
        Truth { group: next.group.and(joiner), takers: next.takers.and(joiner), ..next }
    }

    /// The same, by who has asked to be let back in.
    pub(crate) fn with_returned(&self, by: u8, on: u64) -> Truth {
        let next = self.next(by, on);
        Truth { takers: next.takers.and(Set::of(&[by])), ..next }
    }
}
