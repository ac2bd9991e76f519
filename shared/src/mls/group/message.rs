//! What members say, as MLS PrivateMessages: sealed with their place, and opened only there.

use std::{collections::BTreeMap, sync::PoisonError};

use bytes::Bytes;
use mls_rs::{MlsMessage, group::ReceivedMessage};
use zeroize::Zeroizing;

use super::{Group, GroupError, Holder, Kind, MessagePlace, seconds};
use crate::crypto::aead::Session;

/// Messages that are opened without a snapshot between them; a message more takes one.
pub(super) const MAX_UNKEPT: usize = 256;

/// Fewer messages gain less together than the copy of the group costs.
pub const MIN_AHEAD: usize = 8;

/// A message that was opened since the last snapshot.
pub(super) struct Opened {
    message: Vec<u8>,
    at: u64,
    place: MessagePlace,
}

impl Group {
    /// Whether messages were opened since the last [`Group::keep`].
    pub fn has_unkept(&self) -> bool {
        !self.unkept.is_empty()
    }

    /// Which key of our ratchet seals next.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn next_generation(&mut self) -> Result<u32, GroupError> {
        Ok(self.mls.peek_next_key_generation()?)
    }

    /// Seals application data as an MLS PrivateMessage for this session and number.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn seal(
        &mut self,
        kind: Kind,
        (session, sequence): (Session, u64),
        content: &[u8],
    ) -> Result<Vec<u8>, GroupError> {
        let place = MessagePlace { kind, session, sequence, generation: self.next_generation()? };
        Ok(self.mls.encrypt_application_message(content, place.encode().to_vec())?.to_bytes()?)
    }

    /// Opens an MLS PrivateMessage and authenticates its sender, who must still be a member and have sealed it for
    /// `place`, under the very key that the place names.
    ///
    /// # Errors
    /// [`GroupError`]; the caller then calls [`Group::undo`].
    pub fn open(
        &mut self,
        message: &[u8],
        at: u64,
        place: &MessagePlace,
    ) -> Result<(u32, Zeroizing<Vec<u8>>), GroupError> {
        if self.unkept.len() >= MAX_UNKEPT {
            self.keep()?;
        }
        self.open_here(message, at, place)
    }

    /// What was opened is as it should be: an undo of something later opens it again.
    pub fn opened(&mut self, message: &[u8], at: u64, place: &MessagePlace) {
        self.unkept.push(Opened { message: message.to_vec(), at, place: *place });
    }

    /// Checks the signatures of these messages together, each with the time of its entry, so that [`Group::open`] takes
    /// less time for those that are as they should be. Opens nothing for good, and changes no answer.
    ///
    /// They are opened on a copy of the group, which costs as much as some messages; it and the keys that it derives are
    /// wiped at once.
    pub fn look_ahead(&self, messages: &[(Bytes, u64)]) {
        if messages.len() < MIN_AHEAD {
            return;
        }
        let mut copy = self.mls.clone();
        self.provider.look_ahead(|| {
            for (message, at) in messages {
                if let Ok(message) = MlsMessage::from_bytes(message) {
                    // What does not open here will not there.
                    let _ = copy.process_incoming_message_with_time(message, seconds(*at));
                }
            }
        });
    }

    /// The member at `leaf`, if there is one.
    pub fn member(&self, leaf: u32) -> Option<Holder> {
        // A panic elsewhere leaves a holder that was verified, or none.
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if holders.0 != self.epoch() {
            *holders = (self.epoch(), BTreeMap::new());
        }
        if let Some(holder) = holders.1.get(&leaf) {
            return Some(holder.clone());
        }
        let holder = super::view::holder(self.mls.group_id(), &self.mls.member_at_index(leaf)?).ok()?;
        holders.1.insert(leaf, holder.clone());
        Some(holder)
    }

    /// Opens again what was opened before the step that was undone, and keeps it.
    pub(super) fn open_again(&mut self) -> Result<(), GroupError> {
        if self.unkept.is_empty() {
            return Ok(());
        }
        for Opened { message, at, place } in std::mem::take(&mut self.unkept) {
            self.open_here(&message, at, &place).map_err(|_| GroupError::Damaged)?;
        }
        self.keep()
    }

    fn open_here(
        &mut self,
        message: &[u8],
        at: u64,
        place: &MessagePlace,
    ) -> Result<(u32, Zeroizing<Vec<u8>>), GroupError> {
        let message = MlsMessage::from_bytes(message)?;
        let ReceivedMessage::ApplicationMessage(said) =
            self.mls.process_incoming_message_with_time(message, seconds(at))?
        else {
            return Err(GroupError::Unexpected);
        };
        // The library calls the generation unauthenticated since MLS does not sign it; the place is what signs it.
        if said.authenticated_data != place.encode()
            || said.unauthenticated_key_generation != Some(place.generation)
        {
            return Err(GroupError::Misplaced);
        }
        Ok((said.sender_index, Zeroizing::new(said.data().to_vec())))
    }
}
