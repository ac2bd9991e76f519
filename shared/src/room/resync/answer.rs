//! Answering a device that asks to be let back in.

use prost::Message as _;
use proto::relay::Deliver;
use zeroize::Zeroizing;

use super::{
    ELECTION_MS,
    statement::{answer_secret, answer_statement, hash, request_statement},
};
use crate::{
    content,
    crypto::aead::{SealingKey, Session},
    crypto::suite::KemKey,
    identity::verifies,
    mls::group::GroupError,
    room::{Engine, Millis, state::MAX_REFUSED},
};

/// Requests that wait for an answer of ours; more are dropped, and made again by whoever needs them.
const MAX_REQUESTS: usize = 16;

/// A request that waits for an answer, ours or another's.
#[derive(Debug)]
pub(in crate::room) struct Waiting {
    pub(super) key: Vec<u8>,
    pub(super) hash: [u8; 32],
    kem_key: Vec<u8>,
    /// Accounts whose answers count for nothing.
    pub(super) refused: Vec<bytes::Bytes>,
    /// The commit whose slot is of no use.
    useless: u64,
    at: Millis,
}

impl Engine {
    pub(super) fn asked(&mut self, entry: &Deliver, request: &content::ResyncRequest, now: Millis) {
        let Some(group) = &self.group else { return };
        if *request.access_key == self.own_key() || *entry.key != *request.access_key || !is_sized(request) {
            return;
        }
        let Some(leaf_key) = group.leaf_key_of(&request.access_key) else { return };
        if !verifies(&leaf_key, &request_statement(&self.room.0, request), &request.signature) {
            return;
        }
        let own = self.own_account().0;
        let able = self.is_member() && self.back.out.is_none();
        if !able {
            return;
        }
        if request.useless != 0 && request.useless == self.books.position {
            // Whoever committed last put rubbish into the slot. A commit brings another, whosever it is.
            self.link.slot_wanted = Some(request.useless);
            self.elect();
        }
        if request.refused.iter().any(|account| **account == own) {
            return;
        }
        let waiting = &mut self.link.requests;
        // One for each member: the latest.
        waiting.retain(|other| *other.key != *request.access_key);
        if waiting.len() >= MAX_REQUESTS {
            return;
        }
        let at = now + 1 + self.profile.random.below(ELECTION_MS);
        let (key, hash) = (request.access_key.to_vec(), hash(&request.encode_to_vec()));
        let (kem_key, refused) = (request.kem_key.to_vec(), request.refused.clone());
        waiting.push(Waiting { key, hash, kem_key, refused, useless: request.useless, at });
    }

    /// Answers the first request whose time has come. False when there is none.
    pub(in crate::room) fn answer_due(&mut self, now: Millis) -> Result<bool, GroupError> {
        let (able, position) = (self.may_answer(), self.books.position);
        let due = |request: &Waiting| able && now >= request.at && request.useless != position;
        let Some(index) = self.link.requests.iter().position(due) else { return Ok(false) };
        let request = self.link.requests.swap_remove(index);
        // Whoever was removed since it asked gets nothing, nor does whoever has the keys of before a change of the account.
        let Some(group) = self.group.as_ref().filter(|group| group.leaf_key_of(&request.key).is_some())
        else {
            return Ok(false);
        };
        let random = self.profile.random.clone();
        let Ok((shared, ciphertext)) = KemKey::encapsulate(&random, &request.kem_key) else {
            return Ok(false);
        };
        let slot_key = group.slot_key()?;
        let state = content::ResyncState {
            epoch: group.epoch(),
            slot_key: slot_key.to_vec().into(),
            last_commit: self.books.position,
            view: Some(self.own_view()),
        };
        let plain = Zeroizing::new(state.encode_to_vec());
        let mut key = SealingKey::new(
            &answer_secret(&shared, &request.hash),
            &self.answer_scope(),
            Session::random(&random),
        );
        let mut answer = content::ResyncAnswer {
            request: request.hash.to_vec().into(),
            leaf: group.leaf(),
            ciphertext: ciphertext.into(),
            envelope: key.seal(&plain).map_err(|_| GroupError::Unexpected)?.into(),
            signature: Vec::new().into(),
        };
        answer.signature = self.sign_as_leaf(&answer_statement(&self.room.0, &answer))?.into();
        self.publish_resync(random.bytes::<16>().to_vec(), content::resync::Body::Answer(answer));
        Ok(true)
    }

    /// Whoever cannot take something may be wrong, and so may whoever was let in and not heard a third one yet. Into a
    /// group that somebody has to be removed from nobody is let.
    fn may_answer(&self) -> bool {
        !self.is_haunted()
            && self.is_member()
            && self.back.out.is_none()
            && self.books.untaken.is_none()
            && self.back.trial.is_none()
    }

    pub(in crate::room) fn answer_wake(&self) -> Option<Millis> {
        let (able, position) = (self.may_answer(), self.books.position);
        let due = |request: &&Waiting| able && request.useless != position;
        self.link.requests.iter().filter(due).map(|request| request.at).min()
    }
}

/// Whether its lists are as long as they may be.
fn is_sized(request: &content::ResyncRequest) -> bool {
    request.refused.len() <= MAX_REFUSED && request.refused.iter().all(|account| account.len() == 32)
}
