//! Many random lives of a room. With an honest relay and honest members every life ends in agreement, whatever
//! connections are lost and whenever processes die. With a relay that lies, a member whose program keeps no rule, or
//! both, it ends in agreement or in an alarm, and nobody is stranded in silence: `sim::judge` says what that means.
//!
//! `SCHAT_SEEDS` sets how many lives (800 unless told otherwise), `SCHAT_FIRST` where they begin, `SCHAT_SEED` lives
//! just one: with `SCHAT_TELL` it tells its story, with `SCHAT_KEEP` its bytes are written there, for fuzzing.

use std::{
    env, fs,
    panic::catch_unwind,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

use super::super::sim::{
    choices::STEP,
    life::{HEAD, live},
};

/// Lives in one run of the tests.
const SEEDS: u64 = 800;

/// Steps of a life before everybody comes back online.
const STEPS: usize = 40;

/// So many lives that fail are enough.
const ENOUGH: usize = 20;

/// Casts, a bit each as `Cast::of` has them: nobody is hostile in as many lives as the relay lies in, and as a member
/// keeps no rule in while another one sleeps; then both at once, in a lively room, and clocks that jump.
const CASTS: [u8; 8] = [0, 0b1, 0b110, 0, 0b1, 0b1010, 0b111, 0b1_1111];

#[test]
fn every_life_of_a_room_converges_or_alarms() {
    let number = |name: &str| env::var(name).ok().and_then(|value| value.parse().ok());
    if let Some(seed) = number("SCHAT_SEED") {
        if let Some(path) = env::var_os("SCHAT_KEEP") {
            fs::write(path, life(seed)).unwrap();
        }
        let _ = live(&life(seed));
        return;
    }
    let (first, seeds) = (number("SCHAT_FIRST").unwrap_or(0), number("SCHAT_SEEDS").unwrap_or(SEEDS));
    let (next, handled) = (AtomicU64::new(first), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let lives = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds || failed.lock().unwrap().len() >= ENOUGH {
                return;
            }
            match catch_unwind(|| live(&life(seed))) {
                Ok(calls) => drop(handled.fetch_add(calls, Ordering::Relaxed)),
                Err(_) => {
                    eprintln!("the failing life: SCHAT_SEED={seed} (SCHAT_TELL=1 tells it)");
                    failed.lock().unwrap().push(seed);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(lives);
        }
    });
    println!("{seeds} lives, {} calls of Engine::handle", handled.into_inner());
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "failing lives: {failed:?}");
}

/// The bytes of a life.
fn life(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; HEAD + STEPS * STEP];
    ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes[0] = CASTS[(seed % 8) as usize];
    bytes
}
