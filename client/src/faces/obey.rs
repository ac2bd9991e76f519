//! Carries out what a typed line means; the same for every face that people use.

use shared::{
    engine::{self, Command},
    link::AnyLink,
};

use super::{
    lines::{COMMANDS, Line},
    pending::Pending,
    sanitize, words,
};
use crate::{failure::Failure, runtime::Runtime};

/// What a line led to. What the room itself answers comes as an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// What to tell the person; safe for a terminal.
    pub notes: Vec<String>,
    /// The room that lines go to from now on, if it changes.
    pub go: Option<String>,
}

impl Done {
    fn say(note: impl Into<String>) -> Self {
        Self { notes: vec![note.into()], go: None }
    }

    fn go(label: String) -> Self {
        Self { notes: Vec::new(), go: Some(label) }
    }
}

/// Does what a line says. `current` is the room that lines go to.
///
/// # Errors
/// [`Failure`] with cause and remedy; then nothing was done.
pub async fn obey(
    runtime: &Runtime,
    pending: &Pending,
    current: Option<&str>,
    line: Line,
) -> Result<Done, Failure> {
    let here = || {
        let nowhere =
            || Failure::usage("You are in no room.", "Join one: /join LINK, or /join NAME for an open room.");
        current.ok_or_else(nowhere)
    };
    match line {
        Line::Empty | Line::Quit => Ok(Done::default()),
        Line::Say(text) => {
            pending.say(runtime, here()?, String::new(), text).await?;
            Ok(Done::default())
        }
        Line::Join(name) => join(runtime, pending, name),
        Line::Link(link) => match words::link(&link)? {
            AnyLink::Invite(link) => {
                let label = runtime.join(&link)?;
                pending.join(runtime, &label);
                Ok(Done::go(label))
            }
            AnyLink::Relay(link) => Ok(Done::say(words::chosen(&runtime.use_relay(&link).await?))),
        },
        Line::Create(name) => {
            if runtime.room(&name).is_ok_and(|status| status.over.is_none()) {
                return Err(Failure::usage("You have a room of that name already.", "Choose another name."));
            }
            let label = runtime.create(&name, None)?;
            pending.join(runtime, &label);
            Ok(Done::go(label))
        }
        Line::Invite => runtime.tell(here()?, Command::Invite).await.map(|()| Done::default()),
        Line::Members => Ok(Done { notes: members(&view(runtime, here()?)?), go: None }),
        Line::Verify(name) => verify(runtime, here()?, name.as_deref()),
        Line::Kick(name) => kick(runtime, here()?, &name).await,
        Line::Nick(name) => {
            runtime.rename(&name).await?;
            Ok(Done::say(format!("You are {} from now on.", sanitize::line(&runtime.me().0))))
        }
        Line::Rooms => Ok(Done { notes: rooms(runtime, current), go: None }),
        Line::Leave => runtime.tell(here()?, Command::Leave).await.map(|()| Done::default()),
        Line::Mute(is_muted) => {
            runtime.mute(here()?, is_muted).await?;
            let told = if is_muted { "You are not told of this room any more." } else { "You are told of this room." };
            Ok(Done::say(told))
        }
        Line::Why => Ok(Done::say(match runtime.why() {
            Some(failure) => words::failure(&failure),
            None => "Nothing went wrong so far.".to_owned(),
        })),
        Line::Help => {
            let commands = COMMANDS.iter().map(|(usage, what)| format!("{usage:<24} {what}"));
            let rest = std::iter::once("Anything else is sent to the current room.".to_owned());
            Ok(Done { notes: commands.chain(rest).collect(), go: None })
        }
    }
}

/// Who is in a room, a line each, and what to compare.
pub fn members(view: &engine::GroupView) -> Vec<String> {
    let people = view.members.iter().map(|member| {
        let me = if member.me { " (you)" } else { "" };
        let name = words::name(&member.person, Some(view));
        format!("  {name}{me}  {}", member.person.fingerprint.short())
    });
    let authenticator: String = view.authenticator.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let epoch = format!("Epoch {}, authenticator {authenticator}; the same for every member.", view.epoch);
    people.chain([epoch]).collect()
}

fn join(runtime: &Runtime, pending: &Pending, name: String) -> Result<Done, Failure> {
    let known = runtime.room(&name).ok().filter(|status| status.over.is_none());
    let Some(status) = known else {
        let label = runtime.open(&name, None)?;
        pending.join(runtime, &label);
        return Ok(Done { notes: vec![words::OPEN_WARNING.to_owned()], go: Some(label) });
    };
    let notes = match status.view {
        Some(view) => words::joined(&name, &view),
        None => vec![format!("Waiting for {}.", sanitize::line(&name))],
    };
    Ok(Done { notes, go: Some(name) })
}

fn verify(runtime: &Runtime, room: &str, name: Option<&str>) -> Result<Done, Failure> {
    let view = view(runtime, room)?;
    let (_, me) = runtime.me();
    let people: Vec<_> = match name {
        Some(name) => vec![words::find(&view, name)?],
        None => view.members.iter().filter(|member| !member.me).map(|member| &member.person).collect(),
    };
    if people.is_empty() {
        return Ok(Done::say("Nobody else is here yet."));
    }
    let notes = people.iter().flat_map(|person| words::safety(&me, &view, person)).collect();
    Ok(Done { notes, go: None })
}

async fn kick(runtime: &Runtime, room: &str, name: &str) -> Result<Done, Failure> {
    let view = view(runtime, room)?;
    let person = words::find(&view, name)?;
    if person.fingerprint == runtime.me().1 {
        return Err(Failure::usage("That is you.", "To go, say /leave."));
    }
    runtime.tell(room, Command::Remove(person.fingerprint)).await?;
    let open = "This room is open: whoever is removed can come back at once.";
    Ok(if view.open { Done::say(open) } else { Done::default() })
}

fn rooms(runtime: &Runtime, current: Option<&str>) -> Vec<String> {
    let rooms = runtime.rooms();
    if rooms.is_empty() {
        return vec!["You have no rooms. Join one: /join LINK, or /join NAME for an open room.".to_owned()];
    }
    let line = |status: crate::runtime::RoomStatus| {
        let mark = if current == Some(status.label.as_str()) { "*" } else { " " };
        let state = match (&status.over, &status.view) {
            (Some(why), _) => format!("over: {}", sanitize::line(why)),
            (None, Some(view)) => {
                format!("{} members{}", view.members.len(), if view.open { ", OPEN" } else { "" })
            }
            (None, None) => "not in yet".to_owned(),
        };
        format!("{mark} {}  {state}", sanitize::line(&status.label))
    };
    rooms.into_iter().map(line).collect()
}

fn view(runtime: &Runtime, room: &str) -> Result<engine::GroupView, Failure> {
    let waiting =
        || Failure::not_found("You are not in this room yet.", "Wait until it says so, or see /why.");
    runtime.room(room)?.view.ok_or_else(waiting)
}
