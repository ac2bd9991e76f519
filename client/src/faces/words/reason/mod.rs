//! Why something failed below the faces, in words: what happened, and what to do.

mod relay;
mod room;

pub use relay::address;

use crate::{failure::Failure, reason::Reason};

impl From<&Reason> for Failure {
    fn from(reason: &Reason) -> Self {
        let (message, remedy) = match reason {
            Reason::Relay(reason) => relay::words(reason),
            Reason::Room(reason) => room::words(reason),
        };
        Self::new(reason.exit(), reason.code().to_owned(), message, remedy)
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::from(&reason)
    }
}
