//! Who asks, and for which file.

use crate::{BlobId, CHANNEL_BINDING_LEN, PublicKey, RoomId, relay};

/// Domain separation of the signature.
const CONTEXT: &[u8] = b"schat/2 blob";

/// The bytes that the access key signs: `"schat/2 blob" ‖ room id ‖ blob id ‖ channel binding`.
pub fn blob_statement(room: &RoomId, blob: &BlobId, binding: &[u8; CHANNEL_BINDING_LEN]) -> Vec<u8> {
    [CONTEXT, room.as_bytes(), blob.as_bytes(), binding].concat()
}

/// A frame that breaks the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of a file's stream")]
pub struct Malformed;

/// A proof whose signature has not been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The room that the file is in.
    pub room: RoomId,
    /// The key that signs.
    pub key: PublicKey,
    /// The file.
    pub blob: BlobId,
    /// The key's signature over [`blob_statement`].
    pub signature: [u8; 64],
}

impl TryFrom<Option<relay::BlobProof>> for Proof {
    type Error = Malformed;

    fn try_from(proof: Option<relay::BlobProof>) -> Result<Self, Malformed> {
        let proof = proof.ok_or(Malformed)?;
        Ok(Self {
            room: RoomId::try_from(&*proof.room_id).map_err(|_| Malformed)?,
            key: PublicKey::try_from(&*proof.access_key).map_err(|_| Malformed)?,
            blob: BlobId::try_from(&*proof.blob_id).map_err(|_| Malformed)?,
            signature: (&*proof.signature).try_into().map_err(|_| Malformed)?,
        })
    }
}

impl From<Proof> for relay::BlobProof {
    fn from(proof: Proof) -> Self {
        Self {
            room_id: proof.room.0.to_vec().into(),
            access_key: proof.key.0.to_vec().into(),
            blob_id: proof.blob.0.to_vec().into(),
            signature: proof.signature.to_vec().into(),
        }
    }
}
