//! Getting in: opening a room, or joining one by an external commit while everybody may be asleep.

use proto::{
    Message as _,
    relay::{AccessChange, AccessKey, CommitPart, Create, Deliver, Slot, access_key::Kind},
};

use super::{
    Alarm, Breach, CloseReason, Engine, EngineError, Event, MAX_PAST, Millis, Person, Policy,
    authority::Signer,
    commit::part_with,
    keyring::Keyring,
    state::{OwnInvite, Peer, Pending, Phase},
};
use crate::{
    content,
    crypto::aead::{Origin, Scope, SealingKey, Session},
    identity::names::fold,
    invite::{
        INVITE_LIFETIME_MS, INVITE_USES, InviteSecret,
        card::{self, CardError},
        join_secret, list, slot,
    },
    mls::{
        group::{Group, GroupError},
        rules::{MAX_SEATS, ROOM_VERSION, SEATS_PER_ACCOUNT, Violation},
    },
};

impl Engine {
    /// Builds the group, slot and keys of a room that the relay does not have yet. `first`: when its first invite ends, and
    /// how many it lets in, where that is not as usual.
    pub(super) fn build_room(
        &mut self,
        policy: Policy,
        first: Option<(Millis, u32)>,
        now: Millis,
    ) -> Result<(), EngineError> {
        let random = &self.profile.random;
        let usual = (now.saturating_add(INVITE_LIFETIME_MS), INVITE_USES);
        let (secret, (expires_ms, max_uses)) = match self.meta.open {
            true => (InviteSecret::of_open_room(&self.meta.room_name), (0, 0)),
            false => (InviteSecret::generate(random), first.unwrap_or(usual)),
        };
        let room = content::Room {
            name: self.meta.room_name.clone(),
            open: self.meta.open,
            invites: vec![
                list(&secret, &self.room, (expires_ms, max_uses), &self.profile.identity)
                    .map_err(|_| GroupError::Unexpected)?,
            ],
            version: ROOM_VERSION,
            disappear_s: policy.disappear_s,
            past_lines: policy.past_lines.min(MAX_PAST),
            moderators: vec![self.profile.identity.fingerprint().0.to_vec().into()],
            invite_policy: content::room::InvitePolicy::Everybody.into(),
            seats_per_account: if policy.own_devices { MAX_SEATS } else { SEATS_PER_ACCOUNT },
            topic: String::new(),
            own_devices: policy.own_devices,
        };
        self.meta.take_room(&room);
        let (group, info) = Group::create(
            (self.suite(), random),
            (&self.signer(), self.identity()),
            &self.room,
            &room,
            &self.leaf_extension(),
        )?;
        let inside = (&*group.slot_key()?, &*info, &group.tree()?);
        let slot::Slot { sealed, pieces, .. } = slot::seal(&self.room, &room.invites, inside, None, random)
            .map_err(|_| GroupError::Unexpected)?;
        let keys = group.access_keys()?.into_values().collect();
        let authority = group.authority()?.public().to_vec().into();
        self.group = Some(group);
        let mut pending = Pending::default();
        let slot = Some(Slot { last_commit: 0, sealed: sealed.into(), pieces: pieces.into() });
        pending.create = Some(Create { slot, keys, authority, ..Create::default() });
        self.set_pending(Some(pending));
        self.invites.own_invites.push(OwnInvite::new(&secret, expires_ms, max_uses));
        self.meta.last_update = now;
        self.meta.running_hash = vec![0; 32];
        self.new_epoch()?;
        self.handover.join_epoch = 0;
        self.note_since(now);
        self.set_phase(Phase::Creating);
        Ok(())
    }

    /// Since when we are in.
    fn note_since(&mut self, since: Millis) {
        let own = self.group.as_ref().map(Group::leaf);
        let (Some(leaf), unique) = (own, self.unique()) else { return };
        self.peers.insert(leaf, Peer { leaf, unique, since, uncounted: true, ..Peer::default() });
    }

    /// Whether we know which room it is. Only whoever comes by a link does not, until the card was read.
    pub(super) fn knows_room(&self) -> bool {
        self.meta.link.as_ref().is_none_or(|row| row.is_known)
    }

    /// The card says which room it is and who invites. Then the stream is opened again, by the room's name.
    pub(super) fn read_card(&mut self, joined: &proto::relay::Joined) -> Result<(), GroupError> {
        let Some(secret) = self.invite_secret() else { return Err(GroupError::Damaged) };
        let Some(row) = &mut self.meta.link else { return Err(GroupError::Damaged) };
        let pin = row.pin.first_chunk();
        let card = match card::open(&secret, pin, &joined.card) {
            Ok(card) if *joined.room_id == *card.room_id.as_bytes() => card,
            other => {
                let error = other.err().unwrap_or(CardError::Damaged);
                self.close(CloseReason::LinkNotTrusted(error));
                return Ok(());
            }
        };
        row.is_known = true;
        row.inviter = card.inviter_key.to_vec();
        (row.least_epoch, row.card_epoch) = (card.least_epoch, card.least_epoch);
        self.room = card.room_id;
        self.keyring = Keyring::new(self.room, &[]);
        self.meta.room_id = card.room_id.as_bytes().to_vec();
        self.meta.room_name.clone_from(&card.room_name);
        let by = Person { name: card.inviter_name, fingerprint: card.inviter };
        self.out.events.push(Event::Invited { room: card.room_name, by });
        self.out.reopen = true;
        Ok(())
    }

    /// Opens the slot and sends the join commit, or sends the one again that may still win.
    pub(super) fn attempt_join(&mut self, joined: &Slot, now: Millis) -> Result<(), GroupError> {
        let Some(secret) = self.invite_secret() else { return Err(GroupError::Damaged) };
        let same = |pending: &&Pending| {
            pending.part.as_ref().is_some_and(|part| part.expected_last_commit == joined.last_commit)
        };
        let again = self.pending.as_ref().filter(same).is_some();
        if let Err(error) = if again { Ok(()) } else { self.build_join(&secret, joined, now) } {
            // The newest slot is whoever's commit came last, which may be rubbish.
            if self.ask_confirmed_slot() {
                self.link.useless = joined.last_commit;
                return Ok(());
            }
            self.close(CloseReason::InviteUnusable(Breach::of(&*error)));
            return Ok(());
        }
        self.set_phase(Phase::Confirming);
        self.publish_pending();
        Ok(())
    }

    pub(super) fn build_join(
        &mut self,
        secret: &InviteSecret,
        joined: &Slot,
        now: Millis,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let random = &self.profile.random;
        // The relay's clock gives the join its time in the log, and so says whether the invite lives.
        let now = if self.link.relay_ms == 0 { now } else { self.link.relay_ms };
        let (slot_key, slot::Entrance { group_info, tree }) = slot::open(&self.room, secret, joined)?;
        let (mut group, mut prepared) = Group::join(
            (self.suite(), random),
            (&self.signer(), self.identity()),
            &self.room,
            (&group_info, &tree),
            (secret, &self.access.public()),
            now,
        )?;
        let room = group.room()?;
        // Somebody who knows the name can have made a room there that says it is something else.
        if self.meta.open && (!room.open || fold(&room.name) != fold(&self.meta.room_name)) {
            return Err(Violation::Room.into());
        }
        let invite = room
            .invites
            .iter()
            .find(|invite| *invite.id == secret.id())
            .ok_or(slot::SlotError::NotInvited)?;
        let has_gone = self.has_gone(&group)?;
        let row = self.meta.link.as_mut().ok_or(GroupError::Damaged)?;
        if !self.meta.open && *row.inviter != *invite.maker {
            return Err(CardError::Unsigned.into());
        }
        // The GroupInfo is of the epoch before ours. With somebody in it whom this device saw removed it is of before that.
        if group.epoch() <= row.least_epoch || has_gone {
            return Err(Violation::OldGroupInfo.into());
        }
        row.least_epoch = group.epoch() - 1;
        row.expires_ms = invite.expires_ms;
        let scope = Scope { room: self.room, epoch: 0, origin: Origin::Invite };
        let sealed = content::Sealed {
            body: Some(content::sealed::Body::KeyShare(std::mem::take(&mut prepared.message).into())),
            ..content::Sealed::default()
        };
        let envelope = SealingKey::new(&join_secret(&slot_key), &scope, Session::random(random))
            .seal(&sealed.encode_to_vec())?;
        let key = self.access.public().as_bytes().to_vec().into();
        let added = vec![AccessKey {
            key,
            kind: Kind::Member.into(),
            expires_ms: 0,
            max_uses: 0,
            ..AccessKey::default()
        }];
        let mut pending = Pending::default();
        pending.publish_id = random.bytes::<16>().to_vec();
        pending.envelope = envelope;
        let slot = self.seal_slot(&room.invites, &prepared, &tree)?;
        let mut part = CommitPart {
            expected_last_commit: joined.last_commit,
            instead_of: if self.link.confirmed_slot { self.link.useless } else { 0 },
            access: Some(AccessChange { added, removed: Vec::new() }),
            authority: prepared.next.authority.to_vec().into(),
            ..part_with(slot)
        };
        let invite_key = secret.access_key();
        self.sign_part(invite_key.public(), &pending.envelope, &mut part, &Signer::Publisher(&invite_key))?;
        pending.part = Some(part);
        pending.epoch = group.epoch() - 1;
        group.keep()?;
        self.meta.room_name = room.name;
        self.meta.open = room.open;
        self.meta.cursor = joined.last_commit;
        self.meta.last_commit = joined.last_commit;
        self.group = Some(group);
        self.set_pending(Some(pending));
        Ok(())
    }

    pub(super) fn invite_secret(&self) -> Option<InviteSecret> {
        let row = self.meta.link.as_ref()?;
        Some(InviteSecret::from_bytes(row.secret.as_slice().try_into().ok()?))
    }

    /// Looks for our join commit; nothing before it is for us.
    pub(super) fn confirm(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        self.advance(entry);
        let ours = self.pending.as_ref().is_some_and(|pending| *entry.envelope == pending.envelope);
        let part = self.pending.as_ref().and_then(|pending| pending.part.as_ref());
        let elsewhere = part.is_some_and(|part| part.expected_last_commit != entry.base);
        // Other joins may come between: it took their place.
        if ours && (elsewhere || !entry.is_commit) {
            // The relay took our commit at the position of the one we built on; nothing may lie between.
            self.alarm(Alarm::JoinMisplaced);
            self.close(CloseReason::OrderBroken);
            return Ok(());
        }
        if !ours {
            self.progress();
            return Ok(());
        }
        if part.is_some_and(|part| part.access != entry.access) {
            self.alarm(Alarm::JoinAccessDiffers);
        }
        let expires = self.meta.link.as_ref().map_or(0, |link| link.expires_ms);
        if expires != 0 && entry.at_ms >= expires {
            self.close(CloseReason::InviteExpired);
            return Ok(());
        }
        self.set_pending(None);
        self.anchor(entry);
        self.joined_at(entry);
        self.meta.last_update = now;
        self.set_phase(Phase::Member);
        self.new_epoch()?;
        self.handover.join_epoch = self.meta.epochs.last().map_or(0, |row| row.epoch);
        self.note_since(self.clamp(entry.at_ms));
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        self.handover.unreadable_left = group.members()?.len().saturating_sub(1) as u64;
        let room = group.room()?;
        self.meta.take_room(&room);
        self.handover.past_left = room.past_lines;
        self.handover.join_seq = entry.seq;
        self.progress();
        Ok(())
    }
}
