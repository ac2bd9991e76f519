//! `--json`, version 1: one object per line, both ways. `docs/json.md` is its manual.

mod input;
mod output;

use std::{
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use shared::{
    identity::Fingerprint,
    invite::link::AnyLink,
    room::{Alteration, Command, GroupView, MessageBody, MessageId, Person, Policy},
};
use tokio::sync::mpsc;

pub use input::{Cmd, InviteBy, SteerBy, parse};
pub use output::{
    GroupOut, InfoOut, InviteOut, Marks, MemberOut, Out, PersonOut, RoomOut, linked, translate,
};

use super::{
    avatar,
    input::Input,
    lines,
    pending::{Part, Pending},
    stdout, words,
};
use crate::{
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, HandedPast, LinkAnswer, Outgoing, RoomEvent, Steer, Wanted},
    store::{Cursor, Query},
    transport::{AddressError, RelayAddress},
};

/// Version of the protocol.
pub const VERSION: u32 = 1;

/// Serves commands from `input` and writes events to standard output until the input ends, `quit`, nobody reads, or
/// the certificate of the only relay was refused. At the end of the input the exit is that of the first line that was
/// refused, if one was: nobody may have read its error.
pub async fn run(runtime: &Runtime, events: mpsc::Receiver<Event>, mut input: mpsc::Receiver<Input>) -> Exit {
    let pending = Pending::default();
    let mut writer = Part(tokio::spawn(write_events(runtime.clone(), events, pending.clone())));
    // Whoever says so has read what came before.
    let mut has_said_quit = true;
    loop {
        let line = tokio::select! {
            line = input.recv() => line,
            exit = &mut writer.0 => return exit.unwrap_or(Exit::Local),
        };
        match line {
            Some(Input::Line(line)) if line.trim().is_empty() => {}
            Some(Input::Line(line)) => match parse(&line) {
                Ok(Cmd::Quit) => break,
                Ok(cmd) => execute(runtime, cmd, &pending).await,
                Err(failure) => refuse(&pending, None, None, &failure),
            },
            Some(Input::TooLong) => {
                let failure = Failure::usage("The line is too long.", "Send long texts in parts.");
                refuse(&pending, None, None, &failure);
            }
            Some(Input::Broken(failure)) => refuse(&pending, None, None, &failure),
            None => {
                has_said_quit = false;
                break;
            }
        }
        if stdout::failure().is_some() {
            return Exit::Ok;
        }
    }
    let done = tokio::select! {
        exit = &mut writer.0 => return exit.unwrap_or(Exit::Local),
        done = pending.settle() => done,
    };
    writer.0.abort();
    // What it was just showing is marked as seen before the end.
    let _ = (&mut writer.0).await;
    // The end of the input may have come in the same moment as the refusal.
    match pending.refusal() {
        _ if runtime.is_stuck() => Exit::Verification,
        Some(exit) if !has_said_quit => exit,
        _ if !done => Exit::Network,
        _ => Exit::Ok,
    }
}

/// Says that a line was refused, and remembers it for the end of the input.
fn refuse(pending: &Pending, room: Option<String>, id: Option<String>, failure: &Failure) {
    pending.failed(failure.exit);
    say(&Out::error(room, id, failure));
}

/// Ends when nobody reads, or nothing can go on.
async fn write_events(runtime: Runtime, mut events: mpsc::Receiver<Event>, pending: Pending) -> Exit {
    while let Some(event) = events.recv().await {
        let is_stuck = matches!(event, Event::Relay { .. }) && runtime.is_stuck();
        let notice = event.notice();
        if let Event::Room { event: RoomEvent::Notice { notice, again: false, .. }, .. } = &event {
            notice.code().into_iter().for_each(|code| pending.refused(code));
        }
        if let Event::Room { event: RoomEvent::Transfer(transfer), .. } = &event {
            pending.transfer(transfer);
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

/// What a program says that has compared.
///
/// # Errors
/// [`Failure`] of kind usage for another `history`.
pub fn confirmed(digits: String, history: Option<&str>) -> Result<LinkAnswer, Failure> {
    let past = history.map_or_else(|| Some(HandedPast::default()), lines::history);
    let past = past.ok_or_else(|| {
        Failure::usage("history is none, all, or a number of messages.", "See docs/json.md.")
    })?;
    Ok(LinkAnswer::Confirm { digits, past })
}

async fn execute(runtime: &Runtime, cmd: Cmd, pending: &Pending) {
    let (room, id) = cmd.about();
    let done = match cmd {
        Cmd::Join { room: Some(room), link: None, relay } => match runtime.room(&room) {
            Ok(status) if status.over.is_none() => again(runtime, &room),
            _ => match address(relay) {
                Ok(relay) => runtime
                    .open(&room, relay)
                    .await
                    .map_err(Failure::from)
                    .map(|label| pending.join(runtime, &label)),
                Err(failure) => Err(failure),
            },
        },
        Cmd::Join { link: Some(link), room: None, .. } => match words::link(&link) {
            Ok(AnyLink::Invite(link)) => {
                runtime.join(&link).await.map_err(Failure::from).map(|label| pending.join(runtime, &label))
            }
            Ok(AnyLink::Relay(link)) => {
                runtime.use_relay(&link).await.map_err(Failure::from).map(|chosen| say(&Out::chosen(&chosen)))
            }
            Err(failure) => Err(failure),
        },
        Cmd::Join { .. } => Err(Failure::usage("join takes either a room or a link.", "See docs/json.md.")),
        Cmd::Link { code } => runtime.link(code, None).await.map_err(Failure::from),
        Cmd::LinkConfirm { digits, history } => match confirmed(digits, history.as_deref()) {
            Ok(answer) => runtime.answer_link(answer).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        },
        Cmd::LinkRefuse => runtime.answer_link(LinkAnswer::Refuse).await.map_err(Failure::from),
        Cmd::LinkCancel => runtime.answer_link(LinkAnswer::Cancel).await.map_err(Failure::from),
        Cmd::Create { room, relay, disappear, past } => match runtime.room(&room) {
            Ok(status) if status.over.is_none() => {
                Err(Failure::usage(format!("There is a room {room} already."), "Choose another name."))
            }
            _ => {
                let policy = Policy { disappear_s: disappear, past_lines: past, ..Policy::default() };
                match address(relay) {
                    Ok(relay) => {
                        let label = runtime.create(&room, relay, policy).await.map_err(Failure::from);
                        label.map(|label| pending.join(runtime, &label))
                    }
                    Err(failure) => Err(failure),
                }
            }
        },
        Cmd::Send { room, text, id, reply_to } => match reply_to.as_deref().map(message_id).transpose() {
            Ok(reply_to) => {
                let said = MessageBody::Text { text, reply_to, file: None };
                pending.say(runtime, &room, id.unwrap_or_default(), said).await
            }
            Err(failure) => Err(failure),
        },
        Cmd::FileSend { room, path, text, id, reply_to, keep_metadata, duration_ms } => {
            let known = reply_to.as_deref().map(message_id).transpose();
            match known.and_then(|reply_to| Ok((reply_to, from_root(runtime, &path)?))) {
                Ok((reply_to, path)) => {
                    let file = Outgoing {
                        path,
                        text,
                        reply_to,
                        keeps_metadata: keep_metadata,
                        duration_ms,
                        token: id.unwrap_or_default(),
                    };
                    let begun = pending.send_file(runtime, &room, file).await;
                    begun.map(|transfer| say(&Out::transfer(room, &transfer)))
                }
                Err(failure) => Err(failure),
            }
        }
        Cmd::FileGet { room, target, output } => match wanted(runtime, &target, output.as_deref()) {
            Ok(wanted) => {
                let begun = runtime.get_file(&room, wanted).await.map_err(Failure::from);
                begun.map(|transfer| say(&Out::transfer(room, &transfer)))
            }
            Err(failure) => Err(failure),
        },
        Cmd::Transfers { room } => {
            runtime.transfers(room.as_deref()).await.map_err(Failure::from).map(|files| {
                let transfers = files.into_iter().map(|(room, transfer)| Out::transfer(room, &transfer));
                say(&Out::Transfers { transfers: transfers.collect() });
            })
        }
        Cmd::Transfer { transfer, steer } => {
            let steer = match steer {
                SteerBy::Pause => Steer::Pause,
                SteerBy::Resume => Steer::Run,
                SteerBy::Cancel => Steer::Cancel,
            };
            runtime.steer_file(transfer, steer).await.map_err(Failure::from)
        }
        Cmd::Edit { room, target, text } => {
            act(runtime, pending, &room, &target, Alteration::Edit(text)).await
        }
        Cmd::Delete { room, target } => act(runtime, pending, &room, &target, Alteration::Delete).await,
        Cmd::React { room, target, emoji, withdrawn } => {
            act(runtime, pending, &room, &target, Alteration::React { emoji, withdrawn }).await
        }
        Cmd::Seen { room, seq } => {
            match runtime.ack_at(&room, &Cursor::read(), seq).await.map_err(Failure::from) {
                Ok(()) => pending.say(runtime, &room, String::new(), MessageBody::Seen(seq)).await,
                Err(failure) => Err(failure),
            }
        }
        Cmd::Read { room, seq } => runtime.ack_at(&room, &Cursor::read(), seq).await.map_err(Failure::from),
        Cmd::Draft { room, text: Some(text) } => runtime.set_draft(&room, &text).await.map_err(Failure::from),
        Cmd::Draft { room, text: None } => runtime.draft(&room).await.map_err(Failure::from).map(|text| {
            let text = text.map(|text| text.to_string()).unwrap_or_default();
            say(&Out::Draft { room, text });
        }),
        Cmd::Typing { room, stopped } => {
            runtime.tell(&room, Command::Typing { stopped }).await.map_err(Failure::from)
        }
        Cmd::Disappear { room, seconds } => {
            runtime.tell(&room, Command::Disappear(seconds)).await.map_err(Failure::from)
        }
        Cmd::Topic { room, text } => runtime.tell(&room, Command::Topic(text)).await.map_err(Failure::from),
        Cmd::Avatar { path } => match path.map(|path| avatar::read(Path::new(&path))).transpose() {
            Ok(picture) => runtime.set_avatar(picture).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        },
        Cmd::Describe { status, glyph } => runtime.describe(&status, &glyph).await.map_err(Failure::from),
        Cmd::Search { room, text, from, limit } => {
            let query = Query::new(&text, from.as_deref());
            let hits =
                runtime.search(room.as_deref(), &query, limit.unwrap_or(HITS)).await.map_err(Failure::from);
            hits.map(|hits| say(&Out::found(hits)))
        }
        Cmd::Invite { room, uses, expires } => {
            runtime.tell(&room, Command::Invite { uses, expires_ms: expires }).await.map_err(Failure::from)
        }
        Cmd::Invites { room } => view(runtime, &room).map(|view| say(&Out::invites(&room, &view))),
        Cmd::Revoke { room, invite } => {
            match view(runtime, &room).and_then(|view| words::find_invite(&view, &invite)) {
                Ok(id) => runtime.tell(&room, Command::Revoke(id)).await.map_err(Failure::from),
                Err(failure) => Err(failure),
            }
        }
        Cmd::Moderator { room, member, withdrawn } => match find(runtime, &room, &member) {
            Ok(person) => {
                let (who, is_moderator) = (person.fingerprint, !withdrawn);
                runtime.tell(&room, Command::Moderator { who, is_moderator }).await.map_err(Failure::from)
            }
            Err(failure) => Err(failure),
        },
        Cmd::Policy { room, invite, seats } => {
            let moderators_invite = invite.map(|by| by == InviteBy::Moderators);
            runtime.tell(&room, Command::Policy { moderators_invite, seats }).await.map_err(Failure::from)
        }
        Cmd::Info { room } => {
            runtime.room(&room).map_err(Failure::from).map(|status| say(&Out::Info(InfoOut::from(&status))))
        }
        Cmd::Members { room } => {
            view(runtime, &room).map(|view| say(&Out::members(&room, &view, &|who| runtime.is_verified(who))))
        }
        Cmd::Remove { room, member } => match find(runtime, &room, &member) {
            Ok(person) => {
                runtime.tell(&room, Command::Remove(person.fingerprint)).await.map_err(Failure::from)
            }
            Err(failure) => Err(failure),
        },
        Cmd::Devices => runtime.devices().await.map(|all| say(&Out::devices(all))).map_err(Failure::from),
        Cmd::DeviceRemove { device } => {
            remove_device(runtime, &device).await.map(|done| say(&done)).map_err(Failure::from)
        }
        Cmd::DeviceRename { name } => runtime.name_device(&name).await.map_err(Failure::from),
        Cmd::Verify { room, member, yes } => match find(runtime, &room, &member) {
            Ok(person) => verify(runtime, &room, &person, yes.then_some(true)).await,
            Err(failure) => Err(failure),
        },
        Cmd::Unverify { room, member } => match find(runtime, &room, &member) {
            Ok(person) => verify(runtime, &room, &person, Some(false)).await,
            Err(failure) => Err(failure),
        },
        Cmd::Ack { room, seq } => runtime.ack(&room, seq).await.map_err(Failure::from),
        Cmd::Leave { room } => runtime.tell(&room, Command::LeaveAll).await.map_err(Failure::from),
        Cmd::Accept { room } => runtime.tell(&room, Command::Accept).await.map_err(Failure::from),
        Cmd::Pin { room, withdrawn } => runtime.pin(&room, !withdrawn).await.map_err(Failure::from),
        Cmd::Forget { room } => runtime.forget(&room).await.map_err(Failure::from),
        Cmd::Rooms { all } => {
            say(&Out::rooms(runtime, all).await);
            Ok(())
        }
        Cmd::Nick { name } => runtime.rename(&name).await.map_err(Failure::from),
        Cmd::Quit => Ok(()),
    };
    if let Err(failure) = done {
        refuse(pending, room, id, &failure);
    }
}

/// Lines that a search finds at most, unless it says otherwise.
const HITS: usize = 100;

async fn act(
    runtime: &Runtime,
    pending: &Pending,
    room: &str,
    target: &str,
    change: Alteration,
) -> Result<(), Failure> {
    let target = message_id(target)?;
    pending.say(runtime, room, String::new(), MessageBody::Act { target, change }).await
}

fn wanted(runtime: &Runtime, target: &str, output: Option<&str>) -> Result<Wanted, Failure> {
    let output = output.map(|output| from_root(runtime, output)).transpose()?;
    Ok(Wanted { message: message_id(target)?, output })
}

/// A relative path begins where this program runs. A daemon that reads or writes the file runs somewhere else, so there it is
/// nothing that both understand.
fn from_root(runtime: &Runtime, path: &str) -> Result<PathBuf, Failure> {
    let bad = |message| Failure::usage(message, "Give the path from the root.");
    if runtime.is_daemons() && Path::new(path).is_relative() {
        let message = "The path is relative, and the daemon that is to use it runs in another directory.";
        return Err(bad(message.to_owned()));
    }
    absolute(path).map_err(|error| bad(format!("That is no path: {error}.")))
}

fn message_id(text: &str) -> Result<MessageId, Failure> {
    let bad = || Failure::usage("A message is named by 32 hexadecimal digits.", "Take the id from message.");
    let mut id = MessageId::default();
    hex::decode_to_slice(text, &mut id).map_err(|_| bad())?;
    Ok(id)
}

/// Joining where we are already is answered like a fresh join, so that a bot needs one start for both.
fn again(runtime: &Runtime, room: &str) -> Result<(), Failure> {
    if let Some(view) = runtime.room(room)?.view {
        say(&Out::joined(room, &view, &|who| runtime.is_verified(who)));
    }
    Ok(())
}

fn address(relay: Option<String>) -> Result<Option<RelayAddress>, Failure> {
    let bad = |error: AddressError| Failure::usage(words::address(error), "Write HOST:PORT.");
    relay.map(|relay| relay.parse()).transpose().map_err(bad)
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

async fn remove_device(runtime: &Runtime, device: &str) -> Result<Out, crate::reason::Reason> {
    // Once it is to go it says nothing more.
    let beyond = runtime.rooms_beyond(Some(device)).await?;
    Ok(Out::devices_removed(runtime.remove_device(device).await?, beyond))
}

fn find(runtime: &Runtime, room: &str, member: &str) -> Result<Person, Failure> {
    let view = view(runtime, room)?;
    let bad = |_| Failure::usage("A member is named by the whole fingerprint.", "Take it from members.");
    member.parse::<Fingerprint>().map_err(bad)?;
    words::find(&view, member).cloned()
}

fn view(runtime: &Runtime, room: &str) -> Result<Arc<GroupView>, Failure> {
    let waiting = || Failure::not_found(format!("You are not in {room} yet."), "Wait for joined.");
    runtime.room(room)?.view.ok_or_else(waiting)
}

/// Writes one object.
pub(crate) fn say(out: &Out) {
    try_say(out);
}

fn try_say(out: &Out) -> bool {
    stdout::line(&out.to_line())
}
