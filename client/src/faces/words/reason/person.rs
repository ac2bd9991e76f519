//! Of people.

use crate::reason::PersonReason;

/// What happened, and what to do.
pub(super) fn words(reason: &PersonReason) -> (String, String) {
    let (message, remedy) = match reason {
        PersonReason::BadName(error) => (error.to_string(), "Choose another name."),
        PersonReason::BadProfile(error) => (error.to_string(), "Choose something shorter and simpler."),
        PersonReason::LargePicture => {
            ("That picture is too large.".to_owned(), "Choose one that becomes smaller.")
        }
        PersonReason::Ourselves => ("That is you.".to_owned(), "Compare with somebody else."),
        PersonReason::NotCompared(name) => (
            format!("The number of {name} was not shown since the start."),
            "Compare it first: /verify NAME; then say /verify NAME yes.",
        ),
    };
    (message, remedy.to_owned())
}
