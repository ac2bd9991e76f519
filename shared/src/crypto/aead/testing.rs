//! Randomness for this module's tests: the same in every run, and different for each name.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

use crate::crypto::random::Random;

pub(crate) fn random(name: &str) -> Random {
    Random::new(Counting { name: name.to_owned(), count: 0 })
}

struct Counting {
    name: String,
    count: u64,
}

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut out = [0; 4];
        self.try_fill_bytes(&mut out).map(|()| u32::from_le_bytes(out))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut out = [0; 8];
        self.try_fill_bytes(&mut out).map(|()| u64::from_le_bytes(out))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for part in out.chunks_mut(32) {
            self.count += 1;
            let block =
                Sha256::new().chain_update(self.count.to_le_bytes()).chain_update(&self.name).finalize();
            part.copy_from_slice(&block[..part.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}
