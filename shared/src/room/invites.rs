//! Invites of ours and of others: made, listed, revoked, and gone when their time is over.
//!
//! The group lists public keys alone; the secret of an invite stays on the device that made it.

use proto::relay::{AccessChange, AccessKey};

use super::{
    Engine, Event, Invited, Millis, Problem, Right, person,
    state::{OwnInvite, WantInvite},
};
use crate::{
    content::{self, room::InvitePolicy},
    identity::credential::Holder,
    invite::{
        INVITE_LIFETIME_MS, INVITE_USES, InviteSecret, MAX_INVITES,
        card::{self, Card},
        link::Link,
        list_for,
    },
    mls::group::{Group, GroupError},
};

/// An invite whose time is over is taken from the group's list this much later by our own clock, in milliseconds: so
/// that two clocks a little apart do not quarrel.
const END_SLACK_MS: u64 = 60_000;

/// Invites that are asked for and not made yet, at most.
const MAX_WANTED: usize = MAX_INVITES;

impl OwnInvite {
    pub(super) fn new(secret: &InviteSecret, expires_ms: u64, max_uses: u32) -> Self {
        let mut own = Self::default();
        own.secret = secret.as_bytes().to_vec();
        (own.expires_ms, own.max_uses) = (expires_ms, max_uses);
        own
    }

    pub(super) fn invite_secret(&self) -> Option<InviteSecret> {
        Some(InviteSecret::from_bytes(self.secret.as_slice().try_into().ok()?))
    }
}

impl Engine {
    /// A link with these limits; without any, the newest live one that this device made is good enough.
    pub(super) fn invite(
        &mut self,
        uses: Option<u32>,
        expires_ms: Option<u64>,
        now: Millis,
    ) -> Result<(), GroupError> {
        if self.show_open(None)? {
            return Ok(());
        }
        let any = uses.is_none() && expires_ms.is_none();
        let own = if any { self.live_invite(None, now)? } else { None };
        if let Some(own) = own {
            self.show_invite(&own);
            return Ok(());
        }
        let wanted = WantInvite {
            max_uses: uses.unwrap_or(INVITE_USES),
            expires_ms: expires_ms.unwrap_or(now + INVITE_LIFETIME_MS),
            ..WantInvite::default()
        };
        self.want_invite(wanted, now)
    }

    /// A link for one device of our own account, until then; one that was made for it before and not used is good enough. Made
    /// for another one it is not: that one may come any time, and then this one would stand outside.
    pub(super) fn invite_device(
        &mut self,
        whose: &[u8; 16],
        expires_ms: u64,
        now: Millis,
    ) -> Result<(), GroupError> {
        if self.show_open(Some(whose))? {
            return Ok(());
        }
        if let Some(own) = self.live_invite(Some(whose), now)? {
            self.show_invite(&own);
            return Ok(());
        }
        if self.invites.want_invites.iter().any(|wanted| wanted.for_device && wanted.whose == *whose) {
            return Ok(());
        }
        self.want_invite(WantInvite { max_uses: 1, expires_ms, for_device: true, whose: whose.to_vec() }, now)
    }

    /// The link of an open room, which anybody can make. False: it is none.
    fn show_open(&mut self, whose: Option<&[u8; 16]>) -> Result<bool, GroupError> {
        let room = self.group()?.room()?;
        if !room.open {
            return Ok(false);
        }
        let mut own = OwnInvite::new(&InviteSecret::of_open_room(&room.name), 0, 0);
        own.pin = self.link.pin.map(|pin| pin.to_vec()).unwrap_or_default();
        (own.for_device, own.whose) =
            (whose.is_some(), whose.map(|whose| whose.to_vec()).unwrap_or_default());
        self.show_invite(&own);
        Ok(true)
    }

    /// The newest invite of this device that lets somebody in, or that device of ours, and is not about to end.
    fn live_invite(&self, whose: Option<&[u8; 16]>, now: Millis) -> Result<Option<OwnInvite>, GroupError> {
        let group = self.group()?;
        let room = group.room()?;
        let time = now.max(self.meta.last_at);
        let ends = |own: &OwnInvite| own.ends_ms != 0 && own.ends_ms <= now;
        let live = |own: &&OwnInvite| {
            let is_for = whose.map_or(!own.for_device, |whose| own.for_device && own.whose == *whose);
            is_for && (own.expires_ms == 0 || (own.expires_ms > time && !ends(own)))
        };
        let left = |own: &&OwnInvite| {
            let listed = own.invite_secret().and_then(|secret| find(&room, &secret.id()));
            let stays =
                |invite: &&content::Invite| !self.invites.to_revoke.iter().any(|id| *id == *invite.id);
            listed
                .filter(stays)
                .is_some_and(|invite| invite.max_uses == 0 || group.uses(&invite.id) < invite.max_uses)
        };
        Ok(self.invites.own_invites.iter().rev().filter(live).find(left).cloned())
    }

    fn group(&self) -> Result<&Group, GroupError> {
        self.group.as_ref().ok_or(GroupError::Damaged)
    }

    fn want_invite(&mut self, wanted: WantInvite, now: Millis) -> Result<(), GroupError> {
        let room = self.group()?.room()?;
        if room.invite_policy() == InvitePolicy::Moderators && !self.is_moderator() {
            self.refuse(Problem::NotModerator(Right::Invite));
            return Ok(());
        }
        if room.invites.len() + self.invites.want_invites.len() >= MAX_INVITES.min(MAX_WANTED) {
            self.refuse(Problem::TooManyInvites);
            return Ok(());
        }
        if wanted.expires_ms != 0 && wanted.expires_ms <= now {
            self.refuse(Problem::BadTime);
            return Ok(());
        }
        self.invites.want_invites.push(wanted);
        Ok(())
    }

    pub(super) fn show_invite(&mut self, own: &OwnInvite) {
        let Some(secret) = own.invite_secret() else { return };
        let link = Link { secret, pin: own.pin.first_chunk().copied() };
        let event = match own.for_device {
            true => {
                // One of an earlier version was made for nobody in particular.
                let whose = own.whose.as_slice().try_into().unwrap_or_default();
                Event::DeviceInvite { whose, link }
            }
            false => Event::Invite { link, expires_ms: own.expires_ms, max_uses: own.max_uses },
        };
        self.out.events.push(event);
    }

    pub(super) fn revoke(&mut self, id: &[u8; 16]) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let room = group.room()?;
        let Some(invite) = find(&room, id) else {
            self.refuse(Problem::NoSuchInvite);
            return Ok(());
        };
        if room.open {
            self.refuse(Problem::OpenRoom);
        } else if *invite.maker != self.own_account_key() && !self.is_moderator() {
            self.refuse(Problem::NotModerator(Right::Revoke));
        } else if !self.invites.to_revoke.iter().any(|other| other == id) {
            self.invites.to_revoke.push(id.to_vec());
        }
        Ok(())
    }

    /// The live invites, for people.
    pub(super) fn listed(&self, room: &content::Room, members: &[(u32, Holder)]) -> Vec<Invited> {
        let Some(group) = &self.group else { return Vec::new() };
        let of = |invite: &content::Invite| {
            let id: [u8; 16] = (&*invite.id).try_into().ok()?;
            // Whoever goes takes all invites along, so the maker is here.
            let (_, maker) = members.iter().find(|(_, holder)| *holder.account_key() == *invite.maker)?;
            let by = person(maker);
            let own = |own: &OwnInvite| own.invite_secret().is_some_and(|secret| secret.id() == id);
            let ours = self.invites.own_invites.iter().any(own);
            let (expires_ms, max_uses, used) = (invite.expires_ms, invite.max_uses, group.uses(&id));
            let for_device = !invite.account.is_empty();
            Some(Invited { id, by, ours, for_device, expires_ms, max_uses, used })
        };
        if room.open { Vec::new() } else { room.invites.iter().filter_map(of).collect() }
    }

    /// What becomes of the invites in our next commit. A removal ends them all, and brings none: who was removed
    /// reads that commit, and a new link is made in a later one.
    pub(super) fn plan_invites(
        &mut self,
        room: &mut content::Room,
        removes: bool,
        now: Millis,
    ) -> Result<Vec<OwnInvite>, GroupError> {
        if room.open {
            return Ok(Vec::new());
        }
        if removes {
            room.invites.clear();
            return Ok(Vec::new());
        }
        let (is_moderator, own_key) = (self.is_moderator(), self.own_account_key());
        let may_take_access = self.may_take_access();
        room.invites.retain(|invite| {
            let revoked = self.invites.to_revoke.iter().any(|id| *id == *invite.id);
            let may = may_take_access && (is_moderator || *invite.maker == own_key);
            !(may && (revoked || has_ended(self.ends_ms(invite), now)))
        });
        // While the account is about to change, the leaf is still the old one's, and nobody takes an invite by the new one.
        let is_between = own_key != self.profile.identity.public_key();
        let free = match is_between || (room.invite_policy() == InvitePolicy::Moderators && !is_moderator) {
            true => 0,
            false => MAX_INVITES.saturating_sub(room.invites.len()),
        };
        if self.invites.want_invites.len() > free {
            self.invites.want_invites.truncate(free);
            self.refuse(Problem::NoInvite);
        }
        // Joins are judged by the log's time. Where it is ahead of our clock for good, since the relay's clock was, an
        // invite that expired by our clock would be over before anybody has it.
        let behind = self.meta.last_at.saturating_sub(now);
        let mut made = Vec::new();
        for wanted in &self.invites.want_invites {
            let secret = InviteSecret::generate(&self.profile.random);
            let expires_ms = match wanted.expires_ms {
                0 => 0,
                ends_ms => ends_ms.saturating_add(behind),
            };
            let maker = &self.profile.identity;
            let account = wanted.for_device.then(|| maker.fingerprint());
            let limits = (expires_ms, wanted.max_uses);
            let listed = list_for(&secret, &self.room, limits, maker, account.as_ref());
            room.invites.push(listed.map_err(|_| GroupError::Unexpected)?);
            let mut own = OwnInvite::new(&secret, expires_ms, wanted.max_uses);
            (own.ends_ms, own.for_device) = (wanted.expires_ms, wanted.for_device);
            own.whose.clone_from(&wanted.whose);
            made.push(own);
        }
        Ok(made)
    }

    /// When an invite ends by our own clock, in milliseconds; 0 for never. The log's time may stand still for years
    /// where it is ahead: one of ours ends when it was asked to, all the same.
    fn ends_ms(&self, invite: &content::Invite) -> Millis {
        let is_it = |own: &&OwnInvite| own.invite_secret().is_some_and(|secret| secret.id() == *invite.id);
        let own = self.invites.own_invites.iter().find(is_it).map(|own| own.ends_ms);
        own.filter(|ends_ms| *ends_ms != 0).unwrap_or(invite.expires_ms)
    }

    /// An invite that is over by our own clock ends, whatever the relay's clock says: a relay whose clock stands still
    /// must not keep it alive.
    pub(super) fn end_invites(&mut self, now: Millis) {
        if self.invites.invite_ends != 0 && now >= self.invites.invite_ends && !self.invites.want_prune {
            self.invites.want_prune = true;
            self.elect();
        }
    }

    /// Whether a commit of ours would end invites: each has access to the relay.
    pub(super) fn wants_invites_gone(&self) -> bool {
        (!self.invites.to_revoke.is_empty() || self.invites.want_prune) && self.may_take_access()
    }

    /// Our commit is in the log: shows what was asked for.
    pub(super) fn invites_made(&mut self, made: &[OwnInvite]) {
        let done = made.len().min(self.invites.want_invites.len());
        self.invites.want_invites.drain(..done);
        for own in made {
            self.invites.own_invites.push(own.clone());
            self.show_invite(own);
        }
    }

    /// A new epoch: forgets what is over.
    pub(super) fn note_invites(&mut self) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Ok(()) };
        let room = group.room()?;
        let (is_moderator, own_key) = (self.is_moderator(), self.own_account_key());
        self.invites
            .own_invites
            .retain(|own| own.invite_secret().is_some_and(|secret| find(&room, &secret.id()).is_some()));
        let may_end = |invite: &content::Invite| is_moderator || *invite.maker == own_key;
        self.invites.to_revoke.retain(|id| find(&room, id).is_some_and(may_end));
        self.invites.want_prune = false;
        let may = |invite: &&content::Invite| !room.open && invite.expires_ms != 0 && may_end(invite);
        let ends = room.invites.iter().filter(may).map(|invite| self.ends_ms(invite)).min();
        self.invites.invite_ends = ends.map_or(0, |at| at.saturating_add(END_SLACK_MS));
        Ok(())
    }

    /// Puts our cards beside the keys of our invites.
    pub(super) fn add_cards(
        &self,
        keys: &mut [AccessKey],
        own: &mut [OwnInvite],
        epoch: u64,
    ) -> Result<(), GroupError> {
        let card = Card {
            room_id: self.room,
            room_name: self.meta.room_name.clone(),
            pin: self.link.pin,
            inviter: self.profile.identity.fingerprint(),
            inviter_key: self.profile.identity.public_key(),
            inviter_name: self.own.name.clone(),
            least_epoch: epoch,
        };
        for own in own {
            own.pin = card.pin.map(|pin| pin.to_vec()).unwrap_or_default();
            let Some(secret) = own.invite_secret() else { continue };
            let public = secret.access_key().public();
            for key in keys.iter_mut().filter(|key| *key.key == *public.as_bytes()) {
                let sealed = card::seal(&secret, &card, &self.profile.identity, &self.profile.random);
                key.card = sealed.map_err(|_| GroupError::Unexpected)?.into();
            }
        }
        Ok(())
    }
}

/// Cards are their makers' affair: what the group says of a key says nothing of its card.
pub(super) fn without_cards(change: &AccessChange) -> impl Iterator<Item = AccessKey> {
    change.added.iter().map(|key| AccessKey { card: bytes::Bytes::new(), ..key.clone() })
}

pub(super) fn find<'a>(room: &'a content::Room, id: &[u8]) -> Option<&'a content::Invite> {
    room.invites.iter().find(|invite| *invite.id == *id)
}

fn has_ended(ends_ms: Millis, now: Millis) -> bool {
    ends_ms != 0 && now >= ends_ms.saturating_add(END_SLACK_MS)
}
