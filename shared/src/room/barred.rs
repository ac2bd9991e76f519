//! The relay says that this device's key lost its access by a commit which it may never read: what is left is to vote
//! against that. Devices of one person do not: what one of them did, and a change of the account's key above all, would be
//! undone by those that it is about.

use std::collections::BTreeMap;

use proto::relay::Joined;

use super::{Alarm, CloseReason, Engine, Event, Millis, OutCause};
use crate::identity::credential::Holder;

/// Who took the access away, as the relay says and as far as this device knows the keys.
enum Doer {
    /// This device made what a majority then undid.
    Itself,
    /// The account itself, by another device.
    Own,
    /// Somebody else.
    Another,
    /// Whoever came since this device read the log. `others`: devices of ours were in the room as well.
    Unknown { others: bool },
}

impl Engine {
    /// The relay says that this device may vote, and nothing else.
    pub(super) fn suspended(&mut self, joined: &Joined, now: Millis) {
        let (entry, step) = (joined.suspended_by, &*joined.suspended_step);
        let keys = self.group.as_ref().and_then(|group| group.holders_of_keys().ok()).unwrap_or_default();
        let members = keys.len();
        let doer = self.doer(joined, &keys);
        let voted = CloseReason::RemovedAndVoted { entry, members, has_others: false };
        let reason = match doer {
            Doer::Itself => CloseReason::ChangeUndone { entry },
            _ if self.is_false(entry, step) || self.has_taken(entry, step) => {
                self.alarm(Alarm::FalselyRemoved { entry });
                voted
            }
            Doer::Own => CloseReason::RemovedByOwnUnseen { entry },
            Doer::Another | Doer::Unknown { .. } => {
                self.vote_against(entry, step, now);
                let has_others = matches!(doer, Doer::Unknown { others: true });
                CloseReason::RemovedAndVoted { entry, members, has_others }
            }
        };
        self.out.events.push(Event::Closed { reason, was_member: true });
    }

    /// Whether this device has read that commit, and knows better.
    fn is_false(&self, entry: u64, step: &[u8]) -> bool {
        let read = entry != 0 && entry <= self.meta.cursor;
        read && !self
            .is_barred_by(entry, step)
            .unwrap_or_else(|| !self.is_member() || self.back.out.is_some())
    }

    fn vote_against(&mut self, entry: u64, step: &[u8], now: Millis) {
        if self.link.voted == entry {
            return;
        }
        self.link.voted = entry;
        self.want_vote(entry, step.to_vec());
        self.link.not_before = now;
        if let Some(publish) = self.vote() {
            self.publish(publish);
        }
    }

    /// A key that this device does not know may be a newer device of ours or a stranger's. Then whom the commit took out
    /// decides: nobody of ours takes others out with them, and somebody who wants the room takes others out above all.
    fn doer(&self, joined: &Joined, keys: &BTreeMap<Vec<u8>, Holder>) -> Doer {
        // The leaf may show another key of this device than the one that it uses.
        let is_own = |key: &[u8]| match keys.get(key) {
            Some(who) => Some(self.is_ours(&who.fingerprint)),
            None => self.was_own_access(key).then_some(true),
        };
        let others =
            keys.iter().any(|(key, who)| !self.was_own_access(key) && self.is_ours(&who.fingerprint));
        // Of a backup, the device itself may have taken the old key away, by the new one of another account.
        let is_backup = self.back.out.as_ref().is_some_and(|out| out.why() == OutCause::Backup);
        let only_ours = joined.suspended_with.iter().all(|key| is_own(key) != Some(false));
        match is_own(&joined.suspended_key) {
            // By either key, where a change of the account brought another one.
            _ if self.is_own_access(&joined.suspended_key) => Doer::Itself,
            Some(true) => Doer::Own,
            Some(false) => Doer::Another,
            None if (others || is_backup) && only_ours => Doer::Own,
            None => Doer::Unknown { others },
        }
    }
}
