//! Who is in a room, whichever library runs their program: account, keys, and what a leaf says.

use mls_rs_core::identity::SigningIdentity;
use prost::Message as _;
use proto::RoomId;
use shared::{
    content,
    crypto::{random::Random, suite::Suite},
    identity::{Identity, Next, credential::certify},
    invite::{AccessSecret, InviteSecret, join_statement, list},
    mls::{
        group::Signer,
        rules::{ROOM_VERSION, SEATS_PER_ACCOUNT},
    },
};

/// The room of all tests here.
pub(super) const ROOM: RoomId = RoomId([7; 32]);

/// The time of all of them: Unix milliseconds.
pub(super) const NOW: u64 = 1_700_000_000_000;

/// One person with one device.
pub(super) struct Person {
    pub suite: Suite,
    pub random: Random,
    pub account: Identity,
    pub signer: Signer,
    pub access: AccessSecret,
    name: String,
    device: [u8; 16],
}

impl Person {
    pub(super) fn new(suite: Suite, random: Random, name: String) -> Self {
        let (account, access) = (Identity::generate(&random, Next::NONE), AccessSecret::generate(&random));
        let signer = Signer::generate(suite, &random).unwrap();
        let device = random.bytes();
        Self { suite, random, account, signer, access, name, device }
    }

    /// The credential and the leaf key that it certifies.
    pub(super) fn identity(&self) -> SigningIdentity {
        certify(&self.account, &ROOM, self.name.as_str(), "laptop", self.device, &self.signer.public)
    }

    /// The bytes of the custom credential.
    pub(super) fn credential(&self) -> Vec<u8> {
        self.identity().credential.as_custom().unwrap().data.clone()
    }

    /// The leaf of whoever made the room.
    pub(super) fn founding_leaf(&self) -> content::Leaf {
        let access_key = self.access.public().as_bytes().to_vec().into();
        content::Leaf { access_key, ..content::Leaf::default() }
    }

    /// The leaf of somebody who joins by `invite` at the end of `epoch`.
    pub(super) fn joining_leaf(&self, invite: &InviteSecret, epoch: u64) -> Vec<u8> {
        let (account, access) = (self.account.public_key(), self.access.public());
        let leaf_key = self.signer.public.as_bytes();
        let statement = join_statement(&ROOM.0, epoch, leaf_key, &account, access.as_bytes());
        content::Leaf {
            invite_id: invite.id().to_vec().into(),
            join_signature: invite.join_key().sign(&statement).to_vec().into(),
            ..self.founding_leaf()
        }
        .encode_to_vec()
    }

    /// An open room as they make it. A removal from a private one ends its invites, and OpenMLS takes no change of a
    /// GroupContext with extensions of our own (its check valn1001 wants them in `required_capabilities`; RFC 9420,
    /// 12.1.7, does not).
    pub(super) fn founds(&self, secret: &InviteSecret) -> content::Room {
        content::Room {
            name: "interop".to_owned(),
            open: true,
            invites: vec![list(secret, &ROOM, (0, 0), &self.account).unwrap()],
            version: ROOM_VERSION,
            moderators: vec![self.account.fingerprint().0.to_vec().into()],
            seats_per_account: SEATS_PER_ACCOUNT,
            ..content::Room::default()
        }
    }

    /// What a commit of theirs says beside what it does.
    pub(super) fn note(&self) -> content::CommitNote {
        let session = self.random.bytes::<8>().to_vec().into();
        content::CommitNote { session, ..content::CommitNote::default() }
    }
}
