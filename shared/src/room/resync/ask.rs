//! Asking to be let back in.

use prost::Message as _;
use proto::relay::{ClientFrame, GetSlot, client_frame};
use zeroize::Zeroizing;

use super::{ELECTION_MS, judge::MAX_PATIENCE, statement::request_statement};
use crate::{
    content,
    crypto::suite::KemKey,
    mls::group::GroupError,
    room::{
        Engine, Millis,
        out::{LONGEST_MS, RESYNC_AFTER_MS},
    },
};

/// Asked again after this long without an answer, in milliseconds; twice as long each time.
const RETRY_MS: u64 = 60_000;

impl Engine {
    /// What a device that is out does next. False when it waits.
    pub(in crate::room) fn find_back(&mut self, now: Millis) -> Result<(), GroupError> {
        if self.pending.as_ref().is_some_and(|pending| pending.returns) {
            self.publish_pending();
            return Ok(());
        }
        let random = self.profile.random.clone();
        let Some(out) = &mut self.back.out else { return Ok(()) };
        if out.not_before == 0 {
            out.not_before = now + 1 + RESYNC_AFTER_MS + random.below(ELECTION_MS);
        }
        if now < out.not_before {
            return Ok(());
        }
        // In ever less haste: what was asked stays in the log, and whoever comes by finds it there.
        let wait = (RETRY_MS << out.rounds.min(MAX_PATIENCE)).min(LONGEST_MS - ELECTION_MS);
        out.not_before = now + wait + random.below(ELECTION_MS);
        if !out.request.is_empty() && out.slot_key.is_empty() {
            // Nobody else came by: better somebody who failed before than nobody.
            out.refused.clear();
            out.rounds = out.rounds.saturating_add(1);
        }
        // Not against what was taken here, nor against what nobody but the relay knows of.
        let votes = !out.step.is_empty() && !out.request.is_empty();
        let (cause, step) = (out.cause, if votes { out.step.clone() } else { Vec::new() });
        if !out.slot_key.is_empty() {
            self.out
                .frames
                .push(ClientFrame { frame: Some(client_frame::Frame::GetSlot(GetSlot::default())) });
            // Asked for once: the next time a fresh answer is wanted.
            return Ok(());
        }
        // Each round has its keys.
        self.settle_keys();
        if self.out.reopen {
            // The stream is of the other access key; the same round is asked by this one.
            if let Some(out) = &mut self.back.out {
                out.request.clear();
                out.not_before = now;
            }
            return Ok(());
        }
        if votes {
            self.want_vote(cause, step);
        }
        self.request()
    }

    fn request(&mut self) -> Result<(), GroupError> {
        let random = &self.profile.random;
        let seed = Zeroizing::new(random.bytes::<32>());
        let pair = KemKey::from_seed(&seed).map_err(|_| GroupError::Unexpected)?;
        let Some(out) = &self.back.out else { return Ok(()) };
        let mut request = content::ResyncRequest {
            access_key: self.own_key().to_vec().into(),
            kem_key: pair.public().to_vec().into(),
            epoch: out.epoch,
            seq: self.meta.cursor,
            running_hash: self.meta.running_hash.clone().into(),
            signature: Vec::new().into(),
            refused: out.refused.iter().map(|account| account.clone().into()).collect(),
            useless: out.useless,
        };
        let signature = self.sign_as_leaf(&request_statement(&self.room.0, &request))?;
        request.signature = signature.into();
        let id = random.bytes::<16>().to_vec();
        let encoded = request.encode_to_vec();
        if let Some(out) = &mut self.back.out {
            (out.seed, out.request, out.publish_id) = (seed.to_vec(), encoded, id.clone());
        }
        self.publish_resync(id, content::resync::Body::Request(request));
        Ok(())
    }
}
