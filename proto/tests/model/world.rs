//! Who acts how, and how often.

use stateright::{Model, Property};

use super::{
    properties,
    room::{EVERYBODY, Room},
};

/// Whom the first honest member wants out.
pub const REMOVED: u8 = 5;

pub struct World {
    /// Awake ones.
    pub honest: Vec<u8>,
    /// They know each other's secrets.
    pub hostile: Vec<u8>,
    /// How often honest members act, all together; so below.
    pub honest_acts: u8,
    pub hostile_acts: u8,
    /// How often time passes without anybody acting.
    pub waits: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub room: Room,
    pub honest_acts: u8,
    pub hostile_acts: u8,
    pub waits: u8,
    /// Where an honest member removed [`REMOVED`], if that stood.
    pub removal: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    Commit { by: u8, on: u64, removed: Vec<u8>, good: bool, honest: bool },
    Ack { by: u8, seq: u64, honest: bool },
    Vote { by: u8, seq: u64, honest: bool },
    Join { on: u64 },
    ComeBack { by: u8, on: u64 },
    Wait,
}

impl World {
    pub fn members(&self) -> Vec<u8> {
        // One world has two more, asleep: then a single honest one is awake.
        let asleep: &[u8] = if self.honest.len() == 1 { &[6, 7] } else { &[] };
        let acting = |n: &&u8| self.honest.contains(n) || self.hostile.contains(n) || asleep.contains(n);
        EVERYBODY.iter().filter(acting).copied().collect()
    }

    /// What honest members do: build on what they can take, acknowledge it, pass by what they cannot.
    fn honest_acts(&self, room: &Room, acts: &mut Vec<Act>) {
        let (tip, base, honest) = (room.tip(), room.base(), true);
        for &by in self.honest.iter().filter(|by| room.is_in(**by)) {
            if room.good(tip) && room.knows(by, tip, false) {
                acts.push(Act::Commit { by, on: tip, removed: vec![], good: true, honest });
                if by == 1 && room.truth[&tip].group.contains(&REMOVED) {
                    acts.push(Act::Commit { by, on: tip, removed: vec![REMOVED], good: true, honest });
                }
                acts.push(Act::Ack { by, seq: tip, honest });
            } else if room.good(base) && room.knows(by, base, false) {
                acts.push(Act::Commit { by, on: base, removed: vec![], good: true, honest });
            }
        }
    }

    /// What hostile ones do: anything that the keys they have allow.
    fn hostile_acts(&self, room: &Room, acts: &mut Vec<Act>) {
        let (tip, base, honest) = (room.tip(), room.base(), false);
        let spots = if tip == base { vec![tip] } else { vec![tip, base] };
        for &on in &spots {
            acts.push(Act::Join { on });
            for &by in self.hostile.iter().filter(|by| room.is_in(**by)) {
                acts.push(Act::ComeBack { by, on });
                acts.push(Act::Ack { by, seq: on, honest });
                if !self.hostile.iter().any(|n| room.knows(*n, on, true)) {
                    continue;
                }
                for removed in [vec![], self.honest.clone()] {
                    acts.push(Act::Commit { by, on, removed, good: false, honest });
                }
                if room.good(on) {
                    acts.push(Act::Commit { by, on, removed: vec![], good: true, honest });
                }
            }
        }
        for &by in &self.hostile {
            for seq in room.truth.keys().copied().filter(|seq| *seq > 0) {
                acts.push(Act::Vote { by, seq, honest });
            }
        }
    }
}

impl Model for World {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        let Self { honest_acts, hostile_acts, waits, .. } = *self;
        vec![State { room: Room::new(&self.members()), honest_acts, hostile_acts, waits, removal: None }]
    }

    fn actions(&self, state: &State, acts: &mut Vec<Act>) {
        if state.honest_acts > 0 {
            self.honest_acts(&state.room, acts);
        }
        if state.hostile_acts > 0 {
            self.hostile_acts(&state.room, acts);
        }
        if state.waits > 0 {
            acts.push(Act::Wait);
        }
    }

    fn next_state(&self, before: &State, act: Act) -> Option<State> {
        let mut state = before.clone();
        let room = &mut state.room;
        let (taken, honest) = match act {
            Act::Commit { by, on, removed, good, honest } => {
                let taken = room.commit(by, on, &removed, good);
                if honest && removed == [REMOVED] {
                    state.removal = taken.ok();
                }
                (taken, Some(honest))
            }
            Act::Ack { by, seq, honest } => (room.ack(by, seq), Some(honest)),
            Act::Vote { by, seq, honest } => (room.vote(by, seq), Some(honest)),
            Act::Join { on } => (room.join(on), Some(false)),
            Act::ComeBack { by, on } => (room.come_back(by, on), Some(false)),
            Act::Wait => {
                room.wait();
                state.waits -= 1;
                return Some(state);
            }
        };
        taken.ok()?;
        match honest {
            Some(true) => state.honest_acts -= 1,
            _ => state.hostile_acts -= 1,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl World {
    /// Whether the hostile ones can confirm for each other: they are two who were there from the beginning.
    pub fn can_confirm_rubbish(&self) -> bool {
        self.hostile.len() > 1
    }
}
