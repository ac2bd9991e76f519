//! Carries out what a typed line means; the same for every face that people use.

use std::collections::BTreeMap;

use shared::{
    invite::link::AnyLink,
    message::timeline,
    room::{self as engine, Alteration, Command, Said},
};

use super::{
    lines::{Allowed, COMMANDS, Line},
    pending::Pending,
    sanitize,
    unread::{Unread, unread_rooms},
    words,
};
use crate::{
    failure::Failure,
    runtime::Runtime,
    store::{Hit, Query},
};

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
        Line::Say(text) => say(runtime, pending, here()?, Said::Text { text, reply_to: None }).await,
        Line::Join(name) => join(runtime, pending, name).await,
        Line::Link(link) => match words::link(&link)? {
            AnyLink::Invite(link) => {
                let label = runtime.join(&link).await?;
                pending.join(runtime, &label);
                Ok(Done::go(label))
            }
            AnyLink::Relay(link) => Ok(Done::say(words::chosen(&runtime.use_relay(&link).await?))),
        },
        Line::Create(name, policy) => {
            if runtime.room(&name).is_ok_and(|status| status.over.is_none()) {
                return Err(Failure::usage("You have a room of that name already.", "Choose another name."));
            }
            let label = runtime.create(&name, None, policy).await?;
            pending.join(runtime, &label);
            Ok(Done::go(label))
        }
        Line::Invite(limits) => runtime.tell(here()?, words::invite(&limits)).await.map(|()| Done::default()),
        Line::Invites => Ok(Done { notes: words::invites(&view(runtime, here()?)?), go: None }),
        Line::Revoke(id) => {
            let room = here()?;
            let id = words::find_invite(&view(runtime, room)?, &id)?;
            runtime.tell(room, Command::Revoke(id)).await.map(|()| Done::default())
        }
        Line::Moderator(name, is_moderator) => {
            let room = here()?;
            let who = words::find(&view(runtime, room)?, &name)?.fingerprint;
            runtime.tell(room, Command::Moderator { who, is_moderator }).await.map(|()| Done::default())
        }
        Line::Policy(Allowed { moderators_invite: None, seats: None }) => {
            Ok(Done { notes: words::policy(&view(runtime, here()?)?), go: None })
        }
        Line::Policy(Allowed { moderators_invite, seats }) => {
            let policy = Command::Policy { moderators_invite, seats };
            runtime.tell(here()?, policy).await.map(|()| Done::default())
        }
        Line::Members => Ok(Done { notes: members(runtime, &view(runtime, here()?)?), go: None }),
        Line::Verify(name) => verify(runtime, here()?, name.as_deref()),
        Line::Mark(name) => mark(runtime, here()?, &name).await,
        Line::Unverify(name) => unmark(runtime, here()?, &name).await,
        Line::Kick(name) => kick(runtime, here()?, &name).await,
        Line::Nick(name) => {
            runtime.rename(&name).await?;
            Ok(Done::say(format!("You are {} from now on.", sanitize::line(&runtime.me().0))))
        }
        Line::Reply(text) => {
            let room = here()?;
            let target = last(runtime, room, false).await?.message.id;
            say(runtime, pending, room, Said::Text { text, reply_to: Some(target) }).await
        }
        Line::Edit(text) => act(runtime, pending, here()?, true, |_| Alteration::Edit(text)).await,
        Line::Delete => act(runtime, pending, here()?, true, |_| Alteration::Delete).await,
        Line::React(emoji) => {
            let me = runtime.me().1;
            let toggle = |line: &timeline::Line| {
                let mut signs = line.reactions.iter().filter(|sign| sign.emoji == emoji);
                let withdrawn = signs.any(|sign| sign.people.iter().any(|person| person.fingerprint == me));
                Alteration::React { emoji: emoji.clone(), withdrawn }
            };
            act(runtime, pending, here()?, false, toggle).await
        }
        Line::Status(status) => {
            runtime.describe(&status, &runtime.description().1).await?;
            Ok(Done::say("Your status is changed."))
        }
        Line::Glyph(glyph) => {
            runtime.describe(&runtime.description().0, &glyph).await?;
            Ok(Done::say("Your sign is changed."))
        }
        Line::Disappear(None) => Ok(Done::say(match view(runtime, here()?)?.disappear_s {
            0 => "Messages stay here.".to_owned(),
            seconds => format!("Messages go {} after they were said.", words::duration(seconds)),
        })),
        Line::Disappear(Some(seconds)) => {
            runtime.tell(here()?, Command::Disappear(seconds)).await.map(|()| Done::default())
        }
        Line::Search(text) => search(runtime, here()?, &text).await,
        Line::Rooms => Ok(Done { notes: rooms(runtime, current).await, go: None }),
        Line::Leave => runtime.tell(here()?, Command::Leave).await.map(|()| Done::default()),
        Line::Accept => runtime.tell(here()?, Command::Accept).await.map(|()| Done::default()),
        Line::Mute(is_muted) => {
            runtime.mute(here()?, is_muted).await?;
            let told = if is_muted {
                "You are not told of this room any more."
            } else {
                "You are told of this room."
            };
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

/// Lines that a search shows at once: a screen.
const HITS: usize = 20;

async fn search(runtime: &Runtime, room: &str, text: &str) -> Result<Done, Failure> {
    let hits = runtime.search(Some(room), &Query::new(text, None), HITS).await?;
    let view = runtime.room(room)?.view;
    if hits.is_empty() {
        return Ok(Done::say("Nothing that this device has holds all of these words."));
    }
    let line = |hit: Hit| {
        let message = hit.line.message;
        let name = words::name(&message.from, view.as_ref());
        format!("{} {name}: {}", words::when(message.at), sanitize::line(&message.text))
    };
    // As they were said.
    Ok(Done { notes: hits.into_iter().rev().map(line).collect(), go: None })
}

/// The last line of ours, or of somebody else.
async fn last(runtime: &Runtime, room: &str, mine: bool) -> Result<timeline::Line, Failure> {
    const FAR: u32 = 200; // further up nobody remembers which one was the last
    let page = runtime.history_before(room, u64::MAX, FAR).await?;
    let found = page.into_iter().rev().find(|line| line.message.mine == mine && !line.deleted);
    found.ok_or_else(|| {
        let whose = if mine { "of yours" } else { "of anybody else" };
        Failure::not_found(
            format!("There is no message {whose} here."),
            "Say something first, or wait for one.",
        )
    })
}

async fn act(
    runtime: &Runtime,
    pending: &Pending,
    room: &str,
    mine: bool,
    change: impl FnOnce(&timeline::Line) -> Alteration,
) -> Result<Done, Failure> {
    let line = last(runtime, room, mine).await?;
    say(runtime, pending, room, Said::Act { target: line.message.id, change: change(&line) }).await
}

async fn say(runtime: &Runtime, pending: &Pending, room: &str, said: Said) -> Result<Done, Failure> {
    pending.say(runtime, room, String::new(), said).await.map(|()| Done::default())
}

/// Who is in a room, a line each, and what to compare.
pub fn members(runtime: &Runtime, view: &engine::GroupView) -> Vec<String> {
    let people = view.members.iter().map(|member| {
        let mark = match (runtime.is_verified(&member.person.fingerprint), words::heard(member)) {
            _ if member.me => " (you)".to_owned(),
            (true, "") => " (verified)".to_owned(),
            (true, word) => format!(" (verified, {word})"),
            (false, "") => String::new(),
            (false, word) => format!(" ({word})"),
        };
        let role = if member.is_moderator { " (moderator)" } else { "" };
        let name = words::name(&member.person, Some(view));
        let shown = sanitize::line(format!("{} {}", member.glyph, member.status).trim());
        let shown = if shown.is_empty() { shown } else { format!("  {shown}") };
        format!("  {name}{mark}{role}  {}{shown}", member.person.fingerprint.short())
    });
    let authenticator: String = view.authenticator.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let epoch = format!("Epoch {}, authenticator {authenticator}; the same for every member.", view.epoch);
    people.chain([epoch]).collect()
}

async fn join(runtime: &Runtime, pending: &Pending, name: String) -> Result<Done, Failure> {
    let known = runtime.room(&name).ok().filter(|status| status.over.is_none());
    let Some(status) = known else {
        let label = runtime.open(&name, None).await?;
        pending.join(runtime, &label);
        return Ok(Done { notes: vec![words::OPEN_WARNING.to_owned()], go: Some(label) });
    };
    let notes = match status.view {
        Some(view) => words::joined(&status.label, &view),
        None => vec![format!("Waiting for {}.", sanitize::line(&name))],
    };
    Ok(Done { notes, go: Some(status.label) })
}

fn verify(runtime: &Runtime, room: &str, name: Option<&str>) -> Result<Done, Failure> {
    let view = view(runtime, room)?;
    let people: Vec<_> = match name {
        Some(name) => vec![words::find(&view, name)?],
        None => view.members.iter().filter(|member| !member.me).map(|member| &member.person).collect(),
    };
    if people.is_empty() {
        return Ok(Done::say("Nobody else is here yet."));
    }
    let safety = |person: &&engine::Person| {
        let number = runtime.compare(&person.fingerprint);
        let yes = format!("/verify {} yes", words::name(person, Some(&view)));
        words::safety(&number, &view, person, runtime.is_verified(&person.fingerprint), &yes)
    };
    Ok(Done { notes: people.iter().flat_map(safety).collect(), go: None })
}

async fn mark(runtime: &Runtime, room: &str, name: &str) -> Result<Done, Failure> {
    let view = view(runtime, room)?;
    let person = match words::find(&view, name) {
        // Somebody may be called so.
        Err(_) if words::find(&view, &format!("{name} yes")).is_ok() => {
            return verify(runtime, room, Some(&format!("{name} yes")));
        }
        found => found?,
    };
    runtime.verify(person).await?;
    let all = if runtime.room(room)?.is_verified { " So is everybody here." } else { "" };
    Ok(Done::say(format!("{} is verified from now on.{all}", words::name(person, Some(&view)))))
}

async fn unmark(runtime: &Runtime, room: &str, name: &str) -> Result<Done, Failure> {
    let view = view(runtime, room)?;
    let person = words::find(&view, name)?;
    runtime.mark(person, false).await?;
    Ok(Done::say(format!("{} is not verified any more.", words::name(person, Some(&view)))))
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

/// What was not read, room by room, for the start of a face that has no place for it.
pub(super) async fn unread(runtime: &Runtime) -> Vec<String> {
    let all = unread_rooms(runtime).await.into_iter();
    let said = |(room, unread): (String, Result<Unread, Failure>)| {
        Some(format!("{}: {}.", sanitize::line(&room), unread.ok()?.words()?))
    };
    all.filter_map(said).collect()
}

async fn rooms(runtime: &Runtime, current: Option<&str>) -> Vec<String> {
    let unread: BTreeMap<_, _> = unread_rooms(runtime).await.into_iter().collect();
    let rooms = runtime.rooms();
    if rooms.is_empty() {
        return vec!["You have no rooms. Join one: /join LINK, or /join NAME for an open room.".to_owned()];
    }
    let line = |status: crate::runtime::RoomStatus| {
        let mark = if current == Some(status.label.as_str()) { "*" } else { " " };
        let state = match (&status.over, &status.view) {
            (Some(why), _) => format!("over: {}", sanitize::line(why)),
            (None, Some(view)) => {
                let open = if view.open { ", OPEN" } else { "" };
                let verified = if status.is_verified { ", all verified" } else { "" };
                let unread = unread.get(&status.label).and_then(|unread| unread.as_ref().ok()?.words());
                let unread = unread.map(|unread| format!(", {unread}")).unwrap_or_default();
                format!("{} members{open}{verified}{unread}", view.members.len())
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
