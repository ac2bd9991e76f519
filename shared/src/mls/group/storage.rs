//! The last kept state of a group, and which of its rows storage does not have yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mls_rs::GroupStateStorage;
use mls_rs_core::group::{EpochRecord, GroupState};
use zeroize::Zeroizing;

/// How many past epochs can still be read: a message sealed before its sender saw a commit lands
/// behind it. More would weaken forward secrecy, and a sender reseals what fell behind further.
pub const EPOCHS_KEPT: u64 = 3;

const GROUP: &str = "group";
const TREE: &str = "tree";
const EPOCH: &str = "epoch/";
const BASE: &str = "base/";

/// Rows of one group; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Storage(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    /// At most one group, one tree and [`EPOCHS_KEPT`] epochs, and as much again for each of at most two bases.
    rows: BTreeMap<String, Zeroizing<Vec<u8>>>,
    dirty: BTreeSet<String>,
    tree_epoch: Option<u64>,
}

impl Storage {
    pub(super) fn restore(&self, rows: Vec<(String, Zeroizing<Vec<u8>>)>) {
        let mut inner = self.lock();
        inner.rows = rows.into_iter().filter(|(key, _)| is_ours(key)).collect();
    }

    pub(super) fn tree_epoch(&self) -> Option<u64> {
        self.lock().tree_epoch
    }

    pub(super) fn set_tree(&self, epoch: u64, tree: Vec<u8>) {
        let mut inner = self.lock();
        inner.tree_epoch = Some(epoch);
        inner.put(TREE.to_owned(), tree.into());
    }

    pub(super) fn tree(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.lock().rows.get(TREE).cloned()
    }

    pub(super) fn has_base(&self, position: u64) -> bool {
        self.lock().rows.contains_key(&format!("{}{GROUP}", base_key(position)))
    }

    pub(super) fn keep_base(&self, position: u64) {
        let mut inner = self.lock();
        let prefix = base_key(position);
        inner.clear(|key| key.starts_with(&prefix));
        let own = inner.rows.iter().filter(|(key, _)| !key.starts_with(BASE));
        let copies: Vec<_> = own.map(|(key, value)| (format!("{prefix}{key}"), value.clone())).collect();
        copies.into_iter().for_each(|(key, value)| inner.put(key, value));
    }

    pub(super) fn keep_bases(&self, positions: &[u64]) {
        let kept: Vec<String> = positions.iter().map(|position| base_key(*position)).collect();
        let is_stale =
            |key: &str| key.starts_with(BASE) && !kept.iter().any(|prefix| key.starts_with(prefix));
        self.lock().clear(is_stale);
    }

    pub(super) fn to_base(&self, position: u64) {
        let copies = self.base_rows(position);
        let mut inner = self.lock();
        inner.clear(|key| !key.starts_with(BASE));
        copies.into_iter().for_each(|(key, value)| inner.put(key, value));
        inner.tree_epoch = None;
    }

    /// A base's rows, under the names that they have in a group.
    pub(super) fn base_rows(&self, position: u64) -> Vec<(String, Zeroizing<Vec<u8>>)> {
        let prefix = base_key(position);
        let strip = |(key, value): (&String, &Zeroizing<Vec<u8>>)| {
            Some((key.strip_prefix(&prefix)?.to_owned(), value.clone()))
        };
        self.lock().rows.iter().filter_map(strip).collect()
    }

    /// Takes the place of `other`, whose state becomes a base and whose other rows go.
    pub(super) fn succeed(&self, other: &Self, position: u64) {
        let prefix = base_key(position);
        let old = other.lock().rows.clone();
        let mut inner = self.lock();
        for (key, value) in old {
            if !key.starts_with(BASE) {
                inner.put(format!("{prefix}{key}"), value);
            }
            if !inner.rows.contains_key(&key) {
                inner.dirty.insert(key);
            }
        }
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn rows(&self) -> Vec<(String, Zeroizing<Vec<u8>>)> {
        self.lock().rows.clone().into_iter().collect()
    }

    pub(super) fn take_rows(&self) -> Vec<(String, Option<Zeroizing<Vec<u8>>>)> {
        let mut inner = self.lock();
        let dirty = std::mem::take(&mut inner.dirty);
        dirty.into_iter().map(|key| (key.clone(), inner.rows.get(&key).cloned())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        // Each change is a single insert or remove, so a panic elsewhere leaves no half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn put(&mut self, key: String, value: Zeroizing<Vec<u8>>) {
        self.dirty.insert(key.clone());
        self.rows.insert(key, value);
    }

    fn clear(&mut self, what: impl Fn(&str) -> bool) {
        let gone: Vec<String> = self.rows.keys().filter(|key| what(key)).cloned().collect();
        for key in gone {
            self.rows.remove(&key);
            self.dirty.insert(key);
        }
    }

    fn epochs(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.rows.keys().filter_map(|key| key.strip_prefix(EPOCH)?.parse().ok())
    }
}

/// Whether a row of the room belongs to the group.
pub(crate) fn is_ours(key: &str) -> bool {
    let key = key.strip_prefix(BASE).and_then(|key| Some(key.split_once('/')?.1)).unwrap_or(key);
    key == GROUP || key == TREE || key.starts_with(EPOCH)
}

fn base_key(position: u64) -> String {
    format!("{BASE}{position:020}/")
}

fn epoch_key(epoch: u64) -> String {
    format!("{EPOCH}{epoch:020}")
}

impl GroupStateStorage for Storage {
    type Error = Infallible;

    fn state(&self, _: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Infallible> {
        Ok(self.lock().rows.get(GROUP).cloned())
    }

    fn epoch(&self, _: &[u8], epoch: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Infallible> {
        Ok(self.lock().rows.get(&epoch_key(epoch)).cloned())
    }

    fn write(
        &mut self,
        state: GroupState,
        inserts: Vec<EpochRecord>,
        updates: Vec<EpochRecord>,
    ) -> Result<(), Infallible> {
        let mut inner = self.lock();
        inner.put(GROUP.to_owned(), state.data);
        for record in inserts.into_iter().chain(updates) {
            inner.put(epoch_key(record.id), record.data);
        }
        let newest = inner.epochs().next_back().unwrap_or(0);
        let stale: Vec<u64> =
            inner.epochs().filter(|epoch| epoch.saturating_add(EPOCHS_KEPT) <= newest).collect();
        for key in stale.into_iter().map(epoch_key) {
            inner.rows.remove(&key);
            inner.dirty.insert(key);
        }
        Ok(())
    }

    fn max_epoch_id(&self, _: &[u8]) -> Result<Option<u64>, Infallible> {
        Ok(self.lock().epochs().next_back())
    }
}
