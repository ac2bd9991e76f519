//! Who acts how, and how often.

use stateright::{Model, Property};

use super::{
    faults, honest, hostile,
    people::{REMOVED, Set},
    properties::{self, cases::Case},
    room::Room,
    truth::Truth,
};

/// What a hostile member's commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// Nobody else can open it, and the authority that it announces is nobody's.
    Rubbish,
    /// So too, and it takes all honest members' access away.
    Lockout,
    /// Only the first honest member can open it.
    ForMost,
    /// One honest member cannot.
    ForOne,
    /// All can open it, but no joiner can use its slot.
    Slot,
    /// Nothing is wrong with it.
    Good,
}

#[derive(Default)]
pub(crate) struct World {
    /// Awake ones.
    pub honest: Set,
    /// Honest ones who do nothing before the majority votes.
    pub asleep: Set,
    /// They know each other's secrets.
    pub hostile: Set,
    /// Who was alone when the room began, and let all others in; else they are there from the beginning.
    pub founder: Option<u8>,
    /// What their commits are.
    pub spoils: &'static [Spoil],
    /// Whether they have the link.
    pub has_link: bool,
    /// Whether they give their word for what they see, and vote.
    pub speak: bool,
    /// Whether the first member removes [`REMOVED`], and whether the link goes with that.
    pub removes: Option<bool>,
    /// Whether somebody honest has the link.
    pub joiner: bool,
    /// Whether honest members vote against what they cannot take.
    pub votes: bool,
    /// What has to happen somewhere in it: else it shows nothing.
    pub cases: &'static [Case],
    /// How often honest people act, all together; so below.
    pub honest_acts: u8,
    pub hostile_acts: u8,
    /// How often time passes without anybody acting.
    pub waits: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub room: Room,
    pub honest_acts: u8,
    pub hostile_acts: u8,
    pub waits: u8,
    /// Where an honest member removed [`REMOVED`].
    pub removal: Option<u64>,
    /// What no step of a room may do, and one did.
    pub fault: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Act {
    pub by: u8,
    pub is_honest: bool,
    pub does: Does,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Does {
    /// Removes keys, and publishes this.
    Commit(Vec<u8>, Truth),
    /// Acknowledges an offer and drops what came on top.
    Rescue(u64),
    /// With a new key, or with the one that it has.
    Join(u8, Truth),
    Return(Truth),
    Ack(u64),
    Vote(u64),
    Wait,
}

impl World {
    pub(crate) fn members(&self) -> Set {
        self.good_ones().and(self.hostile)
    }

    /// Honest ones, asleep or not.
    pub(crate) fn good_ones(&self) -> Set {
        self.honest.and(self.asleep)
    }
}

impl Model for World {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        let Self { honest_acts, hostile_acts, waits, .. } = *self;
        let room = match self.founder {
            Some(founder) => Room::founded(founder, self.members()),
            None => Room::new(self.members()),
        };
        vec![State { room, honest_acts, hostile_acts, waits, removal: None, fault: None }]
    }

    fn actions(&self, state: &State, acts: &mut Vec<Act>) {
        if state.honest_acts > 0 {
            honest::acts(self, &state.room, acts);
        }
        if state.hostile_acts > 0 {
            hostile::acts(self, &state.room, acts);
        }
        if state.waits > 0 {
            acts.push(Act { by: 0, is_honest: true, does: Does::Wait });
        }
    }

    fn next_state(&self, before: &State, act: Act) -> Option<State> {
        let mut state = before.clone();
        if act.does == Does::Wait {
            state.room.wait();
            state.waits -= 1;
            return Some(state);
        }
        let taken = state.room.act(&act).ok()?;
        match act.is_honest {
            true => state.honest_acts -= 1,
            false => state.hostile_acts -= 1,
        }
        if matches!(&act.does, Does::Commit(removed, _) if act.is_honest && removed.contains(&REMOVED)) {
            state.removal = Some(taken);
        }
        state.fault = faults::of(self, &before.room, &state.room, &act);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}

impl Room {
    fn act(&mut self, act: &Act) -> Result<u64, proto::access::Refusal> {
        let by = act.by;
        match act.does.clone() {
            Does::Commit(removed, truth) => self.make(by, &removed, truth),
            Does::Rescue(seq) => self.rescue(by, seq),
            Does::Join(key, truth) => self.join(key, truth),
            Does::Return(truth) => self.come_back(by, truth),
            Does::Ack(seq) => self.ack(by, seq),
            Does::Vote(seq) => self.vote(by, seq),
            Does::Wait => Ok(self.seq),
        }
    }
}
