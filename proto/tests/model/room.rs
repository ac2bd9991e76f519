//! The room at the relay, and what is true of its commits, which the relay cannot know.

use std::collections::{BTreeMap, BTreeSet};

use proto::access::{AccessKey, Change, Changes, Grant, Memory, OFFER_GRACE_MS, Refusal, Standing};

use super::{
    people::{LINK, Set},
    signing::{authority, key},
    truth::Truth,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Room {
    pub state: Memory,
    pub truth: BTreeMap<u64, Truth>,
    /// Commits whose slots the relay still has.
    pub slots: BTreeSet<u64>,
    /// Who voted on which step: counted here as well.
    pub ballots: BTreeSet<(u64, u8)>,
    pub seq: u64,
    pub now_ms: u64,
}

impl Room {
    pub(crate) fn new(members: Set) -> Self {
        let grant = Grant::Invite { expires_ms: 0, max_uses: 0, card: Default::default() };
        let keys: Vec<_> = members
            .iter()
            .map(|n| AccessKey { key: key(n), grant: Grant::Member })
            .chain([AccessKey { key: key(LINK), grant }])
            .collect();
        let beginning =
            Truth { by: 0, on: 0, group: members, takers: members, slot: true, is_false_return: false };
        Self {
            state: Memory::open(authority(0), &keys),
            truth: BTreeMap::from([(0, beginning)]),
            slots: BTreeSet::from([0]),
            ballots: BTreeSet::new(),
            seq: 0,
            now_ms: 1_000_000,
        }
    }

    /// Opened by one member, who then lets the others in.
    pub(crate) fn founded(by: u8, members: Set) -> Self {
        let mut room = Self::new(Set::of(&[by]));
        let others = members.without(Set::of(&[by])).iter();
        let added = others.map(|n| AccessKey { key: key(n), grant: Grant::Member }).collect();
        let truth = Truth { group: members, takers: members, ..room.next(by, 0) };
        let change = Change { added, removed: vec![] };
        assert_eq!(room.append(by, authority(0), change, truth, None), Ok(1), "it is alone");
        room
    }

    pub(crate) fn tip(&self) -> u64 {
        self.state.head.tip().position
    }

    pub(crate) fn base(&self) -> u64 {
        self.state.head.confirmed.position
    }

    /// The last commit of what a member offers.
    pub(crate) fn offer(&self) -> Option<u64> {
        self.state.head.offer.as_ref().map(|step| step.tip.position)
    }

    pub(crate) fn standing(&self, who: u8) -> Option<Standing> {
        self.state.standing(&key(who), self.now_ms)
    }

    pub(crate) fn is_in(&self, who: u8) -> bool {
        matches!(self.standing(who), Some(Standing::Member { .. }))
    }

    pub(crate) fn is_confirmed(&self, who: u8) -> bool {
        self.standing(who) == Some(Standing::Member { confirmed: true })
    }

    pub(crate) fn wait(&mut self) {
        self.now_ms += OFFER_GRACE_MS;
    }

    /// A commit by an honest member that has what it is built on.
    pub(crate) fn commit(&mut self, by: u8, on: u64) -> Result<u64, Refusal> {
        self.make(by, &[], self.next(by, on))
    }

    /// A member's commit, whatever it is.
    pub(crate) fn make(&mut self, by: u8, removed: &[u8], truth: Truth) -> Result<u64, Refusal> {
        let change = Change { added: vec![], removed: removed.iter().map(|who| key(*who)).collect() };
        self.append(by, authority(truth.on), change, truth, None)
    }

    /// By the link: rubbish, if `truth` says so.
    pub(crate) fn join(&mut self, newcomer: u8, truth: Truth) -> Result<u64, Refusal> {
        let newcomer = AccessKey { key: key(newcomer), grant: Grant::Member };
        let change = Change { added: vec![newcomer], removed: vec![] };
        self.append(LINK, key(LINK), change, truth, None)
    }

    /// By a member that says it has lost its way.
    pub(crate) fn come_back(&mut self, by: u8, truth: Truth) -> Result<u64, Refusal> {
        self.append(by, key(by), Change::default(), truth, None)
    }

    /// Acknowledges what is offered, and drops the joins on top of it, in one.
    pub(crate) fn rescue(&mut self, by: u8, seq: u64) -> Result<u64, Refusal> {
        let truth = self.next(by, seq);
        self.append(by, authority(seq), Change::default(), truth, Some(seq))
    }

    pub(crate) fn ack(&mut self, by: u8, seq: u64) -> Result<u64, Refusal> {
        let ack = self.word(by, by, seq);
        self.publish(by, None, Some(&ack), None)
    }

    pub(crate) fn vote(&mut self, by: u8, seq: u64) -> Result<u64, Refusal> {
        let Some(step) = self.state.step_of(seq).map(|step| (step.first, step.name)) else {
            return Err(Refusal::NotAllowed);
        };
        let ballot = self.ballot(by, seq, step.1, step.1);
        self.publish(by, None, None, Some(&ballot))?;
        self.ballots.insert((step.0, by));
        Ok(self.seq)
    }

    fn append(
        &mut self,
        by: u8,
        signer: proto::PublicKey,
        change: Change,
        truth: Truth,
        ack: Option<u64>,
    ) -> Result<u64, Refusal> {
        let part = self.part(by, signer, truth.on, self.tip(), change);
        let ack = ack.map(|seq| self.word(by, by, seq));
        let seq = self.publish(by, Some(&part), ack.as_ref(), None)?;
        self.truth.insert(seq, truth);
        self.slots.insert(seq);
        Ok(seq)
    }

    pub(crate) fn enter(&mut self, changes: &Changes) {
        self.state.apply(changes);
        self.slots.retain(|position| !changes.slots.contains(position));
        self.seq += 1;
    }
}
