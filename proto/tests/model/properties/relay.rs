//! What a relay that plots with hostile members cannot have, and what its rows are.

use proto::access::{AccessKey, Change, CommitName, Fate, Grant, Memory, Refusal, Rows, Step};

use super::super::{
    people::{JOINER, LINK},
    room::Room,
    signing::{authority, key},
    world::{State, World},
};

/// Honest people's commits, joins and returns that were made before the newest commit came: they do not stand in the
/// place of what their makers have not seen, a removal among it.
pub(super) fn what_is_late_is_refused(world: &World, state: &State) -> bool {
    let (room, tip) = (&state.room, state.room.tip());
    let newcomer = AccessKey { key: key(JOINER), grant: Grant::Member };
    let joins = Change { added: vec![newcomer], removed: vec![] };
    let is_refused = |by: u8, signer, on, saw, change: &Change| {
        let part = room.part(by, signer, on, saw, change.clone());
        room.decide(by, Some(&part), None, None).is_err()
    };
    // They saw what they built on, or what the newest commit is built on.
    let known = [Some(room.truth[&tip].on).filter(|_| tip != 0), None];
    let mut late = known
        .iter()
        .flat_map(|saw| room.truth.keys().filter(|on| **on != tip).map(move |on| (*on, saw.unwrap_or(*on))));
    let member = world.good_ones().iter().find(|by| room.is_in(*by));
    late.all(|(on, saw)| {
        is_refused(LINK, key(LINK), on, saw, &joins)
            && member.is_none_or(|by| {
                is_refused(by, authority(on), on, saw, &Change::default())
                    && is_refused(by, key(by), on, saw, &Change::default())
            })
    })
}

/// Hostile members have the authority of each epoch that they were in or made, and the relay lets them use any key.
pub(super) fn words_are_ones_own(world: &World, state: &State) -> bool {
    let (room, head) = (&state.room, &state.room.state.head);
    let Some(hostile) = world.hostile.iter().next() else { return true };
    let tips = || head.offer.iter().chain(&head.joins).map(|step| step.tip.position);
    let mut honest = world.honest.iter().filter(|by| room.is_in(*by));
    honest.all(|by| {
        tips().all(|seq| {
            let word = room.word(by, hostile, seq);
            room.decide(by, None, Some(&word), None) == Err(Refusal::Malformed)
        })
    })
}

/// All honest ones were shown something else at that place, and voted against it: together they may be more than half.
pub(super) fn votes_are_for_one_commit(world: &World, state: &State) -> bool {
    let (room, other) = (&state.room, CommitName([7; 32]));
    room.truth.keys().all(|&seq| {
        let name = room.step_name(seq);
        world.honest.iter().all(|by| {
            let votes = [(name, other), (other, other), (other, name)];
            let ballots = votes.map(|(step, signed)| room.ballot(by, seq, step, signed));
            ballots.iter().all(|ballot| room.decide(by, None, None, Some(ballot)).is_err())
        })
    })
}

/// Whatever is newest was made for the place where it stands.
pub(super) fn commits_stand_where_they_say(_: &World, state: &State) -> bool {
    let (room, head) = (&state.room, &state.room.state.head);
    let offer = room.offer().unwrap_or(room.base());
    let joins = head.joins.as_ref().map_or(offer, |step| step.tip.position);
    room.is_on(offer, room.base()) && room.is_on(joins, offer) && room.tip() == joins
}

/// Those of what may be built on are kept, and no others; only a majority goes back to what has none any more.
pub(super) fn slots_are_kept(_: &World, state: &State) -> bool {
    let Room { state, slots, .. } = &state.room;
    let is_undone = |step: &Step| matches!(step.fate, Fate::Undone(_));
    let mut needed = state
        .head
        .slots()
        .filter(|at| *at != state.head.confirmed.position || !state.all_steps().any(is_undone));
    needed.all(|at| slots.contains(&at)) && slots.iter().all(|at| state.head.slots().any(|kept| kept == *at))
}

pub(super) fn snapshot_is_the_room(_: &World, state: &State) -> bool {
    let bytes = state.room.state.to_snapshot(state.room.seq).unwrap_or_default();
    Memory::from_snapshot(&bytes).as_ref() == Ok(&(state.room.seq, state.room.state.clone()))
}

pub(super) fn counts_agree(_: &World, state: &State) -> bool {
    let (head, Ok(keys)) = (&state.room.state.head, state.room.state.keys());
    let offered: Vec<_> = head.offer.iter().chain(&head.joins).collect();
    let live = keys.iter().filter(|(_, row)| row.removed == 0).count() as u64;
    let members = keys.iter().filter(|(_, row)| {
        let leaving = offered.iter().any(|step| step.has(row.removed));
        row.counts(head.confirmed.position) || leaving && row.grant.is_member()
    });
    (head.rows, head.keys, head.members) == (keys.len() as u64, live, members.count() as u64)
}
