//! Signals that are never stored: somebody is typing.
//!
//! A signal is sealed like everything else, so the relay and an outsider can neither read nor forge it, and
//! no member can make one in another's name. It takes no position in the log: what is lost is lost, what
//! comes late or twice is dropped without a word. Nothing but [`content::Typing`] is taken from a signal, so
//! that nobody can say something that the others' log does not have.
//!
//! Each signal that is taken costs whoever hears it one stored transaction, because a message key is used up. So
//! only so many are taken of one member.

use std::collections::BTreeMap;

use prost::Message as _;
use proto::relay::{ClientFrame, Ephemeral, client_frame};

use super::{Engine, Event, Millis, Stream, checks::Number, keyring::Sealer, person};
use crate::{
    content::{self, content::Body},
    crypto::aead::{Envelope, Session},
    mls::group::{GroupError, Kind, MessagePlace},
};

/// At most one signal in so many milliseconds; the others show it for twice that.
pub const TYPING_EVERY_MS: u64 = 3_000;

/// Signals that are taken of one member in [`HEARD_IN_MS`]; further ones are dropped before anything is decrypted or
/// stored. Who types all the time sends four, who also stops in between some more.
const MAX_HEARD: u32 = 8;

/// How long [`MAX_HEARD`], [`MAX_FAILED`] and [`MAX_UNDONE`] count, in milliseconds.
const HEARD_IN_MS: u64 = 4 * TYPING_EVERY_MS;

/// Signals of one leaf and session that MLS may refuse in [`HEARD_IN_MS`]; further ones of it are dropped before. Each
/// costs the group's reload. Every member can make them in anybody's name, so they are counted by session: the sessions
/// that somebody else draws silence nobody.
const MAX_FAILED: u32 = 4;

/// The same for all of them together. Beyond it only those are heard whose session was heard before.
const MAX_UNDONE: usize = 32;

/// Who signals, as the envelope says.
type Signaller = (u32, Session);

/// What was signalled since the stream opened.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// When the last one went.
    at: Millis,
    /// By leaf: since when is counted, and how many were taken. Only who is a member gets in here; what is not counted
    /// any more is thrown out with the next signal that is taken.
    heard: BTreeMap<u32, (Millis, u32)>,
    /// The last session of each leaf that was heard.
    sessions: BTreeMap<u32, Session>,
    /// Since when is counted, and how many MLS refused. At most [`MAX_UNDONE`], and one for each leaf.
    failed: BTreeMap<Signaller, (Millis, u32)>,
}

impl Signals {
    /// Whether the next one of this leaf and session is dropped.
    fn is_enough(&self, (leaf, session): Signaller, now: Millis) -> bool {
        let is_full = |counted: Option<&(Millis, u32)>, most| {
            counted.is_some_and(|(since, count)| counts(*since, now) && *count >= most)
        };
        let is_known = self.sessions.get(&leaf) == Some(&session);
        let undone: u32 =
            self.failed.values().filter(|(since, _)| counts(*since, now)).map(|(_, count)| count).sum();
        is_full(self.heard.get(&leaf), MAX_HEARD)
            || is_full(self.failed.get(&(leaf, session)), MAX_FAILED)
            || (!is_known && undone as usize >= MAX_UNDONE)
    }

    /// One of this leaf was taken. To be called for what its member signed and for nothing else: whoever can forge an
    /// envelope must not silence somebody.
    fn took(&mut self, (leaf, session): Signaller, now: Millis) {
        self.heard.retain(|_, (since, _)| counts(*since, now));
        self.heard.entry(leaf).or_insert((now, 0)).1 += 1;
        self.sessions.insert(leaf, session);
    }

    /// MLS refused one.
    fn failed(&mut self, id: Signaller, now: Millis) {
        self.failed.retain(|_, (since, _)| counts(*since, now));
        self.failed.entry(id).or_insert((now, 0)).1 += 1;
    }
}

/// A clock that was set back starts anew, too.
fn counts(since: Millis, now: Millis) -> bool {
    since <= now && now < since.saturating_add(HEARD_IN_MS)
}

impl Engine {
    /// Tells the members who are online that we type. Dropped when there are too many, or nobody to hear it.
    pub(super) fn typing(&mut self, stopped: bool, now: Millis) -> Result<(), GroupError> {
        let too_soon = !stopped && now < self.signals.at.saturating_add(TYPING_EVERY_MS);
        let ready = !self.is_haunted()
            && !self.link.frozen
            && self.link.state == Stream::Live
            && self.is_member()
            && !self.wishes.leaving;
        if !ready || too_soon {
            return Ok(());
        }
        let view = self.own_view();
        let Some(group) = &mut self.group else { return Ok(()) };
        let generation = group.next_generation()?;
        if !self.may_signal(generation) {
            return Ok(());
        }
        let Some(group) = &mut self.group else { return Ok(()) };
        if group.size() < 2 {
            return Ok(());
        }
        let said = content::Content {
            id: Vec::new().into(),
            counter: 0,
            view: Some(view),
            sent_ms: now,
            body: Some(Body::Typing(content::Typing { stopped })),
        };
        let (session, next) = self.signal_session;
        let message = group.seal(Kind::Signal, (session, next), &said.encode_to_vec())?;
        group.keep()?;
        let (_, mut key) = self.keyring.sealing(group.leaf(), session, next).ok_or(GroupError::Damaged)?;
        let envelope =
            key.seal(&Self::sealed_private(message, Vec::new())).map_err(|_| GroupError::Unexpected)?;
        self.signal_session.1 = key.next_sequence();
        self.signals.at = if stopped { 0 } else { now };
        let frame = client_frame::Frame::Ephemeral(Ephemeral { envelope: envelope.into() });
        self.out.frames.push(ClientFrame { frame: Some(frame) });
        Ok(())
    }

    /// A signal came. Whatever is wrong with it, it is only dropped: it was never promised. Who sent it, whose number it
    /// has and where it belongs is asked first, for what a look-up costs.
    pub(super) fn signal(&mut self, signal: &Ephemeral, now: Millis) -> Result<(), GroupError> {
        if self.link.state != Stream::Live || !self.is_member() {
            return Ok(());
        }
        let Ok(envelope) = Envelope::parse(&signal.envelope) else { return Ok(()) };
        let Some(group) = &self.group else { return Ok(()) };
        let Some(Sealer::Leaf { leaf, epoch }) = self.keyring.sealer(&envelope) else { return Ok(()) };
        let number = Number { id: (leaf, envelope.session()), sequence: envelope.sequence(), epoch };
        let is_of_now = leaf != group.leaf() && epoch == group.epoch();
        if !is_of_now || self.signals.is_enough(number.id, now) || self.check_number(&number).is_err() {
            return Ok(());
        }
        let Some((_, plain)) = self.keyring.open(&envelope) else { return Ok(()) };
        let Some(content::sealed::Body::PrivateMessage(message)) =
            content::Sealed::decode(plain.as_slice()).ok().and_then(|sealed| sealed.body)
        else {
            return Ok(());
        };
        let Some(place) = self.placed(Kind::Signal, &number, &message) else { return Ok(()) };
        self.typed(&number, &message, &place, now)
    }

    fn typed(
        &mut self,
        number: &Number,
        message: &[u8],
        place: &MessagePlace,
        now: Millis,
    ) -> Result<(), GroupError> {
        let (leaf, at) = (number.id.0, self.meta.last_at);
        let Some(group) = &mut self.group else { return Ok(()) };
        let opened = group.open(message, at, place).ok().filter(|(sender, _)| *sender == leaf);
        let (Some((_, data)), Some(holder)) = (opened, group.member(leaf)) else {
            self.signals.failed(number.id, now);
            return group.undo();
        };
        // Signed by the member, for here: whatever it is, it counts, and its key and number are used up.
        group.opened(message, at, place);
        self.signals.took(number.id, now);
        let _ = self.mark(number.id, number.sequence, number.epoch);
        let said = content::Content::decode(data.as_slice()).ok().filter(|said| said.counter == 0);
        if let Some(Body::Typing(typing)) = said.and_then(|said| said.body) {
            self.out.events.push(Event::Typing { who: person(&holder), stopped: typing.stopped });
        }
        Ok(())
    }
}
