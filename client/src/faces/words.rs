//! Sentences and names for people. All of it is safe for a terminal.

use jiff::Timestamp;
use shared::{
    identity::safety::SafetyNumber,
    identity::{Fingerprint, names::fold},
    invite::link::{AnyLink, LinkError},
    message::timeline::Line,
    room::{Act, Alteration, Command, GroupView, Invited, Member, Person},
};

use super::{lines::Limits, sanitize};
use crate::{
    failure::Failure,
    runtime::{ChosenRelay, Namesake, now_ms},
    store::{Notice, What},
    transport::{Carrier, Trust},
};

/// How a person is called: by the display name, with a part of the fingerprint when another member has the same.
pub fn name(person: &Person, view: Option<&GroupView>) -> String {
    let shown = sanitize::line(&person.name);
    let folded = fold(&person.name);
    let others = view.iter().flat_map(|view| &view.members).map(|member| &member.person);
    let same: Vec<&Fingerprint> = others
        .filter(|other| other.fingerprint != person.fingerprint && fold(&other.name) == folded)
        .map(|other| &other.fingerprint)
        .collect();
    // Nobody passes for `bob#1f2e` by taking that for a name.
    let is_alone = same.is_empty() && !person.name.contains('#');
    if is_alone { shown } else { format!("{shown}#{}", short(&person.fingerprint, &same)) }
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
    let shown = sanitize::line(&who.name);
    let apart = |person: &Person, other: &Person| {
        let name = sanitize::line(&person.name);
        format!("{name}#{}", short(&person.fingerprint, &[&other.fingerprint]))
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
        fold(&member.person.name) == fold(wanted) || name(&member.person, Some(view)) == wanted
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
            let names: Vec<String> = several.iter().map(|person| name(person, Some(view))).collect();
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
    let name = name(person, Some(view));
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

/// What an open room means; said every time one is entered.
pub const OPEN_WARNING: &str =
    "This is an OPEN room: whoever knows its name, who runs the relay included, can join and read.";

/// How a room is announced.
pub fn joined(label: &str, view: &GroupView) -> Vec<String> {
    let count = match view.members.len() {
        1 => "you are the only member".to_owned(),
        count => format!("{count} members"),
    };
    let mut lines = vec![format!("You are in {}: {count}, epoch {}.", sanitize::line(label), view.epoch)];
    if view.open {
        lines.push(OPEN_WARNING.to_owned());
    }
    lines
}

/// A relay is there, by which way, and why it is trusted.
pub fn connected(relay: &str, trust: Trust, carrier: Carrier) -> String {
    let way = match carrier {
        Carrier::Quic => "by QUIC",
        Carrier::Tcp => "over TCP, because UDP does not get through",
    };
    format!("Connected to {relay} {way}: {}.", self::trust(trust))
}

/// Why a relay is trusted.
pub fn trust(trust: Trust) -> String {
    match trust {
        Trust::WebPki => "its certificate is vouched for by the system's authorities".to_owned(),
        Trust::Pinned(_) => "its certificate is the one that the link names".to_owned(),
        Trust::CaFile => "its certificate is vouched for by the file given with --ca".to_owned(),
        Trust::Remembered(_) => "its certificate is the one seen before".to_owned(),
        Trust::FirstUse(pin) => format!(
            "seen for the FIRST time, nobody vouches for it. Its certificate {pin} is remembered; a change will be \
             refused. Compare it with what the relay's operator says"
        ),
    }
}

/// Reads a link of either kind.
///
/// # Errors
/// [`Failure`] of kind usage for anything else.
pub fn link(text: &str) -> Result<AnyLink, Failure> {
    let tidied = super::link::tidied(text);
    tidied.as_deref().unwrap_or(text).parse().map_err(|error: LinkError| {
        Failure::usage(
            error.to_string(),
            "Copy the whole link, to its last character, or ask for a new one. An open room needs none: /join NAME in the chat.",
        )
    })
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
    let by = if invite.ours { "yours".to_owned() } else { format!("by {}", name(&invite.by, Some(view))) };
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

/// What the room allows.
pub fn policy(view: &GroupView) -> Vec<String> {
    let who = if view.moderators_invite { "moderators" } else { "everybody" };
    let moderators = view.members.iter().filter(|member| member.is_moderator);
    let mut names: Vec<String> = moderators.map(|member| name(&member.person, Some(view))).collect();
    names.dedup();
    let stay = match view.disappear_s {
        0 => "stay".to_owned(),
        seconds => format!("go {} after they were said", duration(seconds)),
    };
    vec![
        format!("Invite: {who}. Devices of one person: {}. Messages {stay}.", view.seats),
        format!("Moderators: {}.", names.join(", ")),
    ]
}

/// A link's card was read.
pub fn invited(room: &str, by: &Person) -> String {
    format!("{} ({}) invites you to {}.", name(by, None), by.fingerprint.short(), sanitize::line(room))
}

/// A link to a relay was taken.
pub fn chosen(relay: &ChosenRelay) -> String {
    let replaced = if relay.replaced { " This replaces another pin that was remembered." } else { "" };
    let token = if relay.token.is_some() { " The link's token is kept for opening rooms there." } else { "" };
    format!(
        "From now on your relay is {}, and its certificate must have the pin {}.{replaced}{token} Now /join NAME opens an \
         open room there; /create NAME makes a private one.",
        relay.address, relay.pin
    )
}

/// What happened to a chat line.
pub fn changed(act: &Act, line: &Line, view: Option<&GroupView>) -> String {
    let by = name(&act.from, view);
    let whose = match line.message.from.fingerprint == act.from.fingerprint {
        true => "their own message".to_owned(),
        false => format!("{}: {}", name(&line.message.from, view), beginning(&line.message.text)),
    };
    match &act.change {
        Alteration::Edit(text) => format!("{by} edited a message; now: {}", sanitize::one_line(text)),
        Alteration::Delete => format!("{by} deleted a message."),
        Alteration::React { emoji, withdrawn: false } => {
            format!("{by} reacts {} to {whose}", sanitize::line(emoji))
        }
        Alteration::React { emoji, withdrawn: true } => {
            format!("{by} takes {} back from {whose}", sanitize::line(emoji))
        }
    }
}

/// What happened in a room beside the chat lines; `label` where its name is to be said.
pub fn happening(what: &What, label: Option<&str>, view: Option<&GroupView>) -> String {
    let there = label.map(|label| format!(" {}", sanitize::line(label))).unwrap_or_default();
    match what {
        What::Joined { who, by: Some(by) } => {
            format!("{} joined{there} by an invite of {}.", name(who, view), name(by, view))
        }
        What::Joined { who, by: None } => format!("{} joined{there}.", name(who, view)),
        What::Back(who) => format!(
            "A device of {} could not follow{} and is back, by its own keys; verify if you did not expect it.",
            name(who, view),
            if label.is_some() { &there } else { " the room" }
        ),
        What::Left { who, by } if who.fingerprint == by.fingerprint => {
            format!("{} left{there}.", name(who, view))
        }
        What::Left { who, by } => {
            let place = label.map(|_| format!(" from{there}")).unwrap_or_default();
            format!("{} was removed{place} by {}.", name(who, view), name(by, view))
        }
        What::Renamed { who, was } => profile_changed(who, was, view),
        What::Disappearing { by, seconds } => disappearing(by, *seconds, view),
        What::Alarm { kind, text } => format!("ALARM ({}): {}", kind.name(), sentence(text)),
    }
}

/// Somebody shows themselves in another way.
pub fn profile_changed(who: &Person, was: &str, view: Option<&GroupView>) -> String {
    let now = name(who, view);
    let was = sanitize::line(was);
    if was != sanitize::line(&who.name) {
        return format!("{was} is called {now} from now on.");
    }
    let member = view.and_then(|view| view.members.iter().find(|member| member.person == *who));
    match member.map(|member| sanitize::line(&format!("{} {}", member.glyph, member.status))) {
        Some(shown) if !shown.trim().is_empty() => format!("{now} is now: {}", shown.trim()),
        _ => format!("{now} changed their profile."),
    }
}

/// The time after which chat lines go has changed.
pub fn disappearing(by: &Person, seconds: u32, view: Option<&GroupView>) -> String {
    let by = name(by, view);
    match seconds {
        0 => format!("{by} lets messages stay from now on."),
        seconds => format!(
            "{by} lets messages disappear from now on: {} after they were said, here and at every honest member.",
            duration(seconds)
        ),
    }
}

/// A length of time in its largest whole unit.
pub fn duration(seconds: u32) -> String {
    let units = [(604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let fits = units.into_iter().find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    let (length, unit) = fits.unwrap_or((1, "second"));
    let count = seconds / length;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A moment as people here write it, from Unix milliseconds.
pub fn when(at: u64) -> String {
    let at = Timestamp::from_millisecond(i64::try_from(at).unwrap_or(0)).unwrap_or_default();
    at.to_zoned(super::zone::here().0).strftime("%F %H:%M").to_string()
}

/// The first words of a text, to name it by.
pub fn beginning(text: &str) -> String {
    const CELLS: usize = 40; // half a usual line
    let line = sanitize::line(text.lines().next().unwrap_or_default());
    let mut short: String = line.chars().take(CELLS).collect();
    if short.len() < line.len() || text.lines().nth(1).is_some() {
        short.push('…');
    }
    short
}

/// Cause and remedy in one sentence each.
pub fn failure(failure: &Failure) -> String {
    let text = format!("{} {}", sentence(&failure.message), sanitize::line(&failure.remedy));
    text.trim_end().to_owned()
}

/// An alarm or error of a room. `again`: it is from before the program ended.
pub fn notice(room: &str, notice: &Notice, again: bool) -> String {
    let told = failure(&notice.into());
    let before = if again { "From before the restart: " } else { "" };
    match notice {
        Notice::Alarm { kind, .. } => {
            format!("{before}ALARM ({}) in {}: {told}", kind.name(), sanitize::line(room))
        }
        Notice::Error { .. } if again => format!("{before}{}: {told}", sanitize::line(room)),
        Notice::Error { .. } => told,
    }
}

fn sentence(text: &str) -> String {
    let mut text = sanitize::line(text);
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// One word for a member who has not said or changed anything since we came: only the room's state says that it is
/// there, and whoever made that state for us could have put anybody into it.
pub fn heard(member: &Member) -> &'static str {
    if member.heard { "" } else { "silent" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(names: &[(&str, u8)]) -> GroupView {
        let person = |(name, byte): &(&str, u8)| Person {
            name: (*name).to_owned(),
            fingerprint: Fingerprint([*byte; 32]),
        };
        let member = |pair| Member {
            person: person(pair),
            leaf: 0,
            me: false,
            heard: true,
            status: String::new(),
            glyph: String::new(),
            is_moderator: false,
        };
        GroupView {
            room: "team".into(),
            open: false,
            epoch: 1,
            authenticator: vec![],
            members: names.iter().map(member).collect(),
            disappear_s: 0,
            past_lines: 0,
            invites: Vec::new(),
            moderators_invite: false,
            seats: 5,
        }
    }

    #[test]
    fn invite_is_found_by_what_it_alone_begins_with() {
        let by = Person { name: "ann".into(), fingerprint: Fingerprint([1; 32]) };
        let invite = |first: u8, second: u8| {
            let mut id = [0; 16];
            (id[0], id[1]) = (first, second);
            Invited { id, by: by.clone(), ours: false, expires_ms: 0, max_uses: 0, used: 0 }
        };
        let view =
            GroupView { invites: vec![invite(0xab, 1), invite(0xab, 2), invite(0xcd, 3)], ..view(&[]) };
        assert_eq!(find_invite(&view, "CD").unwrap()[1], 3);
        assert_eq!(find_invite(&view, "ab02").unwrap()[1], 2);
        assert_eq!(find_invite(&view, "ab").unwrap_err().code, "usage");
        assert_eq!(find_invite(&view, "ef").unwrap_err().code, "not_found");
    }

    #[test]
    fn person_with_the_same_name_is_told_apart() {
        let view = view(&[("bob", 1), ("Bob", 2), ("eve", 3)]);
        assert_eq!(name(&view.members[0].person, Some(&view)), "bob#0101");
        assert_eq!(name(&view.members[2].person, Some(&view)), "eve");
    }

    #[test]
    fn key_that_begins_like_another_and_name_that_looks_like_its_digits_fool_nobody() {
        let mut view = view(&[("bob", 1), ("bob", 1), ("cafe\u{301}", 3), ("caf\u{e9}", 4), ("bob#0101", 5)]);
        view.members[1].person.fingerprint.0[2] = 9;
        let shown = |at: usize| name(&view.members[at].person, Some(&view));
        assert_eq!([shown(0), shown(1)], ["bob#01010101", "bob#01010901"]);
        assert!(shown(2).ends_with("#0303") && shown(3).ends_with("#0404"));
        assert_eq!(shown(4), "bob#0101#0505");
    }

    #[test]
    fn namesakes_are_told_apart_with_a_hint() {
        let view = view(&[("guest", 1), ("guest", 2)]);
        let [me, other] = [0, 1].map(|at: usize| view.members[at].person.clone());
        let told = namesake(&Namesake { who: other.clone(), owner: me.clone(), is_me: true }, Some(&view));
        assert!(
            told.contains("guest#0101") && told.contains("guest#0202") && told.contains("/nick"),
            "{told}"
        );
        let told = namesake(&Namesake { who: other, owner: me, is_me: false }, Some(&view));
        assert!(told.contains("guest#0101") && told.contains("guest#0202"), "{told}");
    }

    #[test]
    fn length_of_time_is_said_in_its_largest_whole_unit() {
        for (seconds, text) in
            [(1, "1 second"), (90, "90 seconds"), (3_600, "1 hour"), (1_209_600, "2 weeks")]
        {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn ambiguous_name_kicks_nobody() {
        let view = view(&[("bob", 1), ("bob", 2), ("eve", 3)]);
        let failure = find(&view, "bob").unwrap_err();
        assert!(failure.remedy.contains("bob#0101") && failure.remedy.contains("bob#0202"), "{failure:?}");
        assert_eq!(find(&view, "bob#0202").unwrap().fingerprint.0[0], 2);
        assert_eq!(find(&view, "01010101").unwrap().fingerprint.0[0], 1);
        assert_eq!(find(&view, "eve").unwrap().fingerprint.0[0], 3);
        assert_eq!(find(&view, "mallory").unwrap_err().code, "not_found");
    }

    #[test]
    fn fingerprint_of_one_never_means_a_namesake_of_it() {
        // Somebody took another one's fingerprint as a display name.
        let view = view(&[("0202020202020202", 1), ("victim", 2)]);
        assert_eq!(find(&view, "0202020202020202").unwrap().fingerprint.0[0], 2);
    }
}
