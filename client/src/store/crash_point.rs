//! For tests: the process ends at one call of the store, before it or just after it. From then on nothing is read or
//! written any more.

use super::StoreError;

/// When it ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CrashPoint {
    /// Calls until then, the last one counted. None: never.
    pub(crate) calls: Option<u32>,
    /// The last call is still carried out; only its answer is lost.
    pub(crate) is_carried_out: bool,
}

impl CrashPoint {
    /// Asked before a call, and after it.
    pub(super) fn is_over(&mut self, after: bool) -> bool {
        match &mut self.calls {
            None => false,
            Some(0) => true,
            Some(calls) if !after => {
                *calls -= 1;
                *calls == 0 && !self.is_carried_out
            }
            Some(_) => false,
        }
    }
}

pub(crate) fn over() -> StoreError {
    StoreError::Stopping
}
