//! Changing the group: invites, removals, names, updates, repairs. One commit at a time, by
//! compare-and-swap at the relay.
//!
//! What is wanted stays written down until a commit that is in the log has done it; a commit that lost
//! its race is thrown away and built anew on the winner's state.

use prost::Message as _;
use proto::relay::{CommitPart, Deliver};

use super::{
    Command, Engine, Millis, Said,
    access::change,
    log::Verdict,
    state::{Pending, Phase},
};
use crate::{
    content,
    crypto::aead::Envelope,
    identity::credential::{MAX_GLYPH, MAX_STATUS},
    identity::{clean_name, clean_optional},
    invite::slot,
    mls::group::{GroupError, Plan},
};

/// How often a member brings fresh keys, so that stolen ones go stale: a day.
pub(super) const UPDATE_MS: u64 = 24 * 3600 * 1000;

/// When several members see the same need (somebody left, keys to repair), each waits a random time
/// below this, so that mostly one commits.
const ELECTION_MS: u64 = 2_000;

/// Repairs end up at most 2.3 hours apart.
const MAX_DOUBLINGS: u32 = 12;

impl Engine {
    pub(super) fn command(&mut self, command: Command, now: Millis) -> Result<(), GroupError> {
        // What is said on the way in waits in the outbox.
        let waits = matches!(command, Command::Send { .. } | Command::Say { .. });
        if let Command::Typing { stopped } = command {
            return self.typing(stopped, now);
        }
        if command == Command::Leave && matches!(self.phase(), Phase::Joining | Phase::Creating) {
            self.close("You left before you were in.");
            return Ok(());
        }
        if !self.is_member() && !waits {
            self.refuse("not_joined", "This device is not in the room yet.", "Wait until it has joined.");
            return Ok(());
        }
        if self.meta.leaving {
            self.refuse("leaving", "This device is leaving the room.", "Join again by a new invite.");
            return Ok(());
        }
        match command {
            Command::Send { token, text } => self.say(token, Said::Text { text, reply_to: None }),
            Command::Say { token, said } => self.say(token, said),
            Command::Typing { .. } => (),
            Command::Invite { uses, expires_ms } => return self.invite(uses, expires_ms, now),
            Command::Revoke(id) => return self.revoke(&id),
            Command::Moderator { who, is_moderator } => return self.moderator(&who, is_moderator),
            Command::Policy { moderators_invite, seats } => self.policy(moderators_invite, seats),
            Command::Remove(who) => return self.remove(&who),
            Command::Rename(name) => match clean_name(&name) {
                Ok(name) => self.meta.name = name,
                Err(error) => self.refuse("bad_name", format!("{error}."), "Choose another name."),
            },
            Command::Describe { status, glyph } => self.describe(&status, &glyph),
            Command::Disappear(seconds) => self.disappear(seconds),
            Command::HandOver { joiner, lines } => self.hand_over(&joiner, lines),
            Command::Leave => {
                if self.may_leave()? {
                    self.leave();
                }
            }
        }
        self.dirty.meta = true;
        Ok(())
    }

    fn describe(&mut self, status: &str, glyph: &str) {
        match (clean_optional(status, MAX_STATUS), clean_optional(glyph, MAX_GLYPH)) {
            (Ok(status), Ok(glyph)) => (self.meta.status, self.meta.glyph) = (status, glyph),
            (Err(error), _) | (_, Err(error)) => {
                self.refuse("bad_profile", format!("{error}."), "Choose something shorter and simpler.");
            }
        }
    }

    pub(super) fn elect(&mut self) {
        self.link.election = true;
    }

    /// Turns a pending election into a waiting time, now that the time is known.
    fn hold_election(&mut self, now: Millis) {
        if std::mem::take(&mut self.link.election) {
            let ceiling = ELECTION_MS << self.link.repairs.min(MAX_DOUBLINGS);
            self.link.commit_not_before =
                now + ceiling / 2 * u64::from(self.link.repairs > 1) + self.profile.random.below(ceiling);
        }
    }

    /// Whether a commit of ours is due.
    pub(super) fn wants_commit(&mut self, now: Millis) -> bool {
        self.end_invites(now);
        self.hold_election(now);
        if now.saturating_sub(self.meta.last_update) >= UPDATE_MS && !self.meta.want_update {
            self.meta.want_update = true;
            self.dirty.meta = true;
        }
        now >= self.link.commit_not_before && self.has_intent()
    }

    pub(super) fn has_intent(&self) -> bool {
        let meta = &self.meta;
        !meta.leaving
            && !self.link.no_commits
            && (meta.want_update
                || !meta.want_invites.is_empty()
                || !meta.to_revoke.is_empty()
                || meta.want_prune
                || !meta.to_remove.is_empty()
                || !meta.key_extra.is_empty()
                || !meta.key_missing.is_empty()
                || self.wants_roles()
                || self.wants_profile())
    }

    fn wants_profile(&self) -> bool {
        let own = self.group.as_ref().and_then(|group| group.member(group.leaf()));
        let meta = &self.meta;
        own.is_some_and(|own| (&own.name, &own.status, &own.glyph) != (&meta.name, &meta.status, &meta.glyph))
    }

    /// Builds the commit that does all that is wanted, and sends it.
    pub(super) fn commit(&mut self, now: Millis) -> Result<(), GroupError> {
        let relay_keys = self.relay_keys()?;
        let identity = self.wants_profile().then(|| (self.signer(), self.identity()));
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let (members, before, epoch) = (group.members()?, group.room()?, group.epoch());
        let (remove, note) = self.plan_removals(&before, &members);
        let mut room = before.clone();
        self.plan_roles(&mut room, &members, &remove);
        let mut invites = self.plan_invites(&mut room, !remove.is_empty(), now)?;
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let should = group.access_keys_after(&remove, &room)?;
        let mut access = change(&relay_keys, &should);
        self.add_cards(&mut access.added, &mut invites, epoch + 1)?;
        let plan = Plan { remove, room: (room != before).then(|| room.clone()), identity, note };

        let random = self.profile.random.clone();
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let prepared = group.prepare(plan, now)?;
        let body = content::sealed::Body::KeyShare(prepared.message.into());
        let sealed = content::Sealed { body: Some(body) }.encode_to_vec();
        let mut key = self.keyring.sealing_once(group.leaf(), &random).ok_or(GroupError::Damaged)?;
        let too_large = |_| GroupError::Unexpected;
        let mut pending = Pending::default();
        pending.publish_id = random.bytes::<16>().to_vec();
        pending.envelope = key.seal(&sealed).map_err(too_large)?;
        pending.part = Some(CommitPart {
            expected_last_commit: self.meta.last_commit,
            slot: slot::seal(&self.room, &room.invites, (&prepared.slot_key, &prepared.group_info), &random)
                .map_err(|_| GroupError::Unexpected)?
                .into(),
            access: Some(access),
            ..CommitPart::default()
        });
        pending.secrets = prepared.secrets.to_vec();
        pending.epoch = group.epoch();
        pending.invites = invites;
        self.set_pending(Some(pending));
        self.dirty.meta = true;
        self.publish_pending();
        Ok(())
    }

    /// Our commit is in the log.
    pub(super) fn apply_own(&mut self, entry: &Deliver, now: Millis) -> Result<Verdict, GroupError> {
        let Some(pending) = self.pending.take() else { return Ok(Verdict::Refused) };
        self.dirty.pending = true;
        self.link.commit_acked = 0;
        self.answered(&pending.publish_id);
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let (leaf, epoch) = (group.leaf(), group.epoch());
        // Only a relay that broke its own compare-and-swap shows it elsewhere; all members refuse it then.
        if !entry.is_commit || epoch != pending.epoch {
            self.refuse(
                "invalid_commit",
                "The relay put a change of this device in the wrong place.",
                "It is made again.",
            );
            return Ok(Verdict::Refused);
        }
        let applied = group.apply(&pending.secrets)?;
        if let Ok(envelope) = Envelope::parse(&entry.envelope) {
            // So that the relay cannot show it twice unnoticed.
            let _ = self.mark((leaf, envelope.session()), envelope.sequence(), epoch);
        }
        self.meta.last_update = now;
        self.meta.want_update = false;
        self.invites_made(&pending.invites);
        self.finish_commit(&applied, entry.seq)?;
        Ok(Verdict::Applied)
    }
}
