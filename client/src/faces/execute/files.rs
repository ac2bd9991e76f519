//! Files are sent, fetched and listed.

use std::path::Path;

use shared::{identity::names::fold, message::timeline};

use super::{Done, paths};
use crate::{
    faces::{avatar, pending::Pending, words},
    failure::Failure,
    handle::Runtime,
    reason::FileFault,
    runtime::{Outgoing, Wanted},
    sound,
};

/// Files that a list shows: a screen.
const LISTED: usize = 10;

/// Digits of an id that a list shows: enough to tell some thousand files apart.
const DIGITS: usize = 8;

/// Lines that are read at once.
const PAGE: u32 = 200;

/// Lines that are looked at for a file, at most: further up nobody remembers its name.
const LOOKED_AT: usize = 10_000;

pub(super) async fn send(
    runtime: &Runtime,
    pending: &Pending,
    room: &str,
    path: &str,
    is_voice: bool,
) -> Result<Done, Failure> {
    let paths = paths::all(path)?;
    // Of several files none is sent, if one cannot be.
    let lengths = paths.iter().map(|path| if is_voice { length(path) } else { Ok(0) });
    let lengths = lengths.collect::<Result<Vec<_>, _>>()?;
    for (path, duration_ms) in paths.into_iter().zip(lengths) {
        let file = Outgoing {
            path,
            text: String::new(),
            reply_to: None,
            keeps_metadata: false,
            duration_ms,
            token: String::new(),
        };
        pending.send_file(runtime, room, file).await?;
    }
    Ok(Done::default())
}

/// Changes our picture.
pub(super) async fn avatar(runtime: &Runtime, path: Option<&str>) -> Result<Done, Failure> {
    let Some(path) = path else {
        runtime.set_avatar(None).await?;
        return Ok(Done::say("You have no picture any more."));
    };
    let picture = avatar::read(&paths::one(path)?)?;
    runtime.set_avatar(Some(picture)).await?;
    Ok(Done::say("Your picture goes to your rooms. It is seen by their members, and proves nothing."))
}

/// How long a recording is, in milliseconds.
fn length(path: &Path) -> Result<u32, Failure> {
    let found = sound::duration_ms(path).map_err(|error| {
        Failure::usage(
            format!("{} cannot be read: {}.", path.display(), words::fault(&FileFault::from(&error))),
            "Write /voice and where the file is.",
        )
    })?;
    let silent = || format!("{} does not say how long it is.", path.display());
    found.ok_or_else(|| Failure::usage(silent(), "Send it with /file, or by schat file send --duration 12s."))
}

pub(super) async fn get(runtime: &Runtime, room: &str, wanted: &str) -> Result<Done, Failure> {
    let by_id = match is_id(wanted) {
        true => {
            chosen(runtime, room, |line| id_of(line).starts_with(&wanted.to_ascii_lowercase()), 2).await?
        }
        false => Vec::new(),
    };
    let mut found = match by_id.is_empty() {
        true => newest(runtime, room, wanted, 1).await?,
        false => by_id,
    };
    if found.len() > 1 {
        let message = format!("Several files have an id that begins with {wanted}.");
        return Err(Failure::usage(message, "Give more of its digits; the details of a message have all."));
    }
    let line = found.pop().ok_or_else(|| Failure::not_found(none(wanted), "/files lists the newest."))?;
    runtime.get_file(room, Wanted { message: line.message.id, output: None }).await?;
    Ok(Done::default())
}

pub(super) async fn list(runtime: &Runtime, room: &str, wanted: &str) -> Result<Done, Failure> {
    let view = runtime.view(room);
    let files = newest(runtime, room, wanted, LISTED).await?;
    let row = |line: &timeline::Line| {
        let file = line.message.file.as_deref().map(words::file).unwrap_or_default();
        let who = words::who(&line.message.from, view.as_deref());
        let id = id_of(line).get(..DIGITS).unwrap_or_default().to_owned();
        format!("{id} {} {who}: {file}", words::when(line.message.at))
    };
    let mut notes: Vec<String> = files.iter().rev().map(row).collect();
    let under_way = runtime.transfers(Some(room)).await?;
    notes.extend(
        under_way.iter().map(|(_, transfer)| format!("Under way: {}", words::transfer_row(transfer))),
    );
    if notes.is_empty() {
        notes.push(none(wanted).to_owned());
    }
    Ok(Done::tell(notes))
}

/// Nothing fits.
fn none(wanted: &str) -> &'static str {
    match wanted {
        "" => "No file was sent to this room.",
        _ => "No file of this room has these words in its name, or an id that begins so.",
    }
}

/// The id of the message that brings a file.
fn id_of(line: &timeline::Line) -> String {
    hex::encode(line.message.id)
}

/// As many digits as lists show at least: fewer are words.
fn is_id(wanted: &str) -> bool {
    wanted.len() >= DIGITS && wanted.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The newest lines whose file has these words in its name, newest first.
async fn newest(
    runtime: &Runtime,
    room: &str,
    wanted: &str,
    limit: usize,
) -> Result<Vec<timeline::Line>, Failure> {
    let wanted = fold(wanted);
    let fits = |line: &timeline::Line| {
        let name = line.message.file.as_ref().map(|file| fold(&file.name));
        name.is_some_and(|name| wanted.split_whitespace().all(|word| name.contains(word)))
    };
    chosen(runtime, room, fits, limit).await
}

/// The newest lines with a file that are meant, newest first.
async fn chosen(
    runtime: &Runtime,
    room: &str,
    is_meant: impl Fn(&timeline::Line) -> bool,
    limit: usize,
) -> Result<Vec<timeline::Line>, Failure> {
    let fits = |line: &timeline::Line| line.message.file.is_some() && is_meant(line);
    let (mut found, mut looked_at, mut before) = (Vec::new(), 0, u64::MAX);
    while found.len() < limit && looked_at < LOOKED_AT {
        let page = runtime.history_before(room, before, PAGE).await?;
        let Some(first) = page.first() else { break };
        (before, looked_at) = (first.message.seq, looked_at + page.len());
        found.extend(page.into_iter().rev().filter(fits));
    }
    found.truncate(limit);
    Ok(found)
}
