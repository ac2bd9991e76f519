//! What hostile ones do: anything that the keys they have allow.

use super::{
    people::{LINK, STRANGER, Set},
    room::Room,
    truth::Truth,
    world::{Act, Does, Spoil, World},
};

pub(crate) fn acts(world: &World, room: &Room, acts: &mut Vec<Act>) {
    let (tip, base) = (room.tip(), room.base());
    let spots = if tip == base { vec![tip] } else { vec![tip, base] };
    for &on in &spots {
        if world.has_link {
            let does = Does::Join(STRANGER + room.seq as u8, rubbish(world, room, LINK, on));
            acts.push(Act { by: LINK, is_honest: false, does });
        }
        for by in world.hostile.iter().filter(|by| room.is_in(*by)) {
            let mut does = vec![Does::Return(false_return(world, room, by, on))];
            if world.speak && on != 0 {
                does.push(Does::Ack(on));
            }
            if knows(world, room, on) {
                does.extend(world.spoils.iter().map(|spoil| commit(world, room, by, on, *spoil)));
            }
            acts.extend(does.into_iter().map(|does| Act { by, is_honest: false, does }));
        }
    }
    for by in strangers(room) {
        let everybody = world.good_ones().iter().collect();
        let on_tip = Does::Commit(everybody, rubbish(world, room, by, tip));
        let on_base = Does::Commit(vec![], rubbish(world, room, by, base));
        let spots = [(tip, on_tip), (base, on_base), (tip, Does::Ack(tip))];
        let does = spots.into_iter().filter(|(on, _)| knows(world, room, *on)).map(|(_, does)| does);
        acts.extend(does.map(|does| Act { by, is_honest: false, does }));
    }
    for by in world.hostile.iter().filter(|_| world.speak) {
        let steps =
            room.truth.keys().filter(|seq| room.state.step_of(**seq).is_some_and(|step| step.first == **seq));
        acts.extend(steps.map(|seq| Act { by, is_honest: false, does: Does::Vote(*seq) }));
    }
}

/// Whether they have the authority of an epoch.
fn knows(world: &World, room: &Room, on: u64) -> bool {
    !world.hostile.common(room.truth[&on].takers).is_empty()
}

/// Who came by a join that is rubbish.
fn strangers(room: &Room) -> impl Iterator<Item = u8> {
    (STRANGER..STRANGER + room.seq as u8).filter(|by| room.is_in(*by))
}

fn rubbish(world: &World, room: &Room, by: u8, on: u64) -> Truth {
    let group = room.truth[&on].group;
    Truth { by, on, group, takers: world.hostile, slot: false, is_false_return: false }
}

/// An ordinary commit, which members could open, under the signature that returns have: the relay does not know.
fn false_return(world: &World, room: &Room, by: u8, on: u64) -> Truth {
    let takers = room.holders(on).and(world.hostile);
    Truth { takers, is_false_return: true, ..rubbish(world, room, by, on) }
}

fn commit(world: &World, room: &Room, by: u8, on: u64, spoil: Spoil) -> Does {
    let honest = world.good_ones();
    let (opens, removed) = match spoil {
        Spoil::Rubbish => (Set::default(), vec![]),
        Spoil::Lockout => (Set::default(), honest.iter().collect()),
        Spoil::ForMost => (honest.first(), vec![]),
        Spoil::ForOne => (Set::of(&[1, 3, 6, 7, 8]), vec![]),
        Spoil::Slot | Spoil::Good => (Set::of(&[1, 2, 3, 6, 7, 8]), vec![]),
    };
    let takers = room.holders(on).common(opens).and(world.hostile);
    let slot = spoil == Spoil::Good;
    Does::Commit(removed, Truth { takers, slot, ..rubbish(world, room, by, on) })
}
