//! Why something failed below the faces, in words: what happened, and what to do.

mod daemon;
mod device;
mod file;
mod linking;
mod person;
mod relay;
mod room;

pub use file::fault;
pub use relay::address;

use crate::{faces::words::failure, failure::Failure, reason::Reason};

impl From<&Reason> for Failure {
    fn from(reason: &Reason) -> Self {
        let (message, remedy) = match reason {
            Reason::Store(error) => return error.into(),
            Reason::Said(error) => return (*error).into(),
            Reason::Closed(why) => return why.into(),
            Reason::Notice(notice) => return notice.into(),
            Reason::File(reason) => file::words(reason),
            Reason::Relay(reason) => relay::words(reason),
            Reason::Room(reason) => room::words(reason),
            Reason::Person(reason) => person::words(reason),
            Reason::Daemon(reason) => daemon::words(reason),
            Reason::Device(reason) => device::words(reason),
            Reason::Link(reason) => linking::words(reason),
        };
        Self::new(reason.exit(), reason.code().to_owned(), message, remedy)
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::from(&reason)
    }
}

/// Cause and remedy in one sentence each.
pub fn reason(reason: &Reason) -> String {
    failure(&reason.into())
}
