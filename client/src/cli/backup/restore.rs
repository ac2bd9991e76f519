//! `schat restore`.

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use shared::room::{self as engine, CloseReason};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    backup::{self, BackupError, BackupKey, Restored, Standing},
    cli::{
        Globals, phrase,
        plan::Plan,
        random::random,
        setup, telling,
        wait::{Patience, seen},
    },
    faces::{
        stdout,
        words::{command::backup as words, failure},
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, Past, RoomEvent, now_ms},
    settings,
    store::ProfileDir,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct RestoreCommand {
    /// What `schat backup` wrote.
    #[arg(value_name = "FILE|DIR")]
    source: PathBuf,
    /// The phrase is in this file [default: you are asked for it].
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    #[command(flatten)]
    patience: Patience,
}

impl RestoreCommand {
    pub(in crate::cli) async fn run(&self, globals: &Globals) -> Result<Exit, Failure> {
        let dir = ProfileDir::choose(globals.profile.clone())?;
        let told = |error: BackupError| words::failed(&error, &self.source);
        if dir.is_made() {
            return Err(told(BackupError::Occupied));
        }
        if !self.source.exists() {
            return Err(told(BackupError::Missing));
        }
        let mut left = match self.phrase_file.is_none() && io::stdin().is_terminal() {
            true => phrase::TRIES - 1,
            false => 0,
        };
        let restored = loop {
            let phrase = match &self.phrase_file {
                Some(path) => phrase::of_file(path)?,
                None => phrase::ask()?,
            };
            let key = BackupKey::from_bytes(&phrase.backup_key());
            match backup::restore(&self.source, &key, &dir, now_ms(), &random()) {
                // Some words are another phrase if one of them is mistyped.
                Err(BackupError::WrongPhrase) if left > 0 => {
                    left -= 1;
                    eprintln!("{}", failure(&told(BackupError::WrongPhrase)));
                }
                done => break done.map_err(told)?,
            }
        };
        say_restored(globals, &restored, dir.path());
        self.settings(globals, &restored);
        if !globals.json {
            eprintln!("{}", words::NO_PLAN);
        }
        let exit = match restored.rooms.iter().any(|room| room.standing == Standing::Asks) {
            true => come_back(globals, &restored, self.patience).await?,
            false => Exit::Ok,
        };
        match restored.rooms.iter().any(|room| room.lost.is_some() || room.standing == Standing::Damaged) {
            true => Err(words::damaged(&self.source)),
            false => Ok(exit),
        }
    }

    /// Where nobody has settings yet, those of the backup are used.
    fn settings(&self, globals: &Globals, restored: &Restored) {
        let carried = settings::only_carried(&restored.settings);
        if carried.is_empty() {
            return;
        }
        let Some(path) = settings::Settings::path(globals.config.as_deref()) else { return };
        let written = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(carried.as_bytes())
        };
        match written() {
            _ if globals.json => {}
            Ok(()) => eprintln!("{}", words::settings_here(&path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                eprintln!("{}", words::settings_stay(&path));
            }
            Err(error) => eprintln!("{}", words::settings_lost(&path, &error)),
        }
    }
}

fn say_restored(globals: &Globals, restored: &Restored, dir: &Path) {
    if globals.json {
        let counts = restored.counts;
        stdout::line(
            &json!({
                "v": 1, "event": "restored", "people": counts.people, "rooms": counts.rooms, "lines": counts.lines,
                "files": counts.files, "made": restored.made,
            })
            .to_string(),
        );
    } else {
        stdout::line(&words::restored(restored.counts, restored.made, dir));
    }
    for room in restored.rooms.iter().filter(|room| room.lost.is_some()) {
        let lost = room.lost;
        match globals.json {
            true => stdout::line(
                &json!({ "v": 1, "event": "not_restored", "room": room.label, "parts": lost.past, "files": lost.files })
                    .to_string(),
            ),
            false => stdout::line(&words::of_room(&room.label, &words::lost(lost))),
        };
    }
    for room in restored.rooms.iter().filter(|room| room.standing != Standing::Asks) {
        say_room(globals, &room.label, words::standing(room.standing));
    }
}

/// `(for programs, for people)`.
fn say_room(globals: &Globals, room: &str, (state, said): (&str, &str)) {
    match globals.json {
        true => {
            stdout::line(&json!({ "v": 1, "event": "returned", "room": room, "state": state }).to_string())
        }
        false => stdout::line(&words::of_room(room, said)),
    };
}

/// Waits until members have let this device back into its rooms, and says of each how it stands.
async fn come_back(globals: &Globals, restored: &Restored, patience: Patience) -> Result<Exit, Failure> {
    let profile = setup::existing(globals)?;
    let plan = Plan { past: Past::Nothing, only: None, own: None };
    let (runtime, mut events) = setup::start(globals, profile, plan).await?;
    let asking = restored.rooms.iter().filter(|room| room.standing == Standing::Asks);
    let mut left: Vec<String> = asking.map(|room| room.label.clone()).collect();
    if !globals.json {
        eprintln!("{}", words::WAITING);
    }
    let mut exit = Exit::Ok;
    let until = until_back(globals, &runtime, &mut events, (&mut left, &mut exit));
    let _ = timeout(patience.time(), until).await;
    for room in &left {
        say_room(globals, room, words::STILL_ASKS);
    }
    if !left.is_empty() && !globals.json {
        eprintln!("{}", words::LATER);
    }
    runtime.shutdown().await;
    Ok(exit)
}

async fn until_back(
    globals: &Globals,
    runtime: &Runtime,
    events: &mut mpsc::Receiver<Event>,
    (left, exit): (&mut Vec<String>, &mut Exit),
) {
    let mut is_warned = false;
    while !left.is_empty() {
        let Some(event) = events.recv().await else { return };
        seen(runtime, event.notice()).await;
        let Event::Room { room, event } = event else { continue };
        let Some(index) = left.iter().position(|label| **label == *room) else { continue };
        let Some((told, code)) = came_of(&event) else { continue };
        // What was refused in one room is the command's answer, whatever the others say.
        *exit = if code == Exit::Ok { *exit } else { code };
        let told = match (told, &event) {
            (Some(told), _) => told,
            (None, RoomEvent::Notice { notice, .. }) => {
                match is_warned && !globals.json {
                    // It is the same in each of them, and long.
                    true => eprintln!("{}", words::of_room(&room, words::ANOTHER_CAME)),
                    false => {
                        telling::of_room(globals.json, &room, &words::of_room(&room, ""), &notice.into());
                    }
                }
                is_warned = true;
                continue;
            }
            (None, _) => continue,
        };
        left.remove(index);
        say_room(globals, &room, told);
    }
}

/// What a room's event says of its coming back, and how the command ends for it; none where it says nothing of that. Without words: it
/// asks on, and what came is told as such.
fn came_of(event: &RoomEvent) -> Option<(Option<(&'static str, &'static str)>, Exit)> {
    match event {
        RoomEvent::Notice { notice, .. } => match notice.code()? {
            "back" => Some((Some(words::BACK), Exit::Ok)),
            "another_came" => Some((None, Exit::Refused)),
            _ => None,
        },
        RoomEvent::Engine(engine::Event::Closed { reason: CloseReason::KeyReplaced, .. }) => {
            Some((Some(words::KEY_REPLACED), Exit::Refused))
        }
        // Whoever has another key left no place to ask from, so the relay alone answers.
        RoomEvent::Engine(engine::Event::Closed { .. }) => Some((Some(words::NO_MEMBER), Exit::Refused)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use shared::room::Problem;

    use super::*;
    use crate::store::Notice;

    #[test]
    fn restore_that_is_not_let_in_or_not_alone_is_refused_and_says_what_may_have_been() {
        let closed = |reason| came_of(&RoomEvent::Engine(engine::Event::Closed { reason, was_member: true }));
        assert_eq!(closed(CloseReason::KeyReplaced), Some((Some(words::KEY_REPLACED), Exit::Refused)));
        assert_eq!(closed(CloseReason::LockedOut), Some((Some(words::NO_MEMBER), Exit::Refused)));
        for words in ["removed", "key was replaced", "`schat link --new`", "new invite"] {
            assert!(words::NO_MEMBER.1.contains(words), "{words}");
        }
        let notice = |problem| {
            let notice = Notice::Problem(problem);
            came_of(&RoomEvent::Notice { ordinal: 1, notice, again: false })
        };
        assert_eq!(notice(Problem::AnotherCame), Some((None, Exit::Refused)));
        assert_eq!(notice(Problem::Back { has_missed: false }), Some((Some(words::BACK), Exit::Ok)));
        assert_eq!(notice(Problem::Leaving), None);
    }
}
