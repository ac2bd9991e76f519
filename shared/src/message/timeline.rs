//! What a chat line has become: edited, deleted, with reactions under it. Sans-I/O, so that every client folds
//! the log alike.
//!
//! Rules: a line is edited and deleted by the account that said it and by nobody else; each account has each
//! reaction under a line once; a deleted line takes nothing more.

use super::{Act, Alteration, Message, Millis};
use crate::identity::Person;

/// Different reactions under one line; further ones are refused.
pub const MAX_REACTIONS: usize = 32;

/// People behind one reaction whose names are kept; beyond that only their number grows.
pub const MAX_NAMED: usize = 256;

/// A chat line and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    /// As it stands now: edits applied, empty when deleted.
    pub message: Message,
    /// When it was edited last, by the log's time.
    pub edited: Option<Millis>,
    /// Its author took it back.
    pub deleted: bool,
    /// Reactions under it, in the order in which they came.
    pub reactions: Vec<Reaction>,
    /// Who handed it over; none when this device read it itself. Then nothing proves its author.
    pub handed_by: Option<Person>,
}

/// One reaction under a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Reaction {
    /// An emoji or a short word; from others, so to be made harmless before a terminal sees it.
    pub emoji: String,
    /// Whose, in the order in which they came.
    pub people: Vec<Person>,
}

/// Why an act was not applied. The names say the wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// Somebody else's line.
    #[error("tried to change a message of somebody else")]
    NotTheirs,
    /// The line is gone.
    #[error("tried to change a message that was deleted")]
    Deleted,
    /// [`MAX_REACTIONS`] or [`MAX_NAMED`].
    #[error("reacted more often than a message can hold")]
    TooMany,
}

impl From<Message> for Line {
    fn from(message: Message) -> Self {
        Self { message, edited: None, deleted: false, reactions: Vec::new(), handed_by: None }
    }
}

impl Line {
    /// Applies an act that names this line. Returns whether anything changed.
    ///
    /// # Errors
    /// [`ActError`]; then nothing changed.
    pub fn apply(&mut self, act: &Act) -> Result<bool, ActError> {
        if self.deleted {
            return Err(ActError::Deleted);
        }
        let theirs = act.from.fingerprint == self.message.from.fingerprint;
        match &act.change {
            Alteration::Edit(_) | Alteration::Delete if !theirs => Err(ActError::NotTheirs),
            Alteration::Edit(text) => {
                self.message.text.clone_from(text);
                self.edited = Some(act.at);
                Ok(true)
            }
            Alteration::Delete => {
                self.message.text = String::new();
                self.message.file = None;
                self.reactions.clear();
                self.deleted = true;
                Ok(true)
            }
            Alteration::React { emoji, withdrawn: true } => Ok(self.withdraw(emoji, &act.from)),
            Alteration::React { emoji, withdrawn: false } => self.react(emoji, &act.from),
        }
    }

    fn react(&mut self, emoji: &str, who: &Person) -> Result<bool, ActError> {
        let is_same = |person: &Person| person.fingerprint == who.fingerprint;
        if let Some(reaction) = self.reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
            if reaction.people.iter().any(is_same) {
                return Ok(false);
            }
            if reaction.people.len() >= MAX_NAMED {
                return Err(ActError::TooMany);
            }
            reaction.people.push(who.clone());
            return Ok(true);
        }
        if self.reactions.len() >= MAX_REACTIONS {
            return Err(ActError::TooMany);
        }
        self.reactions.push(Reaction { emoji: emoji.to_owned(), people: vec![who.clone()] });
        Ok(true)
    }

    fn withdraw(&mut self, emoji: &str, who: &Person) -> bool {
        let Some(reaction) = self.reactions.iter_mut().find(|reaction| reaction.emoji == emoji) else {
            return false;
        };
        let before = reaction.people.len();
        reaction.people.retain(|person| person.fingerprint != who.fingerprint);
        let changed = reaction.people.len() < before;
        self.reactions.retain(|reaction| !reaction.people.is_empty());
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Fingerprint;

    fn person(n: u16) -> Person {
        let mut fingerprint = [0; 32];
        fingerprint[..2].copy_from_slice(&n.to_be_bytes());
        Person { name: format!("p{n}"), fingerprint: Fingerprint(fingerprint) }
    }

    fn line() -> Line {
        let text = "first".to_owned();
        let message = Message {
            seq: 1,
            id: [1; 16],
            at: 5,
            from: person(1),
            text,
            mine: false,
            reply_to: None,
            disappears: None,
            file: None,
        };
        message.into()
    }

    fn act(from: u16, change: Alteration) -> Act {
        Act { seq: 2, at: 9, from: person(from), mine: false, target: [1; 16], change }
    }

    fn react(emoji: &str, withdrawn: bool) -> Alteration {
        Alteration::React { emoji: emoji.to_owned(), withdrawn }
    }

    #[test]
    fn edit_and_delete_of_somebody_elses_line_are_refused() {
        let mut line = line();
        for change in [Alteration::Edit("forged".to_owned()), Alteration::Delete] {
            let before = line.clone();
            assert_eq!(line.apply(&act(2, change)), Err(ActError::NotTheirs));
            assert_eq!(line, before);
        }
    }

    #[test]
    fn an_edit_shows_when_and_a_deletion_leaves_nothing() {
        let mut line = line();
        assert_eq!(line.apply(&act(1, Alteration::Edit("second".to_owned()))), Ok(true));
        assert_eq!((line.message.text.as_str(), line.edited), ("second", Some(9)));
        line.apply(&act(2, react("👍", false))).unwrap();
        assert_eq!(line.apply(&act(1, Alteration::Delete)), Ok(true));
        assert!(line.deleted && line.message.text.is_empty() && line.reactions.is_empty());
        let again = act(1, Alteration::Edit("back".to_owned()));
        assert_eq!(line.apply(&again), Err(ActError::Deleted));
    }

    #[test]
    fn the_same_sign_of_the_same_person_counts_once() {
        let mut line = line();
        assert_eq!(line.apply(&act(2, react("👍", false))), Ok(true));
        assert_eq!(line.apply(&act(2, react("👍", false))), Ok(false));
        assert_eq!(line.apply(&act(3, react("👍", false))), Ok(true));
        assert_eq!(line.reactions[0].people.len(), 2);
        assert_eq!(line.apply(&act(2, react("👍", true))), Ok(true));
        assert_eq!(line.apply(&act(2, react("👍", true))), Ok(false));
        assert_eq!(line.apply(&act(3, react("👍", true))), Ok(true));
        assert!(line.reactions.is_empty());
    }

    #[test]
    fn a_flood_of_signs_is_refused() {
        let mut line = line();
        let refused = (0..1_000).filter(|n| line.apply(&act(2, react(&n.to_string(), false))).is_err());
        assert_eq!(refused.count(), 1_000 - MAX_REACTIONS);
        let refused = (0..1_000).filter(|n| line.apply(&act(*n, react("0", false))).is_err());
        assert_eq!(refused.count(), 1_000 - MAX_NAMED);
    }
}
