#![no_main]

use std::sync::atomic::{AtomicU64, Ordering};

/// How often an engine was given something to do in this process, told with each hundred thousand.
static CALLS: AtomicU64 = AtomicU64::new(0);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let calls = shared::fuzz::room_counted(bytes);
    let before = CALLS.fetch_add(calls, Ordering::Relaxed);
    if before / 100_000 != (before + calls) / 100_000 {
        eprintln!("{} calls of Engine::handle", before + calls);
    }
});
