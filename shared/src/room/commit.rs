//! Changing the group: invites, removals, names, updates, repairs. One commit at a time, by
//! compare-and-swap at the relay.
//!
//! What is wanted stays written down until a commit that is in the log has done it; a commit that lost
//! its race is thrown away and built anew on the winner's state.

use prost::Message as _;
use proto::relay::{CommitPart, Deliver};

use super::{
    CloseReason, Command, Engine, MessageBody, Millis, Problem,
    access::change,
    authority::Signer,
    checks::AUTHENTICATOR_PREFIX,
    state::{Pending, Phase},
    verdict::Verdict,
};
use crate::{
    content,
    crypto::aead::{Envelope, Session},
    identity::credential::{MAX_GLYPH, MAX_STATUS},
    identity::{Avatar, clean_name, clean_optional, clean_speaker},
    invite::{
        SealSlotError,
        pieces::Tree,
        slot::{self, Slot},
    },
    mls::group::{GroupError, Plan, Prepared},
};

/// How often a member brings fresh keys, so that stolen ones go stale: a day.
pub(super) const UPDATE_MS: u64 = 24 * 3600 * 1000;

/// When several members see the same need (somebody left), each waits a random time
/// below this, so that mostly one commits.
const ELECTION_MS: u64 = 2_000;

/// The same where whoever is to be taken out can undo the need until somebody has done it.
const HEIR_ELECTION_MS: u64 = 250;

impl Engine {
    pub(super) fn command(&mut self, command: Command, now: Millis) -> Result<(), GroupError> {
        // What is said on the way in waits in the outbox.
        let waits = matches!(command, Command::Send { .. } | Command::Say { .. });
        if let Command::Typing { stopped } = command {
            return self.typing(stopped, now);
        }
        if matches!(command, Command::Leave | Command::LeaveAll)
            && matches!(self.phase(), Phase::Joining | Phase::Creating)
        {
            self.close(CloseReason::LeftEarly);
            return Ok(());
        }
        if !self.is_member() && !waits {
            self.refuse(Problem::NotJoined);
            return Ok(());
        }
        if self.wishes.leaving {
            self.refuse(Problem::Leaving);
            return Ok(());
        }
        match command {
            Command::Send { token, text } => self.say(token, MessageBody::text(text)),
            Command::Say { token, body: MessageBody::Seen(seq) } => {
                self.say(token, MessageBody::Seen(self.in_log(seq)));
            }
            // It would name our devices to others.
            Command::Say { body: MessageBody::Here(_), .. } if !self.is_own_devices() => (),
            Command::Say { token, body } => self.say(token, body),
            Command::Typing { .. } => (),
            Command::Unsay => self.outbox.blank(),
            Command::Invite { uses, expires_ms } => return self.invite(uses, expires_ms, now),
            Command::InviteDevice { whose, expires_ms } => {
                return self.invite_device(&whose, expires_ms, now);
            }
            Command::Revoke(id) => return self.revoke(&id),
            Command::Moderator { who, is_moderator } => return self.moderator(&who, is_moderator),
            Command::Policy { moderators_invite, seats } => self.policy(moderators_invite, seats),
            Command::Remove(who) => return self.remove(&who),
            Command::RemoveDevice { who, device } => return self.remove_device(&who, device),
            Command::Rename(name) => match clean_speaker(&name) {
                Ok(name) => self.own.name = name,
                Err(error) => self.refuse(Problem::BadName(error)),
            },
            Command::NameDevice(name) => match clean_name(&name) {
                Ok(name) => self.own.device_name = name,
                Err(error) => self.refuse(Problem::BadName(error)),
            },
            Command::Describe { status, glyph } => self.describe(&status, &glyph),
            Command::Picture(avatar) => {
                self.own.avatar = avatar.map(|avatar| avatar.to_bytes()).unwrap_or_default();
            }
            Command::Disappear(seconds) => self.disappear(seconds),
            Command::Topic(text) => self.topic(&text),
            Command::HandOver { joiner, lines } => self.hand_over(&joiner, lines),
            Command::Accept => return self.accept(),
            Command::Leave => {
                if self.may_leave(false)? {
                    self.leave();
                }
            }
            Command::LeaveAll => return self.leave_all(),
        }
        Ok(())
    }

    fn describe(&mut self, status: &str, glyph: &str) {
        match (clean_optional(status, MAX_STATUS), clean_optional(glyph, MAX_GLYPH)) {
            (Ok(status), Ok(glyph)) => (self.own.status, self.own.glyph) = (status, glyph),
            (Err(error), _) | (_, Err(error)) => self.refuse(Problem::BadProfile(error)),
        }
    }

    pub(super) fn elect(&mut self) {
        self.link.election = true;
    }

    /// Turns a pending election into a waiting time, now that the time is known.
    fn hold_election(&mut self, now: Millis) {
        if let Some(wait) = self.link.bridge_wait.take() {
            self.link.commit_not_before = now + 1 + wait + self.profile.random.below(ELECTION_MS / 4);
        }
        if std::mem::take(&mut self.link.election) {
            self.link.commit_not_before = now + self.profile.random.below(ELECTION_MS);
        }
        if std::mem::take(&mut self.link.heir_election) {
            self.link.commit_not_before = now + self.profile.random.below(HEIR_ELECTION_MS);
        }
    }

    /// Whether a commit of ours is due.
    pub(super) fn wants_commit(&mut self, now: Millis) -> bool {
        self.want_replaced_out();
        self.end_invites(now);
        self.hold_election(now);
        // A date in the future is of a clock that was wrong.
        let is_due = now.abs_diff(self.meta.last_update) >= UPDATE_MS;
        if is_due && !self.wishes.want_update {
            self.wishes.want_update = true;
        }
        now >= self.link.commit_not_before.max(self.commits_from()) && self.has_intent()
    }

    pub(super) fn has_intent(&self) -> bool {
        self.may_commit()
            && (self.wishes.want_update
                || self.link.slot_wanted == Some(self.books.position)
                || !self.invites.want_invites.is_empty()
                || self.wants_invites_gone()
                || self.wants_removals()
                || self.books.untaken.is_some()
                || self.wants_roles()
                || self.wants_account()
                || self.wants_profile()
                || self.drops_former_key()
                || self.wants_access_key())
    }

    /// Whether this device has something to build on, and may.
    pub(super) fn may_commit(&self) -> bool {
        !self.wishes.leaving && !self.link.no_commits && self.foundation().is_some()
    }

    fn wants_profile(&self) -> bool {
        if self.is_unlinked() {
            return false;
        }
        self.own_holder().is_some_and(|own| {
            let avatar = own.avatar.as_ref().map(Avatar::to_bytes).unwrap_or_default();
            (&own.name, &own.status, &own.glyph, &avatar, &own.device_name)
                != (
                    &self.own.name,
                    &self.own.status,
                    &self.own.glyph,
                    &self.own.avatar,
                    &self.own.device_name,
                )
        })
    }

    /// Builds the commit that does all that is wanted, and sends it.
    pub(super) fn commit(&mut self, now: Millis) -> Result<(), GroupError> {
        let Some(expected) = self.foundation() else { return Ok(()) };
        let mut account = self.new_account();
        let shows_other = self.wants_profile();
        // On an earlier commit, the group of that one builds; the log decides whether it comes to that.
        let mut base = match &self.group {
            Some(group) if expected != self.books.position => Some(group.base(expected)?),
            _ => None,
        };
        if let Some(base) = &base {
            // Who was removed by what this drops goes by this one.
            self.removed_since(base)?.into_iter().for_each(|unique| self.want_removed(unique));
        }
        let Some(group) = base.as_ref().or(self.group.as_ref()) else { return Err(GroupError::Damaged) };
        let (members, before, epoch) = (group.members()?, group.room()?, group.epoch());
        let keyring = base.as_ref().map(|_| {
            let rows: Vec<_> = self.meta.epochs.iter().filter(|row| row.epoch <= epoch).cloned().collect();
            super::Keyring::new(self.room, &rows)
        });
        let relay_keys = self.relay_keys(expected, epoch, group.access_keys()?);
        let authority = match self.bridge_authority(expected) {
            Some(authority) => authority,
            None => group.authority()?,
        };
        let (tree, own_leaf) = (group.tree()?, group.own_leaf().ok_or(GroupError::Damaged)?);
        let (remove, note) = self.plan_removals(&before, &members);
        // Who is removed does not see the leaf, and is told of a key by a note that names the account alone.
        let brings_access = remove.is_empty() && self.wants_access_key();
        let (signer, leaf) = match &mut account {
            Some(account) => {
                let (signer, leaf) = self.renew_keys(&own_leaf, &members)?;
                account.access_key = leaf.access_key.clone();
                (signer, Some(leaf))
            }
            None if brings_access => (self.signer(), Some(self.renew_access_key(own_leaf))),
            None => {
                let drops = remove.is_empty() && self.drops_former_key();
                let without = || content::Leaf { former_access_key: Vec::new().into(), ..own_leaf };
                (self.signer(), drops.then(without))
            }
        };
        let shows_other = shows_other || account.is_some();
        let identity = shows_other.then(|| (signer.clone(), self.identity_with(&signer)));
        let mut room = before.clone();
        self.plan_roles(&mut room, &members, &remove);
        let ends_invites = !remove.is_empty() || account.is_some();
        let mut invites = self.plan_invites(&mut room, ends_invites, now)?;
        let Some(group) = base.as_ref().or(self.group.as_ref()) else { return Err(GroupError::Damaged) };
        let changed = leaf.as_ref().map(|leaf| (group.leaf(), leaf));
        let should = group.access_keys_after(&remove, &room, changed)?;
        let mut access = change(&relay_keys, &should);
        self.add_cards(&mut access.added, &mut invites, epoch.saturating_add(1))?;
        if self.back.bridge.is_some() {
            let mut own = self.invites.own_invites.clone();
            self.add_cards(&mut access.added, &mut own, epoch.saturating_add(1))?;
        }
        let random = self.profile.random.clone();
        let session = Session::random(&random);
        let mut view = self.own_view();
        if let Some(row) = self.meta.epochs.iter().find(|row| row.epoch == epoch) {
            view.epoch = epoch;
            view.authenticator =
                row.authenticator.get(..AUTHENTICATOR_PREFIX).unwrap_or_default().to_vec().into();
        }
        let note = content::CommitNote {
            view: Some(view),
            session: session.as_bytes().to_vec().into(),
            sequence: 0,
            account,
            ..note
        };
        let plan = Plan { remove, room: (room != before).then(|| room.clone()), identity, leaf, note };

        let Some(group) = base.as_mut().or(self.group.as_mut()) else { return Err(GroupError::Damaged) };
        let mut prepared = group.prepare(plan)?;
        let body = content::sealed::Body::KeyShare(std::mem::take(&mut prepared.message).into());
        let sealed = content::Sealed { body: Some(body), ..content::Sealed::default() }.encode_to_vec();
        // A session of its own: a commit may lose the race for its position and must not leave a hole.
        let keyring = keyring.as_ref().unwrap_or(&self.keyring);
        let (_, mut key) = keyring.sealing(group.leaf(), session, 0).ok_or(GroupError::Damaged)?;
        let too_large = |_| GroupError::Unexpected;
        let mut pending = Pending::default();
        pending.publish_id = random.bytes::<16>().to_vec();
        pending.envelope = key.seal(&sealed).map_err(too_large)?;
        let slot = self.seal_slot(&room.invites, &prepared, &tree).map_err(|_| GroupError::Unexpected)?;
        let mut part = CommitPart {
            expected_last_commit: expected,
            instead_of: self.instead_of(),
            access: Some(access),
            authority: prepared.next.authority.to_vec().into(),
            ..part_with(slot)
        };
        let key = self.access.public();
        self.sign_part(key, &pending.envelope, &mut part, &Signer::Authority(&authority))?;
        pending.part = Some(part);
        pending.secrets = prepared.secrets.to_vec();
        (pending.epoch, pending.marked, pending.read) = (epoch, self.newest_mark(), self.meta.cursor);
        pending.invites = invites;
        self.set_pending(Some(pending));
        self.publish_pending();
        Ok(())
    }

    /// What a commit in the place of what this device cannot take drops, or of what it was never shown; 0 for nothing.
    fn instead_of(&self) -> u64 {
        let untaken = self.books.untaken.as_ref();
        untaken.map_or(self.link.unseen, |untaken| self.ledger.tip().unwrap_or(untaken.seq))
    }

    /// The slot of the epoch that a commit begins, with the pieces that the slot of `before` has not.
    pub(super) fn seal_slot(
        &self,
        invites: &[content::Invite],
        prepared: &Prepared,
        before: &Tree,
    ) -> Result<Slot, SealSlotError> {
        let inside = (&*prepared.next.slot_key, &*prepared.group_info, &prepared.tree);
        let known = Some(before).filter(|_| !self.link.all_pieces);
        slot::seal(&self.room, invites, inside, known, &self.profile.random)
    }

    /// Our commit is in the log.
    pub(super) fn apply_own(&mut self, entry: &Deliver, now: Millis) -> Result<Verdict, GroupError> {
        if self.pending.as_ref().is_some_and(|pending| pending.returns) {
            self.came_back(entry, now)?;
            return Ok(Verdict::Joined);
        }
        let Some(pending) = self.pending.take() else { return Ok(Verdict::Refused) };
        self.stored.pending_changed = true;
        self.link.commit_acked = 0;
        self.answered(&pending.publish_id);
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let leaf = group.leaf();
        let stands = pending.part.as_ref().is_some_and(|part| part.expected_last_commit == entry.base);
        if stands && entry.base != self.books.position {
            self.return_to(entry.base)?;
        }
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let epoch = group.epoch();
        // Only a relay that broke its own compare-and-swap shows it elsewhere; all members refuse it then.
        if !entry.is_commit || !stands || epoch != pending.epoch {
            self.refuse(Problem::CommitMisplaced);
            return Ok(Verdict::Refused);
        }
        let applied = group.apply(&pending.secrets)?;
        self.took(entry, &applied)?;
        if let Ok(envelope) = Envelope::parse(&entry.envelope) {
            // So that the relay cannot show it twice unnoticed.
            let _ = self.mark((leaf, envelope.session()), envelope.sequence(), epoch);
        }
        self.marks_told(pending.marked);
        self.meta.last_update = now;
        self.wishes.want_update = false;
        self.invites_made(&pending.invites);
        self.finish_commit(&applied, entry.seq)?;
        Ok(Verdict::Applied)
    }
}

/// A commit part with nothing but the slot.
pub(super) fn part_with(slot: Slot) -> CommitPart {
    let Slot { sealed, names, pieces } = slot;
    CommitPart {
        slot: sealed.into(),
        piece_names: names.into(),
        pieces: pieces.into(),
        ..CommitPart::default()
    }
}
