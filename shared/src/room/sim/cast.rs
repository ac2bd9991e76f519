//! Who is hostile in a life, and what happens in it besides.

/// Who is hostile, and what happens besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cast {
    /// The relay lies.
    pub liar: bool,
    /// Eve's program keeps no rule.
    pub insider: bool,
    /// A fourth member sleeps for half of the time.
    pub sleeper: bool,
    /// People come, go, are removed and made moderators.
    pub lively: bool,
    /// Clocks jump.
    pub jumps: bool,
}

impl Cast {
    /// Five bits.
    pub(crate) fn of(bits: u8) -> Self {
        let is = |bit: u8| bits >> bit & 1 == 1;
        Self { liar: is(0), insider: is(1), sleeper: is(2), lively: is(3), jumps: is(4) }
    }

    /// Nobody is hostile, and only what members usually do happens.
    pub(crate) fn is_plain(self) -> bool {
        !self.liar && !self.insider && !self.lively && !self.jumps
    }
}
