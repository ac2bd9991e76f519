//! `relay rooms`.

use std::{fmt::Write, time::Duration};

use clap::{Args, value_parser};
use serde::Serialize;

use crate::{
    admin::{
        client,
        rooms::{DroppedList, FrozenRoom, MAX_ROOMS, RoomRow, Rooms},
    },
    clock::unix_ms,
    config::Loaded,
    ops::{
        human::{bytes, span},
        print,
    },
};

/// Characters of an id that are shown: enough that no two of a million rooms look alike.
const SHOWN: usize = 16;

/// Rooms asked for at once with --all.
const PAGE: usize = 1000;

/// The rooms of the running relay in numbers, the largest first.
#[derive(Clone, Debug, Args)]
pub struct RoomsCommand {
    /// Show so many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u64).range(1..=MAX_ROOMS as u64))]
    top: u64,
    /// Show all, in the order of their ids.
    #[arg(long, conflicts_with = "top")]
    all: bool,
    /// Show those that were dropped and that nobody opens again for now, the newest first.
    #[arg(long, conflicts_with_all = ["top", "all"])]
    dropped: bool,
    /// Print one line of JSON per room instead, with the whole id.
    #[arg(long)]
    json: bool,
}

impl RoomsCommand {
    /// Asks, and prints the answer.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        if self.dropped {
            return self.show_dropped(&client::get(&data_dir, "/v1/dropped").await?);
        }
        let (mut after, mut path) = (String::new(), format!("/v1/rooms?top={}", self.top));
        loop {
            if self.all {
                path = format!("/v1/rooms?count={PAGE}{after}");
            }
            let Rooms { rooms, total } = client::get(&data_dir, &path).await?;
            let mut text = String::new();
            // Only once there is an answer: a heading above an error would look like an empty list.
            if !self.json && after.is_empty() {
                writeln!(
                    text,
                    "{:<SHOWN$}  {:>9}  {:>12}  {:>6}  LAST ACTIVITY",
                    "ROOM", "ENTRIES", "SIZE", "KEYS"
                )?;
            }
            for room in &rooms {
                writeln!(text, "{}", if self.json { json(room)? } else { row(room, unix_ms()) })?;
            }
            if !self.all && !self.json && total > rooms.len() as u64 {
                writeln!(text, "The largest {} of {total}; --all shows all.", rooms.len())?;
            }
            let is_read = print::all(text)?;
            match rooms.last() {
                Some(last) if is_read && self.all && rooms.len() == PAGE => {
                    after = format!("&after={}", last.id);
                }
                _ => return Ok(()),
            }
        }
    }
}

impl RoomsCommand {
    fn show_dropped(&self, DroppedList { rooms }: &DroppedList) -> anyhow::Result<()> {
        let mut text = String::new();
        if !self.json {
            writeln!(text, "{:<SHOWN$}  {:<14}  REASON", "ROOM", "DROPPED")?;
        }
        for room in rooms {
            if self.json {
                writeln!(text, "{}", json(room)?)?;
                continue;
            }
            let ago = format!("{} ago", since(room.at_ms, unix_ms()));
            let row = format!("{}  {ago:<14}  {}", room.id.get(..SHOWN).unwrap_or(&room.id), room.reason);
            writeln!(text, "{}", row.trim_end())?;
        }
        print::all(text)?;
        Ok(())
    }
}

fn since(at_ms: u64, now_ms: u64) -> String {
    span(Duration::from_millis(now_ms.saturating_sub(at_ms)))
}

/// A row of the table.
fn row(room: &RoomRow, now_ms: u64) -> String {
    let RoomRow { id, entries, keys, .. } = room;
    let id = id.get(..SHOWN).unwrap_or(id);
    let size = bytes(room.bytes + room.slot_bytes);
    let last = match room.last_at_ms {
        0 => "unknown".into(),
        at => format!("{} ago", since(at, now_ms)),
    };
    let frozen = room.frozen.as_ref().map_or(String::new(), |frozen| frozen_text(frozen, now_ms));
    format!("{id}  {entries:>9}  {size:>12}  {keys:>6}  {last}{frozen}")
}

fn frozen_text(frozen: &FrozenRoom, now_ms: u64) -> String {
    let mut said = format!(", frozen for {}", since(frozen.at_ms, now_ms));
    if let Some(opener) = &frozen.opener {
        said += &format!(" with its opener {opener}");
    }
    if frozen.reason.is_empty() { said } else { format!("{said}: {}", frozen.reason) }
}

fn json<T: Serialize>(room: &T) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct JsonLine<'a, T> {
        v: u32,
        #[serde(flatten)]
        room: &'a T,
    }
    serde_json::to_string(&JsonLine { v: 1, room })
}
