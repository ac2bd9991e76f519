//! `--plain`: lines that are only ever appended. Chat on standard output, everything else on standard error.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shared::engine::{self, Command, Message};
use tokio::sync::mpsc;

use super::{
    input::Input,
    lines::{self, Line},
    pending::Pending,
    qr::qr,
    sanitize, words,
};
use crate::{
    failure::{Exit, Failure},
    runtime::{Event, RelayState, RoomEvent, Runtime, remedy_of},
};

/// What the two halves of the face share.
#[derive(Clone, Default)]
struct Shared {
    /// The room that lines go to.
    current: Arc<Mutex<Option<String>>>,
    pending: Pending,
    with_qr: bool,
}

/// How the face begins.
pub struct Options {
    /// The room that lines go to.
    pub current: Option<String>,
    /// Show links as QR codes as well.
    pub with_qr: bool,
}

/// Serves a person until the input ends or says `/quit`, or nothing can go on: then the exit says why.
pub async fn run(
    runtime: &Runtime,
    events: mpsc::Receiver<Event>,
    mut input: mpsc::Receiver<Input>,
    options: Options,
) -> Exit {
    let Options { current, with_qr } = options;
    let shared = Shared { current: Arc::new(Mutex::new(current)), pending: Pending::default(), with_qr };
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
                if let Err(failure) = obey(runtime, &shared, line).await {
                    note(&words::failure(&failure));
                }
            }
            Err(failure) => note(&words::failure(&failure)),
        }
    }
    tokio::select! {
        exit = &mut writer => return exit.unwrap_or(Exit::Local),
        sent = shared.pending.settle() => {
            if !sent {
                note("Not everything was sent; what is left is sent at the next start.");
            }
        }
    }
    writer.abort();
    Exit::Ok
}

async fn obey(runtime: &Runtime, shared: &Shared, line: Line) -> Result<(), Failure> {
    match line {
        Line::Empty | Line::Quit => {}
        Line::Say(text) => {
            let room = current(shared)?;
            shared.pending.add();
            let told = runtime.tell(&room, Command::Send { token: String::new(), text }).await;
            if told.is_err() {
                shared.pending.done();
            }
            told?;
        }
        Line::Join(name) => join(runtime, shared, &name)?,
        Line::Link(link) => {
            let bad = |error: shared::link::LinkError| Failure::usage(error.to_string(), "Ask for a new link.");
            let label = runtime.join(&link.parse().map_err(bad)?)?;
            go(shared, label);
        }
        Line::Create(name) => {
            if runtime.room(&name).is_ok_and(|status| status.over.is_none()) {
                return Err(Failure::usage("You have a room of that name already.", "Choose another name."));
            }
            let label = runtime.create(&name, None)?;
            go(shared, label);
        }
        Line::Invite => runtime.tell(&current(shared)?, Command::Invite).await?,
        Line::Members => members(runtime, &current(shared)?)?,
        Line::Verify(name) => verify(runtime, &current(shared)?, name.as_deref())?,
        Line::Kick(name) => kick(runtime, &current(shared)?, &name).await?,
        Line::Nick(name) => runtime.rename(&name).await?,
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
        let (name, fingerprint) = (words::name(&member.person, Some(&view)), member.person.fingerprint.short());
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
    let waiting = || Failure::not_found("You are not in this room yet.", "Wait until it says so, or see /why.");
    runtime.room(room)?.view.ok_or_else(waiting)
}

fn current(shared: &Shared) -> Result<String, Failure> {
    let nowhere = || Failure::usage("You are in no room.", "Join one: /join LINK, or /join NAME for an open room.");
    lock(shared).clone().ok_or_else(nowhere)
}

fn go(shared: &Shared, room: String) {
    *lock(shared) = Some(room);
}

fn lock(shared: &Shared) -> MutexGuard<'_, Option<String>> {
    shared.current.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends when nothing can go on.
async fn show_events(runtime: Runtime, mut events: mpsc::Receiver<Event>, shared: Shared) -> Exit {
    while let Some(event) = events.recv().await {
        match event {
            Event::Relay { relay, state } => {
                relay_event(&sanitize::line(&relay), state);
                if runtime.is_stuck() {
                    return Exit::Verification;
                }
            }
            Event::Room { room, event } => {
                let refused =
                    matches!(event, RoomEvent::Engine(engine::Event::Closed { was_member: false, .. }));
                room_event(&runtime, &shared, &room, event);
                if refused && runtime.is_empty() {
                    return Exit::Refused;
                }
            }
        }
    }
    Exit::Ok
}

fn relay_event(relay: &str, state: RelayState) {
    match state {
        RelayState::Connecting => note(&format!("Connecting to {relay}.")),
        RelayState::Connected(trust) => note(&format!("Connected to {relay}: {}.", words::trust(trust))),
        RelayState::Lost { failure, retry } => {
            if failure.code == "certificate" {
                note(&format!("ALARM (certificate): {}", words::failure(&failure)));
            } else {
                note(&words::failure(&failure));
            }
            if let Some(retry) = retry {
                note(&format!("Trying again in {:.1} s.", retry.as_secs_f32()));
            }
        }
    }
}

fn room_event(runtime: &Runtime, shared: &Shared, room: &str, event: RoomEvent) {
    match event {
        RoomEvent::Past(message) => line(runtime, shared, room, &message),
        RoomEvent::Invite { link, .. } => {
            note("Whoever has this link can join; give it over a channel you trust:");
            data(&link.to_string());
            if let Some(qr) = shared.with_qr.then(|| qr(&link.to_string())).flatten() {
                data(&qr);
            }
        }
        RoomEvent::Failed(failure) => note(&words::failure(&failure)),
        RoomEvent::Engine(event) => engine_event(runtime, shared, room, event),
    }
}

fn engine_event(runtime: &Runtime, shared: &Shared, room: &str, event: engine::Event) {
    let shown = sanitize::line(room);
    let view = runtime.room(room).ok().and_then(|status| status.view);
    match event {
        engine::Event::Joined(view) => {
            lock(shared).get_or_insert_with(|| room.to_owned());
            words::joined(room, &view).iter().for_each(|line| note(line));
        }
        engine::Event::Epoch(_) | engine::Event::Invite { .. } => {}
        engine::Event::MemberJoined(who) => note(&format!("{} joined {shown}.", words::name(&who, view.as_ref()))),
        engine::Event::MemberLeft { who, by } if who.fingerprint == by.fingerprint => {
            note(&format!("{} left {shown}.", words::name(&who, view.as_ref())));
        }
        engine::Event::MemberLeft { who, by } => {
            let (who, by) = (words::name(&who, view.as_ref()), words::name(&by, view.as_ref()));
            note(&format!("{who} is no longer in {shown} (removed by {by})."));
        }
        engine::Event::Message(message) => line(runtime, shared, room, &message),
        engine::Event::Sent { .. } => shared.pending.done(),
        engine::Event::CatchingUp { done, total } if done == total => {}
        engine::Event::CatchingUp { done, total } => note(&format!("Reading {shown}: {done} of {total}.")),
        engine::Event::Alarm { kind, text } => {
            note(&format!("ALARM ({}) in {shown}: {} {}", kind.name(), sanitize::line(&text), remedy_of(kind)));
        }
        engine::Event::Error { message, remedy, .. } => {
            note(&format!("{} {}", sanitize::line(&message), sanitize::line(&remedy)));
        }
        engine::Event::Closed { reason, .. } => {
            note(&format!("{shown} is over: {}", sanitize::line(&reason)));
            let mut current = lock(shared);
            if current.as_deref() == Some(room) {
                *current = None;
            }
        }
    }
}

fn line(runtime: &Runtime, shared: &Shared, room: &str, message: &Message) {
    let view = runtime.room(room).ok().and_then(|status| status.view);
    let elsewhere = lock(shared).as_deref() != Some(room);
    for line in format(message, view.as_ref(), elsewhere.then_some(room)) {
        data(&line);
    }
}

/// A chat line as people read it; with the room's label when it is not the current one.
pub fn format(message: &Message, view: Option<&engine::GroupView>, room: Option<&str>) -> Vec<String> {
    let name = words::name(&message.from, view);
    let room = room.map(|room| format!("[{}] ", sanitize::line(room))).unwrap_or_default();
    let mut parts = sanitize::paragraph(&message.text).into_iter();
    let first = format!("{room}{name}: {}", parts.next().unwrap_or_default());
    // Marked, so that a line break in a message cannot fake the next speaker.
    std::iter::once(first).chain(parts.map(|part| format!("  | {part}"))).collect()
}

/// For whoever reads the chat. A reader that is gone ends nothing: the input does.
fn data(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// For the person at the terminal.
fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use shared::{engine::Person, identity::Fingerprint};

    use super::*;

    #[test]
    fn line_break_in_a_message_fakes_no_speaker() {
        let from = Person { name: "eve\u{1b}[2J".into(), fingerprint: Fingerprint([1; 32]) };
        let text = "hi\nann: I agree\u{202e}".into();
        let message = Message { seq: 1, id: [0; 16], at: 0, from, text, mine: false };
        assert_eq!(
            format(&message, None, None),
            ["eve\\u{1b}[2J: hi", "  | ann: I agree\\u{202e}"]
        );
        assert_eq!(format(&message, None, Some("team"))[0], "[team] eve\\u{1b}[2J: hi");
    }
}
