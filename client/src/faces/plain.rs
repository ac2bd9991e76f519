//! `--plain`: lines that are only ever appended. Chat on standard output, everything else on standard error.

mod show;

pub use show::format;
pub(crate) use show::note;
use show::show_events;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::{
    engine::{self, Command},
    link::AnyLink,
};
use tokio::sync::mpsc;

use super::{
    input::Input,
    lines::{self, Line},
    pending::Pending,
    sanitize, words,
};
use crate::{
    failure::{Exit, Failure},
    runtime::{Event, Runtime},
};

/// What the two halves of the face share.
#[derive(Clone, Default)]
struct Shared {
    /// The room that lines go to.
    current: Arc<Mutex<Option<String>>>,
    pending: Pending,
    with_qr: bool,
    stays: bool,
}

/// How the face begins.
pub struct Options {
    /// The room that lines go to.
    pub current: Option<String>,
    /// Show links as QR codes as well.
    pub with_qr: bool,
    /// A person is at the keyboard: a room that cannot be entered ends nothing.
    pub stays: bool,
}

/// Serves a person until the input ends or says `/quit`, or nothing can go on: then the exit says why.
pub async fn run(
    runtime: &Runtime,
    events: mpsc::Receiver<Event>,
    mut input: mpsc::Receiver<Input>,
    options: Options,
) -> Exit {
    let Options { current, with_qr, stays } = options;
    let pending = Pending::default();
    if let Some(label) = &current {
        pending.join(runtime, label);
    }
    let shared = Shared { current: Arc::new(Mutex::new(current)), pending, with_qr, stays };
    let mut writer = tokio::spawn(show_events(runtime.clone(), events, shared.clone()));
    loop {
        let line = tokio::select! {
            line = input.recv() => line,
            exit = &mut writer => return exit.unwrap_or(Exit::Local),
        };
        let Some(line) = line else { break };
        let parsed = match line {
            Input::Line(line) => lines::parse(&line),
            Input::TooLong => Err(Failure::usage("The line is too long.", "Send it in parts.")),
        };
        match parsed {
            Ok(Line::Quit) => break,
            Ok(line) => {
                let enters = matches!(line, Line::Join(_) | Line::Link(_) | Line::Create(_));
                if let Err(failure) = obey(runtime, &shared, line).await {
                    note(&words::failure(&failure));
                    if let Some(room) = lock(&shared).as_deref().filter(|_| enters) {
                        note(&format!("What you type still goes to {}.", sanitize::line(room)));
                    }
                }
            }
            Err(failure) => note(&words::failure(&failure)),
        }
    }
    tokio::select! {
        exit = &mut writer => return exit.unwrap_or(Exit::Local),
        sent = shared.pending.settle() => {
            if !sent {
                note("Not everything was done; what is left is done at the next start.");
            }
        }
    }
    writer.abort();
    // What it was just showing is marked as seen before the end.
    let _ = writer.await;
    // The end of the input may have come in the same moment as the refusal.
    if runtime.is_stuck() { Exit::Verification } else { Exit::Ok }
}

async fn obey(runtime: &Runtime, shared: &Shared, line: Line) -> Result<(), Failure> {
    match line {
        Line::Empty | Line::Quit => {}
        Line::Say(text) if text.contains(|c: char| c.is_control() && c != '\t') => {
            return Err(Failure::usage(
                "That line holds control characters, an arrow key perhaps; it was not sent.",
                "Type it again.",
            ));
        }
        Line::Say(text) => {
            shared.pending.say(runtime, &current(shared)?, String::new(), text).await?;
        }
        Line::Join(name) => join(runtime, shared, &name)?,
        Line::Link(link) => match words::link(&link)? {
            AnyLink::Invite(link) => {
                let label = runtime.join(&link)?;
                shared.pending.join(runtime, &label);
                go(shared, label);
            }
            AnyLink::Relay(link) => note(&words::chosen(&runtime.use_relay(&link).await?)),
        },
        Line::Create(name) => {
            if runtime.room(&name).is_ok_and(|status| status.over.is_none()) {
                return Err(Failure::usage("You have a room of that name already.", "Choose another name."));
            }
            let label = runtime.create(&name, None)?;
            shared.pending.join(runtime, &label);
            go(shared, label);
        }
        Line::Invite => runtime.tell(&current(shared)?, Command::Invite).await?,
        Line::Members => members(runtime, &current(shared)?)?,
        Line::Verify(name) => verify(runtime, &current(shared)?, name.as_deref())?,
        Line::Kick(name) => kick(runtime, &current(shared)?, &name).await?,
        Line::Nick(name) => {
            runtime.rename(&name).await?;
            note(&format!("You are {} from now on.", sanitize::line(&runtime.me().0)));
        }
        Line::Rooms => rooms(runtime, shared),
        Line::Leave => runtime.tell(&current(shared)?, Command::Leave).await?,
        Line::Why => match runtime.why() {
            Some(failure) => note(&words::failure(&failure)),
            None => note("Nothing went wrong so far."),
        },
        Line::Help => {
            lines::COMMANDS.iter().for_each(|(usage, what)| note(&format!("{usage:<24} {what}")));
            note("Anything else is sent to the current room.");
        }
    }
    Ok(())
}

fn join(runtime: &Runtime, shared: &Shared, name: &str) -> Result<(), Failure> {
    let known = runtime.room(name).ok().filter(|status| status.over.is_none());
    let Some(status) = known else {
        note(words::OPEN_WARNING);
        let label = runtime.open(name, None)?;
        shared.pending.join(runtime, &label);
        go(shared, label);
        return Ok(());
    };
    match status.view {
        Some(view) => words::joined(name, &view).iter().for_each(|line| note(line)),
        None => note(&format!("Waiting for {}.", sanitize::line(name))),
    }
    go(shared, name.to_owned());
    Ok(())
}

fn members(runtime: &Runtime, room: &str) -> Result<(), Failure> {
    let view = view(runtime, room)?;
    for member in &view.members {
        let me = if member.me { " (you)" } else { "" };
        let (name, fingerprint) =
            (words::name(&member.person, Some(&view)), member.person.fingerprint.short());
        note(&format!("  {name}{me}  {fingerprint}"));
    }
    let authenticator: String = view.authenticator.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    note(&format!("Epoch {}, authenticator {authenticator}; the same for every member.", view.epoch));
    Ok(())
}

fn verify(runtime: &Runtime, room: &str, name: Option<&str>) -> Result<(), Failure> {
    let view = view(runtime, room)?;
    let (_, me) = runtime.me();
    let people: Vec<_> = match name {
        Some(name) => vec![words::find(&view, name)?],
        None => view.members.iter().filter(|member| !member.me).map(|member| &member.person).collect(),
    };
    if people.is_empty() {
        note("Nobody else is here yet.");
    }
    people.iter().flat_map(|person| words::safety(&me, &view, person)).for_each(|line| note(&line));
    Ok(())
}

async fn kick(runtime: &Runtime, room: &str, name: &str) -> Result<(), Failure> {
    let view = view(runtime, room)?;
    let person = words::find(&view, name)?;
    if person.fingerprint == runtime.me().1 {
        return Err(Failure::usage("That is you.", "To go, say /leave."));
    }
    if view.open {
        note("This room is open: whoever is removed can come back at once.");
    }
    runtime.tell(room, Command::Remove(person.fingerprint)).await
}

fn rooms(runtime: &Runtime, shared: &Shared) {
    let rooms = runtime.rooms();
    if rooms.is_empty() {
        note("You have no rooms. Join one: /join LINK, or /join NAME for an open room.");
    }
    let here = lock(shared).clone();
    for status in rooms {
        let mark = if here.as_deref() == Some(status.label.as_str()) { "*" } else { " " };
        let state = match (&status.over, &status.view) {
            (Some(why), _) => format!("over: {}", sanitize::line(why)),
            (None, Some(view)) => {
                format!("{} members{}", view.members.len(), if view.open { ", OPEN" } else { "" })
            }
            (None, None) => "not in yet".to_owned(),
        };
        note(&format!("{mark} {}  {state}", sanitize::line(&status.label)));
    }
}

fn view(runtime: &Runtime, room: &str) -> Result<engine::GroupView, Failure> {
    let waiting =
        || Failure::not_found("You are not in this room yet.", "Wait until it says so, or see /why.");
    runtime.room(room)?.view.ok_or_else(waiting)
}

fn current(shared: &Shared) -> Result<String, Failure> {
    let nowhere =
        || Failure::usage("You are in no room.", "Join one: /join LINK, or /join NAME for an open room.");
    lock(shared).clone().ok_or_else(nowhere)
}

fn go(shared: &Shared, room: String) {
    *lock(shared) = Some(room);
}

fn lock(shared: &Shared) -> MutexGuard<'_, Option<String>> {
    shared.current.lock().unwrap_or_else(PoisonError::into_inner)
}
