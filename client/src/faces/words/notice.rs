//! What is told as a failure: notices, problems and the end of a room, with the exit codes of commands.

use shared::room::{BodyError, CloseReason, Problem};

use super::{Among, alarm, alarm_remedy, called, closed, failure, problem, remedy, said, stranger};
use crate::{
    failure::{Exit, Failure, exit_of},
    store::{Earlier, Notice},
};

/// What another version noted in a form that this one cannot read.
const UNKNOWN: &str = "Another version of this program noted something that this one cannot put into words.";

impl From<&Notice> for Failure {
    fn from(notice: &Notice) -> Self {
        match notice {
            Notice::Alarm(told) => {
                Self::new(Exit::Verification, told.kind().name(), alarm(told), remedy(told))
            }
            Notice::Problem(told) => told.into(),
            Notice::Stranger(told) => told.into(),
            Notice::Earlier(Earlier { alarm: Some(kind), message, .. }) => {
                Self::new(Exit::Verification, kind.name(), known(message), alarm_remedy(*kind))
            }
            Notice::Earlier(Earlier { alarm: None, code, message, remedy }) => {
                Self::new(exit_of(code), code.clone(), known(message), remedy)
            }
        }
    }
}

fn known(message: &str) -> &str {
    if message.is_empty() { UNKNOWN } else { message }
}

impl From<&Problem> for Failure {
    fn from(told: &Problem) -> Self {
        let (message, remedy) = problem(told);
        Self::new(exit_of(told.code()), told.code(), message, remedy)
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        let (message, remedy) = said(error);
        Self::new(Exit::Usage, error.code(), message, remedy)
    }
}

impl From<&CloseReason> for Failure {
    fn from(reason: &CloseReason) -> Self {
        // The reason names the remedy itself.
        Self::new(Exit::Refused, "closed", closed(reason), "")
    }
}

/// An alarm or problem of a room. `again`: it is from before the program ended.
pub fn notice<'a>(room: &str, notice: &'a Notice, again: bool, among: impl Into<Among<'a>>) -> String {
    let told = failure(&notice.into());
    let before = if again { "From before the restart: " } else { "" };
    if let Notice::Stranger(told) = notice {
        return format!("{before}{}", stranger(told, Some(room), among));
    }
    match notice.kind() {
        Some(kind) => {
            format!("{before}ALARM ({}) in {}: {told}", kind.name(), called(room))
        }
        None if again => format!("{before}{}: {told}", called(room)),
        None => told,
    }
}
