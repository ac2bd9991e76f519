//! An answer to our own request.

use prost::Message as _;
use zeroize::Zeroizing;

use super::statement::{answer_secret, answer_statement, hash};
use crate::{
    content,
    crypto::aead::{Envelope, OpeningKey},
    crypto::suite::KemKey,
    identity::verifies,
    mls::group::GroupError,
    room::{Engine, Millis},
};

impl Engine {
    pub(super) fn answered_to_us(
        &mut self,
        answer: &content::ResyncAnswer,
        now: Millis,
    ) -> Result<(), GroupError> {
        if let Some(index) = self.link.requests.iter().position(|request| request.hash == *answer.request) {
            let request = self.link.requests.swap_remove(index);
            self.was_answered(request.key);
        }
        let Some(out) =
            self.meta.out.as_ref().filter(|out| !out.request.is_empty() && out.slot_key.is_empty())
        else {
            return Ok(());
        };
        if hash(&out.request) != *answer.request {
            return Ok(());
        }
        let (Some(group), Ok(seed)) = (&self.group, <[u8; 32]>::try_from(out.seed.as_slice())) else {
            return Ok(());
        };
        // Known from our own old tree: a leaf that came later proves nothing to us, and is asked for again.
        let statement = answer_statement(&self.room.0, answer);
        let known =
            group.leaf_key(answer.leaf).is_some_and(|key| verifies(&key, &statement, &answer.signature));
        if !known || answer.leaf == group.leaf() {
            return Ok(());
        }
        let Some(state) = self.open_answer(&Zeroizing::new(seed), answer) else { return Ok(()) };
        if state.epoch < out.epoch || state.slot_key.len() != 32 {
            return Ok(());
        }
        if let Some(out) = &mut self.meta.out {
            (out.slot_key, out.last_commit) = (state.slot_key.to_vec(), state.last_commit);
            out.not_before = now;
        }
        self.dirty.meta = true;
        Ok(())
    }

    fn open_answer(&self, seed: &[u8; 32], answer: &content::ResyncAnswer) -> Option<content::ResyncState> {
        let shared = KemKey::from_seed(seed).ok()?.decapsulate(&answer.ciphertext).ok()?;
        let envelope = Envelope::parse(&answer.envelope).ok()?;
        let secret = answer_secret(&shared, &answer.request);
        let plain =
            OpeningKey::new(&secret, &self.answer_scope(), envelope.session()).open(&envelope).ok()?;
        content::ResyncState::decode(plain.as_slice()).ok()
    }
}
