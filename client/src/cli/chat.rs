//! `schat [LINK]`: the interactive chat, in one of its faces.

use std::io::IsTerminal as _;

use shared::link::InviteLink;
use tokio::sync::mpsc;

use super::{
    Globals,
    setup::{Plan, profile, start},
};
use crate::{
    faces::{
        input::{self, Input},
        json, plain,
    },
    failure::{Exit, Failure},
    runtime::{Event, Past, Runtime},
};

/// Lines of the past that a person is shown.
const PAST_LINES: u32 = 20;

pub(super) async fn chat(globals: &Globals, link: Option<String>) -> Result<Exit, Failure> {
    let mut input = input::stdin();
    let link = match link.as_deref() {
        Some("-") => match input.recv().await {
            Some(Input::Line(line)) => Some(parse(&line)?),
            Some(Input::TooLong) | None => {
                return Err(Failure::usage("There is no link on standard input.", ""));
            }
        },
        Some(link) => Some(parse(link)?),
        None => None,
    };
    let profile = profile(globals)?;
    let (runtime, events) =
        start(globals, profile, Plan { past: past(globals), only: None, own: None }).await?;
    let current = match link {
        Some(link) => Some(runtime.join(&link)?),
        None => runtime.rooms().into_iter().find(|room| room.over.is_none()).map(|room| room.label),
    };
    Ok(face(globals, runtime, events, input, current, false).await)
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

fn parse(link: &str) -> Result<InviteLink, Failure> {
    link.parse().map_err(|error: shared::link::LinkError| {
        Failure::usage(
            error.to_string(),
            "Copy the whole link. To enter an open room, say /join NAME in the chat.",
        )
    })
}
