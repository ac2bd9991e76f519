//! Jumps forward that were believed: each may be taken back for as long as it is in doubt.

use super::{DOUBT, TOLERANCE};
use crate::clock::doubt::Doubt;

/// How many are told apart: a machine that is off more often in a week has a mark of bounded size all the same.
pub(super) const MOST: usize = 16;

/// All of them, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts(Vec<Doubt>);

impl Doubts {
    pub(super) fn new(doubts: Vec<Doubt>) -> Self {
        Self(doubts)
    }

    pub(super) fn to_vec(&self) -> Vec<Doubt> {
        self.0.clone()
    }

    /// Whether a jump back may be one that takes them back.
    pub(super) fn cover(&self, back: u128) -> bool {
        let all: u128 = self.0.iter().map(|doubt| u128::from(doubt.by_ms)).sum();
        back <= all + u128::from(TOLERANCE)
    }

    /// A jump was believed.
    pub(super) fn add(&mut self, by_ms: u64) {
        let is_full = self.0.len() >= MOST;
        match self.0.last_mut() {
            Some(last) if is_full => {
                *last = Doubt { by_ms: last.by_ms.saturating_add(by_ms), agreed_ms: 0 };
            }
            _ => self.0.push(Doubt { by_ms, agreed_ms: 0 }),
        }
    }

    /// The wall clock went back, and that was believed: the newest jumps were the false ones.
    pub(super) fn take_back(&mut self, mut back: u64) {
        while let Some(last) = self.0.last_mut() {
            if last.by_ms > back.saturating_add(TOLERANCE) {
                last.by_ms -= back;
                return;
            }
            back = back.saturating_sub(last.by_ms);
            self.0.pop();
            if back == 0 {
                return;
            }
        }
    }

    /// The wall clock agreed for so long.
    pub(super) fn agree(&mut self, time: u64) {
        for doubt in &mut self.0 {
            doubt.agreed_ms = doubt.agreed_ms.saturating_add(time);
        }
        self.0.retain(|doubt| doubt.agreed_ms < DOUBT);
    }
}
