//! From the epoch that both devices are in to the phrase that both show.

use prost::Message as _;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{fault::LinkFault, message::LinkMessage, phrase::Phrase};
use crate::{crypto::random::Random, identity::clean_name};

/// Domain separation of a commitment.
const CONTEXT: &[u8] = b"schat/2 link commitment";

/// Which of the two a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// It has the account.
    Old,
    /// It is to get it.
    New,
}

/// Both devices show the same, if nobody is between them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Agreed {
    /// What to compare.
    pub phrase: Phrase,
    /// What the new device calls itself.
    pub device: String,
}

/// What a message led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// To be said.
    pub say: Option<LinkMessage>,
    /// To be shown.
    pub agreed: Option<Agreed>,
}

/// One device's side. Secret.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
struct Row {
    #[prost(bool, tag = "1")]
    is_new: bool,
    #[prost(bytes = "vec", tag = "2")]
    secret: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    nonce: Vec<u8>,
    #[prost(string, tag = "4")]
    device: String,
    /// The new device: what the old one is bound to.
    #[prost(bytes = "vec", tag = "5")]
    commitment: Vec<u8>,
    /// It is over.
    #[prost(bool, tag = "6")]
    is_agreed: bool,
}

impl Drop for Row {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.nonce.zeroize();
    }
}

/// One side of the agreement.
pub struct Handshake(Row);

impl Handshake {
    /// In the first epoch that both devices are in, whose secret `secret` is. `device`: what this one calls itself. With what is
    /// to be said first.
    pub fn begin(
        role: Role,
        secret: &[u8; 32],
        device: &str,
        random: &Random,
    ) -> (Self, Option<LinkMessage>) {
        let nonce: [u8; 32] = random.bytes();
        let mut row = Row::default();
        row.is_new = role == Role::New;
        (row.secret, row.nonce) = (secret.to_vec(), nonce.to_vec());
        row.device = clean_name(device).unwrap_or_else(|_| "device".to_owned());
        let first = (role == Role::Old).then(|| LinkMessage::Commitment(commitment(secret, &nonce)));
        (Self(row), first)
    }

    /// Takes what the other device said.
    ///
    /// # Errors
    /// [`LinkFault`]: the linking is over.
    pub fn take(&mut self, message: LinkMessage) -> Result<Taken, LinkFault> {
        let row = &mut self.0;
        let fixed = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map_err(|_| LinkFault::OutOfOrder);
        let (secret, nonce) = (Zeroizing::new(fixed(&row.secret)?), Zeroizing::new(fixed(&row.nonce)?));
        match (message, row.is_new) {
            (LinkMessage::Commitment(_), false) | (LinkMessage::Answer { .. }, true) => {
                Err(LinkFault::SameKind)
            }
            (_, _) if row.is_agreed => Err(LinkFault::OutOfOrder),
            (LinkMessage::Commitment(bytes), true) if row.commitment.is_empty() => {
                row.commitment = bytes.to_vec();
                let answer = LinkMessage::Answer { nonce: *nonce, device: row.device.clone() };
                Ok(Taken { say: Some(answer), agreed: None })
            }
            (LinkMessage::Answer { nonce: theirs, device }, false) => {
                row.is_agreed = true;
                let phrase = Phrase::of(&secret, &nonce, &theirs);
                let agreed = Some(Agreed { phrase, device });
                Ok(Taken { say: Some(LinkMessage::Reveal(*nonce)), agreed })
            }
            (LinkMessage::Reveal(theirs), true) if !row.commitment.is_empty() => {
                if *row.commitment != commitment(&secret, &theirs) {
                    return Err(LinkFault::WrongReveal);
                }
                row.is_agreed = true;
                let phrase = Phrase::of(&secret, &theirs, &nonce);
                Ok(Taken { say: None, agreed: Some(Agreed { phrase, device: row.device.clone() }) })
            }
            _ => Err(LinkFault::OutOfOrder),
        }
    }

    /// To be kept; secret.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.encode_to_vec())
    }

    /// What was kept; none for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Row::decode(bytes).ok().map(Self)
    }
}

fn commitment(secret: &[u8; 32], nonce: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(CONTEXT).chain_update(secret).chain_update(nonce).finalize().into()
}

#[cfg(test)]
mod tests;
