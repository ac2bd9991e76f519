//! Randomness is an argument: one source is handed to the core and shared by all its parts.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rand_core::CryptoRng;

/// A handle to the source of randomness that the core was given. Clones share the source, so a test
/// that seeds it replays everything.
#[derive(Clone)]
pub struct Random(Arc<Mutex<dyn CryptoRng + Send>>);

impl Random {
    /// Wraps a cryptographically secure generator.
    pub fn new(source: impl CryptoRng + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(source)))
    }

    /// Fills `out` with random bytes.
    pub fn fill(&self, out: &mut [u8]) {
        // A generator has no invariant that a panic elsewhere could have broken.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(out);
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// A number below `bound`, for jitter: slightly biased, never for secrets. 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()).checked_rem(bound).unwrap_or(0)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
