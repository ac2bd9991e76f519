//! What leaves the state, and small things in it.

use ratatui::layout::Rect;
use shared::room::MessageId;

use super::{Choice, Wanted};
use crate::{store::PictureKey, transport::Carrier};

/// What the keyboard asks others to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A line was typed.
    Line(String),
    /// Something about a message of this room.
    Tell { room: String, what: Telling },
    /// Where the file of a message is, to tell of the message.
    About { room: String, id: MessageId, file: PictureKey },
    /// The file of a message is to be fetched.
    Get { room: String, id: MessageId },
    /// A link of the web, for the browser.
    Open(String),
    /// Text for the clipboard.
    Copy(String),
    /// What is typed in a room, to be kept.
    Draft { room: String, text: String },
    /// Messages are wanted.
    Fetch(Wanted),
    /// Search: in one room or all.
    Find { number: u64, room: Option<String>, text: String },
    /// Something of the list for new people.
    Begin(Choice),
    /// Others may know that we type, or stopped.
    Typing { room: String, stopped: bool },
    /// Others may know that we have read up to there.
    Seen { room: String, seq: u64 },
    /// Somebody has read up to there; nobody else learns of it.
    Read { room: String, seq: u64 },
    /// Draw everything anew.
    Redraw,
    /// Stop until the shell wakes us.
    Suspend,
    /// The end.
    Quit,
}

/// What is done to, or said about, a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    Reply { to: MessageId, text: String },
    Edit { target: MessageId, text: String },
    Delete { target: MessageId },
    React { target: MessageId, emoji: String, withdrawn: bool },
}

/// How the connection to the relay is, on the screen.
#[derive(Clone, Debug)]
pub(crate) enum RelayStatus {
    Connecting(String),
    Up(String, Carrier),
    /// Why, as it is shown.
    Down(String),
}

/// Where things are on the screen, for the mouse.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub rooms: Rect,
    /// The rooms from the top.
    pub labels: Vec<String>,
    pub messages: Rect,
    /// The messages that the rows from the top belong to.
    pub lines: Vec<Option<MessageId>>,
}

/// Something happened that somebody who looks elsewhere may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub room: String,
    /// Who said something; none for an alarm.
    pub who: Option<String>,
    pub text: String,
    pub mentions: bool,
}
