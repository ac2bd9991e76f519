//! The devices of this person in words.

use std::collections::BTreeMap;

use super::{called, counted, when};
use crate::runtime::OwnDevice;

/// All of them by room, a line each. The room in which they keep in step has no name that anybody gave it.
pub fn devices(all: &[OwnDevice]) -> Vec<String> {
    let mut rooms: BTreeMap<(bool, &str), Vec<&OwnDevice>> = BTreeMap::new();
    for one in all {
        rooms.entry((!one.is_hidden, &one.room)).or_default().push(one);
    }
    if rooms.is_empty() {
        return vec!["You are in no room yet, so no room knows a device of yours.".to_owned()];
    }
    let lines = rooms.into_iter().flat_map(|((is_shown, room), devices)| {
        let title = if is_shown { called(room) } else { "Your devices among themselves".to_owned() };
        std::iter::once(format!("{title}:")).chain(devices.into_iter().map(device))
    });
    lines.collect()
}

/// One of them.
fn device(one: &OwnDevice) -> String {
    let here = if one.is_me { " (this one)" } else { "" };
    let since = if one.since == 0 { String::new() } else { format!(", since {}", when(one.since)) };
    let goes = if one.goes { "; is being removed" } else { "" };
    format!("  {}{here}{since}{goes}", called(&one.name))
}

/// What removing one means, and how to do it.
pub fn removes(named: &str) -> String {
    format!(
        "{} will be taken out of every room: it reads nothing more, all invites end, and only a new link lets it in again. What \
         it has read so far stays on it. To remove it, type the same once more.",
        called(named)
    )
}

/// It is asked for.
pub fn asked_removal(rooms: usize) -> String {
    format!("It goes from {}; where the relay is not there now, as soon as it is.", counted(rooms, "room"))
}

/// What became of a removal in one room.
pub fn removal(room: &str, is_hidden: bool, is_done: bool) -> String {
    let room = if is_hidden { "your devices among themselves".to_owned() } else { called(room) };
    match is_done {
        true => format!("{room}: removed"),
        false => format!("{room}: not yet; it is tried again whenever schat runs"),
    }
}

/// This device has another name.
pub fn named(name: &str) -> String {
    format!("This device is called {} from now on.", called(name))
}
