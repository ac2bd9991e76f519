//! Whether a message is where its sender meant it to be, before MLS is asked, and how far a sender's ratchet may run
//! ahead of what it said.
//!
//! Each message uses up a key of its sender's ratchet, and whoever did not get a message must keep its key: the MLS
//! library keeps up to 1,024 for each message that jumps ahead, without end. So there is a bound that all members know
//! alike, from the log alone: the contents of a leaf that were taken in an epoch, and [`MAX_AHEAD`] more for what
//! never reaches the log (signals, and what was sealed and lost). A member keeps that many keys of another one at most,
//! about 50 KiB, for each epoch that can still be read.

use super::{
    Engine,
    checks::Number,
    state::{Peer, Taken},
};
use crate::mls::group::{Claim, EPOCHS_KEPT, Kind, MessagePlace};

/// Keys of one member and epoch for what is not in the log. Not over the 1,024 that the MLS library skips at once, so
/// that what one member takes no other refuses for its library's sake.
pub(super) const MAX_AHEAD: u32 = 1_024;

/// Of these, what signals leave for contents that are sealed and lost.
const RESERVE: u32 = 128;

impl Engine {
    /// Where `message` belongs, if that is where it was found and its key is not too far ahead. None costs nothing:
    /// MLS has not seen it.
    pub(super) fn placed(&self, kind: Kind, number: &Number, message: &[u8]) -> Option<MessagePlace> {
        let Claim { epoch, place } = Claim::of(message).ok()?;
        let (leaf, session) = number.id;
        let is_here = place.kind == kind && place.session == session && place.sequence == number.sequence;
        let bound = self.taken(leaf, epoch).saturating_add(MAX_AHEAD);
        (is_here && epoch == number.epoch && place.generation < bound).then_some(place)
    }

    /// Whether a signal of ours leaves enough keys for what we may have to say in this epoch.
    pub(super) fn may_signal(&self, generation: u32) -> bool {
        generation < self.own_bound().saturating_sub(RESERVE)
    }

    /// Whether the others would take a content of ours under this key.
    pub(super) fn may_say(&self, generation: u32) -> bool {
        generation < self.own_bound()
    }

    fn own_bound(&self) -> u32 {
        let own = self.group.as_ref().map(|group| (group.leaf(), group.epoch()));
        own.map_or(0, |(leaf, epoch)| self.taken(leaf, epoch).saturating_add(MAX_AHEAD))
    }

    fn taken(&self, leaf: u32, epoch: u64) -> u32 {
        let taken =
            self.peers.get(&leaf).and_then(|peer| peer.taken.iter().find(|taken| taken.epoch == epoch));
        taken.map_or(0, |taken| taken.contents)
    }

    /// Whether this leaf's member has proven to be here since we came: by a content, a commit or its join.
    pub(super) fn is_heard(&self, leaf: u32, unique: &[u8]) -> bool {
        self.peers.get(&leaf).is_some_and(|peer| peer.unique == unique)
    }

    /// This leaf's member has proven to be here, by a commit.
    pub(super) fn heard(&mut self, leaf: u32, unique: &[u8]) {
        if !self.is_heard(leaf, unique) {
            let peer = Peer { leaf, unique: unique.to_vec(), uncounted: true, ..Peer::default() };
            self.peers.insert(leaf, peer);
        }
    }

    /// A content of this leaf, sealed in `epoch`, was in the log and is what it says. Ours count as well.
    pub(super) fn take(&mut self, leaf: u32, unique: &[u8], epoch: u64) {
        let now = self.group.as_ref().map_or(0, crate::mls::group::Group::epoch);
        if epoch.saturating_add(EPOCHS_KEPT) < now {
            return;
        }
        let fresh = || Peer { leaf, unique: unique.to_vec(), ..Peer::default() };
        let peer = self.peers.entry(leaf, fresh);
        if peer.unique != unique {
            *peer = fresh();
        }
        peer.taken.retain(|taken| taken.epoch.saturating_add(EPOCHS_KEPT) >= now);
        match peer.taken.iter_mut().find(|taken| taken.epoch == epoch) {
            Some(taken) => taken.contents = taken.contents.saturating_add(1),
            None => peer.taken.push(Taken { epoch, contents: 1 }),
        }
    }
}
