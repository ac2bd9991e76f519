//! What honest people get, if nobody else does anything any more. After the grace, where that is the rule.

use proto::access::{Fate, OFFER_GRACE_MS};

use super::super::{
    honest::{entrance, foundation, votes_against, way_back},
    people::{JOINER, LINK},
    room::Room,
    signing::key,
    world::{State, World},
};

/// One suffices.
pub(super) fn honest_goes_on(world: &World, state: &State) -> bool {
    world.honest.iter().all(|by| {
        let mut room = state.room.clone();
        // Who does not have what is confirmed is out: below.
        !room.is_in(by) || !room.holds(by, room.base()) || goes_on(&mut room, by)
    })
}

fn goes_on(room: &mut Room, by: u8) -> bool {
    room.wait();
    let Some(on) = foundation(room, by) else { return false };
    room.commit(by, on).is_ok_and(|seq| room.tip() == seq && room.holds(by, seq))
}

/// Who puts another commit in the place of its own, just before somebody else may, holds nobody up any longer.
pub(super) fn replacing_gains_no_time(world: &World, state: &State) -> bool {
    let mut room = state.room.clone();
    let Some(offer) = &room.state.head.offer else { return true };
    let is_author = |by: &u8| offer.author == Some(key(*by));
    let Some(author) = world.hostile.iter().chain(world.good_ones().iter()).find(is_author) else {
        return true;
    };
    room.now_ms = offer.since_ms + OFFER_GRACE_MS - 1;
    let replaces = room.next(author, room.base());
    if room.make(author, &[], replaces).is_err() {
        return true;
    }
    room.now_ms += 1;
    world.good_ones().iter().filter(|by| *by != author && room.is_confirmed(*by)).all(|by| {
        let mut room = room.clone();
        let truth = room.next(by, room.base());
        room.make(by, &[], truth).is_ok()
    })
}

/// Somebody could not open a commit that is confirmed. One that could is awake: it lets it back in, and answers for it. A
/// third one's word makes it final.
pub(super) fn stranded_comes_back(world: &World, state: &State) -> bool {
    let base = state.room.base();
    let is_out = |by: &u8| state.room.is_in(*by) && !state.room.holds(*by, base);
    let answers = |by: &u8| state.room.is_in(*by) && state.room.holds(*by, base);
    let Some(helper) = world.honest.iter().find(answers) else { return true };
    world.honest.iter().filter(is_out).all(|by| is_let_back_in(world, state.room.clone(), by, helper))
}

fn is_let_back_in(world: &World, mut room: Room, by: u8, helper: u8) -> bool {
    if !goes_on(&mut room, helper) {
        return false;
    }
    // Its leaf may have been removed by who could take that.
    let Some(truth) = way_back(world, &room, by) else { return !room.truth[&room.tip()].group.has(by) };
    let Ok(seq) = room.come_back(by, truth) else { return false };
    let is_answered = room.ack(helper, seq).is_ok() && room.offer() == Some(seq) && room.holds(by, seq);
    let is_other =
        |third: &u8| ![by, helper].contains(third) && room.is_in(*third) && room.holds(*third, seq);
    let third = world.good_ones().iter().find(is_other);
    is_answered && third.is_none_or(|third| room.ack(third, seq).is_ok() && room.base() == seq)
}

/// All honest ones, who come back for it, vote against every step that they cannot take, the oldest first.
pub(super) fn majority_gets_back(world: &World, state: &State) -> bool {
    let honest = world.good_ones();
    if honest.len() * 2 <= world.members().len() {
        return true;
    }
    let mut room = state.room.clone();
    for seq in state.room.truth.keys().copied() {
        let against: Vec<u8> = honest.iter().filter(|by| votes_against(&room, *by, seq)).collect();
        for by in against {
            let _ = room.vote(by, seq);
        }
    }
    let base = room.base();
    honest.iter().all(|by| room.is_in(by) || answered_for_another(&room, by))
        && honest.iter().any(|by| room.is_in(by) && room.holds(by, base))
}

/// Who acknowledges a join or a return makes it its own, and is suspended with it where a majority cannot take that.
fn answered_for_another(room: &Room, by: u8) -> bool {
    room.state.all_steps().any(|step| {
        let is_undone = matches!(step.fate, Fate::Undone(_));
        is_undone && step.author == Some(key(by)) && room.truth[&step.first].by != by
    })
}

/// It needs nobody who is awake, where only joins are offered and the confirmed commit's slot is good; else one member.
pub(super) fn joiner_gets_in(world: &World, state: &State) -> bool {
    let mut room = state.room.clone();
    if room.standing(LINK).is_none() || room.is_in(JOINER) {
        return true;
    }
    if room.offer().is_some() || !room.lets_in(room.base()) {
        let is_good = |by: &u8| room.is_in(*by) && room.is_confirmed(*by) && room.holds(*by, room.base());
        let Some(member) = world.honest.iter().find(is_good) else { return true };
        if !goes_on(&mut room, member) {
            return false;
        }
    }
    let Some(on) = entrance(&room) else { return false };
    let (truth, base) = (room.with_joiner(on), room.base());
    room.join(JOINER, truth).is_ok_and(|seq| room.tip() == seq && room.is_in(JOINER) && room.base() == base)
}
