//! For tests: an attacker whose program seals nonsense to some of those who should be able to open it.

use std::cell::RefCell;

thread_local! {
    static SPOILED: RefCell<(usize, Vec<usize>)> = const { RefCell::new((0, Vec::new())) };
}

/// Of what this thread seals to public keys while `seals` runs, the ones with these numbers are spoiled.
pub(crate) fn spoiling<T>(numbers: &[usize], seals: impl FnOnce() -> T) -> T {
    SPOILED.with_borrow_mut(|state| *state = (0, numbers.to_vec()));
    let done = seals();
    SPOILED.with_borrow_mut(|state| *state = (0, Vec::new()));
    done
}

pub(super) fn spoil(ciphertext: &mut [u8]) {
    SPOILED.with_borrow_mut(|(next, numbers)| {
        if numbers.contains(next)
            && let Some(byte) = ciphertext.first_mut()
        {
            *byte ^= 1;
        }
        *next += 1;
    });
}
