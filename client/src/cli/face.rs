//! One of the faces, from its start to its end.

use std::io::IsTerminal as _;

use tokio::sync::mpsc;

use super::{Globals, interrupt::interrupted, lean};
use crate::{
    faces::{input::Input, json, plain, tui},
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, Past},
};

/// Lines of the past that a person is shown.
const PAST_LINES: u32 = 20;

/// How a face starts.
pub(super) struct Start {
    /// Lines of standard input; none for the full-screen face.
    pub(super) input: Option<mpsc::Receiver<Input>>,
    /// The room that lines go to.
    pub(super) current: Option<String>,
    /// What the full-screen face says first.
    pub(super) notes: Vec<String>,
    /// How the full-screen face can run a relay in this process.
    pub(super) host: Option<tui::Host>,
}

/// A person sits at a terminal that can show the full-screen face, and did not ask for another.
pub(super) fn is_full_screen(globals: &Globals) -> bool {
    !globals.json && !globals.plain && tui::is_capable()
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
    start: Start,
) -> Result<Exit, Failure> {
    let Start { input, current, mut notes, host } = start;
    notes.extend(lean::unheeded(&globals.settings));
    let serve = async {
        match input {
            None => {
                let settings = globals.settings.clone();
                tui::run(&runtime, events, tui::Options { current, notes, settings, host }).await
            }
            Some(input) if globals.json => Ok(json::run(&runtime, events, input).await),
            Some(input) => {
                let stays = std::io::stdin().is_terminal();
                Ok(plain::run(&runtime, events, input, plain::Options { current, stays }).await)
            }
        }
    };
    let exit = tokio::select! {
        exit = serve => exit,
        () = interrupted() => Ok(Exit::Interrupted),
    };
    let lost = runtime.lost();
    runtime.shutdown().await;
    match (exit, lost) {
        (Ok(Exit::Ok), Some(lost)) => Err(lost.into()),
        (exit, _) => exit,
    }
}
