//! Which file is meant.

use shared::{message::timeline::Line, room as engine};
use tokio::sync::mpsc;

use crate::{
    cli::{
        Globals,
        wait::{Patience, wait},
    },
    faces::words::command::file as words,
    failure::Failure,
    handle::Runtime,
    runtime::{Event, RoomEvent},
};

/// Lines that are read at once.
pub(super) const PAGE: u32 = 200;

/// Digits of an id that are shown: enough to tell some thousand files apart.
pub(super) const SHOWN: usize = 8;

/// Files that are looked at, at most, for one that is meant: older ones are named by more digits, or not at all.
const LOOKED_AT: usize = 10_000;

/// The last word for the newest file.
const LAST: &str = "last";

/// The newest lines with a file, newest first.
pub(super) async fn files(
    limit: usize,
    mut page: impl AsyncFnMut(u64) -> Result<Vec<Line>, Failure>,
) -> Result<Vec<Line>, Failure> {
    let (mut found, mut before) = (Vec::new(), u64::MAX);
    while found.len() < limit {
        let lines = page(before).await?;
        let Some(first) = lines.first() else { break };
        before = first.message.seq;
        found.extend(lines.into_iter().rev().filter(|line| line.message.file.is_some()));
    }
    found.truncate(limit);
    Ok(found)
}

/// The line whose file is meant. What was said while nobody was here is read first, where it matters.
pub(super) async fn find(
    globals: &Globals,
    runtime: &Runtime,
    events: &mut mpsc::Receiver<Event>,
    (room, id): (&str, &str),
    patience: Patience,
) -> Result<Line, Failure> {
    if id != LAST
        && let Some(line) = look(runtime, room, id).await?
    {
        return Ok(line);
    }
    wait(globals, runtime, (room, patience), events, |event| match event {
        RoomEvent::Engine(engine::Event::Joined(_)) => Some(()),
        _ => None,
    })
    .await?;
    look(runtime, room, id).await?.ok_or_else(|| match id {
        LAST => words::none_sent(),
        _ => words::none_begins(id),
    })
}

async fn look(runtime: &Runtime, room: &str, id: &str) -> Result<Option<Line>, Failure> {
    let limit = if id == LAST { 1 } else { LOOKED_AT };
    let known = files(limit, async |before| Ok(runtime.history_before(room, before, PAGE).await?)).await?;
    let wanted = id.to_ascii_lowercase();
    let fits = |line: &Line| id == LAST || hex::encode(line.message.id).starts_with(&wanted);
    let mut found = known.into_iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) if id != LAST => Err(words::several_begin(id)),
        (found, _) => Ok(found),
    }
}
