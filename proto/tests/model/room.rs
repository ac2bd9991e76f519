//! The room at the relay, and what is true of its commits, which the relay cannot know.

use std::collections::BTreeMap;

use proto::{
    PublicKey, RoomId,
    access::{
        AccessKey, Ack, Ballot, Change, Commit, CommitName, CommitParts, Grant, Memory, OFFER_GRACE_MS,
        Publish, Refusal, Standing, Verify, ack_statement, ballot_statement, commit_statement,
    },
};

pub const LINK: u8 = 50;

const ROOM: RoomId = RoomId([0; 32]);
const GENERATION: [u8; 16] = [0; 16];

/// All members: 6 and 7 sleep.
pub const EVERYBODY: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

/// Who signs is written on the signature; actors only use keys that they have.
struct Toy;

impl Verify for Toy {
    fn verify(&self, key: &PublicKey, statement: &[u8], signature: &[u8; 64]) -> bool {
        sign(*key, statement) == *signature
    }
}

/// What a commit really is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Truth {
    /// Whether members can take it.
    pub good: bool,
    /// Who is in the group then.
    pub group: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Room {
    pub state: Memory,
    pub truth: BTreeMap<u64, Truth>,
    pub seq: u64,
    pub now_ms: u64,
}

impl Room {
    pub fn new(members: &[u8]) -> Self {
        let grant = Grant::Invite { expires_ms: 0, max_uses: 0, card: Default::default() };
        let keys: Vec<_> = members
            .iter()
            .map(|n| AccessKey { key: key(*n), grant: Grant::Member })
            .chain([AccessKey { key: key(LINK), grant }])
            .collect();
        let truth = BTreeMap::from([(0, Truth { good: true, group: members.to_vec() })]);
        Self { state: Memory::open(authority(0), &keys), truth, seq: 0, now_ms: 1_000_000 }
    }

    pub fn tip(&self) -> u64 {
        self.state.head.tip().position
    }

    pub fn base(&self) -> u64 {
        self.state.head.confirmed.position
    }

    pub fn good(&self, position: u64) -> bool {
        self.truth[&position].good
    }

    /// Whether somebody has the authority's key of an epoch.
    pub fn knows(&self, who: u8, position: u64, hostile: bool) -> bool {
        let truth = &self.truth[&position];
        if truth.good { truth.group.contains(&who) } else { hostile }
    }

    pub fn standing(&self, who: u8) -> Option<Standing> {
        self.state.standing(&key(who), self.now_ms)
    }

    pub fn is_in(&self, who: u8) -> bool {
        matches!(self.standing(who), Some(Standing::Member { .. }))
    }

    pub fn wait(&mut self) {
        self.now_ms += OFFER_GRACE_MS;
    }

    /// A commit by a member, with the authority of what it is built on.
    pub fn commit(&mut self, by: u8, on: u64, removed: &[u8], good: bool) -> Result<u64, Refusal> {
        let change = Change { added: vec![], removed: removed.iter().map(|n| key(*n)).collect() };
        let good = good && self.good(on);
        let group = self.truth[&on].group.iter().copied().filter(|n| !removed.contains(n)).collect();
        self.append(by, authority(on), on, change, Truth { good, group })
    }

    /// Rubbish by a link.
    pub fn join(&mut self, on: u64) -> Result<u64, Refusal> {
        let newcomer = AccessKey { key: key(60 + self.seq as u8), grant: Grant::Member };
        let change = Change { added: vec![newcomer], removed: vec![] };
        self.append(LINK, key(LINK), on, change, Truth { good: false, group: vec![] })
    }

    /// Rubbish by a member that pretends to come back.
    pub fn come_back(&mut self, by: u8, on: u64) -> Result<u64, Refusal> {
        self.append(by, key(by), on, Change::default(), Truth { good: false, group: vec![] })
    }

    pub fn ack(&mut self, by: u8, seq: u64) -> Result<u64, Refusal> {
        self.word(by, by, seq)
    }

    /// A word for a commit under one key that another one signed.
    pub fn word(&mut self, by: u8, signer: u8, seq: u64) -> Result<u64, Refusal> {
        let statement = ack_statement(&ROOM, seq, &self.tip_name(seq), &key(by));
        let (signature, key_signature) = (sign(authority(seq), &statement), sign(key(signer), &statement));
        self.publish(by, None, Some(&Ack { seq, signature, key_signature }), None)
    }

    pub fn vote(&mut self, by: u8, seq: u64) -> Result<u64, Refusal> {
        let name = self.step_name(seq);
        self.ballot(by, seq, name, name)
    }

    /// A vote that names one commit, and that was signed for another.
    pub fn ballot(&mut self, by: u8, seq: u64, step: CommitName, signed: CommitName) -> Result<u64, Refusal> {
        let signature = sign(key(by), &ballot_statement(&ROOM, &GENERATION, seq, &signed));
        self.publish(by, None, None, Some(&Ballot { seq, step, signature }))
    }

    /// What stands at a position that is offered.
    fn tip_name(&self, seq: u64) -> CommitName {
        let head = &self.state.head;
        let tip = head.offer.iter().chain(&head.joins).map(|step| step.tip).find(|tip| tip.position == seq);
        tip.map_or_else(CommitName::default, |tip| tip.name)
    }

    /// The step that a commit belongs to.
    pub fn step_name(&self, seq: u64) -> CommitName {
        self.state.step_of(seq).map_or_else(CommitName::default, |step| step.name)
    }

    fn append(
        &mut self,
        by: u8,
        signer: PublicKey,
        on: u64,
        change: Change,
        truth: Truth,
    ) -> Result<u64, Refusal> {
        let (authority, parts) = (authority(self.seq + 1), CommitParts::default());
        let instead_of = self.state.head.tip().position;
        let signature = sign(signer, &commit_statement(&ROOM, on, &key(by), &authority, &parts));
        let part = Commit { expected: on, instead_of, change, authority, signature, parts };
        let seq = self.publish(by, Some(&part), None, None)?;
        self.truth.insert(seq, truth);
        Ok(seq)
    }

    fn publish(
        &mut self,
        by: u8,
        commit: Option<&Commit>,
        ack: Option<&Ack>,
        ballot: Option<&Ballot>,
    ) -> Result<u64, Refusal> {
        let (room, generation, key, max_keys) = (&ROOM, &GENERATION, key(by), 99);
        let (seq, now_ms) = (self.seq + 1, self.now_ms);
        let what = Publish { room, generation, seq, now_ms, max_keys, key, commit, ack, ballot };
        self.state.publish(&Toy, &what)?;
        self.seq = seq;
        Ok(seq)
    }
}

fn key(n: u8) -> PublicKey {
    PublicKey([n; 32])
}

fn authority(position: u64) -> PublicKey {
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
