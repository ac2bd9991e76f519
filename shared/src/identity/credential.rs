//! Who a leaf is: the credential, and the identity provider that makes MLS check it.
//!
//! The account key certifies the leaf's signature key for one room, so nobody can join under somebody else's account, and who
//! steals the leaf key of one room is nobody in another; MLS itself proves possession of the leaf key. Never the basic
//! credential, which proves nothing.

use mls_rs::{
    ExtensionList, IdentityProvider,
    identity::{CredentialType, SigningIdentity},
};
use mls_rs_core::{
    crypto::SignaturePublicKey,
    error::IntoAnyError,
    identity::{Credential, CustomCredential, MemberValidationContext},
    time::MlsTime,
};
use prost::Message;
use proto::RoomId;

use crate::{
    canonical, content,
    identity::{
        Avatar, DeviceId, Fingerprint, Identity, KeyChange, Next, clean_name, clean_optional, clean_speaker,
        verifies,
    },
};

/// Credential type (RFC 9420, 17.5: the private-use range begins at 0xF000).
pub const CREDENTIAL_TYPE: CredentialType = CredentialType::new(0xF5C1);

/// Domain separation of a leaf's certificate.
const CERTIFICATE_CONTEXT: &[u8] = b"schat/2 leaf";

/// A credential whose certificate was checked against the leaf's signature key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The account.
    pub fingerprint: Fingerprint,
    /// Display name, without control characters.
    pub name: String,
    /// What the person says of themselves; may be empty.
    pub status: String,
    /// A small sign for the person; may be empty.
    pub glyph: String,
    /// A picture of the person.
    pub avatar: Option<Avatar>,
    /// The account that this one was before it got another key, by the word of its recovery key.
    pub replaces: Option<Fingerprint>,
    /// What the device is called.
    pub device_name: String,
    device_id: [u8; 16],
    account_key: [u8; 32],
}

/// Why a credential proves nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CredentialError {
    /// Not of this protocol's type, or not parseable.
    #[error("the credential is not of this protocol")]
    Unknown,
    /// Written in another way than this protocol writes it, or with fields that it does not have: it would be kept for
    /// ever, signed, and could hold anything.
    #[error("the credential is not in its one form")]
    NotCanonical,
    /// The account did not certify this leaf key for this room.
    #[error("the credential's account did not certify its leaf key for this room")]
    Uncertified,
    /// A change of the account's key that its recovery key did not make.
    #[error("the credential's account did not become what it says")]
    Change,
    /// A picture that is too large, or cannot be had.
    #[error("the credential's picture is not allowed")]
    Avatar,
    /// A name that could deceive.
    #[error("the credential's name is not allowed")]
    Name,
    /// This protocol has no external senders.
    #[error("external senders are not allowed")]
    ExternalSender,
}

impl IntoAnyError for CredentialError {
    fn into_dyn_error(self) -> Result<Box<dyn std::error::Error + Send + Sync>, Self> {
        Ok(self.into())
    }
}

/// What a person shows of themselves. The account does not certify it; the leaf signs it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown<'a> {
    /// Display name.
    pub name: &'a str,
    /// At most [`MAX_STATUS`] bytes; may be empty.
    pub status: &'a str,
    /// At most [`MAX_GLYPH`] bytes; may be empty.
    pub glyph: &'a str,
    /// [`Avatar::to_bytes`]; may be empty.
    pub avatar: &'a [u8],
}

impl<'a> From<&'a str> for Shown<'a> {
    fn from(name: &'a str) -> Self {
        Self { name, ..Self::default() }
    }
}

/// Longest status, in bytes: a line beside a name.
pub const MAX_STATUS: usize = 64;

/// Longest sign for a person, in bytes: the longest emoji sequences in use have 28.
pub const MAX_GLYPH: usize = 32;

/// Longest credential, in bytes: keys, certificate and texts at their longest, a picture and a change of the account's key, with
/// tags and lengths, have 673.
const MAX_CREDENTIAL: usize = 704;

/// The signing identity of a leaf: `identity` certifies `leaf_key` for `room`.
pub fn certify<'a>(
    identity: &Identity,
    room: &RoomId,
    shown: impl Into<Shown<'a>>,
    device_name: &str,
    device_id: [u8; 16],
    leaf_key: &SignaturePublicKey,
) -> SigningIdentity {
    let shown = shown.into();
    let content = content::Credential {
        account_key: identity.public_key().to_vec().into(),
        device_id: device_id.to_vec().into(),
        name: shown.name.to_owned(),
        status: shown.status.to_owned(),
        glyph: shown.glyph.to_owned(),
        avatar: shown.avatar.to_vec().into(),
        device_name: device_name.to_owned(),
        certificate: identity
            .sign(&statement(room, &device_id, leaf_key.as_bytes(), &identity.next()))
            .to_vec()
            .into(),
        next: identity.next().0.to_vec().into(),
        change: identity.change().map(content::KeyChange::from),
    };
    let custom = CustomCredential::new(CREDENTIAL_TYPE, content.encode_to_vec());
    SigningIdentity::new(Credential::Custom(custom), leaf_key.clone())
}

impl Holder {
    /// Checks the credential of a leaf in `room`.
    ///
    /// # Errors
    /// [`CredentialError`] says what is wrong with it.
    pub fn verify(room: &RoomId, identity: &SigningIdentity) -> Result<Self, CredentialError> {
        let custom = identity.credential.as_custom().ok_or(CredentialError::Unknown)?;
        if custom.credential_type != CREDENTIAL_TYPE {
            return Err(CredentialError::Unknown);
        }
        if custom.data.len() > MAX_CREDENTIAL {
            return Err(CredentialError::NotCanonical);
        }
        let content: content::Credential =
            canonical::decode(&custom.data).ok_or(CredentialError::NotCanonical)?;
        let device_id: [u8; 16] = (&*content.device_id).try_into().map_err(|_| CredentialError::Unknown)?;
        let account_key: [u8; 32] =
            (&*content.account_key).try_into().map_err(|_| CredentialError::Unknown)?;
        let next = Next((&*content.next).try_into().map_err(|_| CredentialError::Unknown)?);
        let statement = statement(room, &device_id, identity.signature_key.as_bytes(), &next);
        if !verifies(&account_key, &statement, &content.certificate) {
            return Err(CredentialError::Uncertified);
        }
        let replaces = match &content.change {
            None => None,
            Some(change) => {
                let change = KeyChange::try_from(change).map_err(|_| CredentialError::Change)?;
                let old = change.gives(&account_key, &next).then(|| change.old());
                Some(old.ok_or(CredentialError::Change)?)
            }
        };
        if clean_speaker(&content.name).as_deref() != Ok(&*content.name)
            || clean_name(&content.device_name).as_deref() != Ok(&*content.device_name)
            || clean_optional(&content.status, MAX_STATUS).as_deref() != Ok(&*content.status)
            || clean_optional(&content.glyph, MAX_GLYPH).as_deref() != Ok(&*content.glyph)
        {
            return Err(CredentialError::Name);
        }
        let avatar = match &*content.avatar {
            [] => None,
            bytes => Some(Avatar::from_bytes(bytes).ok_or(CredentialError::Avatar)?),
        };
        let content::Credential { name, status, glyph, device_name, .. } = content;
        let fingerprint = Fingerprint::of(&account_key, &next);
        Ok(Self { fingerprint, name, status, glyph, avatar, replaces, device_name, device_id, account_key })
    }

    /// The device, as this room knows it.
    pub fn device(&self) -> DeviceId {
        DeviceId(self.device_id)
    }

    /// The account's public key.
    pub fn account_key(&self) -> &[u8; 32] {
        &self.account_key
    }

    /// Whether `self` is who `before` was: the same device of the same account, or of the account that it became by the word
    /// of its recovery key.
    pub(crate) fn succeeds(&self, before: &Self) -> bool {
        let same = (self.fingerprint, self.replaces) == (before.fingerprint, before.replaces);
        self.device_id == before.device_id && (same || self.replaces == Some(before.fingerprint))
    }

    /// Account key and device id: unique in the group, and the same after an update.
    pub fn unique(&self) -> Vec<u8> {
        [&self.account_key[..], &self.device_id].concat()
    }
}

/// The account of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Account {
    /// Its public key.
    pub(crate) key: [u8; 32],
    /// Of the key and the hash of its recovery key.
    pub(crate) fingerprint: Fingerprint,
    /// What it was before.
    pub(crate) replaces: Option<Fingerprint>,
}

/// The account of a leaf that the group has accepted: nothing is verified again.
pub(crate) fn account_of(identity: &SigningIdentity) -> Option<Account> {
    let custom = identity.credential.as_custom()?;
    let content = content::Credential::decode(&*custom.data).ok()?;
    let key = content.account_key.as_ref().try_into().ok()?;
    let fingerprint = Fingerprint::of(&key, &Next(content.next.as_ref().try_into().ok()?));
    let change = content.change.as_ref().map(KeyChange::try_from).transpose().ok()?;
    Some(Account { key, fingerprint, replaces: change.map(|change| change.old()) })
}

/// The identity provider of a room's group: see [`Holder::verify`].
#[derive(Clone, Copy, Debug)]
pub struct Members(pub RoomId);

impl IdentityProvider for Members {
    type Error = CredentialError;

    fn validate_member(
        &self,
        identity: &SigningIdentity,
        _: Option<MlsTime>,
        _: MemberValidationContext<'_>,
    ) -> Result<(), CredentialError> {
        Holder::verify(&self.0, identity).map(drop)
    }

    fn validate_external_sender(
        &self,
        _: &SigningIdentity,
        _: Option<MlsTime>,
        _: Option<&ExtensionList>,
    ) -> Result<(), CredentialError> {
        Err(CredentialError::ExternalSender)
    }

    fn identity(&self, identity: &SigningIdentity, _: &ExtensionList) -> Result<Vec<u8>, CredentialError> {
        Holder::verify(&self.0, identity).map(|holder| holder.unique())
    }

    /// An update may change the display name; device and leaf key stay, and so does the account unless its recovery key
    /// gave it another key. Then the leaf has another one too, or a copy of the device would be the device still.
    fn valid_successor(
        &self,
        before: &SigningIdentity,
        after: &SigningIdentity,
        _: &ExtensionList,
    ) -> Result<bool, CredentialError> {
        let (old, new) = (Holder::verify(&self.0, before)?, Holder::verify(&self.0, after)?);
        let is_same_key = before.signature_key == after.signature_key;
        Ok(new.succeeds(&old) && is_same_key == (new.fingerprint == old.fingerprint))
    }

    fn supported_types(&self) -> Vec<CredentialType> {
        vec![CREDENTIAL_TYPE]
    }
}

fn statement(room: &RoomId, device_id: &[u8; 16], leaf_key: &[u8], next: &Next) -> Vec<u8> {
    [CERTIFICATE_CONTEXT, room.as_bytes(), device_id, leaf_key, &next.0].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::recovery::RecoveryKey;

    fn leaf_key(n: u8) -> SignaturePublicKey {
        SignaturePublicKey::new(
            ed25519_dalek::SigningKey::from_bytes(&[n; 32]).verifying_key().to_bytes().to_vec(),
        )
    }

    const ROOM: RoomId = RoomId([5; 32]);

    fn credential(change: impl Fn(&mut content::Credential)) -> SigningIdentity {
        raw(|data| {
            let mut content = content::Credential::decode(&**data).unwrap();
            change(&mut content);
            *data = content.encode_to_vec();
        })
    }

    fn raw(change: impl Fn(&mut Vec<u8>)) -> SigningIdentity {
        let account = Identity::without_recovery(&[1; 32]);
        let mut identity = certify(&account, &ROOM, "ann", "laptop", [2; 16], &leaf_key(3));
        let mut data = identity.credential.as_custom().unwrap().data.clone();
        change(&mut data);
        identity.credential = Credential::Custom(CustomCredential::new(CREDENTIAL_TYPE, data));
        identity
    }

    fn verify(identity: &SigningIdentity) -> Result<Holder, CredentialError> {
        Holder::verify(&ROOM, identity)
    }

    #[test]
    fn certified_leaf_is_its_account() {
        let holder = verify(&credential(|_| ())).unwrap();
        assert_eq!(holder.fingerprint, Identity::without_recovery(&[1; 32]).fingerprint());
        assert_eq!(holder.name, "ann");
    }

    #[test]
    fn somebody_elses_account_key_is_refused() {
        let other = Identity::without_recovery(&[9; 32]).public_key();
        let stolen = credential(|c| c.account_key = other.to_vec().into());
        assert_eq!(verify(&stolen), Err(CredentialError::Uncertified));
    }

    #[test]
    fn certificate_of_another_leaf_or_device_is_refused() {
        let mut moved = credential(|_| ());
        moved.signature_key = leaf_key(4);
        assert_eq!(verify(&moved), Err(CredentialError::Uncertified));
        let device = credential(|c| c.device_id = vec![8; 16].into());
        assert_eq!(verify(&device), Err(CredentialError::Uncertified));
    }

    #[test]
    fn certificate_of_another_room_is_refused() {
        let elsewhere = Holder::verify(&RoomId([6; 32]), &credential(|_| ()));
        assert_eq!(elsewhere, Err(CredentialError::Uncertified));
        let provider = Members(RoomId([6; 32]));
        let context = MemberValidationContext::None;
        let told = provider.validate_member(&credential(|_| ()), None, context);
        assert_eq!(told, Err(CredentialError::Uncertified));
    }

    #[test]
    fn credential_in_another_form_than_its_own_is_refused() {
        type Change = fn(&mut Vec<u8>);
        let changes: [(&str, Change); 6] = [
            ("an unknown field", |data| data.extend([0x4a, 1, b'x'])),
            ("a field twice", |data| data.extend([0x1a, 3, b'a', b'n', b'n'])),
            ("an empty field", |data| data.extend([0x32, 0])),
            ("a length in more bytes than it needs", |data| {
                data.splice(1..2, [0xa0, 0]);
            }),
            ("another order", |data| data.rotate_left(34)),
            ("megabytes of an unknown field", |data| {
                data.extend([0x4a, 0x80, 0x80, 0x80, 2]);
                data.extend(vec![0; 4 << 20]);
            }),
        ];
        for (name, change) in changes {
            assert_eq!(verify(&raw(change)), Err(CredentialError::NotCanonical), "{name}");
        }
    }

    #[test]
    fn longest_credential_is_taken() {
        let long = "ä".repeat(32);
        let avatar = Avatar { id: [1; 16], key: [2; 32], parts: [3; 32], size: 65_536 }.to_bytes();
        let shown = Shown { name: &long, status: &long, glyph: &"ä".repeat(16), avatar: &avatar };
        let account = |secret: u8| Identity::new(&[secret; 32], RecoveryKey::from_seed(&[secret; 32]).next());
        let change = RecoveryKey::from_seed(&[1; 32]).sign_change(&account(1), &account(4)).unwrap();
        let account = account(4).with_change(change).unwrap();
        let identity = certify(&account, &ROOM, shown, &long, [2; 16], &leaf_key(3));
        assert_eq!(identity.credential.as_custom().unwrap().data.len(), 673);
        assert!(verify(&identity).is_ok());
    }

    #[test]
    fn pictures_that_are_too_large_or_none_are_refused() {
        let avatar = |size| Avatar { id: [1; 16], key: [2; 32], parts: [3; 32], size }.to_bytes();
        let with = |bytes: Vec<u8>| verify(&credential(|c| c.avatar = bytes.clone().into()));
        assert_eq!(with(avatar(65_536)).unwrap().avatar.unwrap().size, 65_536);
        assert_eq!(with(Vec::new()).unwrap().avatar, None);
        for wrong in [avatar(65_537), avatar(0), avatar(u32::MAX), vec![1], avatar(1)[1..].to_vec()] {
            assert_eq!(with(wrong), Err(CredentialError::Avatar));
        }
    }

    #[test]
    fn deceiving_names_and_basic_credentials_are_refused() {
        let escape = credential(|c| c.name = "ann\u{1b}[31m".to_owned());
        assert_eq!(verify(&escape), Err(CredentialError::Name));
        let status = credential(|c| c.status = "busy\u{202e}".to_owned());
        assert_eq!(verify(&status), Err(CredentialError::Name));
        let glyph = credential(|c| c.glyph = "x".repeat(MAX_GLYPH + 1));
        assert_eq!(verify(&glyph), Err(CredentialError::Name));
        let long = credential(|c| c.name = "x".repeat(65));
        assert_eq!(verify(&long), Err(CredentialError::Name));
        for device_name in ["", " laptop", "lap\u{200b}top", "cafe\u{301}", &"x".repeat(65)] {
            let device = credential(|c| c.device_name = device_name.to_owned());
            assert_eq!(verify(&device), Err(CredentialError::Name), "{device_name:?}");
        }
        for name in ["\u{3164}", "\u{2800}", "a\u{34f}", "cafe\u{301}", "ann\u{a0}b", "ann: hi", "* ann"] {
            let hidden = credential(|c| c.name = name.to_owned());
            assert_eq!(verify(&hidden), Err(CredentialError::Name), "{name:?}");
        }
        // A device says nothing.
        assert!(verify(&credential(|c| c.device_name = "#1: laptop".to_owned())).is_ok());
        let basic = mls_rs_core::identity::BasicCredential::new(b"ann".to_vec()).into_credential();
        assert_eq!(verify(&SigningIdentity::new(basic, leaf_key(3))), Err(CredentialError::Unknown));
    }
}
