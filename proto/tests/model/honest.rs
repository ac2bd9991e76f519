//! What honest people do: build on what they can take, acknowledge it, pass by what they cannot, come back where they
//! are out, vote against what takes access away; and join.

use proto::access::Standing;

use super::{
    people::{JOINER, LINK, REMOVED, Set},
    room::Room,
    truth::Truth,
    world::{Act, Does, World},
};

pub(crate) fn acts(world: &World, room: &Room, acts: &mut Vec<Act>) {
    for by in world.honest.iter() {
        let mut does = Vec::new();
        if room.is_in(by) {
            member(world, room, by, &mut does);
        }
        if world.votes {
            let against = room.truth.keys().filter(|seq| votes_against(room, by, **seq));
            does.extend(against.map(|seq| Does::Vote(*seq)));
        }
        acts.extend(does.into_iter().map(|does| Act { by, is_honest: true, does }));
    }
    if world.joiner {
        joiner(room, acts);
    }
}

fn member(world: &World, room: &Room, by: u8, does: &mut Vec<Does>) {
    let (tip, base) = (room.tip(), room.base());
    if let Some(on) = foundation(room, by) {
        let next = room.next(by, on);
        does.push(Does::Commit(vec![], next.clone()));
        if let Some(with_link) = world.removes.filter(|_| by == 1 && next.group.has(REMOVED) && on == tip) {
            let gone = Set::of(&[REMOVED]);
            let (group, takers) = (next.group.without(gone), next.takers.without(gone));
            let removed = if with_link { vec![REMOVED, LINK] } else { vec![REMOVED] };
            does.push(Does::Commit(removed, Truth { group, takers, ..next }));
        }
    }
    if room.holds(by, tip) {
        if tip != base && room.truth[&tip].by != by {
            does.push(Does::Ack(tip));
        }
    } else if let Some(offer) = room.offer().filter(|offer| room.holds(by, *offer)) {
        does.push(Does::Rescue(offer));
    } else if !room.holds(by, base) {
        does.extend(way_back(world, room, by).map(Does::Return));
    }
}

/// What a member builds on: the newest commit, or else the confirmed one.
pub(crate) fn foundation(room: &Room, by: u8) -> Option<u64> {
    [room.tip(), room.base()].into_iter().find(|on| room.holds(by, *on))
}

/// Somebody who is awake, and not out itself, hands over the state; the own leaf has to be in it.
pub(crate) fn way_back(world: &World, room: &Room, by: u8) -> Option<Truth> {
    let answers = |on: &u64| world.honest.iter().any(|other| room.is_in(other) && room.holds(other, *on));
    let on = [room.tip(), room.base()].into_iter().filter(|on| room.truth[on].group.has(by)).find(answers)?;
    Some(room.with_returned(by, on))
}

/// A step that it cannot take, of which it had what that is built on: also if it is stranded, and wrong. And one that took
/// its access away.
pub(crate) fn votes_against(room: &Room, by: u8, seq: u64) -> bool {
    let Some(step) = room.state.step_of(seq).filter(|step| step.first == seq) else { return false };
    let bars = match room.standing(by) {
        Some(Standing::Barred { by, .. }) => step.has(by),
        _ => false,
    };
    (bars || room.holds(by, room.truth[&seq].on)) && !room.holds(by, step.tip.position)
}

/// It has what the relay shows it. What only others like it made it passes by.
fn joiner(room: &Room, acts: &mut Vec<Act>) {
    if !room.is_in(JOINER) {
        if let Some(on) = entrance(room) {
            let does = Does::Join(JOINER, room.with_joiner(on));
            acts.push(Act { by: LINK, is_honest: true, does });
        }
    } else if let Some(on) = foundation(room, JOINER).filter(|on| *on == room.tip()) {
        let does = Does::Commit(vec![], room.next(JOINER, on));
        acts.push(Act { by: JOINER, is_honest: true, does });
    }
}

/// Where a joiner gets in.
pub(crate) fn entrance(room: &Room) -> Option<u64> {
    let passes_by = room.offer().is_none();
    [Some(room.tip()), Some(room.base()).filter(|_| passes_by)]
        .into_iter()
        .flatten()
        .find(|on| room.lets_in(*on))
}
