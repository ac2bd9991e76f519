//! Reading the log: each entry is checked, opened, and either taken or refused; none is silent.

use prost::Message as _;
use proto::relay::Deliver;
use zeroize::Zeroizing;

use super::{
    AlarmKind, Engine, Event, INVITED, MAX_TEXT, Message, Millis, Stream,
    keyring::Sealer,
    person,
    state::{EpochRow, HashRow, Peer, Phase},
    watch::{Hashes, hash_entry},
};
use crate::{
    aead::{Envelope, Session},
    content,
    group::{Applied, EPOCHS_KEPT, GroupError},
    replay::{ReplayError, Window},
};

/// How much of the epoch authenticator a message repeats, in bytes: 128 bits against a second preimage.
pub(super) const AUTHENTICATOR_PREFIX: usize = 16;

/// Past epochs whose envelopes are still recognised. What was sealed more than [`EPOCHS_KEPT`] epochs ago
/// cannot be read any more, but it is a member's, who seals it anew: no forgery, no alarm. The secrets
/// kept for that open only the outer layer.
const EPOCHS_RECOGNISED: u64 = 16;

/// Replay windows kept: sixteen starts of the program for each of 256 members within the kept epochs.
/// When there are more, the ones of the oldest epochs go first; MLS itself still refuses a message twice.
const MAX_WINDOWS: usize = 4096;

/// Who sealed an envelope, by its key, and as which of theirs.
pub(super) struct Number {
    id: (u32, Session),
    sequence: u64,
    epoch: u64,
}

/// What became of an entry.
pub(super) enum Verdict {
    /// It is what it should be.
    Taken,
    /// It began an epoch.
    Applied,
    /// It was refused; people are told why.
    Refused,
}

impl Engine {
    pub(super) fn deliver(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        if self.link.state != Stream::CatchingUp && self.link.state != Stream::Live {
            return Ok(());
        }
        let expected = self.meta.cursor.saturating_add(1);
        if entry.seq < expected {
            self.alarm(
                AlarmKind::Replay,
                format!("The relay delivered entry {} again; it was refused.", entry.seq),
            );
            return Ok(());
        }
        if entry.seq > expected {
            let missing = entry.seq - expected;
            self.alarm(AlarmKind::Gap, format!("The relay skipped {missing} entries of this room's log."));
            self.meta.running_hash.clear();
        }
        self.check_time(entry);
        if self.phase() == Phase::Confirming {
            return self.confirm(entry, now);
        }
        self.member_entry(entry, now)?;
        self.progress();
        Ok(())
    }

    /// Looks for our join commit; nothing before it is for us.
    fn confirm(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        self.advance(entry);
        let ours = self.pending.as_ref().is_some_and(|pending| *entry.envelope == pending.envelope);
        if ours != entry.is_commit {
            // The relay took our commit at the position of the one we built on; nothing may lie between.
            self.alarm(
                AlarmKind::Fork,
                "The relay shows this join in another place than it took it: the others cannot have accepted it.",
            );
            self.close("The relay broke the order of the room's log. Ask for a new invite.");
            return Ok(());
        }
        if !ours {
            self.progress();
            return Ok(());
        }
        let expires = self.meta.link.as_ref().map_or(0, |link| link.expires_ms);
        if expires != 0 && entry.at_ms >= expires {
            self.close("The invite expired before the join reached the relay. Ask for a new one.");
            return Ok(());
        }
        self.set_pending(None);
        self.anchor(entry);
        self.meta.last_update = now;
        self.set_phase(Phase::Member);
        self.new_epoch()?;
        self.meta.join_epoch = self.meta.epochs.last().map_or(0, |row| row.epoch);
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        self.meta.unreadable_left = group.members()?.len().saturating_sub(1) as u64;
        self.check_inviter()?;
        self.meta.link = None;
        let mut keys = self.relay_keys()?;
        keys.remove(self.access.public().as_bytes());
        self.check_access(entry, keys)?;
        self.progress();
        Ok(())
    }

    fn check_inviter(&mut self) -> Result<(), GroupError> {
        let Some(inviter) = self.inviter() else { return Ok(()) };
        let Some(group) = &self.group else { return Ok(()) };
        if !group.members()?.iter().any(|(_, holder)| holder.fingerprint == inviter) {
            self.refuse(
                "inviter_absent",
                "Whoever made your invite is not a member of this room (any more).",
                "If you did not expect that, ask them, over another channel, whether the link is theirs.",
            );
        }
        Ok(())
    }

    fn member_entry(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        let own = self.pending.as_ref().is_some_and(|pending| *entry.envelope == pending.envelope);
        self.check_acked_commit(entry, own);
        let keys = (entry.is_commit || entry.access.is_some()).then(|| self.relay_keys()).transpose()?;
        let verdict = match own {
            true => self.apply_own(entry, now)?,
            false => self.foreign_or_said(entry)?,
        };
        self.advance(entry);
        match verdict {
            Verdict::Applied => self.anchor(entry),
            Verdict::Taken | Verdict::Refused => self.extend_hash(entry),
        }
        match keys.filter(|_| self.phase() == Phase::Member) {
            Some(keys) => self.check_access(entry, keys),
            None => Ok(()),
        }
    }

    fn foreign_or_said(&mut self, entry: &Deliver) -> Result<Verdict, GroupError> {
        let Ok(envelope) = Envelope::parse(&entry.envelope) else {
            return Ok(self.forged("is not an envelope"));
        };
        if self.check_echo(entry, &envelope) {
            return Ok(Verdict::Taken);
        }
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let invites = group.room()?.invites;
        let (our_leaf, epoch) = (group.leaf(), group.epoch());
        let Some((sealer, plain)) = self.keyring.open(&envelope, &invites) else {
            return Ok(self.unreadable(epoch, entry.is_commit));
        };
        let (leaf, sealed_in) = match sealer {
            Sealer::Leaf { leaf, epoch } => (leaf, epoch),
            Sealer::Invited => (INVITED, epoch),
        };
        // Every member can derive this key. So the window moves only once MLS has proved the sender, or
        // a member could use up somebody else's numbers.
        let number =
            Number { id: (leaf, envelope.session()), sequence: envelope.sequence(), epoch: sealed_in };
        if let Err(error) = self.check_number(&number) {
            let what = match error {
                ReplayError::Duplicate => "was already delivered",
                ReplayError::TooOld => "is too old to tell whether it was already delivered",
            };
            self.alarm(AlarmKind::Replay, format!("Entry {} {what}; it was refused.", entry.seq));
            return Ok(Verdict::Refused);
        }
        // Sealed too long ago to be read by anybody: said again by its sender. The number is not marked, since
        // nothing proves the sender.
        if sealed_in + EPOCHS_KEPT < epoch {
            return Ok(Verdict::Taken);
        }
        match content::Sealed::decode(plain.as_slice()).ok().and_then(|sealed| sealed.body) {
            Some(content::sealed::Body::PrivateMessage(_)) if leaf == our_leaf => {
                // MLS opens no message of our own, so nothing proves that it is not a member's forgery.
                self.alarm(
                    AlarmKind::Rollback,
                    "Something was said under this device's name that this profile does not know: the profile is an old \
                     backup, a copy of it is in use elsewhere, or a member forges; it was refused.",
                );
                Ok(Verdict::Refused)
            }
            Some(content::sealed::Body::PrivateMessage(message)) if sealer != Sealer::Invited => {
                self.private_message(entry, &number, &message)
            }
            Some(content::sealed::Body::KeyShare(message)) if entry.is_commit => {
                self.key_share(entry, &number, &message)
            }
            _ => Ok(self.forged("holds nothing that belongs into an envelope")),
        }
    }

    fn private_message(
        &mut self,
        entry: &Deliver,
        number: &Number,
        message: &[u8],
    ) -> Result<Verdict, GroupError> {
        let at = self.clamp(entry.at_ms);
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let opened = group.open(message, at);
        // The envelope's key proves the leaf's epoch secret, MLS the sender; they must be one.
        let said = opened.ok().filter(|(leaf, _)| *leaf == number.id.0).and_then(|(leaf, data)| {
            let holder = group.member(leaf)?;
            Some((leaf, holder, content::Content::decode(data.as_slice()).ok()?))
        });
        let Some((leaf, holder, said)) = said else {
            group.undo()?;
            return Ok(self.forged("holds a message that does not verify"));
        };
        group.keep()?;
        let _ = self.mark(number.id, number.sequence, number.epoch);
        let who = person(&holder);
        self.check_view(entry, &who.name, number.epoch, said.view.as_ref());
        if !self.count(leaf, &holder.unique(), &who.name, said.counter) {
            return Ok(Verdict::Refused);
        }
        match said.body {
            Some(content::content::Body::Text(text)) if text.body.len() > MAX_TEXT => {
                return Ok(self.forged("holds a longer text than may be said"));
            }
            Some(content::content::Body::Text(text)) => {
                let id = (&*said.id).try_into().unwrap_or_default();
                let message = Message { seq: entry.seq, id, at, from: who, text: text.body, mine: false };
                self.out.events.push(Event::Message(message));
            }
            Some(content::content::Body::Leave(_)) => self.remove_later(holder.unique()),
            Some(content::content::Body::Alarm(alarm)) => {
                self.alarm(AlarmKind::Fork, format!("{} reports: {}.", who.name, alarm.kind.escape_debug()));
            }
            // A profile line is for faces that show one; a body of a later version is skipped.
            Some(content::content::Body::Profile(_)) | None => (),
        }
        Ok(Verdict::Taken)
    }

    fn key_share(&mut self, entry: &Deliver, number: &Number, message: &[u8]) -> Result<Verdict, GroupError> {
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        // The entry's own time, not the latest that this device saw: a newcomer saw fewer entries, and all
        // members have to decide alike.
        let applied = match group.process(message, entry.at_ms) {
            Ok(applied) => applied,
            Err(GroupError::Mls(mls_rs::error::MlsError::CantProcessMessageFromSelf)) => {
                // The library says so only after it has verified our signature.
                group.undo()?;
                self.alarm(
                    AlarmKind::Rollback,
                    "This device's own keys changed the room in a way that this profile does not know: the profile is an \
                     old backup, or a copy of it is in use elsewhere.",
                );
                self.close("This profile is older than what it already did. Ask a member for a new invite.");
                return Ok(Verdict::Refused);
            }
            Err(error) => {
                group.undo()?;
                self.refuse(
                    "invalid_commit",
                    format!("A change of this room was refused: {error}."),
                    "Nothing to do: the room goes on without it. /members shows who is in.",
                );
                return Ok(Verdict::Refused);
            }
        };
        let expected = if applied.joined.is_some() { INVITED } else { applied.leaf };
        if number.id.0 != expected {
            group.undo()?;
            return Ok(self.forged("holds a commit in somebody else's envelope"));
        }
        let _ = self.mark(number.id, number.sequence, number.epoch);
        self.finish_commit(&applied)?;
        Ok(Verdict::Applied)
    }

    /// A new epoch has begun, by whosever commit.
    pub(super) fn finish_commit(&mut self, applied: &Applied) -> Result<(), GroupError> {
        let by = person(&applied.committer);
        if let Some(joined) = &applied.joined {
            self.out.events.push(Event::MemberJoined(person(joined)));
            // Whoever comes while we are here is counted from the first word.
            self.peers.insert(applied.leaf, Peer { leaf: applied.leaf, unique: joined.unique(), counter: 0 });
            self.dirty.peers.insert(applied.leaf);
        }
        for (leaf, who) in &applied.removed {
            self.peers.remove(leaf);
            self.dirty.peers.insert(*leaf);
            self.meta.to_remove.retain(|unique| *unique != who.unique());
            self.out.events.push(Event::MemberLeft { who: person(who), by: by.clone() });
        }
        if applied.removed_us {
            let reason = match self.meta.leaving {
                true => "You left the room.".to_owned(),
                false => format!("{} removed this device from the room.", by.name),
            };
            self.close(reason);
            return Ok(());
        }
        self.new_epoch()?;
        if let Some(view) = self.view().filter(|_| self.link.announced) {
            self.out.events.push(Event::Epoch(view));
        }
        Ok(())
    }

    /// Takes over the secrets of the group's present epoch and drops those that are too old.
    pub(super) fn new_epoch(&mut self) -> Result<(), GroupError> {
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        group.keep()?;
        let mut row = EpochRow::default();
        row.epoch = group.epoch();
        row.secret = group.envelope_secret()?.to_vec();
        row.authenticator = group.authenticator()?;
        row.leaves = group.leaf_bound();
        let epoch = row.epoch;
        self.meta.epochs.push(row);
        self.meta.epochs.retain(|row| row.epoch + EPOCHS_RECOGNISED >= epoch);
        self.keyring.set(&self.meta.epochs);
        let stale: Vec<(u32, Session)> = self
            .windows
            .iter()
            .filter(|(_, (used, _))| used + EPOCHS_RECOGNISED < epoch)
            .map(|(id, _)| *id)
            .collect();
        for id in stale {
            self.windows.remove(&id);
            self.dirty.windows.insert(id);
        }
        self.dirty.meta = true;
        Ok(())
    }

    fn check_number(&self, number: &Number) -> Result<(), ReplayError> {
        self.windows.get(&number.id).map_or(Ok(()), |(_, window)| window.check(number.sequence))
    }

    /// Marks an authenticated sequence number; refuses it the second time.
    pub(super) fn mark(&mut self, id: (u32, Session), sequence: u64, epoch: u64) -> Result<(), ReplayError> {
        if !self.windows.contains_key(&id) && self.windows.len() >= MAX_WINDOWS {
            let oldest = self.windows.iter().min_by_key(|(_, (epoch, _))| *epoch).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.windows.remove(&oldest);
                self.dirty.windows.insert(oldest);
            }
        }
        let (used, window) = self.windows.entry(id).or_insert_with(|| (epoch, Window::default()));
        window.commit(sequence)?;
        *used = epoch.max(*used);
        self.dirty.windows.insert(id);
        Ok(())
    }

    /// Holds a content counter against the last one of that leaf. False when it came before.
    fn count(&mut self, leaf: u32, unique: &[u8], name: &str, counter: u64) -> bool {
        let known = self.peers.get(&leaf).filter(|peer| peer.unique == unique).map(|peer| peer.counter);
        if known.is_some_and(|last| counter <= last) {
            self.alarm(AlarmKind::Replay, format!("A message of {name} came twice; the second was refused."));
            return false;
        }
        let missing = known.map_or(0, |last| counter - last - 1);
        if missing > 0 {
            let (plural, verb) = if missing == 1 { ("", "is") } else { ("s", "are") };
            self.alarm(AlarmKind::Gap, format!("{missing} message{plural} from {name} {verb} missing."));
        }
        self.peers.insert(leaf, Peer { leaf, unique: unique.to_vec(), counter });
        self.dirty.peers.insert(leaf);
        true
    }

    /// Compares what the sender had seen with what we have seen.
    fn check_view(&mut self, entry: &Deliver, name: &str, sealed_in: u64, view: Option<&content::View>) {
        let Some(view) = view else {
            return self.alarm(AlarmKind::Fork, format!("{name} does not say what they saw of the log."));
        };
        let ours = self.meta.epochs.iter().find(|row| row.epoch == view.epoch);
        let other_epoch = ours
            .is_some_and(|row| row.authenticator.get(..AUTHENTICATOR_PREFIX) != Some(&*view.authenticator));
        let ours = self.hashes.get(view.seq);
        let other_log = !view.running_hash.is_empty() && ours.is_some_and(|hash| *hash != *view.running_hash);
        if other_epoch || other_log || view.epoch != sealed_in || view.seq >= entry.seq {
            self.alarm(
                AlarmKind::Fork,
                format!("{name} was shown another log of this room than this device: the relay deceives one of you."),
            );
        }
    }

    fn unreadable(&mut self, epoch: u64, is_commit: bool) -> Verdict {
        // A newcomer meets messages that were under way when it joined; it was never meant to read them. Each
        // member has at most one under way, and a commit of before the join cannot come after it.
        let newcomer = self.meta.join_epoch > 0 && epoch <= self.meta.join_epoch + EPOCHS_RECOGNISED;
        if !newcomer || is_commit {
            return self.forged("was sealed by nobody who is in the room, or too long ago");
        }
        if self.meta.unreadable_left == 0 {
            self.alarm(
                AlarmKind::Fork,
                "More was said that this device cannot read than can have been under way when it joined: it may be in \
                 another room than the others.",
            );
            return Verdict::Refused;
        }
        self.meta.unreadable_left -= 1;
        self.refuse(
            "unreadable",
            "An entry could not be read; it was probably said before you joined.",
            "Nothing to do.",
        );
        Verdict::Refused
    }

    fn check_time(&mut self, entry: &Deliver) {
        if entry.at_ms < self.meta.last_at {
            self.alarm(
                AlarmKind::Rollback,
                format!(
                    "Entry {} is older than the one before it: the relay's clock ran backwards.",
                    entry.seq
                ),
            );
        }
    }

    /// The relay said that it has our commit, and shows something that cannot be before it.
    fn check_acked_commit(&mut self, entry: &Deliver, own: bool) {
        let acked = self.link.commit_acked;
        if own || acked == 0 || (entry.seq < acked && !entry.is_commit) {
            return;
        }
        self.link.commit_acked = 0;
        self.alarm(
            AlarmKind::Gap,
            "The relay acknowledged a change of yours and then did not show it; it is made again.",
        );
        self.set_pending(None);
    }

    fn forged(&mut self, why: &str) -> Verdict {
        let message =
            format!("Entry {} of the log {why}; it was refused.", self.meta.cursor.saturating_add(1));
        self.refuse("forged", message, "If this happens again, do not trust this relay.");
        Verdict::Refused
    }

    fn clamp(&self, at: u64) -> u64 {
        at.max(self.meta.last_at)
    }

    fn advance(&mut self, entry: &Deliver) {
        self.meta.cursor = entry.seq;
        self.meta.last_at = self.clamp(entry.at_ms);
        if entry.is_commit {
            self.meta.last_commit = entry.seq;
        }
        self.dirty.meta = true;
    }

    fn extend_hash(&mut self, entry: &Deliver) {
        if !self.meta.running_hash.is_empty() {
            self.set_hash(entry.seq, hash_entry(Some(&self.meta.running_hash), entry));
        }
    }

    fn anchor(&mut self, entry: &Deliver) {
        self.set_hash(entry.seq, hash_entry(None, entry));
    }

    fn set_hash(&mut self, seq: u64, hash: Vec<u8>) {
        self.meta.running_hash.clone_from(&hash);
        self.hashes.insert(HashRow { seq, hash });
        self.dirty.hashes.insert(seq);
        debug_assert!(Hashes::key(seq).len() < 16);
    }

    fn progress(&mut self) {
        if self.link.state == Stream::CatchingUp {
            let total = self.link.head.saturating_sub(self.link.start);
            let done = self.meta.cursor.saturating_sub(self.link.start).min(total);
            if total > 1 && (done.is_multiple_of(100) || done == total) {
                self.out.events.push(Event::CatchingUp { done, total });
            }
        }
        self.maybe_caught_up();
    }

    pub(super) fn maybe_caught_up(&mut self) {
        let hidden = self.phase() == Phase::Confirming && self.meta.cursor >= self.link.head;
        if hidden && self.link.state == Stream::CatchingUp {
            self.link.state = Stream::Live;
            self.alarm(
                AlarmKind::Gap,
                "The relay let this device in by its own key, but does not show the join that brought the key.",
            );
        }
        if self.link.state != Stream::CatchingUp
            || self.meta.cursor < self.link.head
            || self.phase() != Phase::Member
        {
            return;
        }
        self.link.state = Stream::Live;
        if let Some(view) = self.view().filter(|_| !self.link.announced) {
            self.link.announced = true;
            self.out.events.push(Event::Joined(view));
        }
    }

    /// The content that MLS carries.
    pub(super) fn sealed_private(message: Vec<u8>) -> Zeroizing<Vec<u8>> {
        let body = content::sealed::Body::PrivateMessage(message.into());
        Zeroizing::new(content::Sealed { body: Some(body) }.encode_to_vec())
    }
}
