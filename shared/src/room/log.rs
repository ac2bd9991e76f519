//! Reading the log: each entry is checked, opened, and either taken or refused; none is silent.

use prost::Message as _;
use proto::relay::Deliver;
use zeroize::Zeroizing;

use super::{
    AlarmKind, Engine, Event, INVITED, Millis, Stream,
    checks::Number,
    keyring::Sealer,
    person,
    said::Saying,
    state::{HashRow, Phase},
    watch::{Hashes, hash_entry},
};
use crate::{
    content::{self, content::Body},
    crypto::aead::Envelope,
    crypto::replay::ReplayError,
    mls::group::{EPOCHS_KEPT, GroupError},
};

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
            self.meta.cursor = entry.seq - 1;
        }
        self.check_time(entry);
        if self.phase() == Phase::Confirming {
            return self.confirm(entry, now);
        }
        self.member_entry(entry, now)?;
        self.progress();
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
        let (our_leaf, epoch) = (group.leaf(), group.epoch());
        let Some((sealer, plain)) = self.keyring.open(&envelope) else {
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
                self.give_way();
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
        let saying = Saying::new(entry, &said.id, at, who, false);
        let is_good = match said.body {
            Some(Body::Leave(leave)) => {
                let is_proven =
                    self.group.as_ref().is_some_and(|group| group.says_it_leaves(leaf, &leave.signature));
                if is_proven {
                    self.let_go(holder.unique(), &leave.signature);
                }
                is_proven
            }
            Some(Body::Alarm(alarm)) => {
                let name = saying.from.name;
                self.alarm(AlarmKind::Fork, format!("{name} reports: {}.", alarm.kind.escape_debug()));
                true
            }
            Some(Body::Past(past)) => self.past(&saying, past),
            Some(body) => self.tell(saying, body),
            // Of a later version.
            None => true,
        };
        Ok(if is_good { Verdict::Taken } else { self.forged("holds something that may not be said so") })
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
        self.finish_commit(&applied, entry.seq)?;
        Ok(Verdict::Applied)
    }

    pub(super) fn clamp(&self, at: u64) -> u64 {
        at.max(self.meta.last_at)
    }

    pub(super) fn advance(&mut self, entry: &Deliver) {
        self.meta.cursor = entry.seq;
        self.meta.last_at = self.clamp(entry.at_ms);
        if entry.is_commit {
            self.meta.last_commit = entry.seq;
        }
        self.dirty.meta = true;
    }

    pub(super) fn extend_hash(&mut self, entry: &Deliver) {
        if !self.meta.running_hash.is_empty() {
            self.set_hash(entry.seq, hash_entry(Some(&self.meta.running_hash), entry));
        }
    }

    pub(super) fn anchor(&mut self, entry: &Deliver) {
        self.set_hash(entry.seq, hash_entry(None, entry));
    }

    pub(super) fn set_hash(&mut self, seq: u64, hash: Vec<u8>) {
        self.meta.running_hash.clone_from(&hash);
        self.hashes.insert(HashRow { seq, hash });
        self.dirty.hashes.insert(seq);
        debug_assert!(Hashes::key(seq).len() < 16);
    }

    pub(super) fn progress(&mut self) {
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
