//! `schat devices`: the devices of this person, as the rooms know them.

mod replace;

use std::time::Duration;

use clap::Subcommand;

use self::replace::{ReplaceKey, replace_key};
use super::{
    Globals, attach,
    plan::Plan,
    wait::{Patience, seen},
};
use crate::{
    faces::{json::Out, stdout, words},
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, OwnDevice, Past},
};
use tokio::{sync::mpsc, time::timeout};

/// What can be done with them.
#[derive(Debug, Subcommand)]
pub(super) enum DevicesCommand {
    /// List them, room by room.
    List,
    /// Call this device so, in every room.
    Rename {
        /// What members see beside your name.
        #[arg(value_name = "NAME", allow_hyphen_values = true)]
        called: String,
    },
    /// Take another device out of every room: it reads nothing more, and all invites end.
    ///
    /// It tells room by room what became of it. What could not be done yet is done at the next start, whatever happens until then.
    Remove {
        /// What it is called, or its id as the list shows it.
        #[arg(value_name = "NAME", allow_hyphen_values = true)]
        device: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Give your account another key, by your twelve words: somebody else may have a device of yours, and with it the key.
    ///
    /// Your other devices go out of every room, all links end, and everybody is told; those who verified you need not do it again.
    /// You get twelve new words. It tells room by room when each has taken the key; the others do at the next start.
    ReplaceKey(ReplaceKey),
}

pub(super) async fn devices(globals: &Globals, command: Option<DevicesCommand>) -> Result<Exit, Failure> {
    let command = match command.unwrap_or(DevicesCommand::List) {
        DevicesCommand::ReplaceKey(wanted) => return replace_key(globals, wanted).await,
        command => command,
    };
    let plan = Plan { past: Past::Nothing, only: None, own: None };
    let (runtime, mut events) = attach::runtime(globals, plan).await?;
    // Rooms wait for whoever does not read.
    let done = match command {
        DevicesCommand::List => {
            reading(&runtime, &mut events, runtime.devices()).await.map(|all| list(globals, all))
        }
        DevicesCommand::Rename { called } => {
            reading(&runtime, &mut events, runtime.name_device(&called)).await.map(|()| {
                if !globals.json {
                    stdout::line(&words::devices::named(&called));
                }
                Exit::Ok
            })
        }
        DevicesCommand::Remove { device, patience } => {
            remove(globals, &runtime, &mut events, (&device, patience)).await
        }
        // Above: it asks before anything runs.
        DevicesCommand::ReplaceKey(_) => Ok(Exit::Usage),
    };
    runtime.shutdown().await;
    done
}

fn list(globals: &Globals, all: Vec<OwnDevice>) -> Exit {
    if globals.json {
        stdout::line(&Out::devices(all).to_line());
    } else {
        words::devices::devices(&all).iter().all(|line| stdout::line(line));
    }
    Exit::Ok
}

async fn remove(
    globals: &Globals,
    runtime: &Runtime,
    events: &mut mpsc::Receiver<Event>,
    (name, patience): (&str, Patience),
) -> Result<Exit, Failure> {
    let beyond = reading(runtime, events, runtime.rooms_beyond(Some(name))).await?;
    let mut found = reading(runtime, events, runtime.remove_device(name)).await?;
    let say = |line: String| {
        if !globals.json {
            stdout::line(&line);
        }
    };
    // From here on it is done at the next start, whatever happens.
    found.iter_mut().for_each(|one| one.goes = true);
    say(words::devices::asked_removal(&found));
    let waiting = async {
        loop {
            let here = reading(runtime, events, runtime.devices()).await?;
            for one in &mut found {
                let is_there = here.iter().any(|other| (&other.room, other.id) == (&one.room, one.id));
                if one.goes && !is_there {
                    say(words::devices::removal(&one.room, one.is_hidden, true));
                }
                one.goes = is_there;
            }
            if found.iter().all(|one| !one.goes) {
                return Ok(());
            }
            if !news(runtime, events).await {
                return Ok(());
            }
        }
    };
    let done: Result<Result<(), Failure>, _> = timeout(patience.time(), waiting).await;
    done.unwrap_or(Ok(()))?;
    let is_done = found.iter().all(|one| !one.goes);
    for one in found.iter().filter(|one| one.goes) {
        say(words::devices::removal(&one.room, one.is_hidden, false));
    }
    words::devices::beyond(beyond).into_iter().for_each(say);
    if globals.json {
        stdout::line(&Out::devices_removed(found, beyond).to_line());
    }
    Ok(if is_done && beyond.rooms == 0 { Exit::Ok } else { Exit::Network })
}

/// The room of own devices tells nobody anything, so it is looked at again after this.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until something may be otherwise. False: nothing is told any more.
async fn news(runtime: &Runtime, events: &mut mpsc::Receiver<Event>) -> bool {
    match timeout(LOOK, events.recv()).await {
        Ok(Some(event)) => seen(runtime, event.notice()).await,
        Ok(None) => return false,
        Err(_) => {}
    }
    true
}

/// Asks, and reads what the rooms tell meanwhile.
async fn reading<T, E>(
    runtime: &Runtime,
    events: &mut mpsc::Receiver<Event>,
    asking: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure>
where
    Failure: From<E>,
{
    tokio::pin!(asking);
    loop {
        tokio::select! {
            biased;
            answer = &mut asking => return answer.map_err(Failure::from),
            Some(event) = events.recv() => seen(runtime, event.notice()).await,
        }
    }
}
