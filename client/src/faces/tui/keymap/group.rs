//! What keys are for, as the help groups them.

use super::{
    Mode,
    actions::{Action as A, Row},
};

/// A part of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Write,
    Go,
    Chosen,
    Line,
    Program,
}

impl Group {
    /// As the help lists them.
    pub(crate) const ALL: [Self; 5] = [Self::Write, Self::Go, Self::Chosen, Self::Line, Self::Program];

    /// Its title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Write => "Keys: write and send",
            Self::Go => "Keys: go and read",
            Self::Chosen => "Keys: a message is chosen",
            Self::Line => "Keys: in the line",
            Self::Program => "Keys: the program",
        }
    }

    pub(super) fn of(row: &Row) -> Self {
        match row.action {
            A::HelpHere => Self::Program,
            _ if row.mode == Mode::Selecting => Self::Chosen,
            A::Send | A::NewLine | A::Older | A::Newer | A::Complete | A::QuoteLast | A::Select => {
                Self::Write
            }
            A::Switch
            | A::Room(_)
            | A::Activity
            | A::Unread
            | A::PageUp
            | A::PageDown
            | A::Search
            | A::Members
            | A::About => Self::Go,
            A::ClearOrQuit | A::DeleteOrQuit | A::Redraw | A::Suspend | A::Help => Self::Program,
            _ => Self::Line,
        }
    }
}
