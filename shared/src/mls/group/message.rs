//! What members say, as MLS PrivateMessages: sealed with their place, and opened only there.

use mls_rs::{MlsMessage, group::ReceivedMessage};
use zeroize::Zeroizing;

use super::{Group, GroupError, Kind, Place, seconds};
use crate::crypto::aead::Session;

impl Group {
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
        let place = Place { kind, session, sequence, generation: self.next_generation()? };
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
        place: &Place,
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
