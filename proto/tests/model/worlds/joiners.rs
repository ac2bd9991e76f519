//! Who comes by a link, whatever stands there.

use super::explore;
use crate::{
    people::Set,
    properties::cases,
    world::{Spoil, World},
};

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
