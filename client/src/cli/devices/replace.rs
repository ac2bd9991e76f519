//! `schat devices replace-key`: the account gets another key, because somebody else may have the one that it has.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;
use shared::identity::phrase::Phrase;
use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

use super::{news, reading};
use crate::{
    cli::{
        Globals, attach,
        phrase::{self, Why},
        plan::Plan,
        random::random,
        wait::Patience,
    },
    faces::{
        json::Out,
        stdout,
        words::command::{devices as words, phrase as phrase_words},
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Entropy, Event, KeyRoom, Past, Replaced},
};

/// What it takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReplaceKey {
    /// Your twelve words are in this file, or in what this pipe brings [default: you are asked, and what you type is not shown].
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    /// The new twelve words are written there, and not shown.
    #[arg(long, value_name = "FILE")]
    new_phrase_file: Option<PathBuf>,
    #[command(flatten)]
    patience: Patience,
}

pub(super) async fn replace_key(globals: &Globals, wanted: ReplaceKey) -> Result<Exit, Failure> {
    let phrase = match &wanted.phrase_file {
        Some(path) => phrase::of_file(path)?,
        None => phrase::ask_unseen()?,
    };
    let phrase = Entropy(*phrase.as_bytes());
    let plan = Plan { past: Past::Nothing, only: None, own: None };
    let (runtime, mut events) = attach::runtime(globals, plan).await?;
    let done = replace(globals, &runtime, &mut events, (phrase, wanted)).await;
    runtime.shutdown().await;
    done
}

async fn replace(
    globals: &Globals,
    runtime: &Runtime,
    events: &mut mpsc::Receiver<Event>,
    (phrase, wanted): (Entropy, ReplaceKey),
) -> Result<Exit, Failure> {
    // Before anything new is shown.
    let looked = reading(runtime, events, runtime.replace_key(phrase.clone(), None)).await?;
    let Replaced::Ready = looked else { return Err(words::not_replaced(&looked)) };
    let fresh = Phrase::draw(&random());
    let entropy = Entropy(*fresh.as_bytes());
    let new_file = wanted.new_phrase_file;
    let written = new_file.clone();
    let kept = async {
        let kept = spawn_blocking(move || match new_file {
            Some(path) => {
                phrase::write(&path, &fresh).map_err(|error| phrase_words::no_phrase_file(&path, &error))
            }
            None => phrase::show(&fresh, Why::NewKey),
        });
        kept.await.unwrap_or_else(|_| Err(phrase_words::not_confirmed(Why::NewKey)))
    };
    reading(runtime, events, kept).await?;
    let beyond = reading(runtime, events, runtime.rooms_beyond(None)).await?;
    let rooms = match reading(runtime, events, runtime.replace_key(phrase, Some(entropy))).await? {
        Replaced::Done(rooms) => rooms,
        other => {
            // Another command was faster: nobody is to take these words for those of the account.
            if let Some(file) = written {
                let _ = spawn_blocking(|| std::fs::remove_file(file)).await;
            }
            return Err(words::not_replaced(&other));
        }
    };
    if !globals.json {
        stdout::line(words::REPLACED);
    }
    let rooms = follow(globals, runtime, events, (rooms, wanted.patience)).await?;
    let is_done = rooms.iter().all(|room| room.is_done);
    if globals.json {
        stdout::line(&Out::key_replaced(rooms, beyond).to_line());
    } else {
        rooms.iter().filter(|room| !room.is_done).all(|room| stdout::line(&words::room(room)));
        words::beyond(beyond).iter().all(|line| stdout::line(line));
    }
    Ok(if is_done && beyond.rooms == 0 { Exit::Ok } else { Exit::Network })
}

/// Waits for the rooms, and tells of each that has the key. What comes back is how they are.
async fn follow(
    globals: &Globals,
    runtime: &Runtime,
    events: &mut mpsc::Receiver<Event>,
    (mut rooms, patience): (Vec<KeyRoom>, Patience),
) -> Result<Vec<KeyRoom>, Failure> {
    let mut told = BTreeSet::new();
    let waiting = async {
        loop {
            for room in rooms.iter().filter(|room| room.is_done) {
                if told.insert(room.room.clone()) && !globals.json {
                    stdout::line(&words::room(room));
                }
            }
            if rooms.iter().all(|room| room.is_done) {
                return Ok(());
            }
            if !news(runtime, events).await {
                return Ok(());
            }
            rooms = reading(runtime, events, runtime.key_rooms()).await?;
        }
    };
    let done: Result<Result<(), Failure>, _> = timeout(patience.time(), waiting).await;
    done.unwrap_or(Ok(()))?;
    Ok(rooms)
}
