//! What must hold in every state.

use proto::access::{CommitName, Memory, Refusal, Rows};
use stateright::Property;

use super::world::{REMOVED, State, World};

pub fn all() -> Vec<Property<World>> {
    vec![
        Property::always("rubbish is not confirmed by one member and a link", one_member_confirms_nothing),
        Property::always("who was removed is not back without a majority", removed_stays_out),
        Property::always("an honest member in good standing goes on", honest_goes_on),
        Property::always("a majority gets its room back", majority_gets_back),
        Property::always("a joiner gets round rubbish joins", joiner_gets_in),
        Property::always("nobody gives another member's word", words_are_ones_own),
        Property::always("a vote is for one commit", votes_are_for_one_commit),
        Property::always("rows and counts agree", counts_agree),
        Property::always("a snapshot is the room", snapshot_is_the_room),
    ]
}

fn one_member_confirms_nothing(world: &World, state: &State) -> bool {
    world.can_confirm_rubbish() || state.room.good(state.room.base())
}

/// As many votes as there are hostile ones are no majority.
fn removed_stays_out(_: &World, state: &State) -> bool {
    state.removal.is_none() || !state.room.is_in(REMOVED)
}

/// Nobody else does anything any more: after the grace, its commit stands.
fn honest_goes_on(world: &World, state: &State) -> bool {
    world.honest.iter().all(|&by| {
        let mut room = state.room.clone();
        let in_group = |room: &super::room::Room, on| room.good(on) && room.knows(by, on, false);
        if !room.is_in(by) || !in_group(&room, room.base()) {
            // Others have confirmed rubbish, or removed it: the majority's affair.
            return true;
        }
        room.wait();
        let on = if in_group(&room, room.tip()) { room.tip() } else { room.base() };
        let stands = room.commit(by, on, &[], true);
        stands.is_ok_and(|seq| room.tip() == seq && room.good(seq))
    })
}

/// All honest ones vote against every commit that they cannot take, the oldest first.
fn majority_gets_back(world: &World, state: &State) -> bool {
    if world.honest.len() * 2 <= world.members().len() {
        return true;
    }
    let mut room = state.room.clone();
    let rubbish: Vec<u64> = room.truth.iter().filter(|(_, truth)| !truth.good).map(|(seq, _)| *seq).collect();
    for &seq in &rubbish {
        for &by in &world.honest {
            let _ = room.vote(by, seq);
        }
    }
    room.good(room.base()) && world.honest.iter().all(|by| room.is_in(*by))
}

/// It needs nobody who is awake, where only joins are offered.
fn joiner_gets_in(_: &World, state: &State) -> bool {
    if state.room.state.head.offer.is_some() {
        return true;
    }
    let mut room = state.room.clone();
    let on = room.base();
    room.join(on).is_ok_and(|seq| room.tip() == seq)
}

/// Hostile members have the authority of each epoch that they were in or made, and the relay lets them use any key.
fn words_are_ones_own(world: &World, state: &State) -> bool {
    let head = &state.room.state.head;
    let tips: Vec<u64> = head.offer.iter().chain(&head.joins).map(|step| step.tip.position).collect();
    let honest = world.honest.iter().filter(|by| state.room.is_in(**by));
    honest.flat_map(|by| tips.iter().map(move |seq| (*by, *seq))).all(|(by, seq)| {
        let mut room = state.room.clone();
        let refused = room.word(by, world.hostile[0], seq) == Err(Refusal::Malformed);
        refused && room == state.room
    })
}

/// All honest ones were shown something else at that place, and voted against it: together they are more than half.
fn votes_are_for_one_commit(world: &World, state: &State) -> bool {
    let other = CommitName([7; 32]);
    state.room.truth.keys().all(|&seq| {
        let mut room = state.room.clone();
        let name = room.step_name(seq);
        let refused = world.honest.iter().all(|&by| {
            room.ballot(by, seq, name, other).is_err() && room.ballot(by, seq, other, other).is_err()
        });
        refused && room == state.room
    })
}

fn snapshot_is_the_room(_: &World, state: &State) -> bool {
    let bytes = state.room.state.to_snapshot(state.room.seq).unwrap_or_default();
    Memory::from_snapshot(&bytes).as_ref() == Ok(&(state.room.seq, state.room.state.clone()))
}

fn counts_agree(_: &World, state: &State) -> bool {
    let (head, Ok(keys)) = (&state.room.state.head, state.room.state.keys());
    let offered: Vec<_> = head.offer.iter().chain(&head.joins).collect();
    let live = keys.iter().filter(|(_, row)| row.removed == 0).count() as u64;
    let members = keys.iter().filter(|(_, row)| {
        let leaving = offered.iter().any(|step| step.has(row.removed));
        row.counts(head.confirmed.position) || leaving && row.grant.is_member()
    });
    (head.rows, head.keys, head.members) == (keys.len() as u64, live, members.count() as u64)
}
