//! Rows in memory that know which of them storage does not have yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

use zeroize::Zeroize as _;

use super::state::Outgoing;

/// Rows by key. To be read like a map; whatever changes one marks it. Bounded by whoever puts rows in.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    rows: BTreeMap<K, V>,
    changed: BTreeSet<K>,
}

impl<K: Ord + Copy, V> Kept<K, V> {
    /// A row as storage has it.
    pub(super) fn load(&mut self, key: K, row: V) {
        self.rows.insert(key, row);
    }

    pub(super) fn insert(&mut self, key: K, row: V) {
        self.changed.insert(key);
        self.rows.insert(key, row);
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.changed.insert(*key);
        Some(row)
    }

    /// The row with that key, made if there is none.
    pub(super) fn entry(&mut self, key: K, fresh: impl FnOnce() -> V) -> &mut V {
        self.changed.insert(key);
        self.rows.entry(key).or_insert_with(fresh)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let row = self.rows.remove(key)?;
        self.changed.insert(*key);
        Some(row)
    }

    /// Forgets the first row, and whether it had changed; storage keeps what it has.
    pub(super) fn forget_first(&mut self) {
        if let Some((key, _)) = self.rows.pop_first() {
            self.changed.remove(&key);
        }
    }

    pub(super) fn clear(&mut self) {
        self.changed.extend(std::mem::take(&mut self.rows).into_keys());
    }

    /// Removes a row and all after it.
    pub(super) fn cut(&mut self, key: &K) {
        self.changed.extend(self.rows.split_off(key).into_keys());
    }

    /// The rows that storage is to have: none for one that it is to forget.
    pub(super) fn take_changed(&mut self) -> impl Iterator<Item = (K, Option<&V>)> {
        std::mem::take(&mut self.changed).into_iter().map(|key| (key, self.rows.get(&key)))
    }
}

/// What was said and not seen in the log yet, by counter: in the order in which it was said.
pub(super) type Outbox = Kept<u64, Outgoing>;

impl Outbox {
    /// The first that is like this.
    pub(super) fn find_mut(&mut self, is_it: impl Fn(&Outgoing) -> bool) -> Option<&mut Outgoing> {
        let counter = self.values().find(|item| is_it(item))?.counter;
        self.get_mut(&counter)
    }

    /// Nothing has a place in the log.
    pub(super) fn forget_acks(&mut self) {
        for (counter, item) in self.rows.iter_mut().filter(|(_, item)| item.acked != 0) {
            item.acked = 0;
            self.changed.insert(*counter);
        }
    }

    /// What is not sealed yet goes one number up.
    pub(super) fn skip_counter(&mut self) {
        let open: Vec<u64> =
            self.values().filter(|item| item.envelope.is_empty()).map(|item| item.counter).collect();
        let items: Vec<Outgoing> = open.iter().filter_map(|counter| self.remove(counter)).collect();
        for mut item in items {
            item.counter += 1;
            self.insert(item.counter, item);
        }
    }

    /// What the relay did not say to have says nothing: its number stays, so that there is no hole.
    pub(super) fn blank(&mut self) {
        for (counter, item) in self.rows.iter_mut().filter(|(_, item)| item.acked == 0) {
            item.said.zeroize();
            item.token.clear();
            self.changed.insert(*counter);
        }
    }

    /// Of what is sealed, these are sealed once more: for another log, or another group.
    pub(super) fn seal_anew(&mut self, is_it: impl Fn(&Outgoing) -> bool) {
        for (counter, item) in &mut self.rows {
            if !item.envelope.is_empty() && is_it(item) {
                item.envelope.clear();
                item.acked = 0;
                self.changed.insert(*counter);
            }
        }
    }
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<K, V> Deref for Kept<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(kept: &mut Kept<u8, char>) -> Vec<(u8, Option<char>)> {
        kept.take_changed().map(|(key, row)| (key, row.copied())).collect()
    }

    #[test]
    fn what_changes_is_told_once() {
        let mut kept = Kept::default();
        (0..6).for_each(|key| kept.load(key, 'a'));
        assert_eq!(changed(&mut kept), []);
        kept.insert(0, 'b');
        *kept.get_mut(&1).unwrap() = 'c';
        *kept.entry(9, || 'd') = 'e';
        kept.remove(&2);
        assert!(kept.remove(&7).is_none() && kept.get_mut(&7).is_none());
        kept.cut(&4);
        let expected = [(0, Some('b')), (1, Some('c')), (2, None), (4, None), (5, None), (9, None)];
        assert_eq!(changed(&mut kept), expected);
        assert_eq!(changed(&mut kept), []);
        kept.clear();
        assert_eq!(changed(&mut kept), [(0, None), (1, None), (3, None)]);
    }
}
