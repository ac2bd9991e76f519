//! A room, explored exhaustively at small sizes: every order of what honest, hostile and sleeping members, a joiner that
//! never joins and a removed member do. The relay's part is the very code that the relay runs.
//!
//! What is tried has to be bounded, since logs only grow: each world says how often whom acts.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod properties;
mod room;
mod world;

use stateright::{Checker, Model};

use self::world::World;

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
        World { honest: vec![1, 2, 3], hostile: vec![4, 5], honest_acts: 2, hostile_acts: 2, waits: 1 },
    );
}

/// All but 1 are asleep: nobody ever acknowledges anything.
#[test]
fn one_honest_member_among_sleepers_is_never_stuck() {
    explore(
        "sleepers",
        World { honest: vec![1], hostile: vec![4], honest_acts: 2, hostile_acts: 3, waits: 1 },
    );
}

/// 4 and 5 plot from the beginning: they can confirm for each other. A majority of honest ones undoes it.
#[test]
fn two_insiders_do_not_keep_a_room_from_its_majority() {
    explore(
        "two insiders",
        World { honest: vec![1, 2, 3], hostile: vec![4, 5], honest_acts: 1, hostile_acts: 3, waits: 0 },
    );
}
