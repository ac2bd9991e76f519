//! A room, explored exhaustively at small sizes: every order of what honest, hostile and sleeping members, joiners and a
//! removed member do. The relay's part is the very code that the relay runs. `docs/access.md` says which case is where.
//!
//! What is tried has to be bounded, since logs only grow: each world says who is there, and how often whom acts.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod faults;
mod honest;
mod hostile;
mod people;
mod properties;
mod room;
mod signing;
mod world;

use stateright::{Checker, Model};

use self::{
    people::Set,
    properties::cases,
    world::{Spoil, World},
};

/// Explores a world whole, and fails with the shortest way to what must not be.
fn explore(name: &str, world: World) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = world.checker().threads(threads).spawn_bfs().join();
    println!("{name}: {} states, {} different", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
}

/// 1, 2 and 3 are honest; 4 is not, has a link, and plots with 5, whom 1 removes.
#[test]
fn one_insider_with_a_link_and_a_removed_member_win_nothing() {
    explore(
        "one insider",
        World {
            honest: Set::of(&[1, 2, 3]),
            hostile: Set::of(&[4, 5]),
            spoils: &[Spoil::Rubbish, Spoil::Lockout, Spoil::Good],
            has_link: true,
            speak: true,
            removes: Some(false),
            cases: &[cases::REMOVAL_IS_DROPPED, cases::FALSE_RETURN_IS_NEWEST],
            honest_acts: 2,
            hostile_acts: 2,
            waits: 1,
            ..World::default()
        },
    );
}

/// All but 1 are asleep: nobody ever acknowledges anything.
#[test]
fn one_honest_member_among_sleepers_is_never_stuck() {
    explore(
        "sleepers",
        World {
            honest: Set::of(&[1]),
            asleep: Set::of(&[6, 7]),
            hostile: Set::of(&[4]),
            spoils: &[Spoil::Rubbish, Spoil::Lockout, Spoil::Good],
            has_link: true,
            speak: true,
            cases: &[cases::FALSE_RETURN_IS_NEWEST],
            honest_acts: 2,
            hostile_acts: 3,
            waits: 1,
            ..World::default()
        },
    );
}

/// 4 and 5 plot from the beginning: they can confirm for each other. A majority of honest ones undoes it.
#[test]
fn two_insiders_do_not_keep_a_room_from_its_majority() {
    explore(
        "two insiders",
        World {
            honest: Set::of(&[1, 2, 3]),
            hostile: Set::of(&[4, 5]),
            spoils: &[Spoil::Rubbish, Spoil::Lockout, Spoil::Good],
            has_link: true,
            speak: true,
            votes: true,
            cases: &[cases::RUBBISH_IS_CONFIRMED],
            honest_acts: 1,
            hostile_acts: 3,
            ..World::default()
        },
    );
}

/// 4 makes commits that one honest member cannot open, or that only one can, and publishes ordinary ones as returns.
/// Who is out comes back; who is most undoes it. 3 and 6 come to vote only.
#[test]
fn commit_that_is_spoiled_for_few_or_for_most_puts_nobody_out_for_good() {
    explore(
        "spoiled",
        World {
            honest: Set::of(&[1, 2]),
            asleep: Set::of(&[3, 6]),
            hostile: Set::of(&[4]),
            spoils: &[Spoil::ForMost, Spoil::ForOne],
            speak: true,
            votes: true,
            cases: &[cases::SOMEBODY_IS_OUT, cases::SOMEBODY_CAME_BACK, cases::FALSE_RETURN_IS_NEWEST],
            honest_acts: 3,
            hostile_acts: 2,
            waits: 1,
            ..World::default()
        },
    );
}

/// Only 1 can open what 4 made, and gives its word for it: the others, who are more than half, undo it.
#[test]
fn majority_undoes_a_commit_that_is_spoiled_for_it() {
    explore(
        "undone",
        World {
            honest: Set::of(&[1, 2, 3, 6]),
            hostile: Set::of(&[4]),
            spoils: &[Spoil::ForMost],
            votes: true,
            cases: &[cases::SOMEBODY_IS_OUT, cases::MAJORITY_UNDID],
            honest_acts: 4,
            hostile_acts: 1,
            ..World::default()
        },
    );
}

/// 2 is stranded by what 4 made, believes that the rest is wrong, and drops and votes with 4 and 5, whom 1 removes.
#[test]
fn stranded_member_that_believes_the_rest_is_wrong_takes_nothing_back() {
    explore(
        "stranded",
        World {
            honest: Set::of(&[1, 2]),
            asleep: Set::of(&[3, 6, 7]),
            hostile: Set::of(&[4, 5]),
            spoils: &[Spoil::ForOne],
            speak: true,
            removes: Some(false),
            votes: true,
            cases: &[cases::SOMEBODY_IS_OUT, cases::STRANDED_ONE_VOTES, cases::STRANDED_ONE_DROPS],
            honest_acts: 3,
            hostile_acts: 2,
            waits: 1,
            ..World::default()
        },
    );
}

/// Every member sleeps but 4, who is hostile, and somebody comes by the link that others have as well.
#[test]
fn joiner_gets_in_while_everybody_is_asleep() {
    explore(
        "asleep but a joiner",
        World {
            asleep: Set::of(&[1, 2]),
            hostile: Set::of(&[4]),
            spoils: &[Spoil::Rubbish, Spoil::Slot],
            has_link: true,
            joiner: true,
            cases: &[cases::JOINER_PASSES_BY],
            honest_acts: 3,
            hostile_acts: 3,
            waits: 1,
            ..World::default()
        },
    );
}

/// 1 removes 5, and the link with it or not, while somebody honest comes by that link, and 4 puts rubbish into slots.
#[test]
fn join_that_races_a_removal_takes_nothing_back() {
    for with_link in [false, true] {
        explore(
            "race",
            World {
                honest: Set::of(&[1, 2]),
                hostile: Set::of(&[4, 5]),
                spoils: &[Spoil::Slot],
                has_link: true,
                removes: Some(with_link),
                joiner: true,
                cases: &[
                    cases::JOIN_IS_ON_A_REMOVAL,
                    cases::JOIN_WAS_BEFORE_A_REMOVAL,
                    cases::JOINER_IS_CONFIRMED,
                    cases::JOINER_HAS_NO_ENTRANCE,
                ],
                honest_acts: 4,
                hostile_acts: 1,
                waits: 1,
                ..World::default()
            },
        );
    }
}
