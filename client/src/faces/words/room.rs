//! Rooms in words: how they are announced, what they allow, and what happened in them.

use proto::RoomId;
use shared::{
    message::timeline::Line,
    room::{Act, Alteration, GroupView, Person},
};

use super::{
    Among, alarm, beginning, called, counted, duration, first_words, over, reaction, stranger,
    text::sentence, who, who_was,
};
use crate::{
    faces::sanitize,
    store::{Over, RoomLogItem},
};

/// What an open room means; said every time one is entered.
pub const OPEN_WARNING: &str =
    "This is an OPEN room: anybody who knows its name, the relay's operator included, can join and read.";

/// Why nothing is done to a message that waits for the relay.
pub const ON_ITS_WAY: &str = "That message is still on its way.";

/// How a room is announced.
pub fn joined(label: &str, view: &GroupView) -> Vec<String> {
    let count = match view.count() {
        1 => "you are the only member".to_owned(),
        count => format!("{count} members"),
    };
    let mut lines = vec![format!("You are in {}: {count}, epoch {}.", called(label), view.epoch)];
    if view.open {
        lines.push(OPEN_WARNING.to_owned());
    }
    lines.extend((!view.topic.is_empty()).then(|| topic(view)));
    lines
}

/// What the room is about.
pub fn topic(view: &GroupView) -> String {
    match view.topic.as_str() {
        "" => "This room has no topic.".to_owned(),
        topic => format!("Topic: {}", sanitize::line(topic)),
    }
}

/// What the room allows.
pub fn policy(view: &GroupView) -> Vec<String> {
    let invite = if view.moderators_invite { "moderators" } else { "everybody" };
    let moderators = view.members.iter().filter(|member| member.is_moderator);
    let mut names: Vec<String> = moderators.map(|member| who(&member.person, Some(view))).collect();
    names.dedup();
    let stay = match view.disappear_s {
        0 => "stay".to_owned(),
        seconds => format!("go {} after they were said", duration(seconds)),
    };
    vec![
        format!("Invite: {invite}. Devices of one person: {}. Messages {stay}.", view.seats),
        format!("Moderators: {}.", names.join(", ")),
    ]
}

/// A room's id as the relay's own commands write it, and take it or its beginning.
pub fn room_id(id: &RoomId) -> String {
    hex::encode(id.as_bytes())
}

/// A room, for whoever wants to know which one it is: its operator knows neither its name nor its people.
pub struct About<'a> {
    /// What faces call it.
    pub label: &'a str,
    /// What the relay calls it.
    pub id: &'a RoomId,
    /// `HOST:PORT`; none for our own relay when it does not run.
    pub relay: Option<String>,
    /// The group, once we are a member.
    pub view: Option<&'a GroupView>,
    /// Why it is over, when it is.
    pub over: Option<&'a Over>,
}

impl About<'_> {
    /// All of it, a line each.
    pub fn lines(&self) -> Vec<String> {
        let label = called(self.label);
        let relay = self.relay.as_ref().map_or("schat host".to_owned(), |relay| sanitize::line(relay));
        let kind = match (self.over, self.view) {
            (Some(why), _) => format!("over: {}", sanitize::line(&over(why))),
            (None, Some(view)) => {
                let kind = if view.open { "OPEN" } else { "private" };
                format!("{kind}, {}, epoch {}.", counted(view.count(), "member"), view.epoch)
            }
            (None, None) => "you are not in yet.".to_owned(),
        };
        let told =
            "Tell the relay's operator this id, or its first 16 digits: they know the room by nothing else.";
        let mut lines = vec![format!("Room {label}: {kind}")];
        lines.extend(self.view.map(topic));
        lines.extend(self.view.into_iter().flat_map(policy));
        // What only the relay's operator needs stands last.
        lines.extend([
            format!("Relay: {relay}"),
            format!("Id at the relay: {}", room_id(self.id)),
            told.to_owned(),
        ]);
        lines
    }
}

/// What happened to a chat line.
pub fn changed<'a>(act: &'a Act, line: &'a Line, among: impl Into<Among<'a>>) -> String {
    let among = among.into().beside(&act.from, &line.message.from);
    let by = who(&act.from, among);
    let whose = match line.message.from.fingerprint == act.from.fingerprint {
        true => "their own message".to_owned(),
        false => format!("{}: {}", who(&line.message.from, among), beginning(&first_words(&line.message))),
    };
    match &act.change {
        Alteration::Edit(text) => format!("{by} edited a message; now: {}", sanitize::one_line(text)),
        Alteration::Delete => format!("{by} deleted a message."),
        Alteration::React { emoji, withdrawn: false } => {
            format!("{by} reacts {} to {whose}", reaction(emoji))
        }
        Alteration::React { emoji, withdrawn: true } => {
            format!("{by} takes {} back from {whose}", reaction(emoji))
        }
    }
}

/// What happened in a room beside the chat lines; `label` where its name is to be said.
pub fn happening<'a>(what: &'a RoomLogItem, label: Option<&str>, among: impl Into<Among<'a>>) -> String {
    let among = among.into();
    let there = label.map(|label| format!(" {}", called(label))).unwrap_or_default();
    match what {
        RoomLogItem::Joined { who: one, by: Some(by) } => {
            let among = among.beside(one, by);
            format!("{} joined{there} by an invite of {}.", who(one, among), who(by, among))
        }
        RoomLogItem::Joined { who: one, by: None } => format!("{} joined{there}.", who(one, among)),
        RoomLogItem::Linked { who: one, device } => {
            let place = label.map(|_| format!(" in{there}")).unwrap_or_default();
            format!("{} came in with another device{place}: {}.", who(one, among), called(device))
        }
        RoomLogItem::Unlinked { who: one, device, by } if one.fingerprint == by.fingerprint => {
            let place = label.map(|_| format!(" from{there}")).unwrap_or_default();
            format!("{} removed a device of theirs{place}: {}.", who(one, among), called(device))
        }
        RoomLogItem::Unlinked { who: one, device, by } => {
            let place = label.map(|_| format!(" from{there}")).unwrap_or_default();
            let among = among.beside(one, by);
            let (one, by) = (who(one, among), who(by, among));
            format!("A device of {one} was removed{place} by {by}: {}.", called(device))
        }
        RoomLogItem::KeyChanged { who: one, was } => {
            let place = label.map(|_| format!(" in{there}")).unwrap_or_default();
            format!(
                "{} changed the key of their account{place}: a device was lost or stolen. Their recovery key says so, and all \
                 other devices of the old account are out.",
                who_was(one, was, among)
            )
        }
        RoomLogItem::Back(one) => format!(
            "A device of {} could not follow{} and is back, by its own keys; verify if you did not expect it.",
            who(one, among),
            if label.is_some() { &there } else { " the room" }
        ),
        RoomLogItem::Left { who: one, by } if one.fingerprint == by.fingerprint => {
            format!("{} left{there}.", who(one, among))
        }
        RoomLogItem::Left { who: one, by } => {
            let place = label.map(|_| format!(" from{there}")).unwrap_or_default();
            let among = among.beside(one, by);
            format!("{} was removed{place} by {}.", who(one, among), who(by, among))
        }
        RoomLogItem::Renamed { who: one, was } => profile_changed(one, was, among),
        RoomLogItem::NewPicture { who: one, is_gone: false } => {
            format!("{} has a new picture{there}.", who(one, among))
        }
        RoomLogItem::NewPicture { who: one, is_gone: true } => {
            format!("{} has no picture any more{there}.", who(one, among))
        }
        RoomLogItem::Disappearing { by, seconds } => disappearing(by, *seconds, among),
        RoomLogItem::Topic { by, text } => {
            let of = label.map(|_| format!(" of{there}")).unwrap_or_default();
            match text.as_str() {
                "" => format!("{} took the topic{of} away.", who(by, among)),
                text => format!("{} set the topic{of}: {}", who(by, among), sanitize::line(text)),
            }
        }
        RoomLogItem::Lost { lines: 0, .. } => format!(
            "The relay does not have the end of{} log any more. What was said there stays on this device, before what is \
             said from now on.",
            label.map_or(" the".to_owned(), |label| format!(" {}'s", called(label)))
        ),
        RoomLogItem::Lost { lines, .. } => {
            let kept = if *lines == 1 { "It is" } else { "They are" };
            format!(
                "The {} above went missing from the relay's log. {kept} kept on this device.",
                counted(*lines, "message")
            )
        }
        RoomLogItem::Alarm(told) => format!("ALARM ({}): {}", told.kind().name(), sentence(&alarm(told))),
        RoomLogItem::Stranger(told) => stranger(told, label, among),
        RoomLogItem::OldAlarm { kind, text } => format!("ALARM ({}): {}", kind.name(), sentence(text)),
    }
}

/// Somebody shows themselves in another way.
pub fn profile_changed<'a>(person: &Person, was: &str, among: impl Into<Among<'a>>) -> String {
    let among = among.into();
    let now = who(person, among);
    if was != person.name {
        if among.is_me(&person.fingerprint) {
            return format!("You are {now} from now on.");
        }
        let was = Person { name: was.to_owned(), fingerprint: person.fingerprint };
        return format!("{} is called {now} from now on.", who(&was, among));
    }
    let member = among.view.and_then(|view| view.members.iter().find(|member| member.person == *person));
    match member.map(|member| sanitize::line(&format!("{} {}", member.glyph, member.status))) {
        Some(shown) if !shown.trim().is_empty() => format!("{now} is now: {}", shown.trim()),
        _ => format!("{now} changed their profile."),
    }
}

/// The time after which chat lines go has changed.
pub fn disappearing<'a>(by: &Person, seconds: u32, among: impl Into<Among<'a>>) -> String {
    let by = who(by, among);
    match seconds {
        0 => format!("{by} lets messages stay from now on."),
        seconds => format!(
            "{by} lets messages disappear from now on: {} after they were said, here and at every honest member.",
            duration(seconds)
        ),
    }
}
