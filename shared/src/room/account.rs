//! The account of this device in the room, and how it gets another key: by a commit that shows the change, takes all other
//! devices of the account as it was out, and moves what the account was in the room.
//!
//! The profile has one account for all rooms, and each room learns of another key when its turn comes. Until then this
//! device's leaf is of the account as it was, and so are its rights.

use std::sync::Arc;

use mls_rs_core::identity::SigningIdentity;

use super::{Engine, person};
use crate::{
    content,
    identity::{Fingerprint, Identity, credential::Holder},
    mls::group::{Applied, Group},
    room::{Event, state::Peer},
};

impl Engine {
    /// The account has another key from now on. What the room has to do about it comes with the next step.
    pub fn take_account(&mut self, identity: Arc<Identity>) {
        self.profile.identity = identity;
    }

    /// Who we are in the room: as our leaf shows it. Another key for the account shows there once the room has taken it.
    pub fn account(&self) -> Fingerprint {
        self.own_account()
    }

    /// The account that our leaf has here; the profile's while we have none.
    pub(super) fn own_account(&self) -> Fingerprint {
        self.own_holder().map_or_else(|| self.profile.identity.fingerprint(), |holder| holder.fingerprint)
    }

    /// The public key of that account.
    pub(super) fn own_account_key(&self) -> [u8; 32] {
        let key = |holder: Holder| *holder.account_key();
        self.own_holder().map_or_else(|| self.profile.identity.public_key(), key)
    }

    pub(super) fn own_holder(&self) -> Option<Holder> {
        let group = self.group.as_ref()?;
        group.member(group.leaf())
    }

    /// What our account was before, by the leaf that we have or by the profile.
    fn replaced(&self) -> Option<Fingerprint> {
        self.profile.identity.change().map(crate::identity::KeyChange::old)
    }

    /// Whether that is our account, or what it was before.
    pub(super) fn is_ours(&self, who: &Fingerprint) -> bool {
        *who == self.profile.identity.fingerprint()
            || *who == self.own_account()
            || self.replaced() == Some(*who)
    }

    /// Our leaf here is still of the account as it was, and can show the change.
    pub(super) fn wants_account(&self) -> bool {
        let own = self.own_account();
        own != self.profile.identity.fingerprint() && self.replaced() == Some(own) && self.may_take_access()
    }

    /// Our leaf here is of another account than the profile's, and nothing links the two.
    pub(super) fn is_unlinked(&self) -> bool {
        let own = self.own_account();
        own != self.profile.identity.fingerprint() && !self.wants_account()
    }

    /// Devices of the account as it was go out, whoever holds them: they are wanted out from now on.
    pub(super) fn want_replaced_out(&mut self) {
        let Some(old) = self.replaced().filter(|_| self.is_member()) else { return };
        let Some(group) = &self.group else { return };
        let own = group.leaf();
        let Ok(members) = group.members() else { return };
        for (leaf, holder) in members {
            if leaf != own && holder.fingerprint == old {
                self.want_removed(holder.unique());
            }
        }
    }

    /// The credential of our leaf from now on, where it is to be another one; and what the commit's note says of that.
    pub(super) fn new_account(&self) -> Option<content::NewAccount> {
        let identity = &self.profile.identity;
        self.wants_account().then(|| content::NewAccount {
            account_key: identity.public_key().to_vec().into(),
            next: identity.next().0.to_vec().into(),
            change: identity.change().map(content::KeyChange::from),
            access_key: Vec::new().into(),
        })
    }

    /// The credential by which we come back: of the account as our leaf has it, since a return changes nothing.
    pub(super) fn identity_for_return(&self) -> SigningIdentity {
        let own = self.group.as_ref().and_then(Group::own_identity);
        match own {
            Some(own) if self.own_account() != self.profile.identity.fingerprint() => own,
            _ => self.identity(),
        }
    }

    /// A committer has another account than before: it is the same device, and its messages count on.
    pub(super) fn note_account(&mut self, applied: &Applied) {
        let Some(was) = applied.was.as_ref().filter(|was| was.fingerprint != applied.committer.fingerprint)
        else {
            return;
        };
        if let Some(peer) = self.peers.get(&applied.leaf).filter(|peer| peer.unique == was.unique()) {
            let peer = Peer { unique: applied.committer.unique(), ..peer.clone() };
            self.peers.insert(applied.leaf, peer);
        }
        self.out.events.push(Event::KeyChanged { who: person(&applied.committer), was: was.fingerprint });
    }
}
