//! Members who are hostile from the beginning, with a link or without.

use super::explore;
use crate::{
    people::Set,
    properties::cases,
    world::{Spoil, World},
};

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

/// 5 was alone when it opened the room, and let the others in: of all that it did then it was the only one who was there. 1 removes it.
#[test]
fn founder_who_is_removed_does_not_go_back_to_when_it_was_alone() {
    explore(
        "founder",
        World {
            honest: Set::of(&[1, 2]),
            hostile: Set::of(&[5]),
            founder: Some(5),
            spoils: &[Spoil::Rubbish, Spoil::Good],
            speak: true,
            removes: Some(false),
            cases: &[cases::REMOVAL_IS_CONFIRMED],
            honest_acts: 2,
            hostile_acts: 2,
            waits: 1,
            ..World::default()
        },
    );
}
