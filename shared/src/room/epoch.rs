//! A new epoch: who came and went, and which secrets are kept.

use std::collections::BTreeSet;

use zeroize::Zeroize as _;

use super::{
    CloseReason, Engine, Event, device, person,
    state::{EPOCHS_BRIDGED, EpochRow, Peer},
};
use crate::{
    crypto::aead::Session,
    identity::{Fingerprint, credential::Holder},
    mls::group::{Applied, GroupError},
};

/// Past epochs whose envelopes are still recognised. What was sealed more than
/// [`EPOCHS_KEPT`](crate::mls::group::EPOCHS_KEPT) epochs ago cannot be read any more, but it is a member's, who
/// seals it anew: no forgery, no alarm. The secrets kept for that open only the outer layer.
pub(super) const EPOCHS_RECOGNISED: u64 = 16;

impl Engine {
    /// A new epoch has begun, by whosever commit.
    pub(super) fn finish_commit(&mut self, applied: &Applied, seq: u64) -> Result<(), GroupError> {
        let by = person(&applied.committer);
        self.returned(applied);
        self.note_account(applied);
        if let Some(joined) = &applied.joined {
            self.tell_joined(applied.leaf, joined);
            // Whoever comes while we are here is counted from the first word.
            let (leaf, unique, since) = (applied.leaf, joined.unique(), self.link.entry_at);
            self.peers.insert(leaf, Peer { leaf, unique, since, ..Peer::default() });
        }
        let replaced = self.tell_removed(applied);
        if applied.removed_us {
            let reason = match self.wishes.leaving || self.wishes.leaving_all {
                true => CloseReason::Left,
                false if self.is_ours(&by.fingerprint) => CloseReason::RemovedByOwn,
                false => CloseReason::Removed { by: by.name },
            };
            self.close(reason);
            return Ok(());
        }
        self.note_gone(applied);
        self.new_epoch()?;
        self.settle_again()?;
        self.note_heir(applied)?;
        let fingerprint = applied.committer.fingerprint;
        let has_changed = applied.was.as_ref().is_some_and(|was| was.fingerprint != fingerprint);
        if !applied.removed.is_empty() || has_changed {
            self.meta.removal_epoch = self.meta.epochs.last().map_or(0, |row| row.epoch);
        }
        if let (Some(joined), Some(row)) = (&applied.joined, self.meta.epochs.last_mut()) {
            row.joined = joined.unique();
        }
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let room = group.room()?;
        let other_time = self.meta.disappear_s != room.disappear_s;
        let other_topic = self.meta.topic != room.topic;
        self.meta.take_room(&room);
        if self.wishes.want_topic.as_ref() == Some(&room.topic) {
            self.wishes.want_topic = None;
        }
        if self.wishes.want_disappear == Some(room.disappear_s) {
            // Done, by whosever commit: it must not come back when somebody chooses another time.
            self.wishes.want_disappear = None;
        }
        if let Some(joined) = applied.joined.as_ref().filter(|_| room.past_lines > 0) {
            self.owe_past(joined.unique(), seq);
        }
        if let Some(view) = self.view().filter(|_| self.link.announced) {
            self.out.events.push(Event::Epoch(view));
        }
        // After the view that shows them.
        self.out.events.extend(replaced);
        if let Some(was) = &applied.was {
            let is = &applied.committer;
            if (&was.name, &was.status, &was.glyph) != (&is.name, &is.status, &is.glyph) {
                self.out.events.push(Event::ProfileChanged { who: by.clone(), was: was.name.clone() });
            }
            if was.avatar != is.avatar {
                self.out.events.push(Event::NewPicture { who: by.clone(), is_gone: is.avatar.is_none() });
            }
        }
        if other_time {
            self.out.events.push(Event::Disappearing { by: by.clone(), seconds: room.disappear_s });
        }
        if other_topic {
            self.out.events.push(Event::Topic { by, text: room.topic });
        }
        self.go_on_leaving()
    }

    /// Somebody joined, or another device of somebody who was here.
    fn tell_joined(&mut self, leaf: u32, joined: &Holder) {
        let by = self.group.as_ref().and_then(|group| group.inviter_of(leaf)).map(|by| person(&by));
        let who = person(joined);
        let was_here = self.others_of(&joined.fingerprint, leaf);
        self.out.events.push(match was_here {
            true => Event::DeviceJoined { who, device: device(joined), by },
            false => Event::MemberJoined { who, by },
        });
    }

    /// Who was removed: people who are gone, once each, and devices of people who stay. What comes back is to be told once the
    /// view shows who they are now.
    fn tell_removed(&mut self, applied: &Applied) -> Vec<Event> {
        let (mut gone, mut replaced) = (BTreeSet::new(), Vec::new());
        // Where it removed us, those of before.
        let members = self.group.as_ref().and_then(|group| group.members().ok()).unwrap_or_default();
        for (leaf, who) in &applied.removed {
            self.peers.remove(leaf);
            let unique = who.unique();
            self.wishes.to_remove.retain(|other| *other != unique);
            let asked = self.wishes.left.len();
            self.wishes.left.retain(|other| other.unique != unique);
            let has_asked = self.wishes.left.len() < asked;
            let by = if has_asked { person(who) } else { person(&applied.committer) };
            self.handover.hand_over.retain(|owed| owed.joiner != unique);
            let stays = members.iter().any(|(other, holder)| {
                holder.fingerprint == who.fingerprint && applied.removed.iter().all(|(gone, _)| gone != other)
            });
            // Its account was replaced: the person stays, and is called as now.
            let is_heir = |one: &&Holder| one.replaces == Some(who.fingerprint);
            let present = members.iter().map(|(_, holder)| holder).chain([&applied.committer]);
            if let Some(heir) = present.into_iter().find(is_heir) {
                replaced.push(Event::DeviceLeft { who: person(heir), device: device(who), by });
            } else if stays {
                self.out.events.push(Event::DeviceLeft { who: person(who), device: device(who), by });
            } else if gone.insert(who.fingerprint) {
                self.out.events.push(Event::MemberLeft { who: person(who), by });
            }
        }
        replaced
    }

    /// Whether a person is in the room with another leaf than this one.
    fn others_of(&self, who: &Fingerprint, leaf: u32) -> bool {
        let members = self.group.as_ref().and_then(|group| group.members().ok()).unwrap_or_default();
        members.iter().any(|(other, holder)| *other != leaf && holder.fingerprint == *who)
    }

    /// Takes over the secrets of the group's present epoch and drops those that are too old.
    pub(super) fn new_epoch(&mut self) -> Result<(), GroupError> {
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        group.keep()?;
        self.reports.clear();
        let mut row = EpochRow::default();
        row.epoch = group.epoch();
        row.secret = group.envelope_secret()?.to_vec();
        row.slot_key = group.slot_key()?.to_vec();
        row.authenticator = group.authenticator()?;
        row.leaves = group.leaf_bound();
        row.seq = self.books.position;
        row.authority = group.authority()?.secret().to_vec();
        row.access = self.link.began.take();
        row.name = std::mem::take(&mut self.link.began_name);
        let epoch = row.epoch;
        self.meta.epochs.push(row);
        self.meta.epochs.retain(|row| row.epoch.saturating_add(EPOCHS_RECOGNISED) >= epoch);
        for row in self.meta.epochs.iter_mut().filter(|row| row.epoch.saturating_add(EPOCHS_BRIDGED) < epoch)
        {
            row.authority.zeroize();
            row.authority.clear();
            row.access = None;
        }
        self.keyring.set(&self.meta.epochs);
        let stale: Vec<(u32, Session)> = self
            .windows
            .iter()
            .filter(|(_, (used, _))| used.saturating_add(EPOCHS_RECOGNISED) < epoch)
            .map(|(id, _)| *id)
            .collect();
        for id in stale {
            self.windows.remove(&id);
        }
        self.note_roles()?;
        self.note_invites()
    }
}
