//! What keys can do, and which do it unless the settings say otherwise.

/// Something that a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Send,
    NewLine,
    Older,
    Newer,
    Complete,
    Left,
    Right,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    DeleteLeft,
    DeleteRight,
    DeleteWordLeft,
    DeleteWordRight,
    DeleteToStart,
    BringBack,
    Undo,
    ClearOrQuit,
    DeleteOrQuit,
    Select,
    Switch,
    /// By its place in the list, from 1.
    Room(u8),
    Activity,
    Unread,
    PageUp,
    PageDown,
    Search,
    Members,
    About,
    Redraw,
    Suspend,
    Help,
    HelpHere,
    SelectOlder,
    SelectNewer,
    First,
    Last,
    Reply,
    Edit,
    Delete,
    React,
    Copy,
    Details,
    Back,
    NextFound,
    PreviousFound,
    Quote,
    QuoteLast,
    Open,
    Fetch,
}

/// Where a key does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// While text is typed.
    Typing,
    /// While a message is chosen.
    Selecting,
    /// In both.
    Both,
}

/// An action as settings and help know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub action: Action,
    /// In the settings.
    pub name: &'static str,
    pub mode: Mode,
    /// Its keys by default.
    pub keys: &'static [&'static str],
    /// Further keys with `vim = true`.
    pub vim: &'static [&'static str],
    /// For the help.
    pub what: &'static str,
}

const fn row(
    action: Action,
    name: &'static str,
    mode: Mode,
    keys: &'static [&'static str],
    what: &'static str,
) -> Row {
    Row { action, name, mode, keys, vim: &[], what }
}

const fn vim(mut row: Row, keys: &'static [&'static str]) -> Row {
    row.vim = keys;
    row
}

use Action as A;
use Mode::{Both, Selecting, Typing};

/// All of them, as the help lists them.
pub(super) const ACTIONS: &[Row] = &[
    row(A::Send, "send", Typing, &["enter"], "send"),
    row(A::NewLine, "new-line", Typing, &["alt+enter", "ctrl+j"], "a new line in the message"),
    row(A::Older, "older", Typing, &["up", "ctrl+p"], "the line above, or what was typed before"),
    row(A::Newer, "newer", Typing, &["down", "ctrl+n"], "the line below, or what was typed after"),
    row(A::Complete, "complete", Typing, &["tab"], "complete a command, a room, a name or a path"),
    row(A::Select, "select", Typing, &["esc"], "choose a message: to reply, edit, delete, react, copy"),
    row(A::Switch, "switch-room", Both, &["ctrl+k"], "go to a room by its name"),
    row(A::Room(1), "room-1", Both, &["alt+1"], "go to a room by its place"),
    row(A::Room(2), "room-2", Both, &["alt+2"], ""),
    row(A::Room(3), "room-3", Both, &["alt+3"], ""),
    row(A::Room(4), "room-4", Both, &["alt+4"], ""),
    row(A::Room(5), "room-5", Both, &["alt+5"], ""),
    row(A::Room(6), "room-6", Both, &["alt+6"], ""),
    row(A::Room(7), "room-7", Both, &["alt+7"], ""),
    row(A::Room(8), "room-8", Both, &["alt+8"], ""),
    row(A::Room(9), "room-9", Both, &["alt+9"], ""),
    row(A::Activity, "next-activity", Both, &["alt+a"], "go to the next room with something new"),
    row(A::Unread, "unread", Both, &["alt+u"], "go to the first message that you have not read"),
    row(A::PageUp, "page-up", Both, &["pgup"], "read what was said before"),
    row(A::PageDown, "page-down", Both, &["pgdn"], "read on"),
    vim(row(A::Search, "search", Both, &["ctrl+r"], "search this room; Tab there: all rooms"), &["/"]),
    row(A::Members, "members", Both, &["f2"], "show or hide the members"),
    row(A::About, "room-info", Both, &["f3"], "what this room is: its id at the relay, what it allows"),
    row(
        A::QuoteLast,
        "quote-last",
        Typing,
        &["alt+q"],
        "answer the last message of somebody else, quoting it",
    ),
    row(A::Left, "left", Typing, &["left", "ctrl+b"], "the character before"),
    row(A::Right, "right", Typing, &["right", "ctrl+f"], "the character after"),
    row(A::WordLeft, "word-left", Typing, &["ctrl+left", "alt+left", "alt+b"], "the word before"),
    row(A::WordRight, "word-right", Typing, &["ctrl+right", "alt+right", "alt+f"], "the word after"),
    row(A::LineStart, "line-start", Typing, &["home", "ctrl+a"], "the beginning of the line"),
    row(A::LineEnd, "line-end", Typing, &["end", "ctrl+e"], "the end of the line"),
    row(A::DeleteLeft, "delete-left", Typing, &["backspace", "ctrl+h"], "delete the character before"),
    row(A::DeleteRight, "delete-right", Typing, &["delete"], "delete the character after"),
    row(
        A::DeleteWordLeft,
        "delete-word-left",
        Typing,
        &["ctrl+w", "alt+backspace"],
        "delete the word before",
    ),
    row(A::DeleteWordRight, "delete-word-right", Typing, &["alt+d"], "delete the word after"),
    row(A::DeleteToStart, "delete-to-start", Typing, &["ctrl+u"], "delete the line so far"),
    row(A::BringBack, "bring-back", Typing, &["ctrl+y"], "bring back what was deleted last"),
    row(A::Undo, "undo", Typing, &["ctrl+_"], "undo the last change of what is typed"),
    row(A::ClearOrQuit, "clear-or-quit", Typing, &["ctrl+c"], "drop what is typed; leave, when nothing is"),
    row(A::DeleteOrQuit, "delete-or-quit", Typing, &["ctrl+d"], "delete after; leave, when nothing is typed"),
    row(A::Redraw, "redraw", Both, &["ctrl+l"], "draw the screen anew"),
    row(A::Suspend, "suspend", Both, &["ctrl+z"], "stop, until the shell's fg"),
    row(A::Help, "help", Both, &["f1"], "this page, from everywhere"),
    row(A::HelpHere, "help-here", Selecting, &["?"], "this page"),
    row(A::SelectOlder, "select-older", Selecting, &["up", "k"], "the message before"),
    row(A::SelectNewer, "select-newer", Selecting, &["down", "j"], "the message after"),
    vim(row(A::First, "first", Selecting, &["home"], "the oldest message that is here"), &["g"]),
    vim(row(A::Last, "last", Selecting, &["end"], "the newest message"), &["G"]),
    row(A::Reply, "reply", Selecting, &["r"], "reply to it"),
    row(A::Quote, "quote", Selecting, &["q", "alt+q"], "reply to it, with what it says above"),
    row(A::Open, "open", Selecting, &["o"], "open a link of it, after you were asked"),
    row(A::Fetch, "fetch", Selecting, &["f"], "fetch its file"),
    row(A::Edit, "edit", Selecting, &["e"], "edit it, if it is yours"),
    row(A::Delete, "delete", Selecting, &["d"], "delete it, if it is yours"),
    row(A::React, "react", Selecting, &["+"], "put a sign under it"),
    row(A::Copy, "copy", Selecting, &["y", "c"], "copy its text"),
    row(A::Details, "details", Selecting, &["enter"], "who, when, its file, its links, who reacted"),
    vim(row(A::Back, "back", Selecting, &["esc", "ctrl+c"], "back to typing"), &["i"]),
    vim(
        row(A::NextFound, "next-found", Selecting, &[], "the next older message that the search found"),
        &["n"],
    ),
    vim(row(A::PreviousFound, "previous-found", Selecting, &[], "the next newer one"), &["N"]),
];
