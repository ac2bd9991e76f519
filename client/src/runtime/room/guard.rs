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
//! What was told once for a key and a name is not told again, but alarms when the name's owner is verified: then each join is.

use shared::{
    identity::Fingerprint,
    room::{Alarm, Event, GroupView, Impostor, Millis, Person, Stranger, Way},
};

use crate::{
    runtime::event::Namesake,
    store::{KnownPerson, Meeting, People},
    text::names::{Looks, is_default},
};

/// The members of one room, as the events so far tell.
#[derive(Default)]
pub(super) struct Guard {
    /// One for each leaf; none before we are in.
    members: Option<Vec<Person>>,
}

/// What a step has to store because of whom it met.
pub(super) struct Look<'a> {
    /// Everybody known before the step.
    pub(super) people: &'a People,
    /// We.
    pub(super) me: Person,
    /// The time of the step.
    pub(super) now: Millis,
    /// Met in this step, in order, with what the name looks like.
    pub(super) met: Vec<(Looks, Meeting)>,
    /// Who has somebody else's name, and means no harm by it as far as we know.
    pub(super) namesakes: Vec<Namesake>,
}

impl Guard {
    /// Begins with the members that are stored.
    pub(super) fn of(view: Option<&GroupView>) -> Self {
        Self { members: view.map(people_in) }
    }

    /// Takes one event in. Returns what is told behind it.
    pub(super) fn look(&mut self, look: &mut Look<'_>, event: &Event) -> Vec<Event> {
        match event {
            Event::Joined(view) | Event::Epoch(view) => {
                let members = people_in(view);
                let alarms = members.iter().filter_map(|who| look.namesake(who, &Way::IsHere)).collect();
                self.members = Some(members);
                alarms
            }
            Event::MemberJoined { who, by } => {
                let stranger = self.stranger(look, who, by.as_ref());
                let namesake = look.namesake(who, &Way::Joined);
                self.members.get_or_insert_default().push(who.clone());
                stranger.into_iter().chain(namesake).collect()
            }
            Event::MemberLeft { who, .. } => {
                let members = self.members.get_or_insert_default();
                if let Some(at) = members.iter().position(|member| member.fingerprint == who.fingerprint) {
                    members.remove(at);
                }
                Vec::new()
            }
            Event::ProfileChanged { who, was } if *was != who.name => {
                look.namesake(who, &Way::Renamed(was.clone())).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Rule 1. A room where nobody else is has nobody to be careful for.
    fn stranger(&self, look: &Look<'_>, who: &Person, invited_by: Option<&Person>) -> Option<Event> {
        if look.trusts(&who.fingerprint) {
            return None;
        }
        let mut others =
            self.members.iter().flatten().filter(|m| m.fingerprint != look.me.fingerprint).peekable();
        others.peek()?;
        others.all(|member| look.trusts(&member.fingerprint)).then(|| {
            let is_ours = invited_by.is_some_and(|by| by.fingerprint == look.me.fingerprint);
            Event::Stranger(Stranger { who: who.clone(), by: invited_by.cloned(), is_ours })
        })
    }
}

impl Look<'_> {
    /// Rule 2. Remembers the meeting.
    fn namesake(&mut self, who: &Person, way: &Way) -> Option<Event> {
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

    /// Verified, or ourselves.
    fn trusts(&self, who: &Fingerprint) -> bool {
        *who == self.me.fingerprint || self.people.is_verified(who)
    }

    /// Others who go by a name that looks like this one, or did, with their names.
    fn called(&self, looks: &Looks, but: &Person) -> Vec<KnownPerson> {
        let fresh = |person: &Person, first_seen| KnownPerson {
            fingerprint: person.fingerprint,
            names: vec![person.name.clone()],
            first_seen,
            verified_at: None,
        };
        let met =
            self.met.iter().filter(|(met, _)| met.like(looks)).map(|(_, met)| fresh(&met.person, met.at));
        let me = Looks::of(&self.me.name).like(looks).then(|| fresh(&self.me, 0));
        let others = self.people.called(&but.name).into_iter().chain(met).chain(me);
        others.filter(|other| other.fingerprint != but.fingerprint).collect()
    }
}

fn people_in(view: &GroupView) -> Vec<Person> {
    view.members.iter().map(|member| member.person.clone()).collect()
}

#[cfg(test)]
mod tests;
