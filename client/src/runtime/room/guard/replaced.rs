//! Accounts whose place another one took, and which are in the room still: each is told once while it is there.

use std::collections::BTreeMap;

use shared::{
    identity::Fingerprint,
    room::{Event, Millis, Person},
};

/// The owner's program tells all rooms of the change within seconds, and those whose relay is away when it is back. So whoever says
/// nothing is given five minutes, in milliseconds.
const PATIENCE_MS: Millis = 5 * 60_000;

/// Who of the room is in it with such an account.
#[derive(Default)]
pub(super) struct Replaced(BTreeMap<Fingerprint, Told>);

enum Told {
    /// Not yet: they were found then.
    No {
        who: Person,
        since: Millis,
    },
    Yes,
}

impl Replaced {
    /// It was told of this one.
    pub(super) fn told(&mut self, who: Fingerprint) {
        self.0.insert(who, Told::Yes);
    }

    pub(super) fn is_told(&self, who: &Fingerprint) -> bool {
        matches!(self.0.get(who), Some(Told::Yes))
    }

    /// These are in the room. Who is not there any more is forgotten.
    pub(super) fn are(&mut self, present: BTreeMap<Fingerprint, Person>, now: Millis) {
        self.0.retain(|who, _| present.contains_key(who));
        for (fingerprint, who) in present {
            self.0.entry(fingerprint).or_insert(Told::No { who, since: now });
        }
    }

    /// Those of whom it is to be told now, since they are there for long enough.
    pub(super) fn ripe(&mut self, now: Millis) -> Vec<Person> {
        let mut ripe = Vec::new();
        for told in self.0.values_mut() {
            let Told::No { who, since } = told else { continue };
            // A clock that was set back makes nobody wait for years.
            if now < *since {
                *since = now;
            } else if now - *since >= PATIENCE_MS {
                ripe.push(who.clone());
                *told = Told::Yes;
            }
        }
        ripe
    }

    /// When the next one is to be told.
    pub(super) fn next(&self) -> Option<Millis> {
        let at = |told: &Told| match told {
            Told::No { since, .. } => Some(since.saturating_add(PATIENCE_MS)),
            Told::Yes => None,
        };
        self.0.values().filter_map(at).min()
    }
}

/// Whoever shows by this event that they use their account here.
pub(super) fn user(event: &Event) -> Option<&Person> {
    match event {
        Event::Message(message) => Some(&message.from),
        Event::Act(act) => Some(&act.from),
        Event::DeviceBack(who)
        | Event::ProfileChanged { who, .. }
        | Event::NewPicture { who, .. }
        | Event::Typing { who, .. }
        | Event::Disappearing { by: who, .. }
        | Event::Topic { by: who, .. }
        | Event::MemberLeft { by: who, .. }
        | Event::DeviceLeft { by: who, .. }
        | Event::Seen { who, .. } => Some(who),
        _ => None,
    }
}
