//! Going to a room, and what rooms there are.

use std::collections::BTreeMap;

use super::Done;
use crate::{
    faces::{
        pending::Pending,
        sanitize,
        unread::{Unread, unread_rooms},
        words,
    },
    failure::Failure,
    handle::Runtime,
    runtime::RoomStatus,
};

pub(super) async fn join(runtime: &Runtime, pending: &Pending, name: String) -> Result<Done, Failure> {
    let known = runtime.room(&name).ok().filter(|status| status.over.is_none());
    let Some(status) = known else {
        let label = runtime.open(&name, None).await?;
        pending.join(runtime, &label);
        // What an open room is stands in what says that we are in.
        return Ok(Done::go(label));
    };
    let notes = match status.view {
        Some(view) => words::joined(&status.label, &view),
        None => vec![format!("Waiting for {}.", words::called(&name))],
    };
    Ok(Done { notes, go: Some(status.label), ..Done::default() })
}

/// What a room is.
pub fn info(status: &RoomStatus) -> Vec<String> {
    let about = words::About {
        label: &status.label,
        id: &status.id,
        relay: status.relay.as_ref().map(ToString::to_string),
        view: status.view.as_deref(),
        over: status.over.as_ref(),
    };
    about.lines()
}

/// What was not read, room by room, for the start of a face that has no place for it.
pub(in crate::faces) async fn unread(runtime: &Runtime) -> Vec<String> {
    let all = unread_rooms(runtime).await.into_iter();
    let said = |(room, unread): (String, Result<Unread, Failure>)| {
        Some(format!("{}: {}.", words::called(&room), unread.ok()?.words()?))
    };
    all.filter_map(said).collect()
}

/// `all`: with those that were left.
pub(super) async fn rooms(runtime: &Runtime, current: Option<&str>, all: bool) -> Vec<String> {
    let unread: BTreeMap<_, _> = unread_rooms(runtime).await.into_iter().collect();
    let mut rooms = runtime.rooms();
    rooms.retain(|status| all || !status.is_left());
    // Those of one kind stay as they are.
    rooms.sort_by_key(|status| !status.is_pinned);
    if rooms.is_empty() {
        return vec!["You have no rooms. Join one: /join LINK, or /join NAME for an open room.".to_owned()];
    }
    let line = |status: RoomStatus| {
        let mark = if current == Some(status.label.as_str()) { "*" } else { " " };
        let state = match (&status.over, &status.view) {
            _ if status.is_left() => "left".to_owned(),
            (Some(why), _) => format!("over: {}", sanitize::line(&words::over(why))),
            (None, Some(view)) => {
                let open = if view.open { ", OPEN" } else { "" };
                let verified = if status.is_verified { ", all verified" } else { "" };
                let unread = unread.get(&status.label).and_then(|unread| unread.as_ref().ok()?.words());
                let unread = unread.map(|unread| format!(", {unread}")).unwrap_or_default();
                let pinned = if status.is_pinned { ", pinned" } else { "" };
                let members = words::counted(view.count(), "member");
                format!("{members}{open}{verified}{pinned}{unread}")
            }
            (None, None) => "not in yet".to_owned(),
        };
        format!("{mark} {}  {state}", words::called(&status.label))
    };
    rooms.into_iter().map(line).collect()
}
