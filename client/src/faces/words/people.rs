//! People in words: how they are called and found, and their safety numbers.

use shared::{
    identity::safety::SafetyNumber,
    identity::{Fingerprint, names::fold},
    room::{GroupView, Member, Person, Present},
};

use super::called;
use crate::{faces::sanitize, failure::Failure, runtime::Namesake, text::namesakes::Namesakes};

/// Among whom somebody is named: who else is there with that name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Among<'a> {
    /// Who is in the room.
    pub view: Option<&'a GroupView>,
    /// Who is and who was, as far as it is shown.
    pub past: Option<&'a Namesakes>,
    /// Whom the same sentence names.
    pub beside: [Option<&'a Person>; 2],
    /// We.
    pub me: Option<Fingerprint>,
}

impl<'a> Among<'a> {
    /// The same in a sentence that names these two.
    pub(super) fn beside(self, one: &'a Person, other: &'a Person) -> Self {
        Self { beside: [Some(one), Some(other)], ..self }
    }

    /// That is us.
    pub(super) fn is_me(&self, who: &Fingerprint) -> bool {
        let ours = self.view.into_iter().flat_map(|view| &view.members).filter(|member| member.me);
        self.me.as_ref() == Some(who) || ours.into_iter().any(|member| member.person.fingerprint == *who)
    }
}

impl<'a> From<Option<&'a GroupView>> for Among<'a> {
    fn from(view: Option<&'a GroupView>) -> Self {
        Self { view, ..Self::default() }
    }
}

/// How a person is called where nothing stands beside the name: by the display name, with a part of the fingerprint when another
/// has the same.
pub fn name<'a>(person: &Person, among: impl Into<Among<'a>>) -> String {
    sanitize::line(&raw_name(person, among.into()))
}

/// The same with all characters as they came.
fn raw_name(person: &Person, among: Among<'_>) -> String {
    raw_name_beside(person, None, among)
}

/// The same; whoever has the fingerprint `was` is nobody else.
fn raw_name_beside(person: &Person, was: Option<&Fingerprint>, among: Among<'_>) -> String {
    let shown = person.name.clone();
    let folded = fold(&person.name);
    // Those of the past are all who were named, members included: then there is no need to look at each. But somebody who is here
    // with a key that was replaced is told apart from who has the new one.
    let view = among.view.filter(|_| among.past.is_none_or(|past| !past.is_whole() || past.has_changes()));
    let members = view.iter().flat_map(|view| &view.members);
    let is_here = members.clone().any(|member| member.person.fingerprint == person.fingerprint);
    let members = members.filter(|member| is_here || member.replaces != Some(person.fingerprint));
    let members = members.map(|member| &member.person);
    let others = members.chain(among.beside.into_iter().flatten());
    let others =
        others.filter(|other| other.fingerprint != person.fingerprint && fold(&other.name) == folded);
    let past = among.past.into_iter().flat_map(|past| past.others(person));
    let same = others.map(|other| &other.fingerprint).chain(past);
    let same: Vec<&Fingerprint> = same.filter(|other| Some(*other) != was).collect();
    // Nobody passes for `bob#1f2e` by taking that for a name.
    let is_alone = same.is_empty() && !person.name.contains('#');
    if is_alone { shown } else { format!("{shown}#{}", short(&person.fingerprint, &same)) }
}

/// How a person is called in a line, beside other words; safe for a terminal.
pub fn who<'a>(person: &Person, among: impl Into<Among<'a>>) -> String {
    called(&raw_name(person, among.into()))
}

/// How somebody with another key is called, whom the view may still show with the one that `was`.
pub fn who_was<'a>(person: &Person, was: &Fingerprint, among: impl Into<Among<'a>>) -> String {
    called(&raw_name_beside(person, Some(was), among.into()))
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
    // So they stand where somebody who has gone had the same name.
    let by_both = |member: &Member| {
        let parts = wanted.rsplit_once('#').filter(|(_, digits)| digits.len() >= 4);
        parts.is_some_and(|(name, digits)| {
            let all = member.person.fingerprint.to_string();
            fold(&member.person.name) == fold(name) && all.starts_with(&digits.to_lowercase())
        })
    };
    let by_name = |member: &&Member| {
        let (person, view) = (&member.person, Some(view));
        fold(&person.name) == fold(wanted)
            || name(person, view) == wanted
            || who(person, view) == wanted
            || by_both(member)
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
        [] => Err(nobody(view, wanted, &compact)),
        several => {
            let names: Vec<String> = several.iter().map(|person| who(person, Some(view))).collect();
            Err(Failure::usage(
                format!("{} members are called {}.", several.len(), sanitize::line(wanted)),
                format!("Say which one: {}.", names.join(", ")),
            ))
        }
    }
}

/// Nobody is called so: a device may be, or have that id.
fn nobody(view: &GroupView, wanted: &str, compact: &str) -> Failure {
    let is_id = |member: &Member| compact.len() >= 8 && member.device.id.to_string().starts_with(compact);
    let is_it = |member: &&Member| fold(&member.device.name) == fold(wanted) || is_id(member);
    match view.members.iter().find(is_it) {
        Some(member) if member.me => Failure::not_found(
            format!("{} is this device of yours, and nobody's name.", called(wanted)),
            "Name a person, as /members shows them.",
        ),
        Some(member) => {
            let owner = who(&member.person, Some(view));
            Failure::not_found(
                format!("{} is a device of {owner}, and nobody's name.", called(wanted)),
                format!(
                    "Name the person, who is meant with all devices: {owner}. One device its owner takes out: /devices remove NAME."
                ),
            )
        }
        None => Failure::not_found(
            format!("Nobody here is called {}.", sanitize::line(wanted)),
            "Name a person as /members shows them, or by the first 8 digits or more of their fingerprint.",
        ),
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
