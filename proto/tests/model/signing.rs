//! What is published, and signatures that cost nothing.

use proto::{
    PublicKey, RoomId,
    access::{
        Ack, Ballot, Change, Changes, Commit, CommitName, CommitParts, Publish, Refusal, Verify,
        ack_statement, ballot_statement, commit_statement,
    },
};

use super::room::Room;

const ROOM: RoomId = RoomId([0; 32]);
const GENERATION: [u8; 16] = [0; 16];

/// Who signs is written on the signature; actors only use keys that they have.
struct Toy;

impl Verify for Toy {
    fn verify(&self, key: &PublicKey, statement: &[u8], signature: &[u8; 64]) -> bool {
        sign(*key, statement) == *signature
    }
}

impl Room {
    /// A commit by one key, on a commit, that says which one it knows as the newest.
    pub(crate) fn part(&self, by: u8, signer: PublicKey, on: u64, saw: u64, change: Change) -> Commit {
        let (authority, parts) = (authority(self.seq + 1), CommitParts::default());
        let signature = sign(signer, &commit_statement(&ROOM, on, &key(by), &authority, &parts));
        Commit { expected: on, instead_of: saw, change, authority, signature, parts }
    }

    /// A word for a commit under one key that another one signed.
    pub(crate) fn word(&self, by: u8, signer: u8, seq: u64) -> Ack {
        let statement = ack_statement(&ROOM, seq, &self.tip_name(seq), &key(by));
        let (signature, key_signature) = (sign(authority(seq), &statement), sign(key(signer), &statement));
        Ack { seq, signature, key_signature }
    }

    /// A vote that names one commit, and that was signed for another.
    pub(crate) fn ballot(&self, by: u8, seq: u64, step: CommitName, signed: CommitName) -> Ballot {
        let signature = sign(key(by), &ballot_statement(&ROOM, &GENERATION, seq, &signed));
        Ballot { seq, step, signature }
    }

    pub(crate) fn publish(
        &mut self,
        by: u8,
        commit: Option<&Commit>,
        ack: Option<&Ack>,
        ballot: Option<&Ballot>,
    ) -> Result<u64, Refusal> {
        let changes = self.decide(by, commit, ack, ballot)?;
        self.enter(&changes);
        Ok(self.seq)
    }

    /// What the relay would say; nothing changes.
    pub(crate) fn decide(
        &self,
        by: u8,
        commit: Option<&Commit>,
        ack: Option<&Ack>,
        ballot: Option<&Ballot>,
    ) -> Result<Changes, Refusal> {
        let (room, generation, key, max_keys) = (&ROOM, &GENERATION, key(by), 99);
        let (seq, now_ms) = (self.seq + 1, self.now_ms);
        self.state
            .decide(&Toy, &Publish { room, generation, seq, now_ms, max_keys, key, commit, ack, ballot })
    }

    /// What stands at a position that is offered.
    fn tip_name(&self, seq: u64) -> CommitName {
        let head = &self.state.head;
        let tip = head.offer.iter().chain(&head.joins).map(|step| step.tip).find(|tip| tip.position == seq);
        tip.map_or_else(CommitName::default, |tip| tip.name)
    }

    /// The step that a commit belongs to.
    pub(crate) fn step_name(&self, seq: u64) -> CommitName {
        self.state.step_of(seq).map_or_else(CommitName::default, |step| step.name)
    }
}

pub(crate) fn key(n: u8) -> PublicKey {
    PublicKey([n; 32])
}

pub(crate) fn authority(position: u64) -> PublicKey {
    PublicKey([100 + position as u8; 32])
}

/// The signer's name, and what was signed in 64 bits: nobody here looks for two statements with the same ones.
fn sign(key: PublicKey, statement: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&key.0);
    // FNV-1a.
    let mixed = statement.iter().fold(0xcbf2_9ce4_8422_2325_u64, |mixed, byte| {
        (mixed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    signature[32..40].copy_from_slice(&mixed.to_be_bytes());
    signature
}
