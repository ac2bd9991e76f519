//! What is told of the wall clock.

/// What is new. Times in milliseconds, negative for back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::clock) enum Event {
    /// The wall clock jumped and is not believed.
    Held { by_ms: i64 },
    /// The machine was off for so long, and that is believed.
    WasOff { by_ms: i64 },
    /// The wall clock was set in a new relay's first minutes.
    Set { by_ms: i64 },
    /// The wall clock has kept what it jumped to for long enough.
    Believed { by_ms: i64 },
    /// The wall clock is back at the relay's time.
    Right,
    /// The wall clock took back a jump that was believed.
    Healed { by_ms: i64 },
    /// The operator took the wall clock as it was.
    Accepted { by_ms: i64 },
}

impl Event {
    pub(crate) fn by_ms(self) -> i64 {
        match self {
            Self::Held { by_ms }
            | Self::WasOff { by_ms }
            | Self::Set { by_ms }
            | Self::Believed { by_ms }
            | Self::Healed { by_ms }
            | Self::Accepted { by_ms } => by_ms,
            Self::Right => 0,
        }
    }
}
