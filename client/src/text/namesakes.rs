//! People by their names: who has one that somebody else has or had as well, in one room's past and present.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    identity::{Fingerprint, names::fold},
    room::{GroupView, Member, Person},
};

/// Names kept for one room. Whoever comes with another one when it is full is not told apart from those who are kept.
const MAX_NAMES: usize = 8_192;

/// Most changes of keys that are followed from one account to the next: each costs a person their twelve words.
const MAX_CHANGES: usize = 64;

/// Who goes, or went, by which name.
#[derive(Clone, Debug, Default)]
pub struct Namesakes {
    names: BTreeMap<String, BTreeSet<Fingerprint>>,
    /// What accounts became by the word of their recovery keys: before and after it is one person.
    became: BTreeMap<Fingerprint, Fingerprint>,
}

impl Namesakes {
    /// Takes somebody in by this name. True: another has it, which was not known before.
    pub fn add(&mut self, who: &Person) -> bool {
        let folded = fold(&who.name);
        if self.names.len() >= MAX_NAMES && !self.names.contains_key(&folded) {
            return false;
        }
        let all = self.names.entry(folded).or_default();
        all.len() < MAX_NAMES && all.insert(who.fingerprint) && all.len() > 1
    }

    /// The account that was `was` is `now` since its key was replaced. True: that was not known before.
    pub fn became(&mut self, was: Fingerprint, now: Fingerprint) -> bool {
        let has_space = self.became.len() < MAX_NAMES || self.became.contains_key(&was);
        was != now && has_space && self.became.insert(was, now) != Some(now)
    }

    /// The same for several, `(was, now)`.
    pub fn became_all(&mut self, changes: impl IntoIterator<Item = (Fingerprint, Fingerprint)>) -> bool {
        changes.into_iter().filter(|(was, now)| self.became(*was, *now)).count() > 0
    }

    /// The last account of whoever had this one.
    fn last(&self, who: &Fingerprint) -> Fingerprint {
        let mut last = *who;
        // Whoever has all the keys can make a circle of them.
        for _ in 0..MAX_CHANGES {
            match self.became.get(&last) {
                Some(now) => last = *now,
                None => break,
            }
        }
        last
    }

    /// The same for several.
    pub fn add_all<'a>(&mut self, people: impl IntoIterator<Item = &'a Person>) -> bool {
        people.into_iter().filter(|who| self.add(who)).count() > 0
    }

    /// Takes in the members of a group who were not those of the one before it: a name costs more to read than to compare.
    pub fn regroup(&mut self, before: Option<&GroupView>, now: &GroupView) -> bool {
        let before = before.into_iter().flat_map(|view| &view.members);
        let before: BTreeMap<u32, &Person> = before.map(|member| (member.leaf, &member.person)).collect();
        let is_new = |member: &&Member| before.get(&member.leaf) != Some(&&member.person);
        let changes =
            now.members.iter().filter_map(|member| Some((member.replaces?, member.person.fingerprint)));
        let is_changed = self.became_all(changes);
        let is_new = self.add_all(now.members.iter().filter(is_new).map(|member| &member.person));
        // Where somebody has another key, it depends on who is here with which.
        is_changed || is_new || self.has_changes()
    }

    /// What it knows of these people's names.
    pub fn only(&self, people: &[Person]) -> Self {
        let names = people.iter().map(|who| fold(&who.name));
        let names = names.filter_map(|name| Some((name.clone(), self.names.get(&name)?.clone()))).collect();
        Self { names, became: self.became.clone() }
    }

    /// Nobody was left out for want of space.
    pub fn is_whole(&self) -> bool {
        self.names.len() < MAX_NAMES && self.names.values().all(|all| all.len() < MAX_NAMES)
    }

    /// Somebody of them has, or had, another key than before.
    pub fn has_changes(&self) -> bool {
        !self.became.is_empty()
    }

    /// The others who have or had this name. Whoever had it with a key that was replaced is nobody else.
    pub fn others<'a>(&'a self, who: &'a Person) -> impl Iterator<Item = &'a Fingerprint> {
        let (all, last) = (self.names.get(&fold(&who.name)), self.last(&who.fingerprint));
        all.into_iter().flatten().filter(move |other| self.last(other) != last)
    }
}
