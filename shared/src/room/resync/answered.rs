//! An answer to our own request.

use prost::Message as _;
use zeroize::Zeroizing;

use super::{
    judge::Fit,
    statement::{answer_secret, answer_statement, hash},
};
use crate::{
    content,
    crypto::aead::{Envelope, OpeningKey},
    crypto::suite::KemKey,
    identity::verifies,
    mls::group::GroupError,
    room::{Engine, Millis, state::OutRow},
};

impl Engine {
    pub(super) fn answered_to_us(
        &mut self,
        answer: &content::ResyncAnswer,
        now: Millis,
    ) -> Result<(), GroupError> {
        self.settle_request(answer);
        // An answer that the log proves is the best there can be.
        let waits = |out: &&OutRow| !out.request.is_empty() && (out.slot_key.is_empty() || !out.extends);
        let Some(out) = self.back.out.as_ref().filter(waits).filter(|_| self.pending.is_none()) else {
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
        let Some(holder) = group.member(answer.leaf).filter(|_| known && answer.leaf != group.leaf()) else {
            return Ok(());
        };
        let account = holder.fingerprint.0.to_vec();
        if out.refused.contains(&account) {
            return Ok(());
        }
        let is_first = out.slot_key.is_empty();
        let opened = self.open_answer(&Zeroizing::new(seed), answer);
        let fit = opened.as_ref().map_or(Fit::No, |state| self.judge(state));
        let Some(state) = opened.filter(|_| fit == Fit::Extends || (fit == Fit::Unknown && is_first)) else {
            if is_first {
                self.refuse_account(&account, now);
            }
            return Ok(());
        };
        let cursor = self.meta.cursor;
        if let Some(out) = &mut self.back.out {
            out.answered_at = cursor;
            (out.slot_key, out.last_commit) = (state.slot_key.to_vec(), state.last_commit);
            (out.handed, out.answerer, out.extends) = (state.epoch, account, fit == Fit::Extends);
            out.not_before = now;
        }
        Ok(())
    }

    /// Whoever asked has an answer and needs none of ours, unless it counts for nothing to it.
    fn settle_request(&mut self, answer: &content::ResyncAnswer) {
        let Some(group) = &self.group else { return };
        let Some(index) = self.link.requests.iter().position(|request| request.hash == *answer.request)
        else {
            return;
        };
        let statement = answer_statement(&self.room.0, answer);
        let is_signed =
            group.leaf_key(answer.leaf).is_some_and(|key| verifies(&key, &statement, &answer.signature));
        let refused = self.link.requests.get(index).map(|request| &request.refused);
        let counts = group.member(answer.leaf).is_some_and(|holder| {
            refused.is_some_and(|refused| !refused.iter().any(|account| **account == holder.fingerprint.0))
        });
        if is_signed && counts {
            self.link.requests.swap_remove(index);
        }
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
