//! Files are sent, fetched and listed.

use std::path::{Path, PathBuf};

use shared::{identity::names::fold, message::timeline};

use super::Done;
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
    let path = meant(path)?;
    let duration_ms = if is_voice { length(&path)? } else { 0 };
    let file = Outgoing {
        path,
        text: String::new(),
        reply_to: None,
        keeps_metadata: false,
        duration_ms,
        token: String::new(),
    };
    pending.send_file(runtime, room, file).await?;
    Ok(Done::default())
}

/// Changes our picture.
pub(super) async fn avatar(runtime: &Runtime, path: Option<&str>) -> Result<Done, Failure> {
    let Some(path) = path else {
        runtime.set_avatar(None).await?;
        return Ok(Done::say("You have no picture any more."));
    };
    let picture = avatar::read(&meant(path)?)?;
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

/// The path that a window writes as `file://…`, where letters may stand as numbers.
pub(crate) fn of_url(text: &str) -> Option<PathBuf> {
    text.starts_with("file://").then(|| url::Url::parse(text).ok()?.to_file_path().ok()).flatten()
}

/// What a person means by a path: as it was typed, quoted by a shell or dropped by a window.
fn meant(path: &str) -> Result<PathBuf, Failure> {
    let path = path.trim();
    let quoted = |mark: char| path.strip_prefix(mark).and_then(|path| path.strip_suffix(mark));
    let path = quoted('"').or_else(|| quoted('\'')).unwrap_or(path);
    let from_url = of_url(path);
    let path = from_url.as_deref().and_then(Path::to_str).unwrap_or(path);
    let path = match path.strip_prefix("~/") {
        Some(rest) => relay::home::own_dir().map_or_else(|| PathBuf::from(path), |home| home.join(rest)),
        None if Path::new(path).exists() => PathBuf::from(path),
        // As terminals write what is dropped into them.
        None => PathBuf::from(path.replace("\\ ", " ")),
    };
    std::path::absolute(&path).map_err(|error| {
        Failure::usage(format!("That is no path: {error}."), "Write /file and where the file is.")
    })
}

pub(super) async fn get(runtime: &Runtime, room: &str, wanted: &str) -> Result<Done, Failure> {
    let line = newest(runtime, room, wanted, 1).await?.pop().ok_or_else(|| {
        let message = match wanted {
            "" => "No file was sent to this room.",
            _ => "No file of this room has these words in its name.",
        };
        Failure::not_found(message, "/files lists the newest.")
    })?;
    runtime.get_file(room, Wanted { message: line.message.id, output: None }).await?;
    Ok(Done::default())
}

pub(super) async fn list(runtime: &Runtime, room: &str) -> Result<Done, Failure> {
    let view = runtime.view(room);
    let files = newest(runtime, room, "", LISTED).await?;
    let row = |line: &timeline::Line| {
        let file = line.message.file.as_deref().map(words::file).unwrap_or_default();
        let who = words::who(&line.message.from, view.as_deref());
        format!("{} {who}: {file}", words::when(line.message.at))
    };
    let mut notes: Vec<String> = files.iter().rev().map(row).collect();
    let under_way = runtime.transfers(Some(room)).await?;
    notes.extend(
        under_way.iter().map(|(_, transfer)| format!("Under way: {}", words::transfer_row(transfer))),
    );
    if notes.is_empty() {
        notes.push("No file was sent to this room.".to_owned());
    }
    Ok(Done { notes, go: None })
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
