//! Commits that some can open and others cannot.

use super::explore;
use crate::{
    people::Set,
    properties::cases,
    world::{Spoil, World},
};

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
