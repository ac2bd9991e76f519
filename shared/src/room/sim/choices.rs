//! What a life is made of: bytes, four for each step, so that whoever changes one step leaves the others as they are.

/// Bytes of a step.
pub(crate) const STEP: usize = 4;

/// The choices of one step: its bytes first, then numbers that follow from them.
pub(crate) struct Choices {
    bytes: [u8; STEP],
    next: usize,
    state: u64,
}

impl Choices {
    /// Of a step's bytes; what is missing is 0.
    pub(crate) fn of(step: &[u8]) -> Self {
        let mut bytes = [0; STEP];
        bytes.iter_mut().zip(step).for_each(|(to, from)| *to = *from);
        Self { bytes, next: 0, state: u64::from(u32::from_be_bytes(bytes)) }
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if let Some(byte) = self.bytes.get(self.next).filter(|_| bound <= 256) {
            self.next += 1;
            return u64::from(*byte) % bound.max(1);
        }
        self.draw() % bound.max(1)
    }

    /// An index below `bound`.
    pub(crate) fn index(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.draw().to_le_bytes()[0]).collect()
    }

    /// SplitMix64 (Steele et al., 2014).
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
