//! People by their names: who has one that somebody else has or had as well, in one room's past and present.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    identity::{Fingerprint, names::fold},
    room::{GroupView, Member, Person},
};

/// Names kept for one room. Whoever comes with another one when it is full is not told apart from those who are kept.
const MAX_NAMES: usize = 8_192;

/// Who goes, or went, by which name.
#[derive(Clone, Debug, Default)]
pub struct Namesakes(BTreeMap<String, BTreeSet<Fingerprint>>);

impl Namesakes {
    /// Takes somebody in by this name. True: another has it, which was not known before.
    pub fn add(&mut self, who: &Person) -> bool {
        let folded = fold(&who.name);
        if self.0.len() >= MAX_NAMES && !self.0.contains_key(&folded) {
            return false;
        }
        let all = self.0.entry(folded).or_default();
        all.len() < MAX_NAMES && all.insert(who.fingerprint) && all.len() > 1
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
        self.add_all(now.members.iter().filter(is_new).map(|member| &member.person))
    }

    /// What it knows of these people's names.
    pub fn only(&self, people: &[Person]) -> Self {
        let names = people.iter().map(|who| fold(&who.name));
        Self(names.filter_map(|name| Some((name.clone(), self.0.get(&name)?.clone()))).collect())
    }

    /// Nobody was left out for want of space.
    pub fn is_whole(&self) -> bool {
        self.0.len() < MAX_NAMES && self.0.values().all(|all| all.len() < MAX_NAMES)
    }

    /// The others who have or had this name.
    pub fn others<'a>(&'a self, who: &'a Person) -> impl Iterator<Item = &'a Fingerprint> {
        let all = self.0.get(&fold(&who.name));
        all.into_iter().flatten().filter(|other| **other != who.fingerprint)
    }
}
