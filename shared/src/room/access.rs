//! Who may use the relay: its access keys are compared with the group, and what differs is repaired.

use proto::relay::{AccessChange, AccessKey, Deliver};

use super::{AlarmKind, Engine, invites::without_cards};
use crate::mls::group::{AccessKeys, GroupError};

/// Keys that one commit adds, and removes, at most: the relay's cap is twice that. A repair that needs more
/// goes on in the next commit.
const KEYS_PER_COMMIT: usize = 512;

impl Engine {
    /// The access keys that the relay has, as its log says.
    pub(super) fn relay_keys(&self) -> Result<AccessKeys, GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let mut keys = group.access_keys()?;
        self.meta.key_missing.iter().for_each(|key| drop(keys.remove(&*key.key)));
        keys.extend(self.meta.key_extra.iter().map(|key| (key.key.to_vec(), key.clone())));
        Ok(keys)
    }

    /// Compares what the entry did to the relay's access keys with what the group says they should be.
    pub(super) fn check_access(&mut self, entry: &Deliver, mut keys: AccessKeys) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        if let Some(change) = &entry.access {
            change.removed.iter().for_each(|key| drop(keys.remove(&**key)));
            keys.extend(without_cards(change).map(|key| (key.key.to_vec(), key)));
        }
        let should = group.access_keys()?;
        let extra: Vec<_> =
            keys.iter().filter(|(k, v)| should.get(*k) != Some(v)).map(|(_, v)| v.clone()).collect();
        let missing: Vec<_> =
            should.iter().filter(|(k, v)| keys.get(*k) != Some(v)).map(|(_, v)| v.clone()).collect();
        let worse = extra.iter().any(|key| !self.meta.key_extra.contains(key))
            || missing.iter().any(|key| !self.meta.key_missing.contains(key));
        if worse {
            self.alarm(
                AlarmKind::Access,
                format!(
                    "Entry {} changed who may use the relay in another way than it changed the group ({} too many, {} \
                     missing); this is being repaired.",
                    entry.seq,
                    extra.len(),
                    missing.len()
                ),
            );
            self.link.repairs += 1;
            self.elect();
        }
        (self.meta.key_extra, self.meta.key_missing) = (extra, missing);
        Ok(())
    }
}

/// What turns `from` into `to`. A key with another expiry or use cap is added anew, which replaces it: the
/// relay refuses a change that names a key twice.
pub(super) fn change(from: &AccessKeys, to: &AccessKeys) -> AccessChange {
    let differs = |(key, value): &(&Vec<u8>, &AccessKey)| from.get(*key) != Some(value);
    let added = to.iter().filter(differs).map(|(_, value)| value.clone());
    let gone = from.iter().filter(|(key, _)| !to.contains_key(*key)).map(|(_, value)| value.key.clone());
    AccessChange {
        added: added.take(KEYS_PER_COMMIT).collect(),
        removed: gone.take(KEYS_PER_COMMIT).collect(),
    }
}
