//! This device is out: it cannot follow the group, though for the others it may still be a member. It commits
//! nothing, repairs nothing and writes no slot; it votes, where a commit put it out, and asks to be let back in
//! (`resync`). What is said meanwhile waits.

use proto::{
    access::OFFER_GRACE_MS,
    relay::{Deliver, Joined, Publish},
};

use super::{AlarmKind, Engine, Event, Millis, state::OutRow, state::RestoredRow};
use crate::mls::group::GroupError;

/// Why a device is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A commit that others have taken and this device cannot take.
    Commit(u64),
    /// Commits that the relay does not keep any more.
    Away,
    /// This profile is older than what it already did.
    OldProfile,
    /// A majority undid what this device had taken.
    Undone,
    /// The relay lost commits that this device has taken.
    Restored,
}

impl Cause {
    fn text(self) -> &'static str {
        match self {
            Self::Commit(_) => {
                "Others have taken a change of this room that this device cannot read, and so it is out."
            }
            Self::Away => {
                "This device was away for longer than the relay keeps messages, and so it is out of this room."
            }
            Self::OldProfile => {
                "This device went back to an older profile than this room has seen of it, and so it is out."
            }
            Self::Undone => {
                "A majority of this room undid a change, and this device has only what came after it, and so it is out."
            }
            Self::Restored => "This device has changes of this room that the relay lost, and so it is out.",
        }
    }
}

impl Engine {
    /// Once, with one sentence; later causes change nothing.
    pub(super) fn go_out(&mut self, cause: Cause) {
        if self.meta.out.is_some() {
            return;
        }
        let Some(group) = &self.group else { return };
        let mut row = OutRow::default();
        (row.leaf, row.epoch) = (group.leaf(), group.epoch());
        if let Cause::Commit(seq) = cause {
            row.cause = seq;
            // One that is only closed to this device is voted against when nobody lets it back in: votes stay, and
            // those of devices that were helped could undo what everybody has built on.
            if self.meta.untaken.as_ref().is_some_and(|untaken| untaken.broken) {
                self.meta.vote = seq;
            }
        }
        self.meta.out = Some(row);
        self.set_pending(None);
        self.dirty.meta = true;
        let message = format!("{} It asks to be let back in; what you say meanwhile waits.", cause.text());
        self.refuse(
            "out",
            message,
            "Wait until another member is online; if that does not help, join again by a new invite.",
        );
    }

    /// A vote that is due: whoever was put out wants the commit undone.
    pub(super) fn vote(&mut self) -> Option<Publish> {
        let seq = std::mem::take(&mut self.meta.vote);
        self.dirty.meta |= seq != 0;
        let ballot = (seq != 0).then(|| self.ballot(seq)).flatten()?;
        let id = self.profile.random.bytes::<16>().to_vec().into();
        Some(Publish { id, ballot: Some(ballot), ..Publish::default() })
    }

    /// A majority undid the commit at `entry.undone` and all after it.
    pub(super) fn undone(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        let from = entry.undone;
        let meta = &mut self.meta;
        meta.untaken = meta.untaken.take().filter(|untaken| untaken.seq < from);
        let was_out = meta.out.take_if(|out| out.cause >= from).is_some();
        if meta.vote >= from {
            meta.vote = 0;
        }
        (meta.offer, meta.joins) = (None, None);
        // What the relay calls the last commit now, it says itself.
        meta.last_commit = 0;
        self.refuse(
            "undone",
            format!(
                "A majority of this room's members undid the change at entry {from}, and what came after it."
            ),
            "/members shows who is in.",
        );
        if self.meta.position >= from {
            let bases = [self.meta.confirmed];
            let base = bases.into_iter().find(|base| *base < from);
            let known = match base {
                Some(base) => self.return_to(base)?,
                None => false,
            };
            if !known {
                self.go_out(Cause::Undone);
            }
        }
        if self.meta.out.is_none() {
            self.meta.confirmed = self.meta.position;
            // The relay has no slot now, and whoever was put out needs one.
            self.meta.want_update = true;
            self.link.commit_not_before = now + 1 + self.profile.random.below(2_000);
        }
        if was_out {
            self.refuse(
                "back",
                "This device follows the room again.",
                "What you said meanwhile is sent now.",
            );
        }
        self.dirty.meta = true;
        Ok(())
    }

    /// Whether the relay's log is another one than before. Then nothing is read until a person agrees.
    pub(super) fn is_restored(&mut self, joined: &Joined) -> bool {
        if joined.generation.is_empty() || *joined.generation == *self.meta.generation {
            return false;
        }
        if self.meta.generation.is_empty() {
            self.meta.generation = joined.generation.to_vec();
            self.dirty.meta = true;
            return false;
        }
        // Nothing of what this device has seen is missing there: that the log is the same shows in what members saw.
        let is_whole = joined.head >= self.meta.cursor
            && joined.last_commit >= self.meta.last_commit
            && self.outbox.iter().all(|item| item.acked <= joined.head);
        if is_whole && self.meta.restored.is_none() {
            self.meta.generation = joined.generation.to_vec();
            self.dirty.meta = true;
            return false;
        }
        let known = self.meta.restored.as_ref().is_some_and(|row| *row.generation == *joined.generation);
        // A person who starts the program again has to learn it again: nothing moves until they agree.
        if !known || !self.told_still {
            self.told_still = true;
            self.refuse(
                "relay_restored",
                "The relay was restored from a backup: what was said since then is gone there, and members may have seen \
                 different things.",
                "This room stands still until you agree: ask who runs the relay whether that is so, then say /accept here (a \
                 program: the command accept).",
            );
        }
        let accepted = self.meta.restored.as_ref().is_some_and(|row| known && row.accepted);
        let mut row = RestoredRow::default();
        (row.generation, row.head) = (joined.generation.to_vec(), joined.head);
        row.last_commit = joined.last_commit;
        self.meta.restored = Some(row);
        self.dirty.meta = true;
        if accepted {
            // More was appended since.
            let _ = self.accept();
            return false;
        }
        true
    }

    /// A person agrees to go on with a log that lost its end.
    pub(super) fn accept(&mut self) -> Result<(), GroupError> {
        let Some(row) = self.meta.restored.take() else {
            self.refuse(
                "nothing_to_accept",
                "There is nothing to accept in this room.",
                "That is for a relay that was restored.",
            );
            return Ok(());
        };
        self.meta.generation = row.generation;
        self.meta.cursor = row.head;
        self.meta.last_at = 0;
        self.meta.running_hash.clear();
        self.hashes = super::watch::Hashes::default();
        for item in &mut self.outbox {
            if item.acked != 0 {
                item.acked = 0;
                item.envelope.clear();
                self.dirty.outbox.insert(item.counter);
            }
        }
        self.set_pending(None);
        if row.last_commit != self.meta.position && !self.return_to(row.last_commit)? {
            self.go_out(Cause::Restored);
        }
        self.meta.last_commit = row.last_commit;
        self.dirty.meta = true;
        self.out.reopen = true;
        Ok(())
    }

    /// The relay says that this device's key was removed by the commit at `seq`: it may vote, and nothing else.
    pub(super) fn suspended(&mut self, seq: u64, now: Millis) {
        if seq != 0 && seq <= self.meta.cursor && self.is_member() {
            self.alarm(
                AlarmKind::Fork,
                format!(
                    "The relay says that entry {seq} removed this device, but this device has read that entry and is a \
                     member; it votes for nothing. The relay deceives this device."
                ),
            );
        } else if self.link.voted != seq {
            self.link.voted = seq;
            self.meta.vote = seq;
            self.link.not_before = now;
            if let Some(publish) = self.vote() {
                self.publish(publish);
            }
        }
        self.out.events.push(Event::Closed {
            reason: format!(
                "This device was removed from the room by the change at entry {seq}. It has voted against that: if more than half \
                 of those who were members then do the same within {} days, it is back. Otherwise ask a member for a new \
                 invite.",
                proto::access::UNDO_MS / (24 * 3600 * 1000)
            ),
            was_member: true,
        });
    }
}

/// A request is made no sooner than this after a device went out: votes may undo what put it out.
pub(super) const RESYNC_AFTER_MS: u64 = OFFER_GRACE_MS;
