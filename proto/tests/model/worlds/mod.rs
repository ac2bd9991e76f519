//! Small worlds, each for some of the cases that the rules must survive.

mod insiders;
mod joiners;
mod spoiled;

use stateright::{Checker, Model};

use crate::world::World;

/// Explores a world whole, and fails with the shortest way to what must not be.
fn explore(name: &str, world: World) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = world.checker().threads(threads).spawn_bfs().join();
    println!("{name}: {} states, {} different", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
}
