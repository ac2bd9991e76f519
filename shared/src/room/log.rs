//! Reading the log: each entry is checked, opened, and either taken or refused; none is silent.

use prost::Message as _;
use proto::relay::Deliver;
use zeroize::Zeroizing;

use super::{
    Alarm, Engine, Event, Fault, INVITED, Millis, Problem, Stream, checks::Number, ground::CommitGround,
    incoming::Incoming, keyring::Sealer, kinship::Kinship, ledger::Booked, numbering::FARTHEST, out::Cause,
    person, state::Phase, verdict::Verdict,
};
use crate::{
    canonical,
    content::{self, content::Body},
    crypto::aead::Envelope,
    crypto::replay::ReplayError,
    mls::group::{AccessKeys, Applied, EPOCHS_KEPT, GroupError, Kind},
    mls::rules::Violation,
};

/// Greatest plaintext with something said, in bytes: what fits a 64 KiB bucket, as everything that is said does.
const MAX_SAID: usize = (64 << 10) - 1;

/// A relay that skips the same entries again is asked for them after so long, in milliseconds.
const ASK_AGAIN_MS: u64 = 60_000;

impl Engine {
    pub(super) fn deliver(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        if self.link.state != Stream::CatchingUp && self.link.state != Stream::Live {
            return Ok(());
        }
        let expected = self.meta.cursor.saturating_add(1);
        if entry.seq < expected {
            self.alarm(Alarm::EntryAgain { entry: entry.seq });
            return Ok(());
        }
        if entry.seq > expected || entry.seq > FARTHEST {
            self.skipped(entry.seq.saturating_sub(expected).max(1), now);
            return Ok(());
        }
        let is_known = self.back.rereads && self.is_known(entry)?;
        if self.link.state == Stream::Offline {
            return Ok(());
        }
        if is_known {
            self.advance(entry);
            self.progress();
            return Ok(());
        }
        self.check_time(entry);
        let booked = self.check_ledger(entry);
        if self.phase() == Phase::Confirming {
            return self.confirm(entry, now);
        }
        self.member_entry(entry, booked, now)?;
        self.progress();
        Ok(())
    }

    /// Entries of a log without gaps are missing. Nothing is read past them, or one number could lead this device to where no
    /// log ever gets: the relay is asked again, in less haste the second time, and says itself what it does not keep any more.
    fn skipped(&mut self, missing: u64, now: Millis) {
        self.alarm(Alarm::EntriesSkipped { missing });
        self.link.state = Stream::Offline;
        let at = Some(self.meta.cursor);
        match std::mem::replace(&mut self.skipped_at, at) == at {
            true => self.link.again_at = Some(now + ASK_AGAIN_MS),
            false => self.out.reopen = true,
        }
    }

    fn member_entry(&mut self, entry: &Deliver, booked: Booked, now: Millis) -> Result<(), GroupError> {
        self.link.entry_at = self.clamp(entry.at_ms);
        let own = self.pending.as_ref().is_some_and(|pending| *entry.envelope == pending.envelope);
        self.check_acked_commit(entry, own);
        if let Some(group) = self.group.as_mut().filter(|group| entry.is_commit && group.has_unkept()) {
            // What a commit may have to go back to is whole in storage before it is looked at.
            group.keep()?;
        }
        let verdict = match own {
            true => self.apply_own(entry, now)?,
            false if entry.is_commit => self.foreign_commit(entry, booked, now)?,
            false if entry.envelope.is_empty() && entry.ballot.is_some() => self.voted(entry, booked, now)?,
            false if entry.envelope.is_empty() && !entry.resync.is_empty() => {
                self.resync(entry, now)?;
                Verdict::Taken
            }
            false => self.foreign_or_said(entry)?,
        };
        self.note_seen(entry, &verdict);
        if booked != Booked::Refused {
            self.check_ack(entry);
        }
        self.check_age(entry.at_ms, now);
        self.settle_books(now);
        self.advance(entry);
        // By what everybody sees of it: not everybody takes it.
        match self.enters(entry) {
            true => self.anchor(entry),
            false => self.extend_hash(entry),
        }
        Ok(())
    }

    /// What the relay took has to be what the rules allow.
    fn check_ledger(&mut self, entry: &Deliver) -> Booked {
        let booked = self.book(entry);
        if booked == Booked::Refused {
            let seq = entry.seq;
            self.alarm(match (entry.is_commit, &entry.ballot) {
                (true, _) => Alarm::FalseCommit { entry: seq },
                (_, Some(_)) => Alarm::FalseVote { entry: seq },
                _ => Alarm::FalseWord { entry: seq },
            });
            if entry.is_commit {
                // The relay goes another way from here on. What can be taken of it the group knows.
                self.ledger.close();
            }
        }
        booked
    }

    fn voted(&mut self, entry: &Deliver, booked: Booked, now: Millis) -> Result<Verdict, GroupError> {
        if booked == Booked::Refused {
            return Ok(Verdict::Refused);
        }
        self.count_vote(entry);
        if let Booked::Allowed { undone } = booked
            && undone != entry.undone
            && undone != 0
        {
            self.alarm(match entry.undone {
                0 => Alarm::UndoingHidden { undone },
                other => Alarm::TooFewVotes { entry: entry.seq, undone: other },
            });
            // It goes another way from here on.
            self.ledger.close();
            return Ok(Verdict::Refused);
        }
        if entry.undone == 0 {
            return Ok(Verdict::Taken);
        }
        let agreed = match booked {
            Booked::Allowed { undone } => undone == entry.undone,
            Booked::Unknown | Booked::Refused => self.is_outvoted(entry),
        };
        if !agreed {
            self.alarm(Alarm::TooFewVotes { entry: entry.seq, undone: entry.undone });
            return Ok(Verdict::Refused);
        }
        if self.was_dropped(entry.undone) {
            self.undone_besides(entry);
            return Ok(Verdict::Taken);
        }
        // By what a relay said alone, nobody goes back to a group that somebody was removed from.
        let returns = self.ledger.is_own() || self.is_outvoted(entry) && self.begins_with(entry);
        self.undone(entry, returns, now)?;
        Ok(Verdict::Taken)
    }

    /// Somebody else's commit: where it stands, and whether it can be taken there.
    fn foreign_commit(
        &mut self,
        entry: &Deliver,
        booked: Booked,
        now: Millis,
    ) -> Result<Verdict, GroupError> {
        if self.back.out.is_some() {
            self.note_another(entry);
            return Ok(Verdict::Taken);
        }
        if self.is_own_return(entry) {
            // Its keys signed it, and this device did not: a copy of it, or of its backup, has taken its place.
            self.alarm(Alarm::OwnCommitUnknown);
            self.go_out(Cause::OldProfile);
            return Ok(Verdict::Refused);
        }
        let place = self.place(entry);
        if self.passes_return_by(place, entry.base) {
            self.go_out(Cause::Undone);
            return Ok(Verdict::Taken);
        }
        match place {
            CommitGround::OnTop => (),
            CommitGround::Beyond => {
                let signed = self.check_signature_beyond(entry, booked);
                self.cannot_take(entry, signed, now);
                return Ok(Verdict::Taken);
            }
            CommitGround::Instead => {
                if !self.fall_back(entry)? {
                    self.lost_ground();
                    return Ok(Verdict::Refused);
                }
            }
            CommitGround::Nowhere => {
                self.alarm(Alarm::PassedBy { entry: entry.seq });
                if entry.base > self.books.position {
                    self.go_out(Cause::Commit(entry.base));
                }
                return Ok(Verdict::Refused);
            }
        }
        (self.link.broken, self.link.by_replaced) = (false, false);
        let signed = self.check_signature(entry, booked);
        let verdict = self.foreign_or_said(entry)?;
        if !matches!(verdict, Verdict::Applied | Verdict::Joined)
            && self.back.out.is_none()
            && self.is_member()
        {
            self.cannot_take(entry, signed, now);
        }
        Ok(verdict)
    }

    fn foreign_or_said(&mut self, entry: &Deliver) -> Result<Verdict, GroupError> {
        let Ok(envelope) = Envelope::parse(&entry.envelope) else {
            return Ok(self.forged(Fault::NoEnvelope));
        };
        if self.check_echo(entry, &envelope) {
            return Ok(Verdict::Taken);
        }
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let (our_leaf, epoch) = (group.leaf(), group.epoch());
        let Some((sealer, plain)) = self.keyring.open(&envelope) else {
            if !entry.is_commit && (self.books.untaken.is_some() || self.back.out.is_some()) {
                // Of an epoch that this device is not in: people know already, or will.
                return Ok(Verdict::Taken);
            }
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
            let is_old = error == ReplayError::TooOld;
            self.alarm(Alarm::NumberAgain { entry: entry.seq, is_old });
            return Ok(Verdict::Refused);
        }
        // Sealed too long ago to be read by anybody: said again by its sender. The number is not marked, since
        // nothing proves the sender.
        if sealed_in.saturating_add(EPOCHS_KEPT) < epoch {
            return Ok(Verdict::Taken);
        }
        let Ok(sealed) = content::Sealed::decode(plain.as_slice()) else {
            return Ok(self.forged(Fault::NothingKnown));
        };
        match sealed.body {
            Some(content::sealed::Body::PrivateMessage(_)) if leaf == our_leaf => {
                Ok(self.by_own_leaf(&number, &sealed.own))
            }
            Some(content::sealed::Body::PrivateMessage(message))
                if sealer != Sealer::Invited && plain.len() <= MAX_SAID =>
            {
                self.private_message(entry, &number, &message)
            }
            Some(content::sealed::Body::KeyShare(message)) if entry.is_commit => {
                self.key_share(entry, &number, &message)
            }
            _ => Ok(self.forged(Fault::NothingKnown)),
        }
    }

    fn private_message(
        &mut self,
        entry: &Deliver,
        number: &Number,
        message: &[u8],
    ) -> Result<Verdict, GroupError> {
        let at = self.clamp(entry.at_ms);
        let Some(place) = self.placed(Kind::Content, number, message) else {
            return Ok(self.forged(Fault::MessageMisplaced));
        };
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let opened = group.open(message, at, &place);
        // The envelope's key proves the leaf's epoch secret, MLS the sender; they must be one. MLS opens nothing of an epoch in which the
        // leaf had another signature key: after a change of the account a copy of the device could seal there still.
        let said = opened.ok().filter(|(leaf, _)| *leaf == number.id.0).and_then(|(leaf, data)| {
            let holder = group.member(leaf)?;
            Some((leaf, holder, content::Content::decode(data.as_slice()).ok()?))
        });
        let Some((leaf, holder, said)) = said else {
            group.undo()?;
            return Ok(self.forged(Fault::MessageUnverified));
        };
        group.opened(message, at, &place);
        let _ = self.mark(number.id, number.sequence, number.epoch);
        let who = person(&holder);
        self.check_view(entry.seq, &who.name, number, said.view.as_ref());
        let unique = holder.unique();
        let is_next = self.count(leaf, &unique, &who.name, said.counter);
        self.take(leaf, &unique, number.epoch);
        self.prove_return(&holder)?;
        if !is_next {
            return Ok(Verdict::Refused);
        }
        // What another device of ours said is ours as well, but what devices tell each other.
        let mine = self.is_ours(&who.fingerprint) && !matches!(said.body, Some(Body::Device(_)));
        let saying = Incoming::new(entry, &said.id, at, &holder, mine);
        let is_good = match said.body {
            Some(Body::Leave(leave)) => {
                let is_proven =
                    self.group.as_ref().is_some_and(|group| group.says_it_leaves(leaf, &leave.signature));
                if is_proven {
                    self.let_go(unique, &leave.signature)?;
                }
                is_proven
            }
            Some(Body::Alarm(alarm)) => self.reported(leaf, &saying.from.name, &alarm),
            Some(Body::Past(past)) => self.past(&saying, past),
            Some(Body::DeviceHere(here)) => self.device_here(&holder, at, &here),
            Some(body) => self.tell(saying, body),
            // Of a later version.
            None => true,
        };
        Ok(if is_good { Verdict::Taken } else { self.forged(Fault::MayNotBeSaid) })
    }

    fn key_share(&mut self, entry: &Deliver, number: &Number, message: &[u8]) -> Result<Verdict, GroupError> {
        let kinship = self.kinship(entry);
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        // The entry's own time, not the latest that this device saw: a newcomer saw fewer entries, and all
        // members have to decide alike.
        let (epoch, keys) = (group.epoch(), group.access_keys()?);
        let keys = self.relay_keys(entry.base, epoch, keys);
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let applied = match group.process(message, entry.at_ms) {
            Ok(applied) => applied,
            Err(GroupError::Mls(mls_rs::error::MlsError::CantProcessMessageFromSelf)) => {
                // The library says so only after it has verified our signature.
                group.undo()?;
                self.alarm(Alarm::OwnCommitUnknown);
                self.go_out(Cause::OldProfile);
                return Ok(Verdict::Refused);
            }
            Err(error) => {
                group.undo()?;
                self.link.broken = matches!(error, GroupError::Rule(_));
                self.link.by_replaced = matches!(error, GroupError::Rule(Violation::ReplacedKey));
                self.refuse(Problem::InvalidCommit(error.into()));
                return Ok(Verdict::Refused);
            }
        };
        let made = match (&applied.joined, applied.returned) {
            (Some(_), _) => Kinship::Join,
            (_, Some(_)) => Kinship::Return,
            _ => Kinship::Member,
        };
        let external = made != Kinship::Member;
        let expected = if external { INVITED } else { applied.leaf };
        if number.id.0 != expected {
            group.undo()?;
            return Ok(self.forged(Fault::OthersEnvelope));
        }
        if self.helps_removed(&applied) {
            self.link.broken = true;
            if let Some(group) = &mut self.group {
                group.undo()?;
            }
            self.alarm(Alarm::OwnRemovalUndone { entry: entry.seq });
            return Ok(Verdict::Refused);
        }
        if self.is_by_replaced(&applied) {
            (self.link.broken, self.link.by_replaced) = (true, true);
            if let Some(group) = &mut self.group {
                group.undo()?;
            }
            self.refuse(Problem::InvalidCommit(GroupError::from(Violation::ReplacedKey).into()));
            return Ok(Verdict::Refused);
        }
        // One thing to the relay and another to the group: they would not hold the same for settled.
        let is_as_shown = if made == kinship { Ok(()) } else { Err(Violation::FalseAuthority.into()) };
        if let Err(error) = is_as_shown.and_then(|()| self.check_promises(entry, &applied, keys)) {
            self.link.broken = true;
            if let Some(group) = &mut self.group {
                group.undo()?;
            }
            self.refuse(Problem::InvalidCommit(error.into()));
            return Ok(Verdict::Refused);
        }
        let who = applied.committer.name.clone();
        if !external {
            let Some(note) = noted(&applied.note, number) else {
                if let Some(group) = &mut self.group {
                    group.undo()?;
                }
                return Ok(self.forged(Fault::CommitMisplaced));
            };
            self.check_view(entry.seq, &who, number, note.view.as_ref());
            self.heard(applied.leaf, &applied.committer.unique());
            self.prove_return(&applied.committer)?;
        }
        let _ = self.mark(number.id, number.sequence, number.epoch);
        if !applied.removed_us {
            self.took(entry, &applied)?;
        }
        self.finish_commit(&applied, entry.seq)?;
        Ok(if external { Verdict::Joined } else { Verdict::Applied })
    }

    /// What a commit tells the relay has to be true.
    fn check_promises(
        &mut self,
        entry: &Deliver,
        applied: &Applied,
        keys: AccessKeys,
    ) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let should = match &applied.room {
            None => {
                group.check_authority(&entry.authority)?;
                group.access_keys()?
            }
            // Who is removed does not learn the next authority, but what the others hold the change of keys against: it must
            // not take for its removal what nobody else does.
            Some(room) => {
                let leaves: Vec<u32> = applied.removed.iter().map(|(leaf, _)| *leaf).collect();
                let changed = group.leaf_noted(applied)?;
                group.access_keys_after(&leaves, room, changed.as_ref().map(|leaf| (applied.leaf, leaf)))?
            }
        };
        self.check_access(entry, keys, &should)
    }

    pub(super) fn clamp(&self, at: u64) -> u64 {
        at.max(self.meta.last_at)
    }

    pub(super) fn advance(&mut self, entry: &Deliver) {
        self.meta.cursor = entry.seq;
        self.ledger.reach(entry.seq);
        self.meta.last_at = self.clamp(entry.at_ms);
        if entry.is_commit {
            self.meta.last_commit = entry.seq;
        }
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
            self.alarm(Alarm::JoinNotShown);
        }
        if self.link.state != Stream::CatchingUp
            || self.meta.cursor < self.link.head
            || self.phase() != Phase::Member
        {
            return;
        }
        self.link.state = Stream::Live;
        self.seal_anew_what_is_beyond();
        self.read_again();
        if let Some(view) = self.view().filter(|_| !self.link.announced) {
            self.link.announced = true;
            self.out.events.push(Event::Joined(view));
            self.say_that_it_is_out();
        }
    }

    /// The content that MLS carries.
    pub(super) fn sealed_private(message: Vec<u8>, own: Vec<u8>) -> Zeroizing<Vec<u8>> {
        let body = content::sealed::Body::PrivateMessage(message.into());
        Zeroizing::new(content::Sealed { body: Some(body), own: own.into() }.encode_to_vec())
    }
}

/// What a commit's committer signed besides, if it is of the envelope that it came in.
fn noted(note: &[u8], number: &Number) -> Option<content::CommitNote> {
    let note: content::CommitNote = canonical::decode(note)?;
    (*note.session == *number.id.1.as_bytes() && note.sequence == number.sequence).then_some(note)
}
