//! What stands behind a command's name.

use shared::room::{MAX_PAST, Policy};

use super::{Allowed, Limits, TypedLine, commands::usage_of};
use crate::{failure::Failure, text::names::unquoted};

/// A room's name and, behind it, what it keeps. None without a name. It is read in order, so that a name may hold `=`.
pub(super) fn create(argument: &str) -> Option<Result<TypedLine, Failure>> {
    let (mut name, mut policy) = (argument, Policy::default());
    loop {
        let (rest, last) = name.rsplit_once(char::is_whitespace).unwrap_or(("", name));
        if let Some(count) = last.strip_prefix("past=") {
            match count.parse() {
                Ok(count) if count <= MAX_PAST => policy.past_lines = count,
                _ => {
                    let remedy = format!("Write a number up to {MAX_PAST}: past=100.");
                    return Some(Err(Failure::usage("That is no number of messages.", remedy)));
                }
            }
        } else if let Some(time) = last.strip_prefix("disappear=") {
            match seconds(time) {
                Ok(time) => policy.disappear_s = time,
                Err(failure) => return Some(Err(failure)),
            }
        } else {
            return (!name.is_empty()).then(|| Ok(TypedLine::Create(unquoted(name), policy)));
        }
        name = rest.trim_end();
    }
}

pub(super) fn limits(argument: &str) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    for word in argument.split_whitespace() {
        match word.split_once('=') {
            // Not 0, as for programs: a person may mean that nobody is let in.
            Some(("uses", "any")) => limits.uses = Some(0),
            Some(("uses", count)) => limits.uses = Some(number(count, "uses=5, or uses=any for no limit")?),
            Some(("expires", time)) => limits.lives_s = Some(lifetime(time)?),
            _ => return Err(usage_of("invite")),
        }
    }
    Ok(limits)
}

/// How long an invite lives, in seconds; `never` ends is 0.
///
/// # Errors
/// [`Failure`] of kind usage for anything else.
pub fn lifetime(text: &str) -> Result<u32, Failure> {
    if text == "never" { Ok(0) } else { seconds(text) }
}

pub(super) fn allowed(argument: &str) -> Result<Allowed, Failure> {
    let mut allowed = Allowed::default();
    for word in argument.split_whitespace() {
        match word.split_once('=') {
            Some(("invite", "everybody")) => allowed.moderators_invite = Some(false),
            Some(("invite", "moderators")) => allowed.moderators_invite = Some(true),
            Some(("seats", count)) => allowed.seats = Some(number(count, "seats=5")?),
            _ => return Err(usage_of("policy")),
        }
    }
    Ok(allowed)
}

fn number(text: &str, such_as: &str) -> Result<u32, Failure> {
    let remedy = format!("Write one from 1 on: {such_as}.");
    let bad = || Failure::usage("That is no number that can be meant.", remedy);
    text.parse().ok().filter(|count| *count > 0).ok_or_else(bad)
}

/// A length of time such as `90`, `30m`, `12h`, `7d`, `2w`, in seconds; `off` is 0.
pub(super) fn seconds(text: &str) -> Result<u32, Failure> {
    let bad = || Failure::usage("That is no length of time.", "Write 30m, 12h, 7d, 2w or off.");
    if text == "off" {
        return Ok(0);
    }
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
    let unit = units.iter().find_map(|(unit, length)| Some((text.strip_suffix(*unit)?, *length)));
    let (count, length) = unit.unwrap_or((text, 1));
    let count: u32 = count.parse().ok().filter(|count| *count > 0).ok_or_else(bad)?;
    count.checked_mul(length).ok_or_else(bad)
}

/// The name in `NAME yes`.
pub(super) fn marked(argument: &str) -> Option<String> {
    let (name, yes) = argument.rsplit_once(char::is_whitespace)?;
    (yes == "yes").then(|| name.trim().to_owned()).filter(|name| !name.is_empty())
}
