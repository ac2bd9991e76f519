//! `schat verify`: the safety number with a member, and the mark that it was compared. It needs no relay.

use std::sync::Arc;

use shared::{
    identity::Fingerprint,
    identity::safety::safety_number,
    room::{GroupView, Person},
};

use super::{
    Globals,
    archive::{self, find},
    attach,
};
use crate::{
    faces::{
        json::Out,
        stdout,
        words::{self, command::room as room_words},
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::now_ms,
    store::{Mark as Synced, OpenProfile, Store},
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

/// Who knows the members and the marks.
enum Source {
    Ours(Box<OpenProfile>),
    Daemon(Runtime),
}

pub(super) async fn verify(globals: &Globals, room: &str, member: &str, mark: Mark) -> Result<Exit, Failure> {
    let source = match attach::quiet(globals).await? {
        Ok(profile) => Source::Ours(Box::new(profile)),
        Err(runtime) => Source::Daemon(runtime),
    };
    let view = source.view(room)?;
    let person = words::find(&view, member)?;
    let me = source.me();
    if person.fingerprint == me {
        return Err(room_words::ourselves());
    }
    match mark {
        Mark::Keep => {}
        Mark::Set => {
            named_whole(person, member, room)?;
            source.set(person, true).await?;
        }
        Mark::Undo => source.set(person, false).await?,
    }
    let is_verified = match mark {
        Mark::Keep => source.is_verified(person)?,
        Mark::Set => true,
        Mark::Undo => false,
    };
    let number = safety_number(&me, &person.fingerprint);
    if globals.json {
        stdout::line(&Out::safety(room, person, &number, is_verified).to_line());
        return Ok(Exit::Ok);
    }
    let name = words::who(person, Some(&*view));
    let lines = match mark {
        Mark::Keep => words::safety(&number, &view, person, is_verified, &command(room, person)),
        Mark::Set => vec![room_words::marked(&name)],
        Mark::Undo => vec![room_words::unmarked(&name)],
    };
    lines.iter().all(|line| stdout::line(line));
    Ok(Exit::Ok)
}

impl Source {
    fn view(&self, room: &str) -> Result<Arc<GroupView>, Failure> {
        let (view, is_over) = match self {
            Self::Ours(profile) => {
                let record = find(profile, room)?;
                (archive::view(profile, &record)?.map(Arc::new), record.closed.is_some())
            }
            Self::Daemon(runtime) => {
                let status = runtime.room(room)?;
                (status.view, status.over.is_some())
            }
        };
        if is_over {
            return Err(room_words::over(room));
        }
        view.ok_or_else(|| room_words::not_in_yet(room))
    }

    fn me(&self) -> Fingerprint {
        match self {
            Self::Ours(profile) => profile.engine.identity.fingerprint(),
            Self::Daemon(runtime) => runtime.me().1,
        }
    }

    async fn set(&self, person: &Person, is_verified: bool) -> Result<(), Failure> {
        match self {
            Self::Ours(profile) => {
                let at = is_verified.then(now_ms);
                // The other devices are told with the next connection.
                let mark = Synced::Verified(person.clone(), at);
                let set = |store: &mut Store| store.set_verified(person, at, now_ms());
                Ok(profile.vault.now(|store| store.done_here(Some(&mark), set))?)
            }
            Self::Daemon(runtime) => Ok(runtime.mark(person, is_verified).await?),
        }
    }

    fn is_verified(&self, person: &Person) -> Result<bool, Failure> {
        match self {
            Self::Ours(profile) => {
                Ok(profile.vault.now(|store| Ok(store.people().is_verified(&person.fingerprint)))?)
            }
            Self::Daemon(runtime) => Ok(runtime.is_verified(&person.fingerprint)),
        }
    }
}

/// Between the two commands a name may change hands; a key does not.
fn named_whole(person: &Person, member: &str, room: &str) -> Result<(), Failure> {
    if member.trim().parse::<Fingerprint>().is_ok() {
        return Ok(());
    }
    Err(room_words::marked_by_name(&command(room, person)))
}

/// What marks this key.
fn command(room: &str, person: &Person) -> String {
    format!("schat verify {} {} --yes", quoted(room), person.fingerprint)
}

/// A room's label as a shell takes it; nothing in it is expanded.
fn quoted(room: &str) -> String {
    let room = crate::text::sanitize::line(room);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    match room.chars().all(is_plain) {
        true => room,
        false => format!("'{}'", room.replace('\'', r"'\''")),
    }
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
