//! Who comes into a room, held against whom this profile knows: what the engine cannot tell, because it knows one room
//! only.
//!
//! 1. In a room where all others are verified, somebody unverified who joins is told loudly. It is no alarm: whoever made
//!    the invite may have meant just that.
//! 2. A name that passes for somebody's without being it (`AIice`), or that is the name of somebody verified, with another
//!    account key, is an alarm: when somebody joins with it, takes it by renaming, or is found with it in a room that we
//!    enter. Our own name counts as well.
//! 3. Two people may simply have one name; many have the one that their system gave them (`root`). That is told in a line, and
//!    faces show them apart.
//!
//! 4. Somebody verified who links a device is told loudly: whoever has the account's key could have done it. One that is known from
//!    another room is none.
//! 5. Somebody who shows, by the word of the recovery key, that their account took the place of another one keeps its mark;
//!    whoever verified them is told loudly.
//! 6. The account that was is an alarm from then on, wherever it comes, and wherever it is: at once where it says or does
//!    something, else after some minutes; ours as well.
//! 7. Whoever is found in a room and was not there when it was last seen is told like whoever joins: a device that comes back
//!    from being out has not seen them join, and a relay may have put it out for just that.
//!
//! What was told once for a key and a name is not told again, but alarms when the name's owner is verified: then each join is.

mod linked;
mod replaced;
mod seen;

use proto::RoomId;
use shared::{
    identity::Fingerprint,
    room::{Alarm, Device, Event, GroupView, Impostor, Millis, Person, Stranger, Way},
};

use self::{linked::Linked, replaced::Replaced, seen::Seen};
use crate::{
    runtime::event::Namesake,
    store::{KnownPerson, Meeting, People, Replacement},
    text::names::{Looks, is_default},
};

/// The members of one room, as the events so far tell.
#[derive(Default)]
pub(super) struct Guard {
    /// One for each leaf; none before we are in.
    members: Option<Vec<Seen>>,
    /// Those of them whose account was replaced.
    replaced: Replaced,
    /// They were looked up since anybody came, went or was replaced: not with each message, a room may have a thousand members.
    has_looked: bool,
    linked: Linked,
}

/// What a step has to store because of whom it met.
pub(super) struct Look<'a> {
    /// The room.
    pub(super) room: RoomId,
    /// Everybody known before the step.
    pub(super) people: &'a People,
    /// We.
    pub(super) me: Person,
    /// Who we were before the account had another key, where the room has taken that.
    pub(super) was: Option<Fingerprint>,
    /// Who we are by the profile, which the room may take within this step.
    pub(super) now_as: Fingerprint,
    /// The time of the step.
    pub(super) now: Millis,
    /// Met in this step, in order, with what the name looks like.
    pub(super) met: Vec<(Looks, Meeting)>,
    /// Who has somebody else's name, and means no harm by it as far as we know.
    pub(super) namesakes: Vec<Namesake>,
    /// Whose account took the place of another one, in this step.
    pub(super) replaced: Vec<Replacement>,
}

impl Guard {
    /// Begins with the members that are stored.
    pub(super) fn of(view: Option<&GroupView>) -> Self {
        Self {
            members: view.map(Seen::all),
            replaced: Replaced::default(),
            has_looked: false,
            linked: view.map(Linked::of).unwrap_or_default(),
        }
    }

    /// Takes one event in. Returns what is told behind it.
    pub(super) fn look(&mut self, look: &mut Look<'_>, event: &Event) -> Vec<Event> {
        let mut told = self.look_at(look, event);
        for event in &told {
            if let Event::Alarm(Alarm::ReplacedKeyUsed { who }) = event {
                self.replaced.told(who.fingerprint);
            }
        }
        // Who is not here any more has said that before.
        if let Some(who) = replaced::user(event)
            && !self.replaced.is_told(&who.fingerprint)
            && let Some(alarm) = look.is_replaced(who)
            && self.members.iter().flatten().any(|seen| seen.person.fingerprint == who.fingerprint)
        {
            self.replaced.told(who.fingerprint);
            told.push(alarm);
        }
        told
    }

    /// Something was learnt of people elsewhere.
    pub(super) fn look_again(&mut self) {
        self.has_looked = false;
    }

    /// Rule 6, of those who are here and say nothing: to be asked after each step.
    pub(super) fn still_here(&mut self, look: &Look<'_>) -> Vec<Event> {
        if !std::mem::replace(&mut self.has_looked, true) || !look.replaced.is_empty() {
            let present = self.members.iter().flatten().map(|seen| &seen.person);
            let present = present.filter(|who| look.is_replaced(who).is_some());
            let present = present.map(|who| (who.fingerprint, who.clone())).collect();
            self.replaced.are(present, look.now);
            // What was learnt in this step is known once it is stored.
            self.has_looked = look.replaced.is_empty();
        }
        let ripe = self.replaced.ripe(look.now);
        ripe.iter().filter_map(|who| look.is_replaced(who)).collect()
    }

    /// When to ask again.
    pub(super) fn next(&self) -> Option<Millis> {
        self.replaced.next()
    }

    fn look_at(&mut self, look: &mut Look<'_>, event: &Event) -> Vec<Event> {
        match event {
            Event::Joined(view) | Event::Epoch(view) => {
                let mut alarms = Vec::new();
                for present in view.people() {
                    let who = &present.first.person;
                    alarms.extend(present.first.replaces.and_then(|old| look.replaces(who, old)));
                    let mut known = self.members.iter().flatten();
                    let is_new = !known.any(|known| known.person.fingerprint == who.fingerprint);
                    alarms.extend(look.is_replaced(who).filter(|_| is_new));
                }
                alarms.extend(self.linked.settle(look, view));
                alarms.extend(self.unseen(look, view));
                alarms.extend(people_in(view).iter().filter_map(|who| look.namesake(who, &Way::IsHere)));
                self.members = Some(Seen::all(view));
                self.has_looked = false;
                self.linked.take(look, view);
                alarms
            }
            Event::MemberJoined { who, by } => {
                let stranger = self.stranger(look, who, by.as_ref());
                let namesake = look.namesake(who, &Way::Joined);
                self.members.get_or_insert_default().push(Seen { person: who.clone(), device: None });
                look.is_replaced(who).into_iter().chain(stranger).chain(namesake).collect()
            }
            Event::MemberLeft { who, .. } => {
                self.members
                    .get_or_insert_default()
                    .retain(|member| member.person.fingerprint != who.fingerprint);
                Vec::new()
            }
            Event::KeyChanged { who, was } => look.replaces(who, *was).into_iter().collect(),
            Event::DeviceJoined { who, device, .. } => {
                let seen = Seen { person: who.clone(), device: Some(device.id) };
                self.members.get_or_insert_default().push(seen);
                match look.linked(who, device) {
                    Some(Event::Alarm(Alarm::DeviceLinked { .. })) => {
                        self.linked.came(who, device);
                        Vec::new()
                    }
                    told => told.into_iter().collect(),
                }
            }
            Event::ProfileChanged { who, was } if *was != who.name => {
                look.namesake(who, &Way::Renamed(was.clone())).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// All that a step of the engine told was looked at. Returns what is told behind it: nothing waits for what may never come.
    pub(super) fn rest(&mut self) -> Vec<Event> {
        self.linked.rest()
    }

    /// Each device of a person says a name by itself: it is told once. Ours go by all of them.
    pub(super) fn is_told(&self, look: &Look<'_>, event: &Event) -> bool {
        let Event::ProfileChanged { who, was } = event else { return false };
        let called = self.members.iter().flatten().filter(|seen| seen.person == *who);
        *was != who.name && who.fingerprint != look.me.fingerprint && called.count() > 1
    }

    /// Rule 7. Nothing where nobody was seen before: then all are as new as we are.
    fn unseen(&mut self, look: &mut Look<'_>, view: &GroupView) -> Vec<Event> {
        let mut told = Vec::new();
        for member in &view.members {
            let Some(seen) = &mut self.members else { return told };
            if seen.iter_mut().any(|seen| seen.is_device(member)) {
                continue;
            }
            let who = &member.person;
            if seen.iter().any(|seen| seen.is_person(member)) {
                let is_known = self.linked.is_known(look, view, member);
                let linked = look.linked(who, &member.device);
                let is_linked = matches!(linked, Some(Event::Alarm(Alarm::DeviceLinked { .. })));
                told.extend(linked.filter(|_| !(is_linked && is_known)));
                if who.fingerprint == look.me.fingerprint {
                    // As when it is seen to join: our own programs tell that in their way.
                    let (who, device) = (who.clone(), member.device.clone());
                    told.push(Event::DeviceJoined { who, device, by: None });
                }
            } else {
                told.extend(self.stranger(look, who, None));
                told.extend(look.namesake(who, &Way::Joined));
            }
            let device = Some(member.device.id);
            self.members.get_or_insert_default().push(Seen { person: who.clone(), device });
        }
        told
    }

    /// Rule 1. A room where nobody else is has nobody to be careful for.
    fn stranger(&self, look: &Look<'_>, who: &Person, invited_by: Option<&Person>) -> Option<Event> {
        if look.trusts(&who.fingerprint) {
            return None;
        }
        let mut others =
            self.members.iter().flatten().filter(|m| m.person.fingerprint != look.me.fingerprint).peekable();
        others.peek()?;
        others.all(|member| look.trusts(&member.person.fingerprint)).then(|| {
            let is_ours = invited_by.is_some_and(|by| by.fingerprint == look.me.fingerprint);
            Event::Stranger(Stranger { who: who.clone(), by: invited_by.cloned(), is_ours })
        })
    }
}

impl Look<'_> {
    /// Rules 4 and 6, of another device of somebody who is here.
    fn linked(&self, who: &Person, device: &Device) -> Option<Event> {
        let linked = || Event::Alarm(Alarm::DeviceLinked { who: who.clone(), device: device.name.clone() });
        let is_verified = self.trusts(&who.fingerprint) && who.fingerprint != self.me.fingerprint;
        self.is_replaced(who).or_else(|| is_verified.then(linked))
    }

    /// Rule 2. Remembers the meeting.
    fn namesake(&mut self, who: &Person, way: &Way) -> Option<Event> {
        if who.fingerprint == self.now_as {
            return None;
        }
        let known = self.people.get(&who.fingerprint);
        let is_usual = known.as_ref().is_some_and(|known| known.names.last() == Some(&who.name));
        if is_usual && !matches!(way, Way::Joined) {
            return None;
        }
        let looks = Looks::of(&who.name);
        let names = known.into_iter().flat_map(|known| known.names);
        let met = self.met.iter().filter(|(_, met)| met.person.fingerprint == who.fingerprint);
        let is_new = !names
            .map(|name| Looks::of(&name))
            .chain(met.map(|(met, _)| met.clone()))
            .any(|known| known.like(&looks));
        let others = self.called(&looks, who);
        if who.fingerprint != self.me.fingerprint {
            self.met.push((looks.clone(), Meeting { person: who.clone(), at: self.now }));
        }
        // The one that matters most: ourselves, then whoever was verified, then whoever was here first.
        let other = others.into_iter().min_by_key(|other| {
            (other.fingerprint != self.me.fingerprint, other.verified_at.is_none(), other.first_seen)
        })?;
        if who.fingerprint == self.me.fingerprint {
            return None;
        }
        let owned = other.names.iter().rev().find(|name| Looks::of(name).like(&looks)).unwrap_or(&who.name);
        let is_me = other.fingerprint == self.me.fingerprint;
        let is_verified = other.verified_at.is_some();
        let is_disguise = !other.names.iter().any(|name| Looks::of(name).same(&looks));
        let owner = Person { name: owned.clone(), fingerprint: other.fingerprint };
        if !is_disguise && (!is_verified || is_default(&who.name)) {
            let namesake = Namesake { who: who.clone(), owner, is_me };
            self.namesakes.extend(is_new.then_some(namesake));
            return None;
        }
        let again = matches!(way, Way::Joined) && (is_me || is_verified) && !self.trusts(&who.fingerprint);
        if !(is_new || again) {
            return None;
        }
        let impostor =
            Impostor { who: who.clone(), way: way.clone(), owner, is_me, is_verified, is_disguise };
        Some(Event::Alarm(Alarm::Impostor(Box::new(impostor))))
    }

    /// Rule 5. Somebody shows that their account took the place of another one: it is theirs from now on, with its mark.
    fn replaces(&mut self, who: &Person, old: Fingerprint) -> Option<Event> {
        let now = self.replaced.iter().find(|one| one.old == old).map(|one| one.person.fingerprint);
        let known = self.people.get(&old)?;
        let is_told = now == Some(who.fingerprint) || known.is_replaced_by(&who.fingerprint);
        if is_told || self.me.fingerprint == who.fingerprint {
            return None;
        }
        if now.is_some() || known.replaced_by.is_some() {
            return Some(Event::Alarm(Alarm::KeyReplacedTwice { who: who.clone() }));
        }
        self.replaced.push(Replacement { old, person: who.clone(), at: self.now });
        known.verified_at.map(|_| Event::Alarm(Alarm::KeyReplaced { who: who.clone() }))
    }

    /// Rule 6. Somebody uses an account whose place another one took.
    fn is_replaced(&self, who: &Person) -> Option<Event> {
        let known = || self.people.is_replaced(&who.fingerprint);
        // A room that has not taken the change yet has us as we were.
        let is_me = who.fingerprint == self.me.fingerprint;
        let is_replaced = self.was == Some(who.fingerprint) || (!is_me && known());
        is_replaced.then(|| Event::Alarm(Alarm::ReplacedKeyUsed { who: who.clone() }))
    }

    /// Verified, or ourselves.
    fn trusts(&self, who: &Fingerprint) -> bool {
        let was_verified =
            |one: &Replacement| one.person.fingerprint == *who && self.people.is_verified(&one.old);
        *who == self.me.fingerprint || self.people.is_verified(who) || self.replaced.iter().any(was_verified)
    }

    /// Others who go by a name that looks like this one, or did, with their names.
    fn called(&self, looks: &Looks, but: &Person) -> Vec<KnownPerson> {
        let fresh = |person: &Person, first_seen| KnownPerson {
            fingerprint: person.fingerprint,
            names: vec![person.name.clone()],
            first_seen,
            verified_at: None,
            replaced_at: None,
            replaced_by: None,
            verified_by: Vec::new(),
        };
        let met =
            self.met.iter().filter(|(met, _)| met.like(looks)).map(|(_, met)| fresh(&met.person, met.at));
        let me = Looks::of(&self.me.name).like(looks).then(|| fresh(&self.me, 0));
        let others = self.people.called(&but.name).into_iter().chain(met).chain(me);
        // Names of an account whose place another one took are that one's.
        let is_replaced = |other: &KnownPerson| {
            other.replaced_by.is_some() || self.replaced.iter().any(|one| one.old == other.fingerprint)
        };
        others.filter(|other| other.fingerprint != but.fingerprint && !is_replaced(other)).collect()
    }
}

fn people_in(view: &GroupView) -> Vec<Person> {
    view.members.iter().map(|member| member.person.clone()).collect()
}

#[cfg(test)]
mod tests;
