//! The way back in, for a device whose leaf is still in the tree: it asks, any member answers with the slot's key, and
//! it enters by an external commit that replaces exactly its own old leaf.
//!
//! Request and answer are signed by leaf keys. The relay sees that a device asks, and nothing of the answer. Files: `ask`
//! asks, `answer` answers somebody else, `answered` reads an answer to us, `judge` holds it against
//! our own log, `enter` builds the commit that enters, `back` is what follows it, `trial` how it ends; `statement` is what is signed and what seals an answer.

use prost::Message as _;
use proto::relay::{Deliver, Publish};
use zeroize::Zeroizing;

use super::{Engine, Millis};
use crate::{
    content,
    crypto::aead::{Origin, Scope},
    mls::group::GroupError,
};

mod answer;
mod answered;
mod ask;
mod back;
mod enter;
pub(super) mod judge;
pub(super) mod statement;
mod trial;

pub(super) use answer::Waiting;

/// Most bytes of a request or an answer.
const MAX_RESYNC: usize = 8 << 10;

/// Whoever sees a request waits a random time below this, in milliseconds, so that mostly one member answers.
const ELECTION_MS: u64 = 2_000;

impl Engine {
    /// A request or an answer in the log. What is not signed by a leaf is nobody's.
    pub(super) fn resync(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        if entry.resync.len() > MAX_RESYNC {
            return Ok(());
        }
        match content::Resync::decode(&*entry.resync).ok().and_then(|resync| resync.body) {
            Some(content::resync::Body::Request(request)) => self.asked(entry, &request, now),
            Some(content::resync::Body::Answer(answer)) => return self.answered_to_us(&answer, now),
            None => (),
        }
        Ok(())
    }

    fn publish_resync(&mut self, id: Vec<u8>, body: content::resync::Body) {
        let resync = content::Resync { body: Some(body) }.encode_to_vec().into();
        self.publish(Publish { id: id.into(), resync, ..Publish::default() });
    }

    pub(super) fn sign_as_leaf(&self, statement: &[u8]) -> Result<Vec<u8>, GroupError> {
        let secret: [u8; 32] =
            self.own.leaf_secret.get(..32).and_then(|key| key.try_into().ok()).ok_or(GroupError::Damaged)?;
        let key = ed25519_dalek::SigningKey::from_bytes(&Zeroizing::new(secret));
        Ok(ed25519_dalek::Signer::sign(&key, statement).to_bytes().to_vec())
    }

    pub(super) fn answer_scope(&self) -> Scope {
        Scope { room: self.room, epoch: 0, origin: Origin::Slot }
    }
}
