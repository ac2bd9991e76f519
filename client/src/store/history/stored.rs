//! A chat line as it is stored.

use serde::{Deserialize, Serialize};
use shared::{
    file::Manifest,
    message::timeline::{Line, Reaction},
    room::{Message, MessageId},
};

use crate::store::who::{Who, person, who};

/// A stored chat line. Its sequence number is the row's key. Fields that came later have defaults, so that older
/// lines can be read.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    id: MessageId,
    at: u64,
    name: String,
    from: [u8; 32],
    text: String,
    mine: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disappears: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<(String, Vec<Who>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handed_by: Option<Who>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<Box<Manifest>>,
}

impl From<Line> for Stored {
    fn from(line: Line) -> Self {
        let Line { message, edited, deleted, reactions, handed_by } = line;
        let reactions = reactions
            .into_iter()
            .map(|reaction| (reaction.emoji, reaction.people.into_iter().map(who).collect()));
        let Message { id, at, from, text, mine, reply_to, disappears, file, .. } = message;
        Self {
            id,
            at,
            name: from.name,
            from: from.fingerprint.0,
            text,
            mine,
            reply_to,
            disappears,
            edited,
            deleted,
            reactions: reactions.collect(),
            handed_by: handed_by.map(who),
            file,
        }
    }
}

impl Stored {
    pub(super) fn into_line(self, seq: u64) -> Line {
        let Self { id, at, text, mine, reply_to, disappears, file, .. } = self;
        let from = person((self.name, self.from));
        let reactions = self.reactions.into_iter();
        let reaction = |(emoji, people): (String, Vec<Who>)| Reaction {
            emoji,
            people: people.into_iter().map(person).collect(),
        };
        Line {
            message: Message { seq, id, at, from, text, mine, reply_to, disappears, file },
            edited: self.edited,
            deleted: self.deleted,
            reactions: reactions.map(reaction).collect(),
            handed_by: self.handed_by.map(person),
        }
    }
}
