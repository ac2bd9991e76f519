//! `schat search` and `schat export`: what this device keeps of rooms. They need no relay.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use shared::{
    message::timeline::Line,
    room::{Engine, GroupView},
};

use super::{Globals, attach};
use crate::{
    faces::{json::Out, plain, stdout, words, zone},
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::now_ms,
    store::{Hit, Item, OpenProfile, Query, RoomRecord, Search},
    text::names::meant,
};

/// Lines that are read at once.
const PAGE: u32 = 200;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One object per line, as in docs/json.md.
    Json,
    /// For people, with times.
    Text,
}

/// What `search` looks for.
pub(super) struct Wanted<'a> {
    pub(super) words: &'a [String],
    pub(super) room: Option<&'a str>,
    pub(super) from: Option<&'a str>,
    pub(super) limit: usize,
}

pub(super) async fn search(globals: &Globals, wanted: &Wanted<'_>) -> Result<Exit, Failure> {
    let query = Query::new(&wanted.words.join(" "), wanted.from);
    if query.is_empty() {
        return Err(words::command::room::no_words());
    }
    let hits = match attach::quiet(globals).await? {
        Ok(profile) => look(&profile, query, wanted)?,
        Err(runtime) => runtime.search(wanted.room, &query, wanted.limit).await?,
    };
    if hits.is_empty() {
        return Err(words::command::room::nothing_fits());
    }
    if !globals.json {
        say_of_zone();
    }
    for Hit { room, line } in hits {
        let written = match globals.json {
            true => vec![Out::message(room, line, true).to_line()],
            false => shown(&line, Some(&room)),
        };
        if !written.iter().all(|line| stdout::line(line)) {
            break;
        }
    }
    Ok(Exit::Ok)
}

fn look(profile: &OpenProfile, query: Query, wanted: &Wanted<'_>) -> Result<Vec<Hit>, Failure> {
    let rooms = match wanted.room {
        Some(room) => vec![find(profile, room)?],
        None => profile.vault.now(|store| store.shown_rooms())?,
    };
    rooms.iter().for_each(|room| expire(profile, room));
    let rooms = rooms.into_iter().map(|room| (room.id, room.label));
    let mut search = Search::new(query, rooms, wanted.limit);
    while !search.is_done() {
        search = profile.vault.now(|store| store.search(search))?;
    }
    Ok(search.hits())
}

/// Where `export` writes to.
pub(super) struct Target {
    pub(super) format: Format,
    pub(super) output: Option<PathBuf>,
    pub(super) force: bool,
}

pub(super) async fn export(globals: &Globals, room: &str, target: &Target) -> Result<Exit, Failure> {
    let shelf = match attach::quiet(globals).await? {
        Ok(profile) => {
            let room = find(&profile, room)?;
            expire(&profile, &room);
            Shelf::Ours(room, Box::new(profile))
        }
        Err(runtime) => Shelf::Daemon(runtime.room(room)?.label, runtime),
    };
    if target.format == Format::Text {
        say_of_zone();
    }
    let mut to: Box<dyn Write> = match &target.output {
        Some(path) => Box::new(
            create(path, target.force).map_err(|error| words::command::room::export_refused(path, &error))?,
        ),
        None => Box::new(BufWriter::new(stdout::open())),
    };
    let written = write(&shelf, room, target.format, &mut to).await;
    match (written?, &target.output) {
        (Ok(()), _) => Ok(Exit::Ok),
        // Whoever read it has enough; all else is told at the end.
        (Err(error), None) => {
            stdout::kept(Err(error));
            Ok(Exit::Ok)
        }
        (Err(error), Some(path)) => Err(words::command::room::export_broken(path, &error)),
    }
}

/// Where a room's lines are.
enum Shelf {
    Ours(RoomRecord, Box<OpenProfile>),
    Daemon(String, Runtime),
}

impl Shelf {
    async fn page(&self, after: u64) -> Result<Vec<Item>, Failure> {
        match self {
            Self::Ours(room, profile) => {
                Ok(profile.vault.now(|store| store.past_after(room.id, after, PAGE))?)
            }
            Self::Daemon(room, runtime) => Ok(runtime.past_after(room, after, PAGE).await?),
        }
    }
}

async fn write(
    shelf: &Shelf,
    room: &str,
    format: Format,
    to: &mut dyn Write,
) -> Result<io::Result<()>, Failure> {
    let mut after = 0;
    loop {
        let page = shelf.page(after).await?;
        let last = page.iter().rev().find_map(Item::line).map(|line| line.message.seq);
        // What happened after the last line came with it.
        if last.is_none() && after > 0 {
            return Ok(to.flush());
        }
        for item in page {
            let lines = match (item, format) {
                (Item::Line(line), Format::Json) => vec![Out::message(room.to_owned(), line, true).to_line()],
                (Item::Line(line), Format::Text) => shown(&line, None),
                (Item::Happening(happening), Format::Json) => {
                    vec![Out::happening(room.to_owned(), happening).to_line()]
                }
                (Item::Happening(happening), Format::Text) => {
                    let told = words::happening(&happening.what, None, None);
                    // Not a star: that is what somebody does.
                    vec![format!("{} - {told}", zone::stamp(happening.at))]
                }
            };
            for line in lines {
                if let Err(error) = writeln!(to, "{line}") {
                    return Ok(Err(error));
                }
            }
        }
        let Some(last) = last else { return Ok(to.flush()) };
        after = last;
    }
}

/// Where times are not those of the zone that somebody asked for.
fn say_of_zone() {
    if let Some(said) = zone::here().1 {
        eprintln!("schat: {said}");
    }
}

/// For its owner alone: it holds what the profile seals.
fn create(path: &Path, force: bool) -> io::Result<BufWriter<File>> {
    let mut options = OpenOptions::new();
    options.write(true);
    match force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(BufWriter::new)
}

fn shown(line: &Line, room: Option<&str>) -> Vec<String> {
    let at = zone::stamp(line.message.at);
    let mut lines = plain::lines(line, room);
    if let Some(first) = lines.first_mut() {
        *first = format!("{at} {first}");
    }
    for sign in &line.reactions {
        let people: Vec<_> = sign.people.iter().map(|person| words::who(person, None)).collect();
        lines.push(format!("  {} {}", words::sign(&sign.emoji), people.join(", ")));
    }
    lines
}

pub(super) fn find(profile: &OpenProfile, room: &str) -> Result<RoomRecord, Failure> {
    let rooms = profile.vault.now(|store| store.rooms())?;
    let meant = meant(rooms.iter().map(|record| record.label.as_str()), room).map(str::to_owned);
    rooms
        .into_iter()
        .find(|record| Some(&record.label) == meant.as_ref())
        .ok_or_else(|| words::command::room::unknown(room))
}

/// What is to disappear is not printed, although no program ran when its time came.
fn expire(profile: &OpenProfile, room: &RoomRecord) {
    // On a disk that cannot be written it stays.
    let _ = profile.vault.now(|store| store.expire(room.id, now_ms()));
}

/// The group as this device knew it last.
pub(super) fn view(profile: &OpenProfile, record: &RoomRecord) -> Result<Option<GroupView>, Failure> {
    if record.closed.is_some() {
        return Ok(None);
    }
    let rows = profile.vault.now(|store| store.rows(record.id))?;
    let engine = Engine::load(&profile.engine, rows, now_ms())
        .map_err(|error| words::command::room::damaged(error.to_string()))?;
    Ok(engine.view())
}
