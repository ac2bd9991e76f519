//! `schat verify`: the safety number with a member, and the mark that it was compared. It needs no relay.

use shared::{
    engine::{Engine, GroupView, Person},
    identity::Fingerprint,
    safety::safety_number,
};

use super::{Globals, archive::find, once::print, setup::profile};
use crate::{
    faces::{json::Out, words},
    failure::{Exit, Failure},
    runtime::now_ms,
    store::OpenProfile,
};

/// What becomes of the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is shown as it is.
    Keep,
    /// The numbers were the same.
    Set,
    /// It is taken back.
    Undo,
}

pub(super) fn verify(globals: &Globals, room: &str, member: &str, mark: Mark) -> Result<Exit, Failure> {
    let profile = profile(globals)?;
    let view = view(&profile, room)?;
    let person = words::find(&view, member)?;
    let me = profile.engine.identity.fingerprint();
    if person.fingerprint == me {
        return Err(Failure::usage("That is you.", "Compare with somebody else."));
    }
    match mark {
        Mark::Keep => {}
        Mark::Set => {
            named_whole(person, member, room)?;
            set(&profile, person, Some(now_ms()))?;
        }
        Mark::Undo => set(&profile, person, None)?,
    }
    let is_verified = profile.vault.now(|store| Ok(store.people().is_verified(&person.fingerprint)))?;
    let number = safety_number(&me, &person.fingerprint);
    if globals.json {
        print(&Out::safety(room, person, &number, is_verified).to_line());
        return Ok(Exit::Ok);
    }
    let name = words::name(person, Some(&view));
    let lines = match mark {
        Mark::Keep => words::safety(&number, &view, person, is_verified, &command(room, person)),
        Mark::Set => vec![format!("{name} is verified from now on.")],
        Mark::Undo => vec![format!("{name} is not verified any more.")],
    };
    lines.iter().all(|line| print(line));
    Ok(Exit::Ok)
}

/// The group as this device knew it last.
fn view(profile: &OpenProfile, room: &str) -> Result<GroupView, Failure> {
    let record = find(profile, room)?;
    let rows = profile.vault.now(|store| store.rows(record.id))?;
    let damaged = |error: String| {
        let remedy = "Restore a backup of the profile, or join again by a new invite.";
        Failure::new(Exit::Local, "storage", error, remedy)
    };
    if record.closed.is_some() {
        return Err(Failure::not_found(format!("The room {room} is over."), "See schat rooms."));
    }
    let engine = Engine::load(&profile.engine, rows, now_ms()).map_err(|error| damaged(error.to_string()))?;
    engine.view().ok_or_else(|| {
        Failure::not_found(
            format!("You are not in {room} yet."),
            "Open it with schat, and wait until it says so.",
        )
    })
}

/// Between the two commands a name may change hands; a key does not.
fn named_whole(person: &Person, member: &str, room: &str) -> Result<(), Failure> {
    if member.trim().parse::<Fingerprint>().is_ok() {
        return Ok(());
    }
    Err(Failure::usage(
        "A key is marked by its whole fingerprint: a name may have changed hands since the numbers were compared.",
        format!("If the number was the same, say {}.", command(room, person)),
    ))
}

/// What marks this key.
fn command(room: &str, person: &Person) -> String {
    format!("schat verify {} {} --yes", quoted(room), person.fingerprint)
}

/// A room's label as a shell takes it; nothing in it is expanded.
fn quoted(room: &str) -> String {
    let room = crate::faces::sanitize::line(room);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    match room.chars().all(is_plain) {
        true => room,
        false => format!("'{}'", room.replace('\'', r"'\''")),
    }
}

fn set(profile: &OpenProfile, person: &Person, at: Option<u64>) -> Result<(), Failure> {
    Ok(profile.vault.now(|store| store.set_verified(person, at, now_ms()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_that_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("team-1"), "team-1");
        assert_eq!(quoted("a b$(x)'y"), r"'a b$(x)'\''y'");
    }
}
