//! The sliding replay window: which sequence numbers of one sender's session were already accepted.
//!
//! In the style of RFC 6479 (IPsec anti-replay without bit shifting): a ring of bits, where number `s` has
//! the bit `s mod BITS`, so moving the window clears bits instead of shifting all of them.
//!
//! ```text
//!            greatest - BITS          greatest
//!                   │                    │
//!   ── too old ─────┤ seen or duplicate  ├── new: the window moves ──▶
//! ```
//!
//! The order is [`check`](Sliding::check) → open the envelope → [`commit`](Sliding::commit): a number is
//! unauthenticated until then, and a forgery must not move the window. An envelope's key proves a member but
//! not which one, since members share the secret: where a member must not move another's window either,
//! commit only after the signature inside was verified.

/// Greatest width, in bits.
const MAX_BITS: usize = 1024;
/// Words of the ring, 64 bits each.
const WORDS: usize = MAX_BITS / 64;
/// Version of the stored form.
const VERSION: u8 = 1;

/// The window in use: 1,024 numbers, so that envelopes may overtake each other by ten minutes' worth at
/// the relay's 100 messages a minute, in 144 bytes of memory per sender and session.
pub type Window = Sliding<MAX_BITS>;

/// A window of `BITS` numbers, at most 1,024. The default value has accepted nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sliding<const BITS: usize> {
    greatest: Option<u64>,
    seen: [u64; WORDS],
}

/// Why a number is not acceptable.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReplayError {
    /// It was accepted before.
    #[error("the sequence number was already accepted")]
    Duplicate,
    /// It is left of the window, so nobody knows whether it was accepted.
    #[error("the sequence number is older than the replay window")]
    TooOld,
}

/// A number was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// How many numbers were jumped over: a gap, until they come late. For the first number of a window
    /// it is all the numbers before it; a member who joined in the middle of a session never had them.
    pub skipped: u64,
}

/// Bytes that are not a stored window.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a stored replay window")]
pub struct WindowError;

impl<const BITS: usize> Sliding<BITS> {
    const WIDTH: u64 = {
        assert!(BITS > 0 && BITS <= MAX_BITS);
        BITS as u64
    };
    /// Bytes of the stored bitmap at most: one bit for each number of the window but the greatest.
    const MAX_BITMAP: usize = (BITS - 1).div_ceil(8);

    /// Whether `sequence` could be accepted. Nothing moves.
    ///
    /// # Errors
    /// [`ReplayError`] when it was accepted before, or may have been.
    pub fn check(&self, sequence: u64) -> Result<(), ReplayError> {
        match self.greatest {
            Some(greatest) if sequence <= greatest => {
                if greatest - sequence >= Self::WIDTH {
                    Err(ReplayError::TooOld)
                } else if self.is_seen(sequence) {
                    Err(ReplayError::Duplicate)
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    /// Accepts `sequence`, after the envelope that carries it was opened; checks again.
    ///
    /// # Errors
    /// As [`Sliding::check`]; the window has then not moved.
    pub fn commit(&mut self, sequence: u64) -> Result<Accepted, ReplayError> {
        self.check(sequence)?;
        let skipped = match self.greatest {
            None => sequence,
            Some(greatest) if sequence < greatest => 0,
            Some(greatest) => sequence - greatest - 1,
        };
        self.advance(sequence);
        self.mark(sequence, true);
        Ok(Accepted { skipped })
    }

    /// The greatest number accepted; `None` before the first.
    pub fn greatest(&self) -> Option<u64> {
        self.greatest
    }

    /// The form to store: `version(1)`, and unless nothing was accepted `greatest(8, big-endian) ‖ missing`,
    /// where bit `i` of `missing` (least bit first) says that `greatest − 1 − i` was not accepted, without the zero
    /// bytes at the end. A session without gaps takes 9 bytes, one with gaps at most 137.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        let Some(greatest) = self.greatest else { return out };
        out.extend_from_slice(&greatest.to_be_bytes());
        for byte in 0..Self::MAX_BITMAP as u64 {
            out.push(
                (0..8).fold(0, |bits, bit| bits | u8::from(self.misses(greatest, byte * 8 + bit)) << bit),
            );
        }
        while out.len() > 9 && out.last() == Some(&0) {
            out.pop();
        }
        out
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`WindowError`] for bytes that [`Sliding::to_bytes`] never makes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WindowError> {
        let (&version, rest) = bytes.split_first().ok_or(WindowError)?;
        if version != VERSION {
            return Err(WindowError);
        }
        let mut window = Self::default();
        if rest.is_empty() {
            return Ok(window);
        }
        let (greatest, missing) = rest.split_first_chunk().ok_or(WindowError)?;
        let greatest = u64::from_be_bytes(*greatest);
        if missing.len() > Self::MAX_BITMAP {
            return Err(WindowError);
        }
        window.greatest = Some(greatest);
        window.mark(greatest, true);
        for distance in 1..Self::WIDTH.min(greatest.saturating_add(1)) {
            let (byte, bit) = ((distance - 1) / 8, (distance - 1) % 8);
            let byte = usize::try_from(byte).ok().and_then(|byte| missing.get(byte)).unwrap_or(&0);
            window.mark(greatest - distance, byte >> bit & 1 == 0);
        }
        // Bits outside the window, bits for numbers below 0 and zero bytes at the end do not come back.
        if window.to_bytes() == bytes { Ok(window) } else { Err(WindowError) }
    }

    /// Clears the bits of the numbers that enter the window, if it moves.
    fn advance(&mut self, sequence: u64) {
        match self.greatest {
            Some(greatest) if sequence <= greatest => return,
            Some(greatest) if sequence - greatest < Self::WIDTH => {
                for entering in greatest + 1..=sequence {
                    self.mark(entering, false);
                }
            }
            _ => self.seen = [0; WORDS],
        }
        self.greatest = Some(sequence);
    }

    /// Whether the `index`-th number before `greatest`, from 0, is in the window and was not accepted.
    fn misses(&self, greatest: u64, index: u64) -> bool {
        let distance = index + 1;
        distance < Self::WIDTH && distance <= greatest && !self.is_seen(greatest - distance)
    }

    fn is_seen(&self, sequence: u64) -> bool {
        let (word, bit) = place(sequence % Self::WIDTH);
        self.seen.get(word).is_some_and(|word| word & bit != 0)
    }

    fn mark(&mut self, sequence: u64, seen: bool) {
        let (word, bit) = place(sequence % Self::WIDTH);
        if let Some(word) = self.seen.get_mut(word) {
            if seen { *word |= bit } else { *word &= !bit }
        }
    }
}

/// The word of a position in the ring, and its bit there.
fn place(position: u64) -> (usize, u64) {
    (usize::try_from(position / 64).unwrap_or(usize::MAX), 1 << (position % 64))
}

#[cfg(test)]
mod tests;
