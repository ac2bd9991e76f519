//! A chat line as it is shown.

use std::cell::Cell;

use shared::{
    file::Manifest,
    identity::Fingerprint,
    message::timeline::{Line, Reaction},
    room::{Message, MessageId, Person},
};

use crate::{
    faces::{
        action, mention, sanitize,
        words::{self, Among},
    },
    store::PictureKey,
};

/// Letters of a quote; no screen is wider.
const QUOTED: usize = 512;

/// A chat line. All text is safe for a terminal.
#[derive(Clone, Debug)]
pub(crate) struct ShownLine {
    /// Its place in the log; none while it waits for the relay.
    pub seq: Option<u64>,
    /// What it is called by replies and reactions.
    pub id: MessageId,
    /// Unix milliseconds.
    pub at: u64,
    /// How the sender is called.
    pub name: String,
    /// Who it is.
    pub who: Fingerprint,
    /// The name as it came.
    from: String,
    /// What was said, with its own line breaks.
    pub text: String,
    /// `text` is what was said, letter by letter: nothing had to be made harmless.
    pub is_verbatim: bool,
    /// We said it.
    pub mine: bool,
    /// It names us.
    pub mentions: bool,
    /// What it answers.
    pub reply_to: Option<MessageId>,
    /// The file that comes with it.
    pub file: Option<Box<Attached>>,
    /// It is a picture, by the word of whoever sent it.
    pub picture: Option<Box<Picture>>,
    /// It was edited.
    pub edited: bool,
    /// Its author took it back.
    pub deleted: bool,
    /// What others put under it.
    pub reactions: Vec<ShownReaction>,
    /// Who told us of it, if we did not read it ourselves.
    pub handed_by: Option<String>,
    /// The same, as they came.
    by: Option<Person>,
    /// When it goes, Unix milliseconds.
    pub disappears: Option<u64>,
    /// A width in cells and the rows that it takes there: what was measured last.
    pub(in super::super) height: Cell<(usize, usize)>,
}

/// A file that came with a line. All text is safe for a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    /// Its name and size, as a line has them.
    pub told: String,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What it is, by the word of whoever sent it; may be nothing.
    pub media_type: String,
    /// Names it in the profile.
    pub key: PictureKey,
}

impl Attached {
    fn of(file: &Manifest) -> Self {
        Self {
            told: words::file(file),
            name: words::called(&file.name),
            size: file.size,
            media_type: sanitize::line(&file.media_type),
            key: PictureKey::of_file(file),
        }
    }
}

/// A picture that came with a line.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    /// As it is shown here.
    pub key: PictureKey,
    /// Its file.
    pub file: PictureKey,
    /// A small copy, or nothing.
    pub preview: Vec<u8>,
}

/// A reaction under a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownReaction {
    /// As it was sent; to be sanitised.
    pub raw: String,
    /// For the screen.
    pub shown: String,
    /// Whose.
    pub people: Vec<Person>,
}

impl ShownLine {
    /// A line as it is shown in a room with this group.
    pub(crate) fn new<'a>(room: &str, line: Line, among: impl Into<Among<'a>>, me: &str) -> Self {
        let among = among.into();
        let Line { message, edited, deleted, reactions, handed_by } = line;
        let name = words::name(&message.from, among);
        let text = sanitize::paragraph(&message.text).join("\n");
        let mentions = !message.mine && !deleted && mention::is_for(&text, me, among.view);
        let reaction = |reaction: Reaction| ShownReaction {
            shown: sanitize::line(&reaction.emoji),
            raw: reaction.emoji,
            people: reaction.people,
        };
        Self {
            seq: Some(message.seq),
            id: message.id,
            at: message.at,
            name,
            who: message.from.fingerprint,
            from: message.from.name,
            is_verbatim: text == message.text,
            text,
            mine: message.mine,
            mentions,
            reply_to: message.reply_to,
            file: message.file.as_deref().map(|file| Box::new(Attached::of(file))),
            picture: message.file.filter(|_| !deleted).and_then(|file| picture(room, *file)),
            edited: edited.is_some(),
            deleted,
            reactions: reactions.into_iter().map(reaction).collect(),
            handed_by: handed_by.as_ref().map(|by| words::name(by, among)),
            by: handed_by,
            disappears: message.disappears,
            height: Cell::default(),
        }
    }

    /// Others have these names as well, it turns out.
    pub(super) fn rename(&mut self, among: Among<'_>) {
        let from = Person { name: self.from.clone(), fingerprint: self.who };
        self.name = words::name(&from, among);
        self.handed_by = self.by.as_ref().map(|by| words::name(by, among));
        self.height.take();
    }

    /// A line of ours that waits for the relay.
    pub(crate) fn waiting(
        room: &str,
        id: MessageId,
        now: u64,
        text: &str,
        reply_to: Option<MessageId>,
        file: Option<Box<Manifest>>,
        me: &(String, Fingerprint),
    ) -> Self {
        let from = Person { name: me.0.clone(), fingerprint: me.1 };
        let text = text.to_owned();
        let message =
            Message { seq: 0, id, at: now, from, text, mine: true, reply_to, disappears: None, file };
        Self { seq: None, ..Self::new(room, message.into(), Among::default(), "") }
    }

    /// What it says, or else which file it brings: what an answer quotes.
    pub(crate) fn whole(&self) -> &str {
        match &self.file {
            Some(file) if self.text.trim().is_empty() => &file.told,
            _ => &self.text,
        }
    }

    /// The first words, for a quote of it.
    pub(crate) fn first_words(&self) -> String {
        if self.deleted {
            return "(deleted)".to_owned();
        }
        let text = action::of(&self.text).unwrap_or(&self.text);
        let first = text.split('\n').find(|line| !line.trim().is_empty());
        let brought = self.file.as_ref().map(|file| file.told.as_str());
        first.or(brought).unwrap_or_default().chars().take(QUOTED).collect()
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let reaction = |reaction: &ShownReaction| {
            reaction.raw.len() + reaction.shown.len() + reaction.people.len() * 128
        };
        256 + self.text.len()
            + self
                .file
                .as_ref()
                .map_or(0, |file| file.told.len() + file.name.len() + file.media_type.len() + 64)
            + self.picture.as_ref().map_or(0, |picture| picture.preview.len() + 128)
            + self.reactions.iter().map(reaction).sum::<usize>()
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        self.disappears.is_some_and(|at| at <= now)
    }

    /// Whether we put this reaction under it.
    pub(crate) fn has_reaction(&self, reaction: &str, me: &Fingerprint) -> bool {
        let reaction = self.reactions.iter().find(|known| known.raw == reaction);
        reaction.is_some_and(|reaction| reaction.people.iter().any(|person| person.fingerprint == *me))
    }
}

/// What can be shown of a file.
fn picture(room: &str, file: Manifest) -> Option<Box<Picture>> {
    let is_picture = file.media_type.starts_with("image/");
    let of = PictureKey::of_file(&file);
    let key = of.shown_in(room, &file.preview);
    is_picture.then(|| Box::new(Picture { key, file: of, preview: file.preview }))
}
