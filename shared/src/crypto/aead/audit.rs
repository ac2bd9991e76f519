//! Counts, for tests, that no (key, nonce) pair ever seals twice in this process, across all the
//! crashes and restarts that a test simulates. Not compiled into a normal build.
//!
//! Bytes that are sent again are not sealed again, so *any* repeat is a fault of the caller; a repeat
//! with a different plaintext is the one that breaks AES-GCM (NIST SP 800-38D, appendix A).

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Mutex, OnceLock, PoisonError},
};

use sha2::{Digest, Sha256};

/// Most pairs that one recorder remembers: about 100 MB; a test that needs more is too long a test.
const MAX_PAIRS: usize = 1 << 20;

/// Stands for a key without being one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    pub(super) fn of(key: &[u8]) -> Self {
        Self(Sha256::new().chain_update(b"schat nonce audit").chain_update(key).finalize().into())
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

/// What was seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Calls that encrypted something.
    pub seals: u64,
    /// Of those, how many used a (key, nonce) pair again for the same plaintext and associated data, where the key is not
    /// that plaintext's own ([`Recorder::record_its_own`]).
    pub repeats: u64,
    /// Of those, how many used a (key, nonce) pair again for something else.
    pub conflicts: u64,
    /// Of those, how many new pairs came after the recorder was full, and were not remembered.
    pub unrecorded: u64,
}

/// Remembers pairs; at most 2²⁰, later ones are only counted in [`Summary::unrecorded`].
#[derive(Default)]
pub struct Recorder {
    pairs: HashMap<(KeyHash, [u8; 12]), [u8; 32]>,
    summary: Summary,
}

impl Recorder {
    /// Notes one call.
    pub fn record(&mut self, key: KeyHash, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) {
        if self.comes_again(key, nonce, aad, plaintext) {
            self.summary.repeats += 1;
        }
    }

    /// Notes a call whose key belongs to its plaintext: the same again is as it should be.
    pub fn record_its_own(&mut self, key: KeyHash, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) {
        self.comes_again(key, nonce, aad, plaintext);
    }

    /// Whether exactly this was noted before.
    fn comes_again(&mut self, key: KeyHash, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) -> bool {
        let text = Sha256::new()
            .chain_update((aad.len() as u64).to_be_bytes())
            .chain_update(aad)
            .chain_update(plaintext)
            .finalize()
            .into();
        self.summary.seals += 1;
        let room = self.pairs.len() < MAX_PAIRS;
        match self.pairs.entry((key, nonce)) {
            Entry::Occupied(seen) if *seen.get() == text => return true,
            Entry::Occupied(_) => self.summary.conflicts += 1,
            Entry::Vacant(slot) if room => {
                slot.insert(text);
            }
            Entry::Vacant(_) => self.summary.unrecorded += 1,
        }
        false
    }

    /// What was seen so far.
    pub fn summary(&self) -> Summary {
        self.summary
    }
}

/// What this process has sealed so far. A test that drives a whole system asserts that `repeats`,
/// `conflicts` and `unrecorded` are 0 and that `seals` is not.
pub fn summary() -> Summary {
    process().lock().unwrap_or_else(PoisonError::into_inner).summary()
}

pub(super) fn observe(key: &KeyHash, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) {
    process().lock().unwrap_or_else(PoisonError::into_inner).record(*key, *nonce, aad, plaintext);
}

pub(super) fn observe_its_own(key: &KeyHash, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) {
    process().lock().unwrap_or_else(PoisonError::into_inner).record_its_own(*key, *nonce, aad, plaintext);
}

fn process() -> &'static Mutex<Recorder> {
    static PROCESS: OnceLock<Mutex<Recorder>> = OnceLock::new();
    PROCESS.get_or_init(Mutex::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pair_used_for_another_plaintext_is_a_conflict() {
        let mut recorder = Recorder::default();
        let key = KeyHash::of(&[1; 32]);
        for (nonce, text) in [(1, "a"), (2, "a"), (1, "a"), (1, "b"), (2, "b")] {
            recorder.record(key, [nonce; 12], b"", text.as_bytes());
        }
        let expected = Summary { seals: 5, repeats: 1, conflicts: 2, unrecorded: 0 };
        assert_eq!(recorder.summary(), expected);
    }

    #[test]
    fn key_of_its_own_plaintext_may_come_again_with_it_and_with_nothing_else() {
        let mut recorder = Recorder::default();
        let key = KeyHash::of(&[1; 32]);
        for text in ["a", "a", "b"] {
            recorder.record_its_own(key, [0; 12], b"", text.as_bytes());
        }
        recorder.record(key, [0; 12], b"", b"a");
        let expected = Summary { seals: 4, repeats: 1, conflicts: 1, unrecorded: 0 };
        assert_eq!(recorder.summary(), expected);
    }

    #[test]
    fn pair_used_for_another_split_of_the_same_bytes_is_a_conflict() {
        let mut recorder = Recorder::default();
        recorder.record(KeyHash::of(&[1; 32]), [0; 12], b"ab", b"c");
        recorder.record(KeyHash::of(&[1; 32]), [0; 12], b"a", b"bc");
        recorder.record(KeyHash::of(&[2; 32]), [0; 12], b"a", b"bc");
        assert_eq!(recorder.summary().conflicts, 1);
    }
}
