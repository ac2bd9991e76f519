//! What went wrong, told to whoever gave the command: a person reads it on standard error, a program as an object on standard
//! output, among its answers.

use super::Globals;
use crate::{
    faces::{
        json::{Out, translate},
        stdout, words,
    },
    failure::Failure,
    runtime::{Event, RoomEvent},
};

/// Tells a failure.
pub(super) fn failure(is_json: bool, failure: &Failure) {
    // Where nobody reads objects, a person may still read this.
    if !is_json || !stdout::line(&Out::error(None, None, failure).to_line()) {
        eprintln!("schat: {}", words::failure(failure));
    }
}

/// Tells one of a room.
pub(super) fn of_room(is_json: bool, room: &str, about: &str, failure: &Failure) {
    if is_json {
        stdout::line(&Out::error(Some(room.to_owned()), None, failure).to_line());
    } else {
        eprintln!("schat: {about}{}", words::failure(failure));
    }
}

/// Tells an alarm or a problem that came while a command was carried out; nothing of any other event.
pub(super) fn notice(globals: &Globals, event: &Event) {
    let Event::Room { room, event: RoomEvent::Notice { notice, again, .. } } = event else { return };
    if globals.json {
        for out in translate(event.clone(), &|_| false) {
            stdout::line(&out.to_line());
        }
    } else {
        eprintln!("schat: {}", words::notice(room, notice, *again));
    }
}
