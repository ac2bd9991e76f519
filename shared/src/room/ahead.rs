//! Looking at what is about to be handled: whoever catches up has hundreds of entries at hand, and their signatures are
//! checked together in less time than they take one by one.

use prost::Message as _;
use proto::relay::{Deliver, relay_frame};

use super::{Engine, INVITED, Input, Stream, checks::Number, keyring::Sealer};
use crate::{
    content,
    crypto::aead::Envelope,
    mls::group::{Kind, MIN_AHEAD},
};

/// Inputs that are looked at together, at most: as many as signatures are checked together.
const MAX_LOOKED_AT: usize = 256;

impl Engine {
    /// To be called with inputs that are about to be handled, in their order, where many have come together. It spares
    /// time and changes nothing: with it and without it, the same is told, sent and stored for each of them.
    ///
    /// How many of them it looked at; the rest is for another call, once these were handled. It ends behind a commit,
    /// since what follows may be sealed in an epoch that is not known yet. 0 when there are no inputs.
    pub fn look_ahead<'a>(&mut self, inputs: impl IntoIterator<Item = &'a Input>) -> usize {
        let (mut looked_at, mut entries) = (0, Vec::new());
        for input in inputs.into_iter().take(MAX_LOOKED_AT) {
            looked_at += 1;
            let Input::Frame(frame) = input else { continue };
            let Some(relay_frame::Frame::Deliver(entry)) = &frame.frame else { continue };
            if entry.is_commit {
                break;
            }
            entries.push(entry);
        }
        // A line that comes alone, as most do, is not opened twice.
        if entries.len() >= MIN_AHEAD {
            let messages: Vec<_> =
                entries.into_iter().filter_map(|entry| self.message_ahead(entry)).collect();
            if let Some(group) = &self.group {
                group.look_ahead(&messages);
            }
        }
        looked_at
    }

    /// The message of an entry that will probably be opened, and the time it will be opened at.
    fn message_ahead(&mut self, entry: &Deliver) -> Option<(bytes::Bytes, u64)> {
        let reads = matches!(self.link.state, Stream::CatchingUp | Stream::Live) && self.is_member();
        let own = self.group.as_ref().filter(|_| reads && self.back.out.is_none())?.leaf();
        let envelope = Envelope::parse(&entry.envelope).ok()?;
        let (Sealer::Leaf { leaf, epoch }, plain) = self.keyring.open(&envelope)? else { return None };
        let number = Number { id: (leaf, envelope.session()), sequence: envelope.sequence(), epoch };
        if leaf == own || leaf == INVITED || self.check_number(&number).is_err() {
            return None;
        }
        match content::Sealed::decode(plain.as_slice()).ok()?.body? {
            content::sealed::Body::PrivateMessage(message) => {
                self.placed(Kind::Content, &number, &message)?;
                Some((message, self.clamp(entry.at_ms)))
            }
            content::sealed::Body::KeyShare(_) => None,
        }
    }
}
