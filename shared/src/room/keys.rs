//! The keys of this device in the room. They stay as long as its account does. With another account come another leaf key and, where
//! somebody else is in the room, another access key: whoever copied the device, or has its backup, has the old ones. An access key that
//! stayed is changed once somebody else is there.
//!
//! The new keys are stored with the commit that brings them, beside the old ones; whether it is in the log, the group says.
//! So after a crash the right ones are at hand. The new access key is used once the relay knows it for confirmed: until then a
//! single member could have the commit dropped, and the key with it. Then the next commit takes the old one away.

use zeroize::Zeroize as _;

use super::{
    Engine, Stream,
    state::{LeafKey, Own},
};
use crate::{
    content,
    identity::credential::Holder,
    invite::AccessSecret,
    mls::group::{Group, GroupError, Signer},
};

/// Keys that are kept beside those in use. Commits that lost their race leave some; the oldest go.
const MAX_SPARE: usize = 4;

impl Engine {
    /// The keys of the leaf that shows another account, stored before anybody sees them.
    pub(super) fn renew_keys(
        &mut self,
        group: &content::Leaf,
        members: &[(u32, Holder)],
    ) -> Result<(Signer, content::Leaf), GroupError> {
        let random = self.profile.random.clone();
        let signer = Signer::generate(self.suite(), &random)?;
        let (secret, public) = (signer.secret.as_bytes().to_vec(), signer.public.as_bytes().to_vec());
        let mut leaf = group.clone();
        // Where nobody else is, nobody could tell the relay that the new key is good. Our other devices are taken out by that very
        // commit.
        let is_another = |(_, holder): &(u32, Holder)| !self.is_ours(&holder.fingerprint);
        if members.iter().any(is_another) && !self.link.keeps_access_key {
            leaf = self.renew_access_key(leaf);
        } else {
            self.own.kept_access = leaf.access_key.to_vec();
        }
        self.own.spare_leaf.push(LeafKey { secret, public, access: leaf.access_key.to_vec() });
        self.own.is_settled = false;
        let spare_leaf = &mut self.own.spare_leaf;
        spare_leaf.drain(..spare_leaf.len().saturating_sub(MAX_SPARE));
        Ok((signer, leaf))
    }

    /// The leaf with another access key, which is stored before anybody sees it.
    pub(super) fn renew_access_key(&mut self, leaf: content::Leaf) -> content::Leaf {
        let access = AccessSecret::generate(&self.profile.random);
        let spare = &mut self.own.spare_access;
        spare.push(access.to_bytes().to_vec());
        spare.drain(..spare.len().saturating_sub(MAX_SPARE)).for_each(|mut key| key.zeroize());
        self.own.is_settled = false;
        let access_key = access.public().0.to_vec().into();
        content::Leaf { access_key, former_access_key: leaf.access_key, ..leaf }
    }

    /// The access key is one that stayed when the account got another key, and now another one may be brought.
    pub(super) fn wants_access_key(&self) -> bool {
        let Some(group) = self.group.as_ref().filter(|group| self.has_kept(group)) else { return false };
        let has_one = |leaf: content::Leaf| leaf.former_access_key.is_empty();
        let (me, own) = (group.leaf(), self.own_account());
        let stays = |(leaf, holder): &(u32, Holder)| {
            *leaf != me && (holder.fingerprint == own || !self.is_ours(&holder.fingerprint))
        };
        self.may_take_access()
            && !self.link.keeps_access_key
            && group.own_leaf().is_some_and(has_one)
            && group.members().is_ok_and(|members| members.iter().any(stays))
    }

    /// Whether a copy of this device may still come to the relay as this one.
    pub(super) fn shares_access_key(&self) -> bool {
        let Some(group) = &self.group else { return false };
        let has_former = |leaf: content::Leaf| !leaf.former_access_key.is_empty();
        self.has_kept(group) || group.own_leaf().is_some_and(has_former)
    }

    fn has_kept(&self, group: &Group) -> bool {
        let kept = &self.own.kept_access;
        !kept.is_empty() && group.own_leaf().is_some_and(|leaf| *leaf.access_key == *kept)
    }

    /// Whether the commit that is under way does.
    pub(super) fn brings_access_key(&self) -> bool {
        let part = self.pending.as_ref().and_then(|pending| pending.part.as_ref());
        let added = part.and_then(|part| part.access.as_ref()).map_or(&[][..], |access| &access.added);
        let is_spare = |secret: &Vec<u8>| {
            let public = access_of(secret).map(|access| access.public());
            public.is_some_and(|public| added.iter().any(|key| *key.key == public.0))
        };
        self.own.spare_access.iter().any(is_spare)
    }

    /// The access key of before is of no use to us any more, and may go.
    pub(super) fn drops_former_key(&self) -> bool {
        let leaf = self.group.as_ref().and_then(Group::own_leaf);
        let is_left = |leaf: content::Leaf| {
            !leaf.former_access_key.is_empty() && *leaf.access_key == self.own_key() && self.may_take_access()
        };
        leaf.is_some_and(is_left)
    }

    /// Whichever keys the group and the ledger say are ours are used from now on.
    pub(super) fn settle_keys(&mut self) {
        if self.own.spare_access.is_empty() && self.own.spare_leaf.is_empty() {
            return;
        }
        // With each step, since the group, the ledger and a commit under way have a say: that reads one leaf, and only in rooms in
        // which this device once gave the account another key.
        let Some((public, leaf)) = self.shown_keys() else { return };
        // What was sealed and signed for the old one is in the log before, or not at all.
        let is_idle = self.pending.is_none();
        let is_out = self.back.out.is_some();
        let (public, wanted) = match self.pair_to_ask(&public) {
            Some(pair) if is_out && is_idle => pair,
            // Who is out is let back in by the key that the leaf shows.
            _ if is_out || leaf.former_access_key.is_empty() || self.is_confirmed(&leaf.access_key) => {
                (public, leaf.access_key.to_vec())
            }
            _ => (public, leaf.former_access_key.to_vec()),
        };
        use_leaf_key(&mut self.own, &public);
        if self.own_key() == *wanted {
            self.link.other_access = 0;
        } else if is_idle && self.link.other_access == 0 {
            self.use_access(&wanted);
        }
        let may_go_back = self.books.offer.is_some() || self.books.joins.is_some();
        let is_over = is_idle && !may_go_back && !is_out && self.back.trial.is_none();
        if is_over && leaf.former_access_key.is_empty() && self.own_key() == *leaf.access_key {
            self.own.is_settled = true;
        }
    }

    /// A device that went out before it read what became of its change does not know which keys the others have of it. Each round it
    /// asks with the next ones, those first that the ledger has. None: with those that its own group shows.
    fn pair_to_ask(&self, shown: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let out = self.back.out.as_ref().filter(|_| !self.own.is_settled)?;
        let own = self.group.as_ref().and_then(Group::own_leaf)?;
        let in_use = (self.own.leaf_public.clone(), self.own_key().to_vec());
        let spare = self.own.spare_leaf.iter().map(|key| (key.public.clone(), key.access.clone()));
        // Where the account has its key for long, another access key alone may be on its way.
        let alone = self.own.spare_access.iter().filter_map(|secret| access_of(secret));
        let alone = alone.map(|access| (shown.to_vec(), access.public().0.to_vec()));
        let mut others: Vec<_> = spare.chain(alone).chain([in_use]).collect();
        others.retain(|(public, access)| public != shown || **access != *own.access_key);
        others.sort();
        others.dedup();
        let is_live = |access: &[u8]| self.ledger.now().is_some() && !self.ledger.has_removed(access);
        let live = others.iter().position(|(_, access)| **access != *own.access_key && is_live(access));
        if let Some(live) = live {
            return Some(others.swap_remove(live));
        }
        let turn = usize::try_from(out.rounds).ok()? % (others.len() + 1);
        (turn > 0).then(|| others.swap_remove(turn - 1))
    }

    /// The relay does not know the access key in use: a majority may have undone what brought it, or the change is in and the
    /// commit that took the old one away as well. Whether there is another one to try.
    pub(super) fn tries_other_access(&mut self) -> bool {
        if self.pending.is_some() || self.own.spare_access.is_empty() {
            return false;
        }
        let is_left = self.link.other_access < self.own.spare_access.len();
        // After the last one it is the first one's turn again.
        let mut next = self.own.spare_access.remove(0);
        std::mem::swap(&mut next, &mut self.own.access_secret);
        self.own.spare_access.push(next);
        if let Some(access) = access_of(&self.own.access_secret) {
            self.access = access;
        }
        self.link.other_access = if is_left { self.link.other_access + 1 } else { 0 };
        self.out.reopen |= is_left;
        is_left
    }

    /// Whether that is an access key of this device, in use or not.
    pub(super) fn is_own_access(&self, public: &[u8]) -> bool {
        let is_it = |secret: &Vec<u8>| access_of(secret).is_some_and(|access| access.public().0 == *public);
        *public == self.own_key() || self.own.spare_access.iter().any(is_it)
    }

    /// The same, or one that stayed when the account got another key.
    pub(super) fn was_own_access(&self, public: &[u8]) -> bool {
        self.is_own_access(public) || (!public.is_empty() && *public == *self.own.kept_access)
    }

    fn use_access(&mut self, public: &[u8]) {
        if let Some(access) = use_access_key(&mut self.own, public) {
            self.access = access;
            if self.link.state != Stream::Offline {
                // The stream is of the other key.
                (self.link.state, self.out.reopen) = (Stream::Offline, true);
            }
        }
    }

    /// The row `own` with the keys that the group has, and no others: what a commit that may never come brings is nobody's.
    pub(super) fn own_in_group(&self) -> Own {
        let mut own = self.own.clone();
        if let Some((public, leaf)) = self.shown_keys() {
            use_leaf_key(&mut own, &public);
            use_access_key(&mut own, &leaf.access_key);
        }
        own.spare_access.zeroize();
        own.spare_leaf.clear();
        own
    }

    /// Our leaf's signature key, and our leaf.
    fn shown_keys(&self) -> Option<(Vec<u8>, content::Leaf)> {
        let group = self.group.as_ref().filter(|_| self.is_member())?;
        Some((group.leaf_key(group.leaf())?, group.own_leaf()?))
    }
}

fn use_leaf_key(own: &mut Own, public: &[u8]) {
    if let Some(key) = own.spare_leaf.iter_mut().find(|key| key.public == public) {
        std::mem::swap(&mut key.secret, &mut own.leaf_secret);
        std::mem::swap(&mut key.public, &mut own.leaf_public);
        if let Some(access) = access_of(&own.access_secret) {
            key.access = access.public().0.to_vec();
        }
    }
}

fn use_access_key(own: &mut Own, public: &[u8]) -> Option<AccessSecret> {
    let is_it = |secret: &[u8]| access_of(secret).is_some_and(|access| access.public().0 == *public);
    let spare = own.spare_access.iter_mut().find(|secret| is_it(secret))?;
    std::mem::swap(spare, &mut own.access_secret);
    access_of(&own.access_secret)
}

fn access_of(secret: &[u8]) -> Option<AccessSecret> {
    Some(AccessSecret::from_bytes(secret.try_into().ok()?))
}
