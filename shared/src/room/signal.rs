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
    crypto::aead::Envelope,
    mls::group::GroupError,
};

/// At most one signal in so many milliseconds; the others show it for twice that.
pub const TYPING_EVERY_MS: u64 = 3_000;

/// Signals between two contents in the log. Each uses a message key of ours, and whoever was away must skip
/// them: the MLS library skips 1,024 at most.
const MAX_SIGNALS: u32 = 256;

/// Signals that are taken of one member in [`HEARD_IN_MS`]; further ones are dropped before anything is decrypted or
/// stored. Who types all the time sends four, who also stops in between some more.
const MAX_HEARD: u32 = 8;

/// How long [`MAX_HEARD`] counts, in milliseconds.
const HEARD_IN_MS: u64 = 4 * TYPING_EVERY_MS;

/// What was signalled since the stream opened.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Since our last content.
    sent: u32,
    /// When the last one went.
    at: Millis,
    /// By leaf: since when is counted, and how many were taken. Only who is a member gets in here; what is not counted
    /// any more is thrown out with the next signal that is taken.
    heard: BTreeMap<u32, (Millis, u32)>,
}

impl Signals {
    pub(super) fn said(&mut self) {
        self.sent = 0;
    }

    /// Whether so much was heard of this leaf that the next one is dropped.
    fn is_enough(&self, leaf: u32, now: Millis) -> bool {
        self.heard.get(&leaf).is_some_and(|(since, taken)| counts(*since, now) && *taken >= MAX_HEARD)
    }

    /// One of this leaf was taken. To be called for what its member signed and for nothing else: whoever can forge an
    /// envelope must not silence somebody.
    fn took(&mut self, leaf: u32, now: Millis) {
        self.heard.retain(|_, (since, _)| counts(*since, now));
        self.heard.entry(leaf).or_insert((now, 0)).1 += 1;
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
        let ready = self.link.state == Stream::Live && self.is_member() && !self.meta.leaving;
        if !ready || too_soon || self.signals.sent >= MAX_SIGNALS {
            return Ok(());
        }
        let view = self.own_view();
        let Some(group) = &mut self.group else { return Ok(()) };
        if group.members()?.len() < 2 {
            return Ok(());
        }
        let said = content::Content {
            id: Vec::new().into(),
            counter: 0,
            view: Some(view),
            sent_ms: now,
            body: Some(Body::Typing(content::Typing { stopped })),
        };
        let message = group.seal(&said.encode_to_vec())?;
        group.keep()?;
        let (session, next) = self.signal_session;
        let (_, mut key) = self.keyring.sealing(group.leaf(), session, next).ok_or(GroupError::Damaged)?;
        let envelope = key.seal(&Self::sealed_private(message)).map_err(|_| GroupError::Unexpected)?;
        self.signal_session.1 = key.next_sequence();
        self.signals.sent += 1;
        self.signals.at = if stopped { 0 } else { now };
        let frame = client_frame::Frame::Ephemeral(Ephemeral { envelope: envelope.into() });
        self.out.frames.push(ClientFrame { frame: Some(frame) });
        Ok(())
    }

    /// A signal came. Whatever is wrong with it, it is only dropped: it was never promised.
    pub(super) fn signal(&mut self, signal: &Ephemeral, now: Millis) -> Result<(), GroupError> {
        if self.link.state != Stream::Live || !self.is_member() {
            return Ok(());
        }
        let Ok(envelope) = Envelope::parse(&signal.envelope) else { return Ok(()) };
        let Some((Sealer::Leaf { leaf, epoch }, plain)) = self.keyring.open(&envelope) else {
            return Ok(());
        };
        let number = Number { id: (leaf, envelope.session()), sequence: envelope.sequence(), epoch };
        let Some(group) = &mut self.group else { return Ok(()) };
        if leaf == group.leaf() || epoch != group.epoch() || self.signals.is_enough(leaf, now) {
            return Ok(());
        }
        if self.check_number(&number).is_err() {
            return Ok(());
        }
        let Some(content::sealed::Body::PrivateMessage(message)) =
            content::Sealed::decode(plain.as_slice()).ok().and_then(|sealed| sealed.body)
        else {
            return Ok(());
        };
        let at = self.meta.last_at;
        let Some(group) = &mut self.group else { return Ok(()) };
        let opened = group.open(&message, at).ok().filter(|(sender, _)| *sender == leaf);
        // Signed by the member: whatever it is, it counts.
        if opened.is_some() {
            self.signals.took(leaf, now);
        }
        let said = opened.and_then(|(_, data)| content::Content::decode(data.as_slice()).ok());
        let typing = said.filter(|said| said.counter == 0).and_then(|said| match said.body {
            Some(Body::Typing(typing)) => Some(typing),
            _ => None,
        });
        let holder = group.member(leaf);
        let (Some(typing), Some(holder)) = (typing, holder) else { return group.undo() };
        group.keep()?;
        let _ = self.mark(number.id, number.sequence, number.epoch);
        self.out.events.push(Event::Typing { who: person(&holder), stopped: typing.stopped });
        Ok(())
    }
}
