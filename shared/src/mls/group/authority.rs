//! What an epoch's members can derive and nobody else: its authority at the relay, and the key of its slot.
//!
//! Both come from the MLS exporter (RFC 9420, 8.5), so a commit that was spoiled for somebody, a removed member and
//! a thief of an access key have neither.

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use super::{Config, Group, GroupError};
use crate::mls::rules::Violation;

/// MLS exporter label of the epoch's authority: the seed of an Ed25519 key (RFC 8032).
const AUTHORITY_LABEL: &[u8] = b"schat/2 authority";

/// MLS exporter label of the key that seals the epoch's GroupInfo.
const SLOT_LABEL: &[u8] = b"schat/2 slot";

/// MLS exporter label of what two devices compare that are being linked.
const LINKING_LABEL: &[u8] = b"schat/2 linking";

/// Signs what the relay obeys, for as long as the epoch is the newest one or the last confirmed one. Wiped on drop;
/// deliberately without `Debug`.
pub struct Authority(SigningKey);

impl Authority {
    /// The public half, which the relay knows.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The secret, to be kept for a while: see [`Authority::of`].
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The authority whose secret this is; none for bytes of another length.
    pub fn of(secret: &[u8]) -> Option<Self> {
        Some(Self(SigningKey::from_bytes(secret.try_into().ok()?)))
    }

    /// Signs a commit statement or an acknowledgement.
    pub fn sign(&self, statement: &[u8]) -> [u8; 64] {
        self.0.sign(statement).to_bytes()
    }
}

/// What the epoch that a commit begins will have.
pub struct Next {
    /// Its authority's public key, to be announced with the commit.
    pub authority: [u8; 32],
    /// The key of its slot.
    pub slot_key: Zeroizing<[u8; 32]>,
}

impl Next {
    pub(super) fn of(mls: &mls_rs::Group<Config>) -> Result<Self, GroupError> {
        Ok(Self { authority: authority(mls)?.public(), slot_key: export(mls, SLOT_LABEL)? })
    }
}

impl Group {
    /// The present epoch's authority.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn authority(&self) -> Result<Authority, GroupError> {
        authority(&self.mls)
    }

    /// The key that seals the present epoch's GroupInfo.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn slot_key(&self) -> Result<Zeroizing<[u8; 32]>, GroupError> {
        export(&self.mls, SLOT_LABEL)
    }

    /// What two devices compare that are being linked, in the epoch in which both are members.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn linking_secret(&self) -> Result<Zeroizing<[u8; 32]>, GroupError> {
        export(&self.mls, LINKING_LABEL)
    }

    /// Holds the present epoch against the authority that its commit announced to the relay.
    ///
    /// # Errors
    /// [`Violation::FalseAuthority`] when it is another's: whoever committed would have the relay to itself.
    pub fn check_authority(&self, announced: &[u8]) -> Result<(), GroupError> {
        match *announced == self.authority()?.public() {
            true => Ok(()),
            false => Err(Violation::FalseAuthority.into()),
        }
    }

    /// The GroupInfo of the present epoch without its tree, for a slot that has none.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses.
    pub fn group_info(&self) -> Result<Vec<u8>, GroupError> {
        Ok(self.mls.group_info_message_allowing_ext_commit(false)?.to_bytes()?)
    }
}

fn authority(mls: &mls_rs::Group<Config>) -> Result<Authority, GroupError> {
    Ok(Authority(SigningKey::from_bytes(&*export(mls, AUTHORITY_LABEL)?)))
}

fn export(mls: &mls_rs::Group<Config>, label: &[u8]) -> Result<Zeroizing<[u8; 32]>, GroupError> {
    let secret = mls.export_secret(label, mls.group_id(), 32)?;
    let bytes: [u8; 32] = secret.as_bytes().try_into().map_err(|_| GroupError::Unexpected)?;
    Ok(Zeroizing::new(bytes))
}
