//! Who is here, comparing safety numbers, and removing somebody.

use shared::room::{self as engine, Command};

use super::{Done, view};
use crate::{
    faces::{sanitize, words},
    failure::Failure,
    handle::Runtime,
};

/// Who is in a room, a line each, and what to compare.
pub fn members(runtime: &Runtime, view: &engine::GroupView) -> Vec<String> {
    let people = view.people().into_iter().flat_map(|present| {
        let member = present.first;
        let mark = match (runtime.is_verified(&member.person.fingerprint), words::heard(&present)) {
            _ if present.is_me => " (you)".to_owned(),
            (true, "") => " (verified)".to_owned(),
            (true, word) => format!(" (verified, {word})"),
            (false, "") => String::new(),
            (false, word) => format!(" ({word})"),
        };
        let role = if member.is_moderator { " (moderator)" } else { "" };
        let name = words::who(&member.person, Some(view));
        let shown = sanitize::line(format!("{} {}", member.glyph, member.status).trim());
        let shown = if shown.is_empty() { shown } else { format!("  {shown}") };
        let who = format!("  {name}{mark}{role}  {}{shown}", member.person.fingerprint.short());
        std::iter::once(who).chain(devices(&present))
    });
    let authenticator: String = view.authenticator.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let epoch = format!("Epoch {}, authenticator {authenticator}; the same for every member.", view.epoch);
    people.chain([epoch]).collect()
}

/// The devices of somebody who has several in the room, a line each.
fn devices(present: &engine::Present<'_>) -> Vec<String> {
    if present.devices.len() < 2 {
        return Vec::new();
    }
    let line = |member: &&engine::Member| {
        let here = if member.me { " (this one)" } else { "" };
        let since = match member.since {
            0 => String::new(),
            at => format!(", since {}", words::when(at)),
        };
        format!("    - {}{here}{since}", words::called(&member.device.name))
    };
    present.devices.iter().map(line).collect()
}

pub(super) fn verify(runtime: &Runtime, room: &str, name: Option<&str>) -> Result<Done, Failure> {
    let view = view(runtime, room)?;
    let people: Vec<_> = match name {
        Some(name) => vec![words::find(&view, name)?],
        None => view.others().map(|member| &member.person).collect(),
    };
    if people.is_empty() {
        return Ok(Done::say("Nobody else is here yet."));
    }
    let safety = |person: &&engine::Person| {
        let number = runtime.compare(&person.fingerprint);
        let yes = format!("/verify {} yes", words::who(person, Some(&*view)));
        words::safety(&number, &view, person, runtime.is_verified(&person.fingerprint), &yes)
    };
    Ok(Done::tell(people.iter().flat_map(safety).collect()))
}

pub(super) async fn mark(runtime: &Runtime, room: &str, name: &str) -> Result<Done, Failure> {
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
    Ok(Done::say(format!("{} is verified from now on.{all}", words::who(person, Some(&*view)))))
}

pub(super) async fn unmark(runtime: &Runtime, room: &str, name: &str) -> Result<Done, Failure> {
    let view = view(runtime, room)?;
    let person = words::find(&view, name)?;
    runtime.mark(person, false).await?;
    Ok(Done::say(format!("{} is not verified any more.", words::who(person, Some(&*view)))))
}

pub(super) async fn kick(runtime: &Runtime, room: &str, name: &str) -> Result<Done, Failure> {
    let view = view(runtime, room)?;
    let person = words::find(&view, name)?;
    if person.fingerprint == runtime.me().1 {
        return Err(Failure::usage("That is you.", "To go, say /leave."));
    }
    runtime.tell(room, Command::Remove(person.fingerprint)).await?;
    let open = "This room is open: a member who is removed can come back at once.";
    Ok(if view.open { Done::say(open) } else { Done::default() })
}
