//! The MLS group (RFC 9420) of a room: a thin shell over `mls-rs` that can always go back one step.
//!
//! Whatever a message from the network does to the library's state is undone unless the engine keeps it:
//! [`Group::keep`] takes a snapshot after each accepted step, [`Group::undo`] returns to the last one. So
//! a message that fails half-way, or breaks one of our rules after the library accepted it, leaves no
//! trace. A snapshot costs as much as many messages, so those that were opened are remembered instead, and opened
//! again after an undo; the engine keeps once for all that it takes in at a time.

use std::{collections::BTreeMap, sync::Mutex};

use mls_rs::{
    CipherSuiteProvider, CryptoProvider, ExtensionList, MlsMessage,
    client_builder::{
        BaseConfig, WithCryptoProvider, WithGroupStateStorage, WithIdentityProvider, WithMlsRules,
    },
    group::{CommitEffect, ExportedTree, ReceivedMessage},
    mls_rules::{CommitOptions, DefaultMlsRules, EncryptionOptions},
};
use mls_rs_core::{
    crypto::{SignaturePublicKey, SignatureSecretKey},
    extension::{Extension, ExtensionType},
    identity::SigningIdentity,
    time::MlsTime,
};
use prost::Message;
use proto::{PublicKey, RoomId};
use zeroize::Zeroizing;

use crate::{
    content,
    crypto::random::Random,
    crypto::suite::{Provider, Suite},
    identity::credential::{Holder, Members, account_of},
    invite::{InviteSecret, join_statement, pieces::Tree},
    mls::extension::{keys_of, leaf_of, room_of},
    mls::rules::{self, Violation},
};

mod authority;
mod base;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod hostile;
pub(crate) mod leaving;
mod message;
mod place;
mod rejoin;
mod storage;
mod tree;
mod view;

pub use crate::mls::extension::{LEAF_EXTENSION, ROOM_EXTENSION};
pub use authority::{Authority, Next};
pub use message::MIN_AHEAD;
pub use place::{Claim, Kind, MessagePlace};
pub use storage::EPOCHS_KEPT;
use storage::Storage;
pub(crate) use storage::is_ours;
pub use view::AccessKeys;

/// MLS exporter label (RFC 9420, 8.5) of the epoch's envelope secret.
const ENVELOPE_LABEL: &[u8] = b"schat/2 envelope";

/// The founder's leaf is the one that has a lifetime (RFC 9420, 7.2). It is always the same, from 1970 for as long as 63 bits
/// count, so that it holds by every clock: a founder whose clock is wrong keeps nobody out, whatever the joiner's
/// program checks. Ours checks no lifetime: what a clock says decides nothing about a tree.
const LIFETIME_FROM: u64 = 0;
const LIFETIME_SECONDS: u64 = u64::MAX >> 1;

type Config = WithMlsRules<
    DefaultMlsRules,
    WithGroupStateStorage<Storage, WithIdentityProvider<Members, WithCryptoProvider<Provider, BaseConfig>>>,
>;

/// Why a step of the group failed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// The MLS library refused.
    #[error("MLS: {0}")]
    Mls(#[from] mls_rs::error::MlsError),
    /// One of our own rules was broken.
    #[error("{0}")]
    Rule(#[from] Violation),
    /// A message that its sender did not seal for where it was found.
    #[error("the message belongs elsewhere")]
    Misplaced,
    /// Bytes that are no MLS message, or of a kind that does not belong there.
    #[error("not the kind of MLS message that belongs here")]
    Unexpected,
    /// The stored state is damaged.
    #[error("the stored group state is damaged")]
    Damaged,
}

/// The keys of one leaf and whose it is.
#[derive(Clone)]
pub struct Signer {
    /// Leaf signature key.
    pub secret: SignatureSecretKey,
    /// Its public half.
    pub public: SignaturePublicKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// A fresh leaf key.
    ///
    /// # Errors
    /// Never in practice: the suite is one of ours.
    pub fn generate(suite: Suite, random: &Random) -> Result<Self, GroupError> {
        let provider = Provider::new(random.clone())
            .cipher_suite_provider(suite.cipher_suite())
            .ok_or(GroupError::Unexpected)?;
        let (secret, public) = provider.signature_key_generate().map_err(|_| GroupError::Unexpected)?;
        Ok(Self { secret, public })
    }
}

/// A commit that was built but not yet applied.
pub struct Prepared {
    /// The commit, an MLS PublicMessage.
    pub message: Vec<u8>,
    /// The GroupInfo of the epoch it begins, without the tree.
    pub group_info: Vec<u8>,
    /// That epoch's tree.
    pub tree: Tree,
    /// What [`Group::apply`] needs; secret. Empty for an external commit, which is applied already.
    pub secrets: Zeroizing<Vec<u8>>,
    /// What that epoch has for the relay and for joiners.
    pub next: Next,
}

/// What a commit is to do.
#[derive(Default)]
pub struct Plan {
    /// Leaves to remove.
    pub remove: Vec<u32>,
    /// The room's new state, if it changes.
    pub room: Option<content::Room>,
    /// The new credential, if it changes.
    pub identity: Option<(Signer, SigningIdentity)>,
    /// The new leaf extension, if it changes.
    pub leaf: Option<content::Leaf>,
    /// What the commit says beside what it does; its committer signs it.
    pub note: content::CommitNote,
}

/// What an applied commit did.
#[derive(Debug)]
pub struct Applied {
    /// Who committed, as they show themselves from now on.
    pub committer: Holder,
    /// As they showed themselves before; none for a joiner.
    pub was: Option<Holder>,
    /// The committer's leaf.
    pub leaf: u32,
    /// Who joined, by an external commit.
    pub joined: Option<Holder>,
    /// It was a member before, at this leaf: its device came back.
    pub returned: Option<u32>,
    /// Who was removed.
    pub removed: Vec<(u32, Holder)>,
    /// We were.
    pub removed_us: bool,
    /// The room as it is after that; who is removed does not learn it otherwise.
    pub room: Option<content::Room>,
    /// What the committer signed besides, as it came.
    pub note: Vec<u8>,
}

/// No room comes here: at a commit each microsecond it takes nine years. Whoever hands over a greater epoch has made it up, so
/// that numbers which count on from it run over.
const MAX_EPOCH: u64 = 1 << 48;

/// The group of a room.
pub struct Group {
    mls: mls_rs::Group<Config>,
    client: mls_rs::Client<Config>,
    storage: Storage,
    /// The library's cryptography.
    provider: Provider,
    random: Random,
    /// What was opened since the last [`Group::keep`], to be opened again after an [`Group::undo`]; at most
    /// [`message::MAX_UNKEPT`].
    unkept: Vec<message::Opened>,
    /// Members whose credentials were verified in this epoch: at most one for each leaf.
    holders: Mutex<(u64, BTreeMap<u32, Holder>)>,
    /// How often [`Group::undo`] reloaded the group.
    #[cfg(test)]
    pub(crate) undone: u32,
}

impl Group {
    /// A group of one.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the library refuses the parameters.
    pub fn create(
        (suite, random): (Suite, &Random),
        (signer, identity): (&Signer, SigningIdentity),
        id: &RoomId,
        room: &content::Room,
        leaf: &content::Leaf,
    ) -> Result<(Self, Vec<u8>), GroupError> {
        let parts = client(id, random, Some((signer, identity, suite)));
        let mls = parts.client.create_group_with_id(
            id.as_bytes().to_vec(),
            extension(ROOM_EXTENSION, room),
            extension(LEAF_EXTENSION, leaf),
            Some(MlsTime::from(LIFETIME_FROM)),
        )?;
        let group_info = mls.group_info_message_allowing_ext_commit(false)?.to_bytes()?;
        let mut group = Self::of(mls, parts, random);
        group.keep()?;
        Ok((group, group_info))
    }

    /// Joins by an external commit whose leaf the invite's joining key has signed. The commit is already applied here.
    /// `now` is held against the invite's expiry alone.
    ///
    /// # Errors
    /// [`GroupError`] when the GroupInfo does not verify or is not of this room.
    pub fn join(
        (suite, random): (Suite, &Random),
        (signer, identity): (&Signer, SigningIdentity),
        id: &RoomId,
        (group_info, tree): (&[u8], &Tree),
        (invite, access_key): (&InviteSecret, &PublicKey),
        now: u64,
    ) -> Result<(Self, Prepared), GroupError> {
        let group_info = MlsMessage::from_bytes(group_info)?;
        let epoch = group_info.epoch().filter(|epoch| *epoch < MAX_EPOCH).ok_or(GroupError::Unexpected)?;
        let account = account_of(&identity).ok_or(Violation::Credential)?.key;
        let (leaf_key, access_key) = (signer.public.as_bytes(), access_key.as_bytes());
        let statement = join_statement(id.as_bytes(), epoch, leaf_key, &account, access_key);
        let leaf = content::Leaf {
            access_key: access_key.to_vec().into(),
            invite_id: invite.id().to_vec().into(),
            join_signature: invite.join_key().sign(&statement).to_vec().into(),
            ..content::Leaf::default()
        };
        let parts = client(id, random, Some((signer, identity, suite)));
        let (mls, commit) = parts
            .client
            .external_commit_builder()?
            .with_leaf_node_extensions(extension(LEAF_EXTENSION, &leaf))
            .with_tree_data(tree.to_exported()?)
            .build(group_info)?;
        if mls.group_id() != id.as_bytes() || mls.cipher_suite() != suite.cipher_suite() {
            return Err(GroupError::Unexpected);
        }
        let group_info = mls.group_info_message_allowing_ext_commit(false)?.to_bytes()?;
        let (secrets, tree, next) = (Zeroizing::default(), Tree::of(&mls)?, Next::of(&mls)?);
        let prepared = Prepared { message: commit.to_bytes()?, group_info, tree, secrets, next };
        let mut group = Self::of(mls, parts, random);
        let (room, own) = (group.room()?, group.leaf());
        rules::check_own_join(&group.mls.roster(), own, (id, &room), &invite.id(), now)?;
        group.keep()?;
        Ok((group, prepared))
    }

    fn of(mls: mls_rs::Group<Config>, parts: Parts, random: &Random) -> Self {
        let Parts { client, storage, provider } = parts;
        Self {
            mls,
            client,
            storage,
            provider,
            random: random.clone(),
            unkept: Vec::new(),
            holders: Mutex::default(),
            #[cfg(test)]
            undone: 0,
        }
    }

    /// The group as it was last kept: see [`Group::take_rows`].
    ///
    /// # Errors
    /// [`GroupError::Damaged`] when the rows are not what was kept.
    pub fn load(
        random: &Random,
        id: &RoomId,
        rows: Vec<(String, Zeroizing<Vec<u8>>)>,
    ) -> Result<Self, GroupError> {
        let parts = client(id, random, None);
        parts.storage.restore(rows);
        let mls = load(&parts.client, &parts.storage, id.as_bytes())?;
        Ok(Self::of(mls, parts, random))
    }

    /// Keeps the present state: [`Group::undo`] returns here.
    ///
    /// # Errors
    /// [`GroupError::Mls`] when the state cannot be serialized.
    pub fn keep(&mut self) -> Result<(), GroupError> {
        if self.storage.tree_epoch() != Some(self.epoch()) {
            let tree = self.mls.export_tree().to_bytes()?;
            self.storage.set_tree(self.epoch(), tree);
        }
        self.mls.write_to_storage_without_ratchet_tree()?;
        self.unkept.clear();
        Ok(())
    }

    /// Forgets everything since the last [`Group::keep`] but the messages that were opened; keeps what that leaves.
    ///
    /// # Errors
    /// [`GroupError::Damaged`] when the kept state cannot be read back.
    pub fn undo(&mut self) -> Result<(), GroupError> {
        self.mls = load(&self.client, &self.storage, self.mls.group_id())?;
        self.holders = Mutex::default();
        #[cfg(test)]
        {
            self.undone += 1;
        }
        self.open_again()
    }

    /// The rows that changed since the last call, for storage. What is not kept is not among them.
    pub fn take_rows(&mut self) -> Vec<(String, Option<Zeroizing<Vec<u8>>>)> {
        self.storage.take_rows()
    }

    /// Builds a commit without applying it; it always brings fresh keys of ours.
    ///
    /// # Errors
    /// [`GroupError`] when the library refuses the plan.
    pub fn prepare(&mut self, plan: Plan) -> Result<Prepared, GroupError> {
        let note = plan.note.encode_to_vec();
        let mut builder = self.mls.commit_builder().authenticated_data(note);
        for leaf in plan.remove {
            builder = builder.remove_member(leaf)?;
        }
        if let Some(room) = plan.room {
            builder = builder.set_group_context_ext(extension(ROOM_EXTENSION, &room))?;
        }
        if let Some((signer, identity)) = plan.identity {
            builder = builder.set_new_signing_identity(signer.secret, identity);
        }
        if let Some(leaf) = plan.leaf {
            builder = builder.set_leaf_node_extensions(extension(LEAF_EXTENSION, &leaf));
        }
        let (output, secrets) = builder.build_detached()?;
        let group_info = output.external_commit_group_info.ok_or(GroupError::Unexpected)?.to_bytes()?;
        let message = output.commit_message.to_bytes()?;
        let kept = Zeroizing::new(secrets.to_bytes()?);
        // The library tells an epoch's secrets only once it has begun. A clone costs a copy of the tree, and to begin
        // it a key schedule: some per cent of building the commit, which seals to the whole path.
        let mut ahead = self.mls.clone();
        ahead.apply_detached_commit(secrets)?;
        let (tree, next) = (Tree::of(&ahead)?, Next::of(&ahead)?);
        Ok(Prepared { message, group_info, tree, secrets: kept, next })
    }

    /// Applies a commit of ours.
    ///
    /// # Errors
    /// [`GroupError`]; the caller then calls [`Group::undo`].
    pub fn apply(&mut self, secrets: &[u8]) -> Result<Applied, GroupError> {
        let secrets = mls_rs::group::CommitSecrets::from_bytes(secrets)?;
        let done = self.mls.apply_detached_commit(secrets)?;
        self.applied(&done, None)
    }

    /// Applies somebody else's commit, if it keeps every rule. `at` is the entry's time in the log.
    ///
    /// # Errors
    /// [`GroupError`]; the caller then calls [`Group::undo`].
    pub fn process(&mut self, message: &[u8], at: u64) -> Result<Applied, GroupError> {
        let message = MlsMessage::from_bytes(message)?;
        if message.wire_format() != mls_rs::WireFormat::PublicMessage {
            return Err(GroupError::Unexpected);
        }
        match self.mls.process_incoming_message_with_time(message, seconds(at))? {
            ReceivedMessage::Commit(done) => self.applied(&done, Some(at)),
            _ => Err(GroupError::Unexpected),
        }
    }

    fn applied(
        &self,
        done: &mls_rs::group::CommitMessageDescription,
        check_at: Option<u64>,
    ) -> Result<Applied, GroupError> {
        let (epoch, removed_us) = match &done.effect {
            CommitEffect::NewEpoch(epoch) => (epoch, false),
            CommitEffect::Removed { new_epoch, .. } => (new_epoch, true),
            CommitEffect::ReInit(_) => return Err(GroupError::Unexpected),
        };
        if let Some(at) = check_at {
            let note = content::CommitNote::decode(&*done.authenticated_data).map_err(|_| Violation::Note)?;
            rules::check_commit(&rules::Commit {
                room: self.mls.group_id(),
                note: &note,
                external: done.is_external,
                committer: done.committer,
                proposals: epoch.applied_proposals(),
                before: epoch.prior_state(),
                room_before: &room_of(&epoch.prior_state().context().extensions)?,
                // A removed member does not learn the new epoch; it only needs to know who removed it.
                after: (!removed_us).then_some(&self.mls),
                at,
            })?;
        }
        view::applied(&self.mls, done, epoch, removed_us)
    }
}

struct Parts {
    client: mls_rs::Client<Config>,
    storage: Storage,
    provider: Provider,
}

fn client(id: &RoomId, random: &Random, signer: Option<(&Signer, SigningIdentity, Suite)>) -> Parts {
    let (storage, provider) = (Storage::default(), Provider::new(random.clone()));
    let options = CommitOptions::new()
        .with_path_required(true)
        .with_allow_external_commit(true)
        .with_ratchet_tree_extension(false);
    // Envelopes pad, so MLS need not; commits stay PublicMessages inside them (RFC 9420, 6.2).
    let rules = DefaultMlsRules::new()
        .with_commit_options(options)
        .with_encryption_options(EncryptionOptions::new(false, mls_rs::client_builder::PaddingMode::None));
    let builder = mls_rs::Client::builder()
        .crypto_provider(provider.clone())
        .identity_provider(Members(*id))
        .group_state_storage(storage.clone())
        .mls_rules(rules)
        .extension_types([LEAF_EXTENSION, ROOM_EXTENSION])
        .key_package_lifetime(std::time::Duration::from_secs(LIFETIME_SECONDS));
    let client = match signer {
        Some((signer, identity, suite)) => {
            builder.signing_identity(identity, signer.secret.clone(), suite.cipher_suite()).build()
        }
        None => builder.build(),
    };
    Parts { client, storage, provider }
}

fn load(
    client: &mls_rs::Client<Config>,
    storage: &Storage,
    id: &[u8],
) -> Result<mls_rs::Group<Config>, GroupError> {
    let tree = ExportedTree::from_bytes(&storage.tree().ok_or(GroupError::Damaged)?)
        .map_err(|_| GroupError::Damaged)?;
    client.load_group_with_ratchet_tree(id, tree).map_err(|_| GroupError::Damaged)
}

fn extension(kind: ExtensionType, message: &impl Message) -> ExtensionList {
    let mut list = ExtensionList::new();
    list.set(Extension::new(kind, message.encode_to_vec()));
    list
}

fn seconds(millis: u64) -> MlsTime {
    MlsTime::from(millis / 1000)
}

#[cfg(test)]
mod tests;
