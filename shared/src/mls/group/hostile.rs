//! A member or joiner whose program checks nothing: what the rules are tested against.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![cfg_attr(not(test), allow(dead_code, reason = "some of it only tests use"))]

use std::convert::Infallible;

use mls_rs::{
    ExtensionList, IdentityProvider, MlsMessage,
    client_builder::PaddingMode,
    client_builder::{
        BaseConfig, WithCryptoProvider, WithGroupStateStorage, WithIdentityProvider, WithMlsRules,
    },
    group::{CommitBuilder, ExportedTree, ReceivedMessage},
    identity::{CredentialType, SigningIdentity},
    mls_rules::{CommitOptions, DefaultMlsRules, EncryptionOptions},
    storage_provider::in_memory::InMemoryPreSharedKeyStorage,
};
use mls_rs_core::{
    extension::ExtensionType,
    identity::MemberValidationContext,
    psk::{ExternalPskId, PreSharedKey},
    time::MlsTime,
};
use prost::Message;

use super::{Group, Kind, LEAF_EXTENSION, MessagePlace, ROOM_EXTENSION, Signer, Storage, Tree};
use crate::{
    content,
    crypto::aead::Session,
    crypto::random::Random,
    crypto::suite::{Provider, Suite},
    identity::credential::CREDENTIAL_TYPE,
};

/// Believes every credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gullible;

pub(crate) type Config = WithMlsRules<
    DefaultMlsRules,
    WithGroupStateStorage<Storage, WithIdentityProvider<Gullible, WithCryptoProvider<Provider, BaseConfig>>>,
>;

thread_local! {
    /// The authorities of the epochs that commits of these programs begin, by the commit.
    static ANNOUNCED: std::cell::RefCell<Vec<(Vec<u8>, [u8; 32])>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// The true authority of the epoch that a commit made here begins; nobody's for other bytes.
pub(crate) fn announced(message: &[u8]) -> [u8; 32] {
    ANNOUNCED.with_borrow(|all| all.iter().find(|(made, _)| made == message).map_or([1; 32], |(_, key)| *key))
}

/// As `announced`, of what was made last.
pub(crate) fn last_announced() -> [u8; 32] {
    ANNOUNCED.with_borrow(|all| all.last().map_or([1; 32], |(_, key)| *key))
}

/// A new life begins: nothing was made yet.
pub(crate) fn forget() {
    ANNOUNCED.with_borrow_mut(Vec::clear);
}

fn announce(message: &[u8], group: &mls_rs::Group<Config>) {
    let id = group.group_id().to_vec();
    let Ok(seed) = group.export_secret(b"schat/2 authority", &id, 32) else { return };
    let key = ed25519_dalek::SigningKey::from_bytes(&seed.as_bytes().try_into().unwrap());
    ANNOUNCED.with_borrow_mut(|all| all.push((message.to_vec(), key.verifying_key().to_bytes())));
}

/// The group in such hands, and what its commits say besides.
pub(crate) struct Hostile(pub(crate) mls_rs::Group<Config>, pub(crate) content::CommitNote);

/// A commit: the MLS message and the GroupInfo after it.
pub(crate) type Made = (Vec<u8>, Vec<u8>);

impl Hostile {
    /// The same leaf as `group`'s, as it was last kept.
    pub(crate) fn of(group: &Group, random: &Random) -> Self {
        Self::able(group, random, &[LEAF_EXTENSION, ROOM_EXTENSION])
    }

    /// As `of`, but from now on it says that it supports only `extensions`.
    pub(crate) fn able(group: &Group, random: &Random, extensions: &[ExtensionType]) -> Self {
        Self::load(group, random, extensions, false)
    }

    /// As `of`, but its commits are PrivateMessages.
    pub(crate) fn secretive(group: &Group, random: &Random) -> Self {
        Self::load(group, random, &[LEAF_EXTENSION, ROOM_EXTENSION], true)
    }

    fn load(group: &Group, random: &Random, extensions: &[ExtensionType], secretive: bool) -> Self {
        let storage = Storage::default();
        storage.restore(group.storage.rows());
        let tree = ExportedTree::from_bytes(&storage.tree().unwrap()).unwrap();
        let mut psks = InMemoryPreSharedKeyStorage::default();
        for invite in group.room().unwrap().invites {
            psks.insert(ExternalPskId::new(invite.id.to_vec()), PreSharedKey::new(vec![9; 32]));
        }
        let client = builder(random, storage, psks, extensions, secretive).build();
        let session = Session::random(random).as_bytes().to_vec().into();
        let note = content::CommitNote { session, ..content::CommitNote::default() };
        Self(client.load_group_with_ratchet_tree(group.mls.group_id(), tree).unwrap(), note)
    }

    /// The present ratchet tree.
    pub(crate) fn tree(&self) -> Tree {
        Tree::from_nodes(self.0.export_tree().nodes()).unwrap()
    }

    /// Commits whatever `plan` says, and applies it.
    pub(crate) fn commit(
        &mut self,
        plan: impl FnOnce(CommitBuilder<'_, Config>) -> CommitBuilder<'_, Config>,
    ) -> Made {
        let builder = self.0.commit_builder().authenticated_data(self.1.encode_to_vec());
        let output = plan(builder).build().unwrap();
        let info = output.external_commit_group_info.as_ref().unwrap().to_bytes().unwrap();
        let message = output.commit_message.to_bytes().unwrap();
        let mut ahead = self.0.clone();
        if ahead.apply_pending_commit().is_ok() {
            announce(&message, &ahead);
        }
        (message, info)
    }

    /// Joins by whatever means, and says that it supports only `extensions`.
    pub(crate) fn join_able(
        (random, extensions): (&Random, &[ExtensionType]),
        (signer, identity): (&Signer, SigningIdentity),
        group_info: &[u8],
        psks: &[([u8; 16], [u8; 32])],
        remove: Option<u32>,
        leaf: ExtensionList,
    ) -> (Self, Made) {
        let mut store = InMemoryPreSharedKeyStorage::default();
        for (id, psk) in psks {
            store.insert(ExternalPskId::new(id.to_vec()), PreSharedKey::new(psk.to_vec()));
        }
        let suite = Suite::Classic.cipher_suite();
        let client = builder(random, Storage::default(), store, extensions, false)
            .signing_identity(identity, signer.secret.clone(), suite)
            .build();
        let mut joining = client.external_commit_builder().unwrap().with_leaf_node_extensions(leaf);
        for (id, _) in psks {
            joining = joining.with_external_psk(ExternalPskId::new(id.to_vec()));
        }
        if let Some(leaf) = remove {
            joining = joining.with_removal(leaf);
        }
        let (group, commit) = joining.build(MlsMessage::from_bytes(group_info).unwrap()).unwrap();
        let info = group.group_info_message_allowing_ext_commit(true).unwrap().to_bytes().unwrap();
        let message = commit.to_bytes().unwrap();
        announce(&message, &group);
        (Self(group, content::CommitNote::default()), (message, info))
    }

    /// The session that a commit names as that of its envelope (RFC 9420, 6 and 6.2).
    pub(crate) fn session_of(message: &[u8]) -> Option<Session> {
        // Version, wire format, the length of the group id and the id, epoch, the sender's kind and leaf.
        let rest = message.strip_prefix(&[0, 1, 0, 1, 32])?.get(32 + 8 + 1 + 4..)?;
        let (first, rest) = rest.split_first()?;
        let note = match first >> 6 {
            0 => rest.get(..usize::from(*first))?,
            _ => rest.get(1..1 + usize::from(first & 0x3f) * 256 + usize::from(*rest.first()?))?,
        };
        let note = content::CommitNote::decode(note).ok()?;
        Some(Session((&*note.session).try_into().ok()?))
    }

    /// A PrivateMessage with anything in it, for the place that its envelope will have.
    pub(crate) fn seal(
        &mut self,
        kind: Kind,
        (session, sequence): (Session, u64),
        content: &[u8],
    ) -> Vec<u8> {
        let generation = self.0.peek_next_key_generation().unwrap();
        self.seal_as(&MessagePlace { kind, session, sequence, generation }.encode(), content)
    }

    /// A PrivateMessage with anything in it, which says that it belongs anywhere.
    pub(crate) fn seal_as(&mut self, place: &[u8], content: &[u8]) -> Vec<u8> {
        self.0.encrypt_application_message(content, place.to_vec()).unwrap().to_bytes().unwrap()
    }

    /// What another member signed, as this member reads it: its place and its content.
    pub(crate) fn signed(&mut self, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let message = MlsMessage::from_bytes(message).unwrap();
        match self.0.process_incoming_message(message).unwrap() {
            ReceivedMessage::ApplicationMessage(said) => {
                (said.authenticated_data.clone(), said.data().to_vec())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Seals what was signed already once more, `ahead` keys later. To be called on the group of whoever signed it:
    /// Ed25519 is deterministic (RFC 8032, 5.1.6), so the signature is the one that every member has seen, and all else
    /// that goes into the bytes every member can derive. They are what any member can make.
    pub(crate) fn reseal(&mut self, (place, content): &(Vec<u8>, Vec<u8>), ahead: u32) -> Vec<u8> {
        (0..ahead).for_each(|_| drop(self.seal_as(b"", b"")));
        self.seal_as(place, content)
    }
}

fn builder(
    random: &Random,
    storage: Storage,
    psks: InMemoryPreSharedKeyStorage,
    extensions: &[ExtensionType],
    secretive: bool,
) -> mls_rs::client_builder::ClientBuilder<
    mls_rs::client_builder::WithPskStore<InMemoryPreSharedKeyStorage, Config>,
> {
    let options = CommitOptions::new().with_path_required(true).with_allow_external_commit(true);
    mls_rs::Client::builder()
        .crypto_provider(Provider::new(random.clone()))
        .identity_provider(Gullible)
        .group_state_storage(storage)
        .mls_rules(
            DefaultMlsRules::new()
                .with_commit_options(options)
                .with_encryption_options(EncryptionOptions::new(secretive, PaddingMode::None)),
        )
        .psk_store(psks)
        .extension_types(extensions.to_vec())
}

impl IdentityProvider for Gullible {
    type Error = Infallible;

    fn validate_member(
        &self,
        _: &SigningIdentity,
        _: Option<MlsTime>,
        _: MemberValidationContext<'_>,
    ) -> Result<(), Infallible> {
        Ok(())
    }

    fn validate_external_sender(
        &self,
        _: &SigningIdentity,
        _: Option<MlsTime>,
        _: Option<&ExtensionList>,
    ) -> Result<(), Infallible> {
        Ok(())
    }

    fn identity(&self, identity: &SigningIdentity, _: &ExtensionList) -> Result<Vec<u8>, Infallible> {
        // What an honest group has in its index, unchecked.
        let data = identity.credential.as_custom().map(|custom| custom.data.clone()).unwrap_or_default();
        Ok(match content::Credential::decode(&*data) {
            Ok(claimed) if !claimed.account_key.is_empty() => {
                [claimed.account_key, claimed.device_id].concat()
            }
            _ => identity.signature_key.as_bytes().to_vec(),
        })
    }

    fn valid_successor(
        &self,
        _: &SigningIdentity,
        _: &SigningIdentity,
        _: &ExtensionList,
    ) -> Result<bool, Infallible> {
        Ok(true)
    }

    fn supported_types(&self) -> Vec<CredentialType> {
        vec![CREDENTIAL_TYPE]
    }
}
