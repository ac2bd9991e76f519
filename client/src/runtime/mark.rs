//! Which face said something: a mark in front of the token that comes back when it was sent. It is stored with what was
//! said, so it holds over restarts of the daemon.

use serde::{Deserialize, Serialize};
use shared::room::{self as engine, Command};

use super::{Event, RoomEvent};

/// Digits of a mark.
const DIGITS: usize = 16;

/// A face, for as long as it lives, however often it attaches. Random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct FaceId(pub(crate) u64);

impl FaceId {
    /// A token with the mark of this face.
    pub(crate) fn marked(self, token: &str) -> String {
        format!("{:016x}/{token}", self.0)
    }

    /// Marks what a command is known by.
    pub(crate) fn mark(self, command: Command) -> Command {
        let marked = |token: &str| self.marked(token);
        match command {
            Command::Send { token, text } => Command::Send { token: marked(&token), text },
            Command::Say { token, body } => Command::Say { token: marked(&token), body },
            other => other,
        }
    }
}

/// Whose token that is, and what it was before it was marked.
fn split(token: &str) -> (Option<FaceId>, &str) {
    let face = |mark: &str| u64::from_str_radix(mark, 16).ok().map(FaceId);
    match token.split_once('/') {
        Some((mark, rest)) if mark.len() == DIGITS => match face(mark) {
            Some(face) => (Some(face), rest),
            None => (None, token),
        },
        _ => (None, token),
    }
}

/// The token of an event that has one.
fn token(event: &mut Event) -> Option<&mut String> {
    match event {
        Event::Room {
            event: RoomEvent::Engine(engine::Event::Sent { token, .. } | engine::Event::Queued { token, .. }),
            ..
        } => Some(token),
        _ => None,
    }
}

/// Takes the mark off an event that has one. Returns whose it was.
pub(crate) fn take(event: &mut Event) -> Option<FaceId> {
    let token = token(event)?;
    let (owner, plain) = split(token);
    let plain = plain.to_owned();
    *token = plain;
    owner
}

/// An event for another face than the one that said it: the token is of no use there, where the same may be in use.
pub(crate) fn without_token(event: &mut Event) {
    if let Some(token) = token(event) {
        token.clear();
    }
}

/// An event as a face in this process is told it: without the marks that a daemon left.
pub(crate) fn unmarked(mut event: Event) -> Event {
    take(&mut event);
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_comes_back_as_it_was_given_and_one_that_only_looks_marked_stays() {
        let face = FaceId(7);
        for given in ["", "a1", "x/y", "0123456789abcdef/z"] {
            let Command::Send { token, .. } =
                face.mark(Command::Send { token: given.to_owned(), text: String::new() })
            else {
                unreachable!()
            };
            assert_eq!(split(&token), (Some(face), given));
        }
        for token in ["", "a/b", "0123456789abcdeg/z", "0123456789abcdef"] {
            assert_eq!(split(token), (None, token));
        }
    }
}
