//! For tests: an attacker whose program seals nonsense to some of those who should be able to open it, or signs
//! nonsense; and how many signatures were checked one by one.

#![cfg_attr(not(test), allow(dead_code, reason = "some of it only tests use"))]

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};

/// For whole programs, whose engines run on threads of their own: what is sealed next, by whomever, is spoiled.
static NEXT_OF_THE_PROCESS: AtomicBool = AtomicBool::new(false);

thread_local! {
    static SPOILED: RefCell<(usize, Vec<usize>)> = const { RefCell::new((0, Vec::new())) };
    static FORGING: Cell<bool> = const { Cell::new(false) };
    static CHECKS: Cell<usize> = const { Cell::new(0) };
}

/// What this thread signs for MLS while `signs` runs is not signed well.
pub(crate) fn forging<T>(signs: impl FnOnce() -> T) -> T {
    FORGING.set(true);
    let done = signs();
    FORGING.set(false);
    done
}

pub(super) fn forged(mut signature: [u8; 64]) -> [u8; 64] {
    // In S: the bytes stay a signature in form.
    signature[32] ^= u8::from(FORGING.get());
    signature
}

/// Signatures of MLS that this thread has checked one by one.
pub(crate) fn checks() -> usize {
    CHECKS.get()
}

pub(super) fn count_check() {
    CHECKS.set(CHECKS.get() + 1);
}

/// Of what this thread seals to public keys while `seals` runs, the ones with these numbers are spoiled.
pub(crate) fn spoiling<T>(numbers: &[usize], seals: impl FnOnce() -> T) -> T {
    SPOILED.with_borrow_mut(|state| *state = (0, numbers.to_vec()));
    let done = seals();
    SPOILED.with_borrow_mut(|state| *state = (0, Vec::new()));
    done
}

/// What this process seals next to a public key is spoiled.
pub(crate) fn spoil_next() {
    NEXT_OF_THE_PROCESS.store(true, Ordering::Relaxed);
}

pub(super) fn spoil(ciphertext: &mut [u8]) {
    if NEXT_OF_THE_PROCESS.swap(false, Ordering::Relaxed)
        && let Some(byte) = ciphertext.first_mut()
    {
        *byte ^= 1;
    }
    SPOILED.with_borrow_mut(|(next, numbers)| {
        if numbers.contains(next)
            && let Some(byte) = ciphertext.first_mut()
        {
            *byte ^= 1;
        }
        *next += 1;
    });
}
