//! `schat search` and `schat export`: what this device keeps of rooms. They need no relay.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use shared::{
    identity::Fingerprint,
    message::timeline::Line,
    room::{Engine, GroupView},
};

use super::{Globals, attach};
use crate::{
    faces::{
        json::Out,
        plain, stdout,
        words::{self, Among},
        zone,
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::now_ms,
    store::{Hit, Item, KnownPerson, OpenProfile, Query, RoomRecord, Search},
    text::{names::meant, namesakes::Namesakes},
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
    let source = Source::of(globals).await?;
    let hits = match &source {
        Source::Ours(profile) => look(profile, query, wanted)?,
        Source::Daemon(runtime) => runtime.search(wanted.room, &query, wanted.limit).await?,
    };
    if hits.is_empty() {
        return Err(words::command::room::nothing_fits());
    }
    let mut named = BTreeMap::new();
    if !globals.json {
        say_of_zone();
        for label in hits.iter().map(|hit| &hit.room).collect::<BTreeSet<_>>() {
            named.insert(label.clone(), names(&source.shelf(label)?).await?);
        }
    }
    for Hit { room, line } in hits {
        let past = named.get(&room);
        let written = match globals.json {
            true => vec![Out::message(room, line, true).to_line()],
            false => shown(&line, Among { past, ..Among::default() }, Some(&room)),
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
    let source = Source::of(globals).await?;
    let shelf = source.shelf(room)?;
    let mut named = Namesakes::default();
    if target.format == Format::Text {
        say_of_zone();
        named = names(&shelf).await?;
    }
    let among = Among { past: Some(&named), me: Some(source.me()), ..Among::default() };
    let mut to: Box<dyn Write> = match &target.output {
        Some(path) => Box::new(
            create(path, target.force).map_err(|error| words::command::room::export_refused(path, &error))?,
        ),
        None => Box::new(BufWriter::new(stdout::open())),
    };
    let written = write(&shelf, room, target.format, among, &mut to).await;
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

/// Where lines are.
enum Source {
    Ours(Box<OpenProfile>),
    Daemon(Runtime),
}

impl Source {
    async fn of(globals: &Globals) -> Result<Self, Failure> {
        Ok(match attach::quiet(globals).await? {
            Ok(profile) => Self::Ours(Box::new(profile)),
            Err(runtime) => Self::Daemon(runtime),
        })
    }

    fn me(&self) -> Fingerprint {
        match self {
            Self::Ours(profile) => profile.engine.identity.fingerprint(),
            Self::Daemon(runtime) => runtime.me().1,
        }
    }

    fn shelf(&self, room: &str) -> Result<Shelf<'_>, Failure> {
        Ok(match self {
            Self::Ours(profile) => {
                let room = find(profile, room)?;
                expire(profile, &room);
                Shelf::Ours(room, profile)
            }
            Self::Daemon(runtime) => Shelf::Daemon(runtime.room(room)?.label, runtime),
        })
    }
}

/// Where a room's lines are.
enum Shelf<'a> {
    Ours(RoomRecord, &'a OpenProfile),
    Daemon(String, &'a Runtime),
}

/// Everybody whom a room's history names: people of one name are told apart from the first line on.
async fn names(shelf: &Shelf<'_>) -> Result<Namesakes, Failure> {
    let mut named = Namesakes::default();
    named.became_all(shelf.key_changes().await?);
    let mut after = 0;
    loop {
        let page = shelf.page(after).await?;
        named.add_all(&page.iter().flat_map(Item::people).collect::<Vec<_>>());
        named.became_all(page.iter().filter_map(Item::change));
        match page.iter().rev().find_map(Item::line) {
            Some(last) => after = last.message.seq,
            None => return Ok(named),
        }
    }
}

impl Shelf<'_> {
    async fn key_changes(&self) -> Result<Vec<(Fingerprint, Fingerprint)>, Failure> {
        match self {
            Self::Ours(_, profile) => {
                let people = profile.vault.now(|store| Ok(store.people().all()))?;
                Ok(people.iter().filter_map(KnownPerson::change).collect())
            }
            Self::Daemon(_, runtime) => Ok(runtime.key_changes().await?),
        }
    }

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
    shelf: &Shelf<'_>,
    room: &str,
    format: Format,
    among: Among<'_>,
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
                (Item::Line(line), Format::Text) => shown(&line, among, None),
                (Item::Happening(happening), Format::Json) => {
                    vec![Out::happening(room.to_owned(), happening).to_line()]
                }
                (Item::Happening(happening), Format::Text) => {
                    let told = words::happening(&happening.what, None, among);
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

fn shown(line: &Line, among: Among<'_>, room: Option<&str>) -> Vec<String> {
    let at = zone::stamp(line.message.at);
    let mut lines = plain::lines(line, among, room);
    if let Some(first) = lines.first_mut() {
        *first = format!("{at} {first}");
    }
    for reaction in &line.reactions {
        let people: Vec<_> = reaction.people.iter().map(|person| words::who(person, among)).collect();
        lines.push(format!("  {} {}", words::reaction(&reaction.emoji), people.join(", ")));
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
