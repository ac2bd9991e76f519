//! What somebody is told who quits before all is done, or leaves a room.

use super::{called, counted};

/// What leaving means, and how to do it.
pub fn leaves(room: &str, is_open: bool) -> String {
    let again = if is_open { "" } else { "Only a new link lets you in again. " };
    format!(
        "After you leave {} you read nothing more of it. {again}What was said so far stays on this device, to be searched and \
         exported; /forget deletes it afterwards. To leave, type /leave once more.",
        called(room)
    )
}

/// What forgetting means, and how to do it.
pub fn forgets(room: &str) -> String {
    format!(
        "What was said in {} will be deleted on this device; `schat export` keeps a copy. To delete it, type the same once \
         more.",
        called(room)
    )
}

/// The same as a question on the command line.
pub fn forget(room: &str) -> String {
    format!("Delete all that was said in {} on this device? (yes/no) ", called(room))
}

/// It is done.
pub fn forgotten(room: &str) -> String {
    format!("What was said in {} is deleted on this device.", called(room))
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
