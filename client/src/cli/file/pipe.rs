//! `schat file get -o -`: a file goes to standard output, once it is whole and proven. What was written to a stream cannot be taken
//! back, so nothing is written before that.

use std::{
    fs::{self, File},
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use shared::room::MessageId;
use tokio::sync::mpsc;

use crate::{
    cli::{
        Globals,
        file::{
            find,
            follow::{Followed, follow},
        },
        interrupt::interrupted,
        random::random,
        wait::{Patience, one},
    },
    faces::{
        stdout,
        words::command::file::{PIPE_AGAIN, broken, objects, terminal},
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, TransferState, Wanted},
    store::ProfileDir,
};

/// A directory of its own, for this user alone, that goes with the command.
struct OwnDirectory(PathBuf);

impl OwnDirectory {
    fn make(globals: &Globals) -> Result<Self, Failure> {
        let all = ProfileDir::choose(globals.profile.clone())?.output();
        let own = all.join(hex::encode(random().bytes::<8>()));
        let mut private = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(private.recursive(true), 0o700);
        private.recursive(true).create(&own).map_err(|error| broken(&own, &error))?;
        Ok(Self(own))
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        // What cannot be removed now is at the next start.
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) async fn get(
    globals: &Globals,
    room: &str,
    id: &str,
    patience: Patience,
) -> Result<Exit, Failure> {
    if globals.json {
        return Err(objects());
    }
    if io::stdout().is_terminal() {
        return Err(terminal());
    }
    let (runtime, mut events) = one(globals, room).await?;
    let fetching = async {
        let line = find::find(globals, &runtime, &mut events, (room, id), patience).await?;
        // Behind the profile's lock, or the daemon's: a start clears what is left there.
        let place = OwnDirectory::make(globals)?;
        let whole = fetch(globals, (&runtime, &mut events), room, line.message.id, &place.0, patience).await;
        Ok::<_, Failure>((whole.map_err(again)?, place))
    };
    let done = tokio::select! {
        done = fetching => done.map(Some),
        () = interrupted() => Ok(None),
    };
    runtime.shutdown().await;
    let Some((whole, place)) = done? else { return Ok(Exit::Interrupted) };
    for file in whole {
        write(&file).map_err(|error| broken(&file, &error))?;
    }
    drop(place);
    Ok(Exit::Ok)
}

async fn fetch(
    globals: &Globals,
    (runtime, events): (&Runtime, &mut mpsc::Receiver<Event>),
    room: &str,
    message: MessageId,
    place: &Path,
    patience: Patience,
) -> Result<Vec<PathBuf>, Failure> {
    let wanted = Wanted { message, output: Some(place.to_owned()) };
    let transfer = runtime.get_passing(room, wanted).await?;
    let through = follow(globals, runtime, events, vec![Followed::new(transfer)], patience).await?;
    Ok(through
        .into_iter()
        .filter_map(|transfer| match transfer.state {
            TransferState::Done(place) => place,
            _ => None,
        })
        .collect())
}

/// Nothing of it goes on by itself.
fn again(mut failure: Failure) -> Failure {
    if !matches!(failure.exit, Exit::NotFound | Exit::Verification) {
        PIPE_AGAIN.clone_into(&mut failure.remedy);
    }
    failure
}

/// What keeps standard output from being written is told at the end.
fn write(file: &Path) -> io::Result<()> {
    let mut file = File::open(file)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = io::Read::read(&mut file, &mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() || !stdout::all(bytes) {
            return Ok(());
        }
    }
}
