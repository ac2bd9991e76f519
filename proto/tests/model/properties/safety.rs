//! What hostile ones do not get.

use super::super::{
    people::REMOVED,
    world::{State, World},
};

pub(super) fn nothing_is_at_fault(_: &World, state: &State) -> bool {
    state.fault.is_none()
}

/// Somebody honest can take what is confirmed, and no ordinary commit that was published as a return is; unless two hostile
/// members did it for each other.
pub(super) fn one_member_confirms_nothing(world: &World, state: &State) -> bool {
    let room = &state.room;
    let is_taken = !room.holders(room.base()).common(world.good_ones()).is_empty();
    let is_what_it_says = room.line(room.base()).all(|seq| !room.truth[&seq].is_false_return);
    is_taken && is_what_it_says || world.hostile.len() > 1
}

/// As many votes as there are hostile ones, and one that is stranded, are no majority.
pub(super) fn removed_stays_out(_: &World, state: &State) -> bool {
    state.removal.is_none() || !state.room.is_in(REMOVED)
}
