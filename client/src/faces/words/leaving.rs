//! What somebody is told who quits before all is done, or leaves a room.

use super::{called, counted};

/// What is lost with a room, and how to leave it all the same.
pub fn leaves(room: &str, is_open: bool) -> String {
    let again = if is_open { "" } else { ", and only a new link lets you in again" };
    format!(
        "Whoever leaves {} loses what was said there: it is deleted on this device{again}. `schat export` keeps a copy. To \
         leave, type /leave once more.",
        called(room)
    )
}

/// What is waited for, how long at most, and how not to.
pub fn waiting(seconds: u64, messages: usize, joins: usize) -> String {
    let messages = (messages > 0).then(|| counted(messages, "message"));
    let joins = (joins > 0).then(|| counted(joins, "join"));
    let what: Vec<String> = messages.into_iter().chain(joins).collect();
    format!("Waiting up to {seconds} s for {}; Ctrl-C ends now.", what.join(" and "))
}

/// It did not get done in time, or there is no connection.
pub const UNSENT: &str = "Not everything was sent; what is left is sent at the next start.";
