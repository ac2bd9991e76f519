//! What no step of a room may do: it has to be seen where it happens.

use super::{
    room::Room,
    world::{Act, Does, World},
};

pub(crate) fn of(world: &World, before: &Room, after: &Room, act: &Act) -> Option<&'static str> {
    let majority = is_outvoted(before, after, act);
    let is_back = |who: u8| before.standing(who).is_some() && !before.is_in(who) && after.is_in(who);
    let is_guest = !before.is_confirmed(act.by) && !matches!(act.does, Does::Vote(_));
    let is_kept = after.offer() == before.offer() && after.base() == before.base();
    if !majority && world.members().iter().any(is_back) {
        return Some("somebody is back without a majority");
    }
    if !majority && !after.is_on(after.base(), before.base()) {
        return Some("what was confirmed is gone without a majority");
    }
    if is_guest && !is_kept {
        return Some("a newcomer, a link or a barred key confirmed or dropped something");
    }
    None
}

/// Whether a vote decided, and was one of more than half, by our own count. One key is never that: it would be all that votes on its
/// own removal.
fn is_outvoted(before: &Room, after: &Room, act: &Act) -> bool {
    let Does::Vote(seq) = act.does else { return false };
    let Some(step) = before.state.step_of(seq) else { return false };
    let votes = after.ballots.iter().filter(|(first, _)| *first == step.first).count() as u64;
    votes > step.voters / 2 && votes > 1
}
