//! A program by OpenMLS that keeps the protocol: it makes rooms, joins by invites, and comes back, with nothing of our
//! group but the formats of what it carries.

use ed25519_dalek::SigningKey;
use mls_rs::group::{ExportedTree, Node};
use mls_rs_codec::MlsEncode as _;
use openmls::prelude::{
    Capabilities, Ciphersuite, Credential, CredentialType, CredentialWithKey, Extension, ExtensionType,
    Extensions, GroupId, LeafNode, LeafNodeIndex, LeafNodeParameters, Lifetime, MlsGroup, MlsGroupJoinConfig,
    MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, ProcessedMessage,
    ProcessedMessageContent, RatchetTreeIn, Sender, SignatureScheme, UnknownExtension,
    tls_codec::{Deserialize, Serialize},
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use prost::Message as _;
use shared::{
    content,
    crypto::{aead::Session, suite::Suite},
    identity::credential::CREDENTIAL_TYPE,
    invite::{InviteSecret, pieces::Tree},
    mls::group::{Claim, Kind, LEAF_EXTENSION, MessagePlace, ROOM_EXTENSION},
};

use super::{
    member::{Change, Member, Secrets, Slot},
    person::{Person, ROOM},
};

pub(super) struct Theirs {
    person: Person,
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    group: MlsGroup,
    said: u64,
    /// The epoch in which this device spoke last, and its next key there (RFC 9420, 9.1).
    generation: (u64, u32),
}

impl Theirs {
    pub(super) fn found(person: Person, room: &content::Room) -> Self {
        Self::found_for(Lifetime::init(0, u64::MAX), person, room)
    }

    /// With this lifetime in the founder's leaf.
    pub(super) fn found_for(lifetime: Lifetime, person: Person, room: &content::Room) -> Self {
        let (provider, signer) = (OpenMlsRustCrypto::default(), keys(&person));
        let group = MlsGroup::builder()
            .with_group_id(GroupId::from_slice(&ROOM.0))
            .ciphersuite(ciphersuite(person.suite))
            .with_capabilities(capabilities(person.suite))
            .with_group_context_extensions(Extensions::single(room_extension(room)).unwrap())
            .with_leaf_node_extensions(leaf_extensions(person.founding_leaf().encode_to_vec()))
            .unwrap()
            .lifetime(lifetime)
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(true)
            .build(&provider, &signer, credential(&person))
            .unwrap();
        Self { person, provider, signer, group, said: 0, generation: (0, 0) }
    }

    pub(super) fn join(person: Person, slot: &Slot, invite: &InviteSecret) -> (Self, Vec<u8>) {
        let epoch = mls_rs::MlsMessage::from_bytes(&slot.0).unwrap().epoch().unwrap();
        let leaf = person.joining_leaf(invite, epoch);
        let (provider, signer) = (OpenMlsRustCrypto::default(), keys(&person));
        let (group, commit) = enter(&person, (&provider, &signer), slot, leaf);
        (Self { person, provider, signer, group, said: 0, generation: (0, 0) }, commit)
    }
}

/// By an external commit. OpenMLS removes a leaf with the same signature key of itself, as a device does that comes back.
fn enter(
    person: &Person,
    (provider, signer): (&OpenMlsRustCrypto, &SignatureKeyPair),
    (info, tree): &Slot,
    leaf: Vec<u8>,
) -> (MlsGroup, Vec<u8>) {
    let message = MlsMessageIn::tls_deserialize(&mut info.as_slice()).unwrap();
    let MlsMessageBodyIn::GroupInfo(info) = message.extract() else { panic!("not a GroupInfo") };
    let config = MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(true)
        .build();
    let parameters = LeafNodeParameters::builder()
        .with_capabilities(capabilities(person.suite))
        .with_extensions(leaf_extensions(leaf))
        .build();
    let (group, commit) = MlsGroup::external_commit_builder()
        .with_config(config)
        .with_ratchet_tree(their_tree(tree))
        .build_group(provider, info, credential(person))
        .unwrap()
        .leaf_node_parameters(parameters)
        .load_psks(provider.storage())
        .unwrap()
        .build(provider.rand(), provider.crypto(), signer, |_| true)
        .unwrap()
        .finalize(provider)
        .unwrap();
    (group, commit.into_commit().to_bytes().unwrap())
}

impl Member for Theirs {
    fn is_ours(&self) -> bool {
        false
    }

    fn leaf(&self) -> u32 {
        self.group.own_leaf_index().u32()
    }

    fn slot(&self) -> Slot {
        let info = self.group.export_group_info(self.provider.crypto(), &self.signer, false).unwrap();
        (info.to_bytes().unwrap(), our_tree(&self.group.export_ratchet_tree()))
    }

    fn secrets(&self) -> Secrets {
        let export = |label| {
            let crypto = self.provider.crypto();
            self.group.export_secret(crypto, label, &ROOM.0, 32).unwrap()
        };
        let seed = export("schat/2 authority").try_into().unwrap();
        Secrets {
            epoch: self.group.epoch().as_u64(),
            authenticator: self.group.epoch_authenticator().as_slice().to_vec(),
            envelope: export("schat/2 envelope"),
            slot: export("schat/2 slot"),
            authority: SigningKey::from_bytes(&seed).verifying_key().to_bytes(),
        }
    }

    fn room(&self) -> content::Room {
        let room = self.group.extensions().unknown(ROOM_EXTENSION.raw_value()).unwrap();
        content::Room::decode(&*room.0).unwrap()
    }

    fn come_back(&mut self, slot: &Slot) -> Vec<u8> {
        let leaf = self.group.own_leaf_node().unwrap();
        let leaf = leaf.extensions().unknown(LEAF_EXTENSION.raw_value()).unwrap().0.clone();
        self.provider = OpenMlsRustCrypto::default();
        let (group, commit) = enter(&self.person, (&self.provider, &self.signer), slot, leaf);
        self.group = group;
        commit
    }

    fn commit(&mut self, remove: Option<u32>) -> Vec<u8> {
        self.group.set_aad(self.person.note().encode_to_vec());
        let builder = self.group.commit_builder().force_self_update(true);
        let builder = builder.propose_removals(remove.map(LeafNodeIndex::new));
        let (rand, crypto) = (self.provider.rand(), self.provider.crypto());
        let ready = builder.load_psks(self.provider.storage()).unwrap();
        let bundle = ready.build(rand, crypto, &self.signer, |_| true).unwrap();
        let commit = bundle.stage_commit(&self.provider).unwrap().into_commit();
        self.group.merge_pending_commit(&self.provider).unwrap();
        commit.to_bytes().unwrap()
    }

    fn take(&mut self, commit: &[u8]) -> Change {
        let processed = self.process(commit);
        let is_external = matches!(processed.sender(), Sender::NewMemberCommit);
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            panic!("not a commit")
        };
        let removed = staged.remove_proposals().next().map(|queued| queued.remove_proposal().removed().u32());
        let key = staged.update_path_leaf_node().unwrap().signature_key().as_slice().to_vec();
        self.group.merge_staged_commit(&self.provider, *staged).unwrap();
        let committer = self.group.members().find(|member| member.signature_key == key).unwrap();
        Change { entered: is_external.then_some(committer.index.u32()), removed }
    }

    fn say(&mut self, line: &[u8]) -> Vec<u8> {
        let epoch = self.group.epoch().as_u64();
        if self.generation.0 != epoch {
            self.generation = (epoch, 0);
        }
        let generation = self.generation.1;
        self.generation.1 += 1;
        self.said += 1;
        let place =
            MessagePlace { kind: Kind::Content, session: Session([6; 8]), sequence: self.said, generation };
        self.group.set_aad(place.encode().to_vec());
        self.group.create_message(&self.provider, &self.signer, line).unwrap().to_bytes().unwrap()
    }

    fn hear(&mut self, message: &[u8]) -> (u32, Vec<u8>) {
        let place = Claim::of(message).unwrap().place;
        let processed = self.process(message);
        assert_eq!(processed.aad(), place.encode());
        let Sender::Member(leaf) = *processed.sender() else { panic!("not a member's") };
        let ProcessedMessageContent::ApplicationMessage(line) = processed.into_content() else {
            panic!("not a line")
        };
        (leaf.u32(), line.into_bytes())
    }
}

impl Theirs {
    fn process(&mut self, mut message: &[u8]) -> ProcessedMessage {
        let message = MlsMessageIn::tls_deserialize(&mut message).unwrap();
        let message = message.try_into_protocol_message().unwrap();
        self.group.process_message(&self.provider, message).unwrap()
    }
}

/// The vector of optional nodes of RFC 9420, 12.4.3.3, node by node.
fn our_tree(tree: &impl Serialize) -> Tree {
    let tree = ExportedTree::from_bytes(&tree.tls_serialize_detached().unwrap()).unwrap();
    let node =
        |node: &Option<Node>| node.as_ref().map_or_else(Vec::new, |node| node.mls_encode_to_vec().unwrap());
    Tree(tree.nodes().iter().map(node).collect())
}

fn their_tree(tree: &Tree) -> RatchetTreeIn {
    let nodes = tree.0.iter().flat_map(|node| [&[u8::from(!node.is_empty())][..], node].concat());
    let nodes: Vec<u8> = nodes.collect();
    let bytes = nodes.mls_encode_to_vec().unwrap();
    RatchetTreeIn::tls_deserialize(&mut bytes.as_slice()).unwrap()
}

fn keys(person: &Person) -> SignatureKeyPair {
    let (secret, public) = (&person.signer.secret, &person.signer.public);
    SignatureKeyPair::from_raw(
        SignatureScheme::ED25519,
        secret.as_bytes().to_vec(),
        public.as_bytes().to_vec(),
    )
}

fn credential(person: &Person) -> CredentialWithKey {
    let kind = CredentialType::Other(CREDENTIAL_TYPE.raw_value());
    CredentialWithKey {
        credential: Credential::new(kind, person.credential()),
        signature_key: person.signer.public.as_bytes().into(),
    }
}

fn room_extension(room: &content::Room) -> Extension {
    Extension::Unknown(ROOM_EXTENSION.raw_value(), UnknownExtension(room.encode_to_vec()))
}

fn leaf_extensions(leaf: Vec<u8>) -> Extensions<LeafNode> {
    Extensions::single(Extension::Unknown(LEAF_EXTENSION.raw_value(), UnknownExtension(leaf))).unwrap()
}

fn ciphersuite(suite: Suite) -> Ciphersuite {
    match suite {
        Suite::Pq => Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519,
        Suite::Classic => Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
    }
}

/// What a leaf of ours says it supports; OpenMLS would announce its own defaults only.
fn capabilities(suite: Suite) -> Capabilities {
    let extensions = [LEAF_EXTENSION, ROOM_EXTENSION].map(|kind| ExtensionType::Unknown(kind.raw_value()));
    let credential = CredentialType::Other(CREDENTIAL_TYPE.raw_value());
    Capabilities::new(None, Some(&[ciphersuite(suite)]), Some(&extensions), None, Some(&[credential]))
}
