//! Events as lines.

use std::{
    io::{self, Write},
    time::Duration,
};

use shared::{message::timeline::Line, room as engine};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use super::{Shared, lock};
use crate::{
    faces::{
        action, sanitize, stdout,
        words::{self, Among},
    },
    failure::Exit,
    handle::Runtime,
    runtime::{Event, RelayState, RoomEvent},
    store::{RoomLogItem, people_of},
};

/// A pause after which what was shown is kept as read.
const READ: Duration = Duration::from_millis(500);

/// Ends when nothing can go on, or `end` comes: then what had happened by then is shown first.
pub(super) async fn show_events(
    runtime: Runtime,
    mut events: mpsc::Receiver<Event>,
    shared: Shared,
    mut end: oneshot::Receiver<()>,
) -> Exit {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            // When there is a pause; else each line would cost a write to the disk.
            () = sleep(READ), if shared.has_news() => {
                shared.keep_read(&runtime).await;
                continue;
            }
            _ = &mut end => break,
        };
        let Some(event) = event else { return Exit::Ok };
        if let Some(exit) = show(&runtime, &shared, event).await {
            return exit;
        }
    }
    // Not what comes meanwhile: it could go on for ever.
    for _ in 0..events.len() {
        let Ok(event) = events.try_recv() else { break };
        if let Some(exit) = show(&runtime, &shared, event).await {
            return exit;
        }
    }
    Exit::Ok
}

/// Some: nothing can go on.
async fn show(runtime: &Runtime, shared: &Shared, event: Event) -> Option<Exit> {
    let notice = event.notice();
    match event {
        Event::Relay { relay, state } => {
            relay_event(&sanitize::line(&relay), state);
            if runtime.is_stuck() && !shared.stays {
                return Some(Exit::Verification);
            }
        }
        Event::Room { room, event } => {
            let refused = matches!(event, RoomEvent::Engine(engine::Event::Closed { was_member: false, .. }));
            let entered = refused || matches!(event, RoomEvent::Engine(engine::Event::Joined(_)));
            room_event(runtime, shared, &room, event).await;
            if refused && runtime.is_empty() && !shared.stays {
                return Some(Exit::Refused);
            }
            if entered {
                shared.pending.joined(&room);
            }
        }
        Event::Linking(news) => words::linking(&news, true).iter().for_each(|line| note(line)),
    }
    if let Some(notice) = notice {
        // What cannot be marked comes again at the next start.
        let _ = runtime.seen(notice).await;
    }
    stdout::failure().map(|_| Exit::Ok)
}

fn relay_event(relay: &str, state: RelayState) {
    match state {
        RelayState::Ended => {}
        RelayState::Connecting => note(&format!("Connecting to {relay}.")),
        RelayState::Connected { trust, carrier } => note(&words::connected(relay, trust, carrier)),
        RelayState::Lost { reason, retry } => {
            if reason.code() == "certificate" {
                note(&format!("ALARM (certificate): {}", words::reason(&reason)));
            } else {
                let again = retry.map(|retry| format!(" Trying again in {:.1} s.", retry.as_secs_f32()));
                note(&format!("{}{}", words::reason(&reason), again.unwrap_or_default()));
            }
        }
    }
}

async fn room_event(runtime: &Runtime, shared: &Shared, room: &str, event: RoomEvent) {
    match event {
        RoomEvent::Past(past) => line(runtime, shared, room, &past).await,
        RoomEvent::PastHappening(happening) => {
            let (view, past) = shared.among(runtime, room, &happening.what.people()).await;
            let among = Among { past: Some(&past), me: Some(runtime.me().1), ..view.as_deref().into() };
            note(&format!(
                "{} {}",
                words::when(happening.at),
                words::happening(&happening.what, Some(room), among)
            ));
        }
        RoomEvent::Changed { act, line } => {
            let (view, past) = shared.among(runtime, room, &people_of(&line)).await;
            let among = Among { past: Some(&past), ..view.as_deref().into() };
            let place = if lock(shared).as_deref() == Some(room) {
                String::new()
            } else {
                format!("[{}] ", words::called(room))
            };
            note(&format!("{place}{}", words::changed(&act, &line, among)));
        }
        // What was written cannot be unwritten here.
        RoomEvent::Gone(_)
        | RoomEvent::ReadElsewhere(_)
        | RoomEvent::DraftElsewhere(_)
        | RoomEvent::Listed { .. } => {}
        // Nothing here shows pictures.
        RoomEvent::Pictured => {}
        RoomEvent::Invite { link, .. } => {
            note(words::GIVE_LINK);
            data(&link.to_string());
        }
        RoomEvent::Namesake(namesake) => {
            let view = runtime.view(room);
            note(&words::namesake(&namesake, view.as_deref()));
        }
        RoomEvent::Transfer(transfer) => {
            shared.pending.transfer(&transfer);
            if let Some(told) = shared.told(&transfer) {
                note(&told);
            }
        }
        RoomEvent::Failed(reason) => note(&words::reason(&reason)),
        RoomEvent::Notice { notice, again, .. } => {
            if let (Some(code), false) = (notice.code().filter(|_| !notice.is_loud()), again) {
                shared.pending.refused(code);
            }
            let view = runtime.view(room);
            // A command that it names is for the room that lines go to.
            let is_elsewhere = lock(shared).as_deref().is_some_and(|current| current != room);
            let place = match notice.kind() {
                None if is_elsewhere && !again && !notice.is_loud() => format!("[{}] ", words::called(room)),
                _ => String::new(),
            };
            note(&format!("{place}{}", words::notice(room, &notice, again, view.as_deref())));
        }
        RoomEvent::Engine(event) => engine_event(runtime, shared, room, event).await,
    }
}

async fn engine_event(runtime: &Runtime, shared: &Shared, room: &str, event: engine::Event) {
    let shown = words::called(room);
    // Whoever changes that is told at once, and not once more for each room.
    if matches!(&event, engine::Event::ProfileChanged { who, .. } | engine::Event::NewPicture { who, .. } if who.fingerprint == runtime.me().1)
    {
        return;
    }
    if let Some(what) = RoomLogItem::of(&event).filter(|what| !what.is_loud()) {
        let (view, past) = shared.among(runtime, room, &what.people()).await;
        let among = Among { past: Some(&past), ..view.as_deref().into() };
        return note(&words::happening(&what, Some(room), among));
    }
    match event {
        engine::Event::Joined(view) => {
            lock(shared).get_or_insert_with(|| room.to_owned());
            note(&words::joined(room, &view).join(" "));
        }
        engine::Event::Invited { room, by } => note(&words::invited(&room, &by)),
        engine::Event::Epoch(_) | engine::Event::Heard { .. } | engine::Event::Invite { .. } => {}
        // Said above.
        engine::Event::MemberJoined { .. }
        | engine::Event::DeviceBack(_)
        | engine::Event::DeviceJoined { .. }
        | engine::Event::DeviceLeft { .. }
        | engine::Event::KeyChanged { .. }
        | engine::Event::MemberLeft { .. }
        | engine::Event::ProfileChanged { .. }
        | engine::Event::NewPicture { .. }
        | engine::Event::Disappearing { .. }
        | engine::Event::Topic { .. }
        | engine::Event::Lost { .. } => {}
        engine::Event::Accepted => note(words::ACCEPTED),
        // The runtime makes notices of these.
        engine::Event::Alarm(_) | engine::Event::Problem(_) | engine::Event::Stranger(_) => {}
        engine::Event::Message(message) => line(runtime, shared, room, &message.into()).await,
        engine::Event::Handed { lines, .. } => {
            for past in lines {
                line(runtime, shared, room, &past).await;
            }
        }
        // Each line here is read aloud to somebody: who types and who has read is not worth one.
        engine::Event::Typing { .. } | engine::Event::Seen { .. } | engine::Event::Queued { .. } => {}
        // The runtime answers the one, and tells the other with what it changed.
        engine::Event::HandOver { .. }
        | engine::Event::Act(_)
        | engine::Event::Device { .. }
        | engine::Event::DeviceHere { .. }
        | engine::Event::DeviceInvite { .. } => {}
        engine::Event::Sent { .. } => shared.pending.done(),
        engine::Event::CatchingUp { done, total } if done == total => {}
        engine::Event::CatchingUp { done, total } => note(&format!("Reading {shown}: {done} of {total}.")),
        engine::Event::Closed { reason, .. } => {
            note(&format!("{shown} is over: {}", sanitize::line(&words::closed(&reason))));
            let mut current = lock(shared);
            if current.as_deref() == Some(room) {
                *current = None;
            }
        }
    }
}

async fn line(runtime: &Runtime, shared: &Shared, room: &str, line: &Line) {
    let answered = match line.message.reply_to {
        // One that is not here any more is answered without being named.
        Some(id) => runtime.line(room, id).await.ok().flatten(),
        None => None,
    };
    let mut people = people_of(line);
    people.extend(answered.iter().flat_map(people_of));
    let (view, past) = shared.among(runtime, room, &people).await;
    let among = Among { past: Some(&past), ..view.as_deref().into() };
    let elsewhere = lock(shared).as_deref() != Some(room);
    shared.has_shown(room, line.message.seq);
    data(&format(line, answered.as_ref(), among, elsewhere.then_some(room)));
}

/// A chat line as one line, however many it has; `answered` is the one that it answers, and `room` the label when it is
/// not the current room.
pub fn format<'a>(
    line: &Line,
    answered: Option<&Line>,
    among: impl Into<Among<'a>>,
    room: Option<&str>,
) -> String {
    let before = speaker(line, answered, among.into(), room);
    let (text, joint) = said(line);
    if line.deleted { before } else { format!("{before}{joint}{}", sanitize::one_line(text)) }
}

/// A chat line as people read it in a document, with its own line breaks.
pub fn lines(line: &Line, among: Among<'_>, room: Option<&str>) -> Vec<String> {
    let before = speaker(line, None, among, room);
    if line.deleted {
        return vec![before];
    }
    let (text, joint) = said(line);
    let mut parts = sanitize::paragraph(text).into_iter();
    let first = format!("{before}{joint}{}", parts.next().unwrap_or_default());
    // Marked, so that a line break in a message cannot fake the next speaker.
    std::iter::once(first).chain(parts.map(|part| format!("  | {part}"))).collect()
}

/// What was said or done, and what stands between that and whoever did it.
fn said(line: &Line) -> (&str, &'static str) {
    match action::of(&line.message.text) {
        Some(action) => (action, " "),
        None => (&line.message.text, ": "),
    }
}

/// Who speaks, and what is to be said about it; all there is of a line that was deleted. Names and what is cited stand so
/// that nobody passes for another part of the line.
fn speaker(line: &Line, answered: Option<&Line>, among: Among<'_>, room: Option<&str>) -> String {
    let name = words::who(&line.message.from, among);
    let room = room.map(|room| format!("[{}] ", words::called(room))).unwrap_or_default();
    let mut about = Vec::new();
    if let Some(by) = &line.handed_by {
        about.push(format!("as {} remembers it", words::who(by, among)));
    }
    if let Some(Line { message, .. }) = answered {
        let what = words::cited(&words::first_words(message));
        about.push(format!("answers {}: {what}", words::who(&message.from, among)));
    }
    about.extend(line.message.file.as_deref().map(words::file));
    if line.edited.is_some() && !line.deleted {
        about.push("edited".to_owned());
    }
    let about = (!about.is_empty()).then(|| format!("({})", about.join("; ")));
    let is_action = !line.deleted && action::of(&line.message.text).is_some();
    match (about, is_action) {
        // Before the name: what is done may begin with anything.
        (Some(about), true) => format!("{room}* {about} {name}"),
        (None, true) => format!("{room}* {name}"),
        (about, false) => {
            let about = about.map(|about| format!(" {about}")).unwrap_or_default();
            // Not said by them, so it stands as what the program says.
            match line.deleted {
                true => format!("{MARK} {room}{name}{about} deleted a message."),
                false => format!("{room}{name}{about}"),
            }
        }
    }
}

/// For whoever reads the chat. A reader that is gone ends nothing: the input does.
fn data(line: &str) {
    stdout::line(line);
}

/// What a line of the program's own begins with: no name does.
const MARK: &str = "-";

/// For the person at the terminal.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{MARK} {line}");
}

#[cfg(test)]
mod tests;
