//! An invite as the group lists it: public keys, limits, and its maker's signature.

use bytes::Bytes;
use proto::{RoomId, relay::AccessKey, relay::access_key::Kind};
use sha2::{Digest, Sha256};

use super::InviteSecret;
use crate::{
    content,
    crypto::suite::{KEM_KEY_LEN, KemKey, SuiteError},
    identity::{Fingerprint, Identity, verifies},
};

/// Domain separation of the maker's signature.
const INVITE_CONTEXT: &[u8] = b"schat/2 invite";

/// Domain separation of a joining key's signature over a leaf.
const JOIN_CONTEXT: &[u8] = b"schat/2 join leaf";

/// The invite of `secret` as its maker lists it.
///
/// # Errors
/// Never in practice: see [`InviteSecret::kem_key`].
pub fn list(
    secret: &InviteSecret,
    room: &RoomId,
    (expires_ms, max_uses): (u64, u32),
    maker: &Identity,
) -> Result<content::Invite, SuiteError> {
    list_for(secret, room, (expires_ms, max_uses), maker, None)
}

/// The same, for devices of one account alone where there is one.
///
/// # Errors
/// As [`list`].
pub fn list_for(
    secret: &InviteSecret,
    room: &RoomId,
    (expires_ms, max_uses): (u64, u32),
    maker: &Identity,
    account: Option<&Fingerprint>,
) -> Result<content::Invite, SuiteError> {
    let bytes = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let mut invite = content::Invite {
        id: bytes(&secret.id()),
        access_key: bytes(secret.access_key().public().as_bytes()),
        join_key: bytes(&secret.join_key().public()),
        kem_key: bytes(secret.kem_key()?.public()),
        expires_ms,
        max_uses,
        maker: bytes(&maker.public_key()),
        signature: Bytes::new(),
        account: account.map(|account| bytes(&account.0)).unwrap_or_default(),
    };
    invite.signature = bytes(&maker.sign(&invite_statement(room, &invite)));
    Ok(invite)
}

/// Whether the maker signed it for this room, and every part has its size.
pub fn signed_by_maker(room: &RoomId, invite: &content::Invite) -> bool {
    invite.id.len() == 16
        && [&invite.access_key, &invite.join_key, &invite.maker].iter().all(|key| key.len() == 32)
        && matches!(invite.account.len(), 0 | 32)
        && invite.kem_key.len() == KEM_KEY_LEN
        && KemKey::is_public(&invite.kem_key)
        && verifies(&invite.maker, &invite_statement(room, invite), &invite.signature)
}

/// Names an invite by its public halves: what a card is about. Each has a fixed length.
///
/// # Errors
/// Never in practice: see [`InviteSecret::kem_key`].
pub fn public_hash(secret: &InviteSecret) -> Result<[u8; 32], SuiteError> {
    Ok(Sha256::new()
        .chain_update(secret.id())
        .chain_update(secret.access_key().public().as_bytes())
        .chain_update(secret.join_key().public())
        .chain_update(secret.kem_key()?.public())
        .finalize()
        .into())
}

/// The invite's access key as the relay is told of it, without its card: that is its maker's affair.
pub fn access_key_of(invite: &content::Invite) -> AccessKey {
    AccessKey {
        key: invite.access_key.clone(),
        kind: Kind::Invite.into(),
        expires_ms: invite.expires_ms,
        max_uses: invite.max_uses,
        ..AccessKey::default()
    }
}

/// What a joining key signs: this leaf, of this account, joins this room at the end of this epoch.
pub fn join_statement(
    room: &[u8],
    epoch: u64,
    leaf_key: &[u8],
    account: &[u8],
    access_key: &[u8],
) -> Vec<u8> {
    [JOIN_CONTEXT, room, &epoch.to_be_bytes(), leaf_key, account, access_key].concat()
}

/// What the maker signs.
pub(crate) fn invite_statement(room: &RoomId, invite: &content::Invite) -> Vec<u8> {
    [
        INVITE_CONTEXT,
        room.as_bytes(),
        &invite.id,
        &invite.access_key,
        &invite.join_key,
        &invite.kem_key,
        &invite.expires_ms.to_be_bytes(),
        &invite.max_uses.to_be_bytes(),
        // Of one length, or nothing at the end.
        &invite.account,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invite_that_its_maker_did_not_sign_so_is_refused() {
        type Alter = fn(&mut content::Invite, content::Invite);
        let (ann, room) = (Identity::without_recovery(&[1; 32]), RoomId([9; 32]));
        let good = list(&InviteSecret::from_bytes([7; 20]), &room, (5, 6), &ann).unwrap();
        assert!(signed_by_maker(&room, &good));
        assert!(!signed_by_maker(&RoomId([8; 32]), &good), "another room's");
        let other = list(&InviteSecret::from_bytes([6; 20]), &room, (5, 6), &ann).unwrap();
        let wrongs: [(&str, Alter); 11] = [
            ("id", |invite, other| invite.id = other.id),
            ("access key", |invite, other| invite.access_key = other.access_key),
            ("joining key", |invite, other| invite.join_key = other.join_key),
            ("KEM key", |invite, other| invite.kem_key = other.kem_key),
            ("expiry", |invite, _| invite.expires_ms = 0),
            ("uses", |invite, _| invite.max_uses = 0),
            ("maker", |invite, _| {
                invite.maker = Identity::without_recovery(&[2; 32]).public_key().to_vec().into();
            }),
            ("account", |invite, _| invite.account = vec![1; 32].into()),
            ("short account", |invite, _| invite.account = vec![1; 31].into()),
            ("signature", |invite, other| invite.signature = other.signature),
            ("short id", |invite, _| invite.id = invite.id.slice(..15)),
        ];
        for (what, wrong) in wrongs {
            let mut invite = good.clone();
            wrong(&mut invite, other.clone());
            assert!(!signed_by_maker(&room, &invite), "{what}");
        }
    }
}
