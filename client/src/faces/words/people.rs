//! People in words: how they are called and found, and their safety numbers.

use shared::{
    identity::safety::SafetyNumber,
    identity::{Fingerprint, names::fold},
    room::{GroupView, Member, Person, Present},
};

use super::called;
use crate::{faces::sanitize, failure::Failure, runtime::Namesake};

/// How a person is called where nothing stands beside the name: by the display name, with a part of the fingerprint when another member has the same.
pub fn name(person: &Person, view: Option<&GroupView>) -> String {
    sanitize::line(&raw_name(person, view))
}

/// The same with all characters as they came.
fn raw_name(person: &Person, view: Option<&GroupView>) -> String {
    raw_name_beside(person, None, view)
}

/// The same; whoever has the fingerprint `was` is nobody else.
fn raw_name_beside(person: &Person, was: Option<&Fingerprint>, view: Option<&GroupView>) -> String {
    let shown = person.name.clone();
    let folded = fold(&person.name);
    let others = view.iter().flat_map(|view| &view.members).map(|member| &member.person);
    let same: Vec<&Fingerprint> = others
        .filter(|other| other.fingerprint != person.fingerprint && Some(&other.fingerprint) != was)
        .filter(|other| fold(&other.name) == folded)
        .map(|other| &other.fingerprint)
        .collect();
    // Nobody passes for `bob#1f2e` by taking that for a name.
    let is_alone = same.is_empty() && !person.name.contains('#');
    if is_alone { shown } else { format!("{shown}#{}", short(&person.fingerprint, &same)) }
}

/// How a person is called in a line, beside other words; safe for a terminal.
pub fn who(person: &Person, view: Option<&GroupView>) -> String {
    called(&raw_name(person, view))
}

/// How somebody with another key is called, whom the view may still show with the one that `was`.
pub fn who_was(person: &Person, was: &Fingerprint, view: Option<&GroupView>) -> String {
    called(&raw_name_beside(person, Some(was), view))
}

/// The first digits of a fingerprint: four, or as many fours as it takes to tell it from these.
fn short(fingerprint: &Fingerprint, others: &[&Fingerprint]) -> String {
    let (whole, others) = (fingerprint.to_string(), others.iter().map(ToString::to_string));
    let common = |other: String| whole.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let needed = others.map(common).max().unwrap_or(0) / 4 * 4 + 4;
    whole.chars().take(needed).collect()
}

/// Two people have one name.
pub fn namesake(Namesake { who, owner, is_me }: &Namesake, view: Option<&GroupView>) -> String {
    let shown = called(&who.name);
    let apart = |person: &Person, other: &Person| {
        called(&format!("{}#{}", person.name, short(&person.fingerprint, &[&other.fingerprint])))
    };
    let here = |person: &Person| {
        view.is_some_and(|view| view.members.iter().any(|m| m.person.fingerprint == person.fingerprint))
    };
    let (one, other) = (apart(who, owner), apart(owner, who));
    match (is_me, here(owner)) {
        (true, true) => format!(
            "You are not the only {shown} here: you are shown as {other}, the other as {one}. Another name: /nick NAME"
        ),
        (true, false) => {
            format!("Somebody here is called {shown}, as you are: {one}. Another name for you: /nick NAME")
        }
        (false, true) => format!("Two here are called {shown}; they are shown as {other} and {one}."),
        (false, false) => {
            format!("This {shown} is {one}, not the one whom you know from elsewhere, {other}.")
        }
    }
}

/// Finds the member whom somebody means: by fingerprint, its beginning (8 digits or more), name, or name#digits.
///
/// # Errors
/// [`Failure`] when nobody or more than one fits.
pub fn find<'a>(view: &'a GroupView, wanted: &str) -> Result<&'a Person, Failure> {
    let compact: String = wanted.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let by_digits =
        |member: &&Member| compact.len() >= 8 && member.person.fingerprint.to_string().starts_with(&compact);
    let by_name = |member: &&Member| {
        let (person, view) = (&member.person, Some(view));
        fold(&person.name) == fold(wanted) || name(person, view) == wanted || who(person, view) == wanted
    };
    let mut found: Vec<&Person> =
        view.members.iter().filter(by_digits).map(|member| &member.person).collect();
    if found.is_empty() {
        found = view.members.iter().filter(by_name).map(|member| &member.person).collect();
    }
    // One account may have several devices in the room.
    found.sort_by_key(|person| person.fingerprint.to_string());
    found.dedup_by_key(|person| person.fingerprint);
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::not_found(
            format!("Nobody here is called {}.", sanitize::line(wanted)),
            "See /members.",
        )),
        several => {
            let names: Vec<String> = several.iter().map(|person| who(person, Some(view))).collect();
            Err(Failure::usage(
                format!("{} members are called {}.", several.len(), sanitize::line(wanted)),
                format!("Say which one: {}.", names.join(", ")),
            ))
        }
    }
}

/// The safety number of two people as lines to read out; `yes` is what marks the key.
pub fn safety(
    number: &SafetyNumber,
    view: &GroupView,
    person: &Person,
    is_verified: bool,
    yes: &str,
) -> Vec<String> {
    let name = who(person, Some(view));
    let last = match is_verified {
        true => "You marked this key as verified already.".to_owned(),
        false => format!("If it is, say so: {yes}"),
    };
    vec![
        format!("Safety number with {name}:"),
        format!("  {}", number.digits()),
        format!("  Fingerprint: {}", person.fingerprint),
        "Compare all of it over another channel: if both see the same, nobody sits between you.".to_owned(),
        last,
    ]
}

/// One word for a member who has not said or changed anything since we came: only the room's state says that it is
/// there, and whoever made that state for us could have put anybody into it.
pub fn heard(present: &Present<'_>) -> &'static str {
    if present.is_heard() { "" } else { "silent" }
}
