//! `schat file`: files are sent to rooms and fetched from them.

mod export;
mod find;
mod follow;
mod pipe;
mod voice;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use shared::message::timeline::Line;
use tokio::sync::mpsc;

use super::{
    Globals, attach, labelled,
    plan::Plan,
    wait::{Patience, one},
};
use crate::{
    faces::{
        json::Out,
        stdout,
        words::{self, command::file as own_words},
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, Outgoing, Past, Steer, Transfer, TransferState, Wanted, Way, stored_transfers},
    store::OpenProfile,
};
pub(super) use export::fetch_all;
use follow::{Followed, follow, follow_from, meanwhile};
pub(super) use voice::Voice;

/// Files of one command that are under way at a time: fewer than a profile keeps, so that any number can be sent.
const TOGETHER: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum FileCommand {
    /// Send files to a room, and wait until the relay has them and what says so.
    ///
    /// A file that was not sent to its end goes on where it stopped: give the same command again, or open the chat.
    Send {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// The files.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// What is said with the first of them.
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true,
            allow_hyphen_values = true
        )]
        text: String,
        /// Send pictures with what they tell besides their pixels: where and when they were taken, and with what.
        #[arg(long)]
        keep_metadata: bool,
        /// They are voice messages; how long they are is read from them (Ogg, WAV).
        #[arg(long)]
        voice: bool,
        /// It is a voice message of this length, as in 12s or 1m30s.
        #[arg(long, value_name = "TIME", value_parser = voice::length)]
        duration: Option<u32>,
        #[command(flatten)]
        patience: Patience,
    },
    /// Fetch a file that was sent to a room; nothing that is there is overwritten.
    ///
    /// It prints where the file is. What was fetched of it before is not fetched again. With `--output -` the file goes to standard
    /// output, once all of it is there and proven; that one does not go on by itself.
    Get {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// The beginning of its id, as `schat file list` shows it, or `last` for the newest file.
        #[arg(value_name = "ID|last")]
        id: String,
        /// Where it is to be: a name, a directory, or `-` for standard output [default: the directory of config.toml, or Downloads].
        #[arg(long, short, value_name = "PATH", allow_hyphen_values = true)]
        output: Option<PathBuf>,
        #[command(flatten)]
        patience: Patience,
    },
    /// List the files of a room that this device knows of, the newest last.
    List {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// At most so many.
        #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = super::number::<usize>)]
        limit: usize,
    },
    /// List the files that are under way.
    Transfers,
    /// Let a file that is under way wait.
    Pause {
        /// Its number, as `schat file transfers` shows it.
        number: i64,
    },
    /// Let it go on, and wait until it is through.
    Resume {
        /// Its number, as `schat file transfers` shows it.
        number: i64,
        #[command(flatten)]
        patience: Patience,
    },
    /// Give it up: what there is of it is deleted, here or at the relay.
    Cancel {
        /// Its number, as `schat file transfers` shows it.
        number: i64,
    },
}

impl FileCommand {
    pub(super) async fn run(self, globals: &Globals) -> Result<Exit, Failure> {
        match self {
            Self::Send { room, paths, text, keep_metadata, voice, duration, patience } => {
                let voice = Voice::new(voice, duration);
                let sent = Sent { paths, text, keeps_metadata: keep_metadata, voice };
                send(globals, &room, &sent, patience).await
            }
            Self::Get { room, id, output, patience } => get(globals, &room, &id, output, patience).await,
            Self::List { room, limit } => list(globals, &room, limit).await,
            Self::Transfers => transfers(globals).await,
            Self::Pause { number } => steer(globals, number, Steer::Pause).await,
            Self::Cancel { number } => steer(globals, number, Steer::Cancel).await,
            Self::Resume { number, patience } => resume(globals, number, patience).await,
        }
    }
}

/// What is to be sent.
pub(super) struct Sent {
    pub(super) paths: Vec<PathBuf>,
    /// With the first.
    pub(super) text: String,
    pub(super) keeps_metadata: bool,
    pub(super) voice: Voice,
}

pub(super) async fn send(
    globals: &Globals,
    room: &str,
    sent: &Sent,
    patience: Patience,
) -> Result<Exit, Failure> {
    let paths = sent.paths.iter().map(|path| from_root(path)).collect::<Result<Vec<_>, _>>()?;
    for path in &paths {
        look_at(path)?;
    }
    let lengths = paths.iter().map(|path| sent.voice.of(path)).collect::<Result<Vec<_>, _>>()?;
    let (runtime, mut events) = one(globals, room).await?;
    let sending = async {
        let mut text = sent.text.as_str();
        let all: Vec<_> = paths.into_iter().zip(lengths).collect();
        let mut seen = VecDeque::new();
        for some in all.chunks(TOGETHER) {
            let mut followed = Vec::new();
            for (path, duration_ms) in some {
                let file = Outgoing {
                    path: path.clone(),
                    text: std::mem::take(&mut text).to_owned(),
                    reply_to: None,
                    keeps_metadata: sent.keeps_metadata,
                    duration_ms: *duration_ms,
                    token: String::new(),
                };
                let transfer = meanwhile(&mut events, &mut seen, runtime.send_file(room, file)).await?;
                if let (Some(place), false) = (words::place(&transfer.name), globals.json) {
                    eprintln!("schat: {}:{place}", words::called(&transfer.name));
                }
                let mut sent = Followed::new(transfer);
                meanwhile(&mut events, &mut seen, sent.look(&runtime, room)).await?;
                followed.push(sent);
            }
            follow_from(globals, &runtime, (&mut seen, &mut events), followed, patience).await?;
        }
        Ok(())
    };
    let done = sending.await;
    runtime.shutdown().await;
    done.map(|()| Exit::Ok)
}

/// Before anything is sent: of several files none is, if one cannot be.
fn look_at(path: &Path) -> Result<(), Failure> {
    let failure = |why: &str| own_words::unsendable(path, why);
    let opened = std::fs::metadata(path).map_err(|error| failure(&error.to_string()))?;
    match opened.is_file() {
        true => std::fs::File::open(path).map(drop).map_err(|error| failure(&error.to_string())),
        false if opened.is_dir() => Err(failure(own_words::DIRECTORY)),
        false => Err(failure(own_words::NO_PLAIN_FILE)),
    }
}

async fn get(
    globals: &Globals,
    room: &str,
    id: &str,
    output: Option<PathBuf>,
    patience: Patience,
) -> Result<Exit, Failure> {
    if output.as_deref() == Some(Path::new("-")) {
        return pipe::get(globals, room, id, patience).await;
    }
    let output = output.map(|path| from_root(&path)).transpose()?;
    let (runtime, mut events) = one(globals, room).await?;
    let fetching = async {
        let line = find::find(globals, &runtime, &mut events, (room, id), patience).await?;
        let wanted = Wanted { message: line.message.id, output };
        let transfer = runtime.get_file(room, wanted).await?;
        follow(globals, &runtime, &mut events, vec![Followed::new(transfer)], patience).await
    };
    let done = fetching.await;
    runtime.shutdown().await;
    for transfer in done? {
        if let (TransferState::Done(Some(path)), false) = (&transfer.state, globals.json) {
            stdout::line(&path.display().to_string());
        }
    }
    Ok(Exit::Ok)
}

async fn list(globals: &Globals, room: &str, limit: usize) -> Result<Exit, Failure> {
    let lines = match attach::quiet(globals).await? {
        Ok(profile) => {
            let record = super::archive::find(&profile, room)?;
            find::files(limit, async |before| {
                Ok(profile.vault.now(|store| store.history_before(record.id, before, find::PAGE))?)
            })
            .await?
        }
        Err(runtime) => {
            find::files(limit, async |before| Ok(runtime.history_before(room, before, find::PAGE).await?))
                .await?
        }
    };
    if lines.is_empty() && !globals.json {
        eprintln!("schat: {}", own_words::NO_FILES);
    }
    for line in lines.into_iter().rev() {
        let written = match globals.json {
            true => Out::message(room.to_owned(), line, true).to_line(),
            false => row(&line),
        };
        if !stdout::line(&written) {
            break;
        }
    }
    Ok(Exit::Ok)
}

/// A file, for people: the beginning of its id, when, by whom, its name and size.
fn row(line: &Line) -> String {
    let file = line.message.file.as_deref().map(words::file).unwrap_or_default();
    let id = hex::encode(line.message.id).get(..find::SHOWN).unwrap_or_default().to_owned();
    let (at, who) = (words::when(line.message.at), words::who(&line.message.from, None));
    own_words::row([&id, &at, &who, &file])
}

/// A runtime of all rooms: what is under way may be of any.
async fn all(globals: &Globals) -> Result<(Runtime, mpsc::Receiver<Event>), Failure> {
    attach::runtime(globals, Plan { past: Past::Nothing, only: None, own: None }).await
}

async fn transfers(globals: &Globals) -> Result<Exit, Failure> {
    // Looked at, and not begun: that is for whoever lets them go on.
    let (files, is_run) = match attach::quiet(globals).await? {
        Ok(profile) => (stored(&profile)?, false),
        Err(runtime) => (runtime.transfers(None).await?, true),
    };
    if globals.json {
        let transfers = files.into_iter().map(|(room, transfer)| Out::transfer(room, &transfer)).collect();
        stdout::line(&Out::Transfers { transfers }.to_line());
        return Ok(Exit::Ok);
    }
    for (room, transfer) in &files {
        stdout::line(&format!("{}  in {}", words::transfer_row(transfer), words::called(room)));
    }
    let waits = |(_, transfer): &(_, Transfer)| matches!(transfer.state, TransferState::Waiting(_));
    match files.is_empty() {
        true => eprintln!("schat: {}", own_words::NONE_UNDER_WAY),
        false if !is_run && files.iter().any(waits) => eprintln!("schat: {}", own_words::NOBODY_RUNS),
        false => {}
    }
    Ok(Exit::Ok)
}

/// Files under way in a profile that nobody runs.
fn stored(profile: &OpenProfile) -> Result<Vec<(String, Transfer)>, Failure> {
    let (rooms, transfers) = profile.vault.now(|store| Ok((store.rooms()?, stored_transfers(store)?)))?;
    let label = |id| rooms.iter().find(|room| room.id == id).map(|room| room.label.clone());
    let transfers = transfers.into_iter();
    Ok(transfers.filter_map(|(room, transfer)| Some((label(room)?, transfer))).collect())
}

async fn steer(globals: &Globals, number: i64, steer: Steer) -> Result<Exit, Failure> {
    let (runtime, mut events) = all(globals).await?;
    let steering = async {
        runtime.steer_file(number, steer).await?;
        let is_done = |state: &TransferState| match state {
            TransferState::Paused | TransferState::Stopped(_) => steer != Steer::Cancel,
            state => state.is_final(),
        };
        // It may stand so already: then nothing is told of it.
        let here = runtime.transfers(None).await?.into_iter().find(|(_, one)| one.number == number);
        if here.is_some_and(|(_, transfer)| !is_done(&transfer.state)) {
            follow::until(&mut events, number, is_done).await;
        }
        Ok(Exit::Ok)
    };
    let done = steering.await;
    runtime.shutdown().await;
    done
}

async fn resume(globals: &Globals, number: i64, patience: Patience) -> Result<Exit, Failure> {
    let (runtime, mut events) = all(globals).await?;
    let resuming = async {
        runtime.steer_file(number, Steer::Run).await?;
        let under_way = runtime.transfers(None).await?.into_iter().map(|(_, transfer)| transfer);
        let wanted = under_way.filter(|transfer| transfer.number == number).map(Followed::new).collect();
        follow(globals, &runtime, &mut events, wanted, patience).await
    };
    let done = resuming.await;
    runtime.shutdown().await;
    for transfer in done? {
        if let (TransferState::Done(Some(path)), Way::Down(_), false) =
            (&transfer.state, transfer.way, globals.json)
        {
            stdout::line(&path.display().to_string());
        }
    }
    Ok(Exit::Ok)
}

/// A daemon has another directory than whoever asks it.
pub(super) fn from_root(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| own_words::no_path(path, &error))
}
