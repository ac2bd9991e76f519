//! What each world is there for has to happen in it.

use proto::access::{Fate, Step};

use super::super::{
    people::{JOINER, REMOVED},
    room::Room,
    world::{State, World},
};

/// A name, and whether it is so.
pub(crate) type Case = (&'static str, fn(&World, &State) -> bool);

pub(crate) const RUBBISH_IS_CONFIRMED: Case = ("rubbish is confirmed", |world, state| {
    state.room.holders(state.room.base()).common(world.good_ones()).is_empty()
});

pub(crate) const REMOVAL_IS_DROPPED: Case = ("a hostile member drops a removal", |world, state| {
    let room = &state.room;
    state
        .removal
        .is_some_and(|seq| !room.is_on(room.tip(), seq) && world.hostile.has(room.truth[&room.tip()].by))
});

pub(crate) const REMOVAL_IS_CONFIRMED: Case = ("a removal is confirmed", |_, state| {
    state.removal.is_some_and(|seq| state.room.is_on(state.room.base(), seq))
});

pub(crate) const SOMEBODY_IS_OUT: Case =
    ("somebody cannot open what is confirmed, and another one can", |world, state| {
        let holds = |by| state.room.holds(by, state.room.base());
        world.honest.iter().any(holds) && !world.honest.iter().all(holds)
    });

pub(crate) const SOMEBODY_CAME_BACK: Case = ("somebody who was out is back for good", |world, state| {
    let room = &state.room;
    let is_return = |seq: &u64| {
        let truth = &room.truth[seq];
        *seq > 0 && world.honest.has(truth.by) && !room.holds(truth.by, truth.on)
    };
    room.truth.keys().any(|seq| is_return(seq) && room.is_on(room.base(), *seq))
});

pub(crate) const FALSE_RETURN_IS_NEWEST: Case =
    ("an ordinary commit that is called a return is offered", |_, state| {
        state.room.truth[&state.room.tip()].is_false_return
    });

pub(crate) const MAJORITY_UNDID: Case = ("a majority undid what was confirmed", |_, state| {
    // Nothing else goes back to what has no slot any more.
    let is_undone = |step: &Step| matches!(step.fate, Fate::Undone(_));
    !state.room.slots.contains(&state.room.base()) && state.room.state.all_steps().any(is_undone)
});

pub(crate) const STRANDED_ONE_VOTES: Case =
    ("a stranded member votes with the removed one", |world, state| {
        let votes =
            |by: u8| state.room.ballots.iter().find(|(_, voter)| *voter == by).map(|(first, _)| *first);
        let same = world.honest.iter().any(|by| votes(by).is_some() && votes(by) == votes(REMOVED));
        same && state.removal.is_some()
    });

pub(crate) const STRANDED_ONE_DROPS: Case =
    ("a stranded member drops what others can take", |world, state| {
        let room = &state.room;
        let (tip, honest) = (room.tip(), world.honest);
        let by_honest = |seq: &u64| honest.has(room.truth[seq].by);
        let dropped = room.truth.keys().any(|seq| {
            !room.is_on(tip, *seq)
                && !room.holders(*seq).common(honest).is_empty()
                && !room.holds(room.truth[&tip].by, *seq)
        });
        dropped && by_honest(&tip)
    });

pub(crate) const JOINER_PASSES_BY: Case = ("a joiner stands where rubbish joins stood", |_, state| {
    let truth = &state.room.truth[&state.room.tip()];
    state.room.tip() > truth.on + 1 && truth.group.has(JOINER)
});

pub(crate) const JOINER_IS_CONFIRMED: Case = ("a joiner is confirmed", |_, state| {
    state.room.is_confirmed(JOINER) && state.room.holds(JOINER, state.room.base())
});

pub(crate) const JOINER_HAS_NO_ENTRANCE: Case =
    ("what is confirmed has a slot of no use", |_, state| !state.room.lets_in(state.room.base()));

pub(crate) const JOIN_IS_ON_A_REMOVAL: Case = ("somebody joins on a removal", |_, state| {
    state.room.is_in(JOINER) && is_on_removal(&state.room, state.removal)
});

pub(crate) const JOIN_WAS_BEFORE_A_REMOVAL: Case = ("a removal stands on a join", |_, state| {
    state.removal.is_some_and(|seq| state.room.truth[&seq].group.has(JOINER))
});

fn is_on_removal(room: &Room, removal: Option<u64>) -> bool {
    removal.is_some_and(|seq| {
        room.tip() > seq && room.is_on(room.tip(), seq) && room.truth[&room.tip()].group.has(JOINER)
    })
}
