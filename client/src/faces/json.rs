//! `--json`, version 1: one object per line, both ways. `docs/json.md` is its manual.

mod input;
mod output;

use std::io::{self, Write};

use shared::{
    engine::{Command, Person},
    identity::Fingerprint,
    link::AnyLink,
};
use tokio::sync::mpsc;

pub use input::{Cmd, parse};
pub use output::{Marks, MemberOut, Out, PersonOut, translate};

use super::{input::Input, pending::Pending, words};
use crate::{
    failure::{Exit, Failure},
    runtime::{Event, RoomEvent, Runtime},
    store::Notice,
};

/// Version of the protocol.
pub const VERSION: u32 = 1;

/// Serves commands from `input` and writes events to standard output until the input ends, `quit`, nobody reads, or
/// the certificate of the only relay was refused.
pub async fn run(runtime: &Runtime, events: mpsc::Receiver<Event>, mut input: mpsc::Receiver<Input>) -> Exit {
    let pending = Pending::default();
    let mut writer = tokio::spawn(write_events(runtime.clone(), events, pending.clone()));
    loop {
        let line = tokio::select! {
            line = input.recv() => line,
            exit = &mut writer => return exit.unwrap_or(Exit::Local),
        };
        match line {
            Some(Input::Line(line)) if line.trim().is_empty() => {}
            Some(Input::Line(line)) => match parse(&line) {
                Ok(Cmd::Quit) => break,
                Ok(cmd) => obey(runtime, cmd, &pending).await,
                Err(failure) => say(&Out::error(None, None, &failure)),
            },
            Some(Input::TooLong) => say(&Out::error(
                None,
                None,
                &Failure::usage("The line is too long.", "Send long texts in parts."),
            )),
            None => break,
        }
    }
    tokio::select! {
        exit = &mut writer => return exit.unwrap_or(Exit::Local),
        _ = pending.settle() => {}
    }
    writer.abort();
    // What it was just showing is marked as seen before the end.
    let _ = writer.await;
    // The end of the input may have come in the same moment as the refusal.
    if runtime.is_stuck() { Exit::Verification } else { Exit::Ok }
}

/// Ends when nobody reads, or nothing can go on.
async fn write_events(runtime: Runtime, mut events: mpsc::Receiver<Event>, pending: Pending) -> Exit {
    while let Some(event) = events.recv().await {
        let is_stuck = matches!(event, Event::Relay { .. }) && runtime.is_stuck();
        let notice = event.notice();
        if let Event::Room {
            event: RoomEvent::Notice { notice: Notice::Error { code, .. }, again: false, .. },
            ..
        } = &event
        {
            pending.refused(code);
        }
        for out in translate(event, &|who| runtime.is_verified(who)) {
            if !try_say(&out) {
                return Exit::Ok;
            }
            match &out {
                Out::Sent { .. } => pending.done(),
                Out::Joined { room, .. } | Out::Closed { room, .. } => pending.joined(room),
                _ => {}
            }
        }
        if let Some(notice) = notice {
            // What cannot be marked comes again at the next start.
            let _ = runtime.seen(notice).await;
        }
        if is_stuck {
            return Exit::Verification;
        }
    }
    Exit::Ok
}

async fn obey(runtime: &Runtime, cmd: Cmd, pending: &Pending) {
    let (room, id) = cmd.about();
    let done = match cmd {
        Cmd::Join { room: Some(room), link: None, relay } => match runtime.room(&room) {
            Ok(status) if status.over.is_none() => again(runtime, &room),
            _ => with_relay(relay, |relay| runtime.open(&room, relay))
                .map(|label| pending.join(runtime, &label)),
        },
        Cmd::Join { link: Some(link), room: None, .. } => match words::link(&link) {
            Ok(AnyLink::Invite(link)) => runtime.join(&link).map(|label| pending.join(runtime, &label)),
            Ok(AnyLink::Relay(link)) => {
                runtime.use_relay(&link).await.map(|chosen| say(&Out::chosen(&chosen)))
            }
            Err(failure) => Err(failure),
        },
        Cmd::Join { .. } => Err(Failure::usage("join takes either a room or a link.", "See docs/json.md.")),
        Cmd::Create { room, relay } => match runtime.room(&room) {
            Ok(status) if status.over.is_none() => {
                Err(Failure::usage(format!("There is a room {room} already."), "Choose another name."))
            }
            _ => with_relay(relay, |relay| runtime.create(&room, relay))
                .map(|label| pending.join(runtime, &label)),
        },
        Cmd::Send { room, text, id } => pending.say(runtime, &room, id.unwrap_or_default(), text).await,
        Cmd::Invite { room } => runtime.tell(&room, Command::Invite).await,
        Cmd::Members { room } => runtime.room(&room).and_then(|status| {
            let waiting = || Failure::not_found(format!("You are not in {room} yet."), "Wait for joined.");
            status
                .view
                .map(|view| say(&Out::members(&room, &view, &|who| runtime.is_verified(who))))
                .ok_or_else(waiting)
        }),
        Cmd::Remove { room, member } => match find(runtime, &room, &member) {
            Ok(person) => runtime.tell(&room, Command::Remove(person.fingerprint)).await,
            Err(failure) => Err(failure),
        },
        Cmd::Verify { room, member, yes } => match find(runtime, &room, &member) {
            Ok(person) => verify(runtime, &room, &person, yes.then_some(true)).await,
            Err(failure) => Err(failure),
        },
        Cmd::Unverify { room, member } => match find(runtime, &room, &member) {
            Ok(person) => verify(runtime, &room, &person, Some(false)).await,
            Err(failure) => Err(failure),
        },
        Cmd::Ack { room, seq } => runtime.ack(&room, seq).await,
        Cmd::Leave { room } => runtime.tell(&room, Command::Leave).await,
        Cmd::Rooms {} => {
            say(&Out::rooms(&runtime.rooms()));
            Ok(())
        }
        Cmd::Nick { name } => runtime.rename(&name).await,
        Cmd::Quit => Ok(()),
    };
    if let Err(failure) = done {
        say(&Out::error(room, id, &failure));
    }
}

/// Joining where we are already is answered like a fresh join, so that a bot needs one start for both.
fn again(runtime: &Runtime, room: &str) -> Result<(), Failure> {
    if let Some(view) = runtime.room(room)?.view {
        say(&Out::joined(room, &view, &|who| runtime.is_verified(who)));
    }
    Ok(())
}

fn with_relay(
    relay: Option<String>,
    begin: impl FnOnce(Option<crate::transport::RelayAddress>) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let bad = |error: crate::transport::AddressError| Failure::usage(error.to_string(), "Write HOST:PORT.");
    begin(relay.map(|relay| relay.parse()).transpose().map_err(bad)?)
}

/// Shows the number, after the mark is set or taken back. A program names people by their whole fingerprint, which does
/// not change hands as a name does.
async fn verify(runtime: &Runtime, room: &str, person: &Person, mark: Option<bool>) -> Result<(), Failure> {
    if let Some(mark) = mark {
        runtime.mark(person, mark).await?;
    }
    let is_verified = runtime.is_verified(&person.fingerprint);
    say(&Out::safety(room, person, &runtime.compare(&person.fingerprint), is_verified));
    Ok(())
}

fn find(runtime: &Runtime, room: &str, member: &str) -> Result<Person, Failure> {
    let view = runtime.room(room)?.view;
    let view =
        view.ok_or_else(|| Failure::not_found(format!("You are not in {room} yet."), "Wait for joined."))?;
    let bad = |_| Failure::usage("A member is named by the whole fingerprint.", "Take it from members.");
    member.parse::<Fingerprint>().map_err(bad)?;
    words::find(&view, member).cloned()
}

/// Writes one object. A reader that is gone is noticed by whoever writes the events.
pub(crate) fn say(out: &Out) {
    try_say(out);
}

fn try_say(out: &Out) -> bool {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", out.to_line()).and_then(|()| stdout.flush()).is_ok()
}
