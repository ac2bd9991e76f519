//! Invites in words: links, the live ones, and which one is meant.

use shared::{
    invite::link::{AnyLink, Link, LinkError},
    room::{Command, GroupView, Invited, Person},
};

use super::{OPEN_WARNING, called, when, who};
use crate::{
    faces::{lines::Limits, link},
    failure::Failure,
    reason::{LinkReason, Reason},
    runtime::now_ms,
};

/// Reads a link of either kind.
///
/// # Errors
/// [`Failure`] of kind usage for anything else.
pub fn link(text: &str) -> Result<AnyLink, Failure> {
    let tidied = link::tidied(text);
    let read = tidied.as_deref().unwrap_or(text).parse();
    // What is no link as a whole may have one, once or twice.
    let among = || link::among(text).and_then(|link| link.parse().ok());
    read.or_else(|error| among().ok_or(error)).map_err(|error: LinkError| {
        if Link::from_code(text).is_ok() {
            return Reason::from(LinkReason::CodeForName).into();
        }
        if error == LinkError::Damaged && !has_fragment(tidied.as_deref().unwrap_or(text)) {
            return Failure::usage(
                "The part of the link after # is missing, and that is what opens it.",
                "Copy the whole link, to its last character, or ask for a new one. What cuts it at the # may be a program that it went through.",
            );
        }
        Failure::usage(
            error.to_string(),
            "Copy the whole link, to its last character, or ask for a new one. An open room needs none: /join NAME in the chat.",
        )
    })
}

/// Something stands behind its `#`.
fn has_fragment(link: &str) -> bool {
    link.split_once('#').is_some_and(|(_, rest)| !rest.trim().is_empty())
}

/// The wish for an invite with these limits.
pub fn invite(limits: &Limits) -> Command {
    let ends = |lives: u32| if lives == 0 { 0 } else { now_ms().saturating_add(u64::from(lives) * 1_000) };
    Command::Invite { uses: limits.uses, expires_ms: limits.lives_s.map(ends) }
}

/// The live invites, a line each.
pub fn invites(view: &GroupView) -> Vec<String> {
    if view.open {
        return vec![OPEN_WARNING.to_owned()];
    }
    if view.invites.is_empty() {
        return vec!["There are no live invites. /invite makes one.".to_owned()];
    }
    view.invites.iter().map(|invite| format!("  {}", listed(invite, view))).collect()
}

fn listed(invite: &Invited, view: &GroupView) -> String {
    let by = if invite.ours { "yours".to_owned() } else { format!("by {}", who(&invite.by, Some(view))) };
    let uses = match invite.max_uses {
        0 => format!("{} came by it, without a limit", invite.used),
        most => format!("{} of {most} came by it", invite.used),
    };
    let ends = match invite.expires_ms {
        0 => "for ever".to_owned(),
        at => format!("until {}", when(at)),
    };
    format!("{}  {by}, {uses}, {ends}", invite_id(&invite.id))
}

/// The first digits of an invite's id: so many that nobody has two that begin alike.
pub fn invite_id(id: &[u8; 16]) -> String {
    hex::encode(id).chars().take(8).collect()
}

/// Finds the invite whose id begins like this.
///
/// # Errors
/// [`Failure`] when none or more than one does.
pub fn find_invite(view: &GroupView, wanted: &str) -> Result<[u8; 16], Failure> {
    let wanted = wanted.to_lowercase();
    let mut found = view.invites.iter().filter(|invite| hex::encode(invite.id).starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some(invite), None) => Ok(invite.id),
        (None, _) => Err(Failure::not_found("There is no such invite.", "/invites shows the live ones.")),
        (Some(_), Some(_)) => {
            Err(Failure::usage("Several invites begin like this.", "Write more of the id."))
        }
    }
}

/// What is to be done with an invite link.
pub const GIVE_LINK: &str = "Anybody with this link can join: send it over a channel that you trust.";

/// A link's card was read.
pub fn invited(room: &str, by: &Person) -> String {
    format!("{} ({}) invites you to {}.", who(by, None), by.fingerprint.short(), called(room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_that_lost_what_opens_it_and_a_code_are_told_from_one_that_was_altered() {
        for cut in ["schat://relay.example:4433/", "schat://relay.example/#", "https://relay.example"] {
            let failure = link(cut).unwrap_err();
            assert!(failure.message.contains("after # is missing"), "{cut}: {failure:?}");
        }
        let altered = link("schat://relay.example/#S4Ow-l6IvPr").unwrap_err();
        assert!(altered.message.contains("incomplete or altered"), "{altered:?}");
        let code = link("S4Ow-l6IvPr-9Sc_TPABB4YUjbBC4w").unwrap_err();
        assert!(code.remedy.contains("/link CODE"), "{code:?}");
    }
}
