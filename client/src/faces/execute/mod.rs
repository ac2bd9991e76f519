//! Carries out what a typed line means; the same for every face that people use.

mod files;
pub(super) mod paths;
mod people;
mod rooms;
mod said;

use std::{sync::Arc, time::Duration};

use shared::{
    invite::link::AnyLink,
    message::timeline,
    room::{self as engine, Alteration, Command, MessageBody},
};

use super::{
    groups,
    lines::{Allowed, TypedLine, is_code, is_link},
    pending::Pending,
    words,
};
use crate::{
    failure::Failure,
    handle::Runtime,
    reason::{LinkReason, Reason, RoomReason},
    runtime::{OwnDevice, RoomStatus, meant_device},
};
pub use people::members;
use people::{kick, mark, unmark, verify};
pub use rooms::info;
pub(super) use rooms::unread;
use rooms::{join, rooms};
use said::{act, last, quote, say, search};

/// What a line led to. What the room itself answers comes as an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// What to tell the person; safe for a terminal.
    pub notes: Vec<String>,
    /// The room that lines go to from now on, if it changes.
    pub go: Option<String>,
    /// A device that is being taken out, as it was called, and of where: it is told when that is done.
    pub watch: Option<(String, Vec<OwnDevice>)>,
}

impl Done {
    fn say(note: impl Into<String>) -> Self {
        Self::tell(vec![note.into()])
    }

    fn go(label: String) -> Self {
        Self { go: Some(label), ..Self::default() }
    }

    fn tell(notes: Vec<String>) -> Self {
        Self { notes, ..Self::default() }
    }
}

/// Does what a line says. `current` is the room that lines go to.
///
/// # Errors
/// [`Failure`] with cause and remedy; then nothing was done.
pub async fn execute(
    runtime: &Runtime,
    pending: &Pending,
    current: Option<&str>,
    line: TypedLine,
) -> Result<Done, Failure> {
    let here = || {
        let nowhere =
            || Failure::usage("You are in no room.", "Join one: /join LINK, or /join NAME for an open room.");
        current.ok_or_else(nowhere)
    };
    let line = match line {
        // A link where there is no room cannot be meant for anybody else.
        TypedLine::Say(text) if current.is_none() && is_link(&text) => TypedLine::Link(text),
        TypedLine::Say(text) if current.is_none() && is_code(&text) => {
            return Err(Reason::from(LinkReason::CodeForName).into());
        }
        line => line,
    };
    let is_sure = pending.is_sure(match &line {
        TypedLine::Leave => current.map(|room| format!("leave {room}")),
        TypedLine::RemoveDevice(name) => Some(format!("remove device {name}")),
        TypedLine::Forget(room) => room.as_deref().or(current).map(|room| format!("forget {room}")),
        _ => None,
    });
    match line {
        TypedLine::Empty | TypedLine::Quit => Ok(Done::default()),
        TypedLine::Say(text) => say(runtime, pending, here()?, MessageBody::text(text)).await,
        TypedLine::Join(name) => join(runtime, pending, name).await,
        TypedLine::Link(link) => match words::link(&link)? {
            AnyLink::Invite(link) => {
                let label = runtime.join(&link).await?;
                pending.join(runtime, &label);
                Ok(Done::go(label))
            }
            AnyLink::Relay(link) => Ok(Done::say(words::chosen(&runtime.use_relay(&link).await?))),
        },
        TypedLine::Device(code) => {
            runtime.link(code, None).await.map(|()| Done::default()).map_err(Failure::from)
        }
        TypedLine::DeviceAnswer(answer) => {
            runtime.answer_link(answer).await.map(|()| Done::default()).map_err(Failure::from)
        }
        TypedLine::Create(name, policy) => {
            if runtime.room(&name).is_ok_and(|status| status.over.is_none()) {
                return Err(Failure::usage("You have a room of that name already.", "Choose another name."));
            }
            let label = runtime.create(&name, None, policy).await?;
            pending.join(runtime, &label);
            Ok(Done::go(label))
        }
        TypedLine::Invite(limits) => runtime
            .tell(here()?, words::invite(&limits))
            .await
            .map(|()| Done::default())
            .map_err(Failure::from),
        TypedLine::Invites => Ok(Done::tell(words::invites(&*view(runtime, here()?)?))),
        TypedLine::Revoke(id) => {
            let room = here()?;
            let id = words::find_invite(&*view(runtime, room)?, &id)?;
            runtime.tell(room, Command::Revoke(id)).await?;
            Ok(Done::say(words::asked_revoke(&id)))
        }
        TypedLine::Moderator(name, is_moderator) => {
            let room = here()?;
            let view = view(runtime, room)?;
            let person = words::find(&view, &name)?;
            runtime.tell(room, Command::Moderator { who: person.fingerprint, is_moderator }).await?;
            Ok(Done::say(words::asked_moderator(&words::who(person, Some(&*view)), is_moderator)))
        }
        TypedLine::Policy(Allowed { moderators_invite: None, seats: None }) => {
            Ok(Done::tell(words::policy(&*view(runtime, here()?)?)))
        }
        TypedLine::Policy(Allowed { moderators_invite, seats }) => {
            let policy = Command::Policy { moderators_invite, seats };
            runtime.tell(here()?, policy).await?;
            Ok(Done::say(words::asked_policy(moderators_invite, seats)))
        }
        TypedLine::Info => Ok(Done::tell(info(&runtime.room(here()?)?))),
        TypedLine::Members => Ok(Done::tell(members(runtime, &*view(runtime, here()?)?))),
        TypedLine::Devices => Ok(Done::tell(words::devices::devices(&runtime.devices().await?))),
        TypedLine::RemoveDevice(name) if !is_sure => {
            // What cannot be done is said before anything is asked.
            let found = meant_device(runtime.devices().await?, &name)?;
            Ok(Done::say(words::devices::removes(&found)))
        }
        TypedLine::RemoveDevice(name) => {
            let beyond = runtime.rooms_beyond(Some(&name)).await?;
            let found = runtime.remove_device(&name).await?;
            let mut told = words::devices::asked_removal(&found);
            words::devices::beyond(beyond).iter().for_each(|line| told.extend([" ", line.as_str()]));
            Ok(Done { watch: Some((name, found)), ..Done::say(told) })
        }
        TypedLine::ReplaceKey => Ok(Done::say(words::devices::REPLACE_KEY)),
        TypedLine::NameDevice(name) => {
            runtime.name_device(&name).await?;
            Ok(Done::say(words::devices::named(&name)))
        }
        TypedLine::Verify(name) => verify(runtime, here()?, name.as_deref()),
        TypedLine::Mark(name) => mark(runtime, here()?, &name).await,
        TypedLine::Unverify(name) => unmark(runtime, here()?, &name).await,
        TypedLine::Kick(name) => kick(runtime, here()?, &name).await,
        TypedLine::Nick(name) => {
            runtime.rename(&name).await?;
            Ok(Done::say(format!("You are {} from now on.", words::called(&runtime.me().0))))
        }
        TypedLine::Reply(text) => {
            let room = here()?;
            let target = last(runtime, room, false).await?.message.id;
            say(runtime, pending, room, MessageBody::Text { text, reply_to: Some(target), file: None }).await
        }
        TypedLine::Quote(text) => quote(runtime, pending, here()?, &text).await,
        TypedLine::Edit(text) => act(runtime, pending, here()?, true, |_| Alteration::Edit(text)).await,
        TypedLine::Delete => act(runtime, pending, here()?, true, |_| Alteration::Delete).await,
        TypedLine::React(emoji) => {
            let me = runtime.me().1;
            let toggle = |line: &timeline::Line| {
                let mut reactions = line.reactions.iter().filter(|reaction| reaction.emoji == emoji);
                let withdrawn =
                    reactions.any(|reaction| reaction.people.iter().any(|person| person.fingerprint == me));
                Alteration::React { emoji: emoji.clone(), withdrawn }
            };
            act(runtime, pending, here()?, false, toggle).await
        }
        TypedLine::Status(status) => {
            runtime.describe(&status, &runtime.description().1).await?;
            Ok(Done::say("Your status is changed."))
        }
        TypedLine::Glyph(glyph) => {
            runtime.describe(&runtime.description().0, &glyph).await?;
            Ok(Done::say("Your sign is changed."))
        }
        TypedLine::Avatar(path) => files::avatar(runtime, path.as_deref()).await,
        TypedLine::Disappear(None) => Ok(Done::say(match view(runtime, here()?)?.disappear_s {
            0 => "Messages stay here.".to_owned(),
            seconds => format!("Messages go {} after they were said.", words::duration(seconds)),
        })),
        TypedLine::Disappear(Some(seconds)) => runtime
            .tell(here()?, Command::Disappear(seconds))
            .await
            .map(|()| Done::default())
            .map_err(Failure::from),
        TypedLine::Topic(None) => Ok(Done::say(words::topic(&*view(runtime, here()?)?))),
        TypedLine::Topic(Some(text)) => {
            runtime.tell(here()?, Command::Topic(text)).await?;
            Ok(Done::say(words::ASKED_TOPIC))
        }
        TypedLine::File(path) => files::send(runtime, pending, here()?, &path, false).await,
        TypedLine::Voice(path) => files::send(runtime, pending, here()?, &path, true).await,
        TypedLine::Get(words) => files::get(runtime, here()?, &words).await,
        TypedLine::Files(words) => files::list(runtime, here()?, &words).await,
        TypedLine::Steer(number, steer) => {
            runtime.steer_file(number, steer).await?;
            Ok(Done::default())
        }
        TypedLine::Search(text) => search(runtime, here()?, &text).await,
        TypedLine::Rooms(all) => Ok(Done::tell(rooms(runtime, current, all).await)),
        TypedLine::Leave => {
            let room = here()?;
            let status = runtime.room(room)?;
            // Nobody is asked for what would be refused.
            if status.over.is_none() && status.view.as_deref().is_some_and(is_last_moderator) {
                return Err((&engine::Problem::LastModeratorStays).into());
            }
            if is_sure || status.over.is_some() {
                return runtime
                    .tell(room, Command::LeaveAll)
                    .await
                    .map(|()| Done::default())
                    .map_err(Failure::from);
            }
            Ok(Done::say(words::leaves(room, status.view.is_some_and(|view| view.open))))
        }
        TypedLine::Forget(room) => {
            let RoomStatus { label, over, .. } = runtime.room(room.as_deref().map_or_else(here, Ok)?)?;
            if over.is_none() {
                return Err(Reason::from(RoomReason::StillIn(label)).into());
            }
            if !is_sure {
                return Ok(Done::say(words::forgets(&label)));
            }
            runtime.forget(&label).await?;
            Ok(Done::say(words::forgotten(&label)))
        }
        TypedLine::Accept => {
            // The room answers.
            runtime.tell(here()?, Command::Accept).await.map(|()| Done::default()).map_err(Failure::from)
        }
        TypedLine::Mute(is_muted) => {
            runtime.mute(here()?, is_muted).await?;
            let told = if is_muted {
                "You are not told of this room any more."
            } else {
                "You are told of this room."
            };
            Ok(Done::say(told))
        }
        TypedLine::Pin(is_pinned) => {
            runtime.pin(here()?, is_pinned).await?;
            let told = if is_pinned {
                "This room stands above the others."
            } else {
                "This room stands among the others."
            };
            Ok(Done::say(told))
        }
        TypedLine::Why => why(runtime).await,
        TypedLine::Help(wanted) => Ok(Done::tell(groups::help(&wanted))),
    }
}

/// How often it is looked whether a device is out of its rooms, and how many times: a relay that is there answers at once.
const LOOK: (Duration, u32) = (Duration::from_millis(500), 120);

/// Waits until a device that is being taken out is out of these rooms, and says so, or where it is still.
pub(super) async fn removed(runtime: &Runtime, (named, places): (String, Vec<OwnDevice>)) -> String {
    let mut left = places;
    for _ in 0..LOOK.1 {
        // What cannot be read now is looked at again; a program that ends knows of no device, this one included.
        let here = runtime.devices().await.ok().filter(|here| here.iter().any(|one| one.is_me));
        if let Some(here) = here {
            let is_there =
                |one: &OwnDevice| here.iter().any(|other| (&other.room, other.id) == (&one.room, one.id));
            left.retain(is_there);
        }
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(LOOK.0).await;
    }
    words::devices::removal_ended(&named, &left)
}

/// What went wrong last, and which files do not go on.
async fn why(runtime: &Runtime) -> Result<Done, Failure> {
    let mut notes: Vec<String> = runtime.why().iter().map(words::reason).collect();
    let files = runtime.transfers(None).await?;
    let stuck = files.iter().filter(|(_, transfer)| transfer.state.reason().is_some());
    notes.extend(stuck.filter_map(|(room, transfer)| {
        Some(format!("{} (in {})", words::transfer(transfer)?, words::called(room)))
    }));
    if notes.is_empty() {
        notes.push("Nothing went wrong so far.".to_owned());
    }
    Ok(Done::tell(notes))
}

/// The others would have no moderator.
pub(super) fn is_last_moderator(view: &engine::GroupView) -> bool {
    let Some(me) = view.members.iter().find(|member| member.me) else { return false };
    // Whoever leaves takes their other devices along.
    let is_other = |member: &&engine::Member| member.person.fingerprint != me.person.fingerprint;
    let mut others = view.members.iter().filter(is_other).peekable();
    others.peek().is_some() && !others.any(|member| member.is_moderator)
}

fn view(runtime: &Runtime, room: &str) -> Result<Arc<engine::GroupView>, Failure> {
    let waiting =
        || Failure::not_found("You are not in this room yet.", "Wait until it says so, or see /why.");
    runtime.room(room)?.view.ok_or_else(waiting)
}
