//! `schat [LINK]`: the interactive chat, in one of its faces.

use std::io::IsTerminal as _;

use shared::link::AnyLink;
use tokio::sync::mpsc;

use super::{
    Globals,
    setup::{Plan, profile, start},
};
use crate::{
    faces::{
        input::{self, Input},
        json::{self, Out},
        plain, words,
    },
    failure::{Exit, Failure},
    runtime::{ChosenRelay, Event, Past, Runtime},
};

/// Lines of the past that a person is shown.
const PAST_LINES: u32 = 20;

pub(super) async fn chat(globals: &Globals, link: Option<String>) -> Result<Exit, Failure> {
    let mut input = input::stdin();
    let link = match link.as_deref() {
        Some("-") => match input.recv().await {
            Some(Input::Line(line)) => Some(words::link(&line)?),
            Some(Input::TooLong) | None => {
                return Err(Failure::usage("There is no link on standard input.", ""));
            }
        },
        Some(link) => Some(words::link(link)?),
        None => None,
    };
    let mut globals = globals.clone();
    let chosen = match &link {
        Some(AnyLink::Relay(link)) => Some(ChosenRelay::of(link)?),
        Some(AnyLink::Invite(_)) | None => None,
    };
    if let Some(chosen) = &chosen {
        globals.relay = Some(chosen.address.clone());
    }
    let profile = profile(&globals)?;
    // Before anything is dialled: it may be the pin that lets this profile's rooms go on.
    let chosen = chosen.map(|chosen| profile.vault.now(|store| chosen.save(store))).transpose()?;
    let plan = Plan { past: past(&globals), only: None, own: None };
    let (runtime, events) = start(&globals, profile, plan).await?;
    match chosen {
        Some(chosen) if globals.json => json::say(&Out::chosen(&chosen)),
        Some(chosen) => plain::note(&words::chosen(&chosen)),
        None => {}
    }
    let current = match link {
        Some(AnyLink::Invite(link)) => Some(runtime.join(&link)?),
        Some(AnyLink::Relay(_)) | None => {
            runtime.rooms().into_iter().find(|room| room.over.is_none()).map(|room| room.label)
        }
    };
    Ok(face(&globals, runtime, events, input, current, false).await)
}

/// What of the past the chosen face is shown.
pub(super) fn past(globals: &Globals) -> Past {
    if globals.json { Past::Unacknowledged } else { Past::Last(PAST_LINES) }
}

/// Runs the chosen face to its end, then the runtime's.
pub(super) async fn face(
    globals: &Globals,
    runtime: Runtime,
    events: mpsc::Receiver<Event>,
    input: mpsc::Receiver<Input>,
    current: Option<String>,
    with_qr: bool,
) -> Exit {
    let serve = async {
        if globals.json {
            json::run(&runtime, events, input).await
        } else {
            let stays = std::io::stdin().is_terminal();
            plain::run(&runtime, events, input, plain::Options { current, with_qr, stays }).await
        }
    };
    let exit = tokio::select! {
        exit = serve => exit,
        _ = tokio::signal::ctrl_c() => Exit::Interrupted,
    };
    runtime.shutdown().await;
    exit
}
