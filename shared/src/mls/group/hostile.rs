//! A member or joiner whose program checks nothing: what the rules are tested against.

use std::convert::Infallible;

use mls_rs::{
    ExtensionList, IdentityProvider, MlsMessage,
    client_builder::PaddingMode,
    client_builder::{
        BaseConfig, WithCryptoProvider, WithGroupStateStorage, WithIdentityProvider, WithMlsRules,
    },
    group::{CommitBuilder, ExportedTree},
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

use super::{Group, LEAF_EXTENSION, ROOM_EXTENSION, Signer, Storage};
use crate::{
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

/// The group in such hands.
pub(crate) struct Hostile(pub(crate) mls_rs::Group<Config>);

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
        Self(client.load_group_with_ratchet_tree(group.mls.group_id(), tree).unwrap())
    }

    /// Commits whatever `plan` says, and applies it.
    pub(crate) fn commit(
        &mut self,
        plan: impl FnOnce(CommitBuilder<'_, Config>) -> CommitBuilder<'_, Config>,
    ) -> Made {
        let output = plan(self.0.commit_builder()).build().unwrap();
        let info = output.external_commit_group_info.as_ref().unwrap().to_bytes().unwrap();
        (output.commit_message.to_bytes().unwrap(), info)
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
        (Self(group), (commit.to_bytes().unwrap(), info))
    }

    /// A PrivateMessage with anything in it.
    pub(crate) fn seal(&mut self, content: &[u8]) -> Vec<u8> {
        self.0.encrypt_application_message(content, Vec::new()).unwrap().to_bytes().unwrap()
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
        Ok(crate::identity::credential::Holder::verify(identity)
            .map_or_else(|_| identity.signature_key.as_bytes().to_vec(), |holder| holder.unique()))
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
