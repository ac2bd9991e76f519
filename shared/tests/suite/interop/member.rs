//! One member of a mixed group, behind one face whichever library runs it.

use mls_rs::{
    Client, ExtensionList, Group, MlsMessage, client_builder::MlsConfig, group::ReceivedMessage,
    psk::ExternalPskId as OurPskId,
};
use openmls::{
    prelude::{
        BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, LeafNodeIndex, LeafNodeParameters,
        MlsGroup, MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider,
        PURE_PLAINTEXT_WIRE_FORMAT_POLICY, PreSharedKeyProposal, ProcessedMessageContent, SignatureScheme,
        tls_codec::Deserialize,
    },
    schedule::{ExternalPsk, PreSharedKeyId, Psk},
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use shared::crypto::suite::Suite;

use crate::support::PSK;

#[allow(clippy::large_enum_variant, reason = "six of them at a time")]
pub enum Member<C: MlsConfig> {
    Ours(Group<C>),
    Theirs(Theirs),
}

pub struct Theirs {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    group: MlsGroup,
}

impl<C: MlsConfig> Member<C> {
    /// A group of one, made by `mls-rs`.
    pub fn ours(client: &Client<C>) -> Self {
        let group = client.create_group(ExtensionList::new(), ExtensionList::new(), None).unwrap();
        Self::Ours(group)
    }

    /// A group of one, made by OpenMLS.
    pub fn theirs(suite: Suite) -> Self {
        let (provider, signer, credential) = identity();
        let group = MlsGroup::builder()
            .ciphersuite(ciphersuite(suite))
            .with_capabilities(capabilities(suite))
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(true)
            .build(&provider, &signer, credential)
            .unwrap();
        Self::Theirs(Theirs { provider, signer, group })
    }

    pub fn join_ours(client: &Client<C>, info: &[u8]) -> (Self, Vec<u8>) {
        let (group, commit) = client
            .external_commit_builder()
            .unwrap()
            .with_external_psk(OurPskId::new(PSK.0.to_vec()))
            .build(MlsMessage::from_bytes(info).unwrap())
            .unwrap();
        (Self::Ours(group), commit.to_bytes().unwrap())
    }

    pub fn join_theirs(suite: Suite, mut info: &[u8]) -> (Self, Vec<u8>) {
        let (provider, signer, credential) = identity();
        let MlsMessageBodyIn::GroupInfo(info) = MlsMessageIn::tls_deserialize(&mut info).unwrap().extract()
        else {
            panic!("not a GroupInfo")
        };
        let psk = Psk::External(ExternalPsk::new(PSK.0.to_vec()));
        let psk = PreSharedKeyId::new(ciphersuite(suite), provider.rand(), psk).unwrap();
        let config = MlsGroupJoinConfig::builder()
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(true)
            .build();
        let (group, commit) = MlsGroup::external_commit_builder()
            .with_config(config)
            .build_group(&provider, info, credential)
            .unwrap()
            .leaf_node_parameters(
                LeafNodeParameters::builder().with_capabilities(capabilities(suite)).build(),
            )
            .add_psk_proposal(PreSharedKeyProposal::new(psk))
            .load_psks(provider.storage())
            .unwrap()
            .build(provider.rand(), provider.crypto(), &signer, |_| true)
            .unwrap()
            .finalize(&provider)
            .unwrap();
        let commit = commit.into_commit().to_bytes().unwrap();
        (Self::Theirs(Theirs { provider, signer, group }), commit)
    }

    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Ours(_))
    }

    pub fn leaf(&self) -> u32 {
        match self {
            Self::Ours(group) => group.current_member_index(),
            Self::Theirs(theirs) => theirs.group.own_leaf_index().u32(),
        }
    }

    pub fn group_info(&self) -> Vec<u8> {
        match self {
            Self::Ours(group) => {
                group.group_info_message_allowing_ext_commit(true).unwrap().to_bytes().unwrap()
            }
            Self::Theirs(Theirs { provider, signer, group }) => {
                group.export_group_info(provider.crypto(), signer, true).unwrap().to_bytes().unwrap()
            }
        }
    }

    pub fn epoch_authenticator(&self) -> Vec<u8> {
        match self {
            Self::Ours(group) => group.epoch_authenticator().unwrap().to_vec(),
            Self::Theirs(theirs) => theirs.group.epoch_authenticator().as_slice().to_vec(),
        }
    }

    /// Epoch and an exported secret.
    pub fn exported(&self) -> (u64, Vec<u8>) {
        match self {
            Self::Ours(group) => {
                let secret = group.export_secret(b"schat interop", b"context", 32).unwrap();
                (group.current_epoch(), secret.to_vec())
            }
            Self::Theirs(Theirs { provider, group, .. }) => {
                let secret = group.export_secret(provider.crypto(), "schat interop", b"context", 32);
                (group.epoch().as_u64(), secret.unwrap())
            }
        }
    }

    pub fn update(&mut self) -> Vec<u8> {
        match self {
            Self::Ours(group) => {
                let commit = group.commit(vec![]).unwrap().commit_message;
                group.apply_pending_commit().unwrap();
                commit.to_bytes().unwrap()
            }
            Self::Theirs(Theirs { provider, signer, group }) => {
                let parameters = LeafNodeParameters::default();
                let commit = group.self_update(provider, signer, parameters).unwrap().into_commit();
                group.merge_pending_commit(provider).unwrap();
                commit.to_bytes().unwrap()
            }
        }
    }

    pub fn remove(&mut self, leaf: u32) -> Vec<u8> {
        match self {
            Self::Ours(group) => {
                let commit = group.commit_builder().remove_member(leaf).unwrap().build().unwrap();
                group.apply_pending_commit().unwrap();
                commit.commit_message.to_bytes().unwrap()
            }
            Self::Theirs(Theirs { provider, signer, group }) => {
                let gone = [LeafNodeIndex::new(leaf)];
                let (commit, ..) = group.remove_members(provider, signer, &gone).unwrap();
                group.merge_pending_commit(provider).unwrap();
                commit.to_bytes().unwrap()
            }
        }
    }

    pub fn say(&mut self, line: &[u8]) -> Vec<u8> {
        match self {
            Self::Ours(group) => group.encrypt_application_message(line, vec![]).unwrap().to_bytes().unwrap(),
            Self::Theirs(Theirs { provider, signer, group }) => {
                group.create_message(provider, signer, line).unwrap().to_bytes().unwrap()
            }
        }
    }

    /// Takes in a message of another member; answers with the line if it was one.
    pub fn hear(&mut self, mut message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ours(group) => {
                let message = MlsMessage::from_bytes(message).unwrap();
                match group.process_incoming_message(message).unwrap() {
                    ReceivedMessage::ApplicationMessage(line) => Some(line.data().to_vec()),
                    _ => None,
                }
            }
            Self::Theirs(Theirs { provider, group, .. }) => {
                let message = MlsMessageIn::tls_deserialize(&mut message).unwrap();
                let message = message.try_into_protocol_message().unwrap();
                match group.process_message(provider, message).unwrap().into_content() {
                    ProcessedMessageContent::ApplicationMessage(line) => Some(line.into_bytes()),
                    ProcessedMessageContent::StagedCommitMessage(commit) => {
                        group.merge_staged_commit(provider, *commit).unwrap();
                        None
                    }
                    _ => panic!("neither a line nor a commit"),
                }
            }
        }
    }
}

/// A fresh OpenMLS identity that knows the PSK.
fn identity() -> (OpenMlsRustCrypto, SignatureKeyPair, CredentialWithKey) {
    let provider = OpenMlsRustCrypto::default();
    let signer = SignatureKeyPair::new(SignatureScheme::ED25519).unwrap();
    let credential = CredentialWithKey {
        credential: BasicCredential::new(signer.to_public_vec()).into(),
        signature_key: signer.to_public_vec().into(),
    };
    PreSharedKeyId::external(PSK.0.to_vec(), vec![]).store(&provider, &PSK.1).unwrap();
    (provider, signer, credential)
}

fn ciphersuite(suite: Suite) -> Ciphersuite {
    match suite {
        Suite::Pq => Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519,
        Suite::Classic => Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
    }
}

/// OpenMLS would announce its own default suites only.
fn capabilities(suite: Suite) -> Capabilities {
    Capabilities::new(None, Some(&[ciphersuite(suite)]), None, None, None)
}
