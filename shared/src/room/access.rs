//! Who may use the relay: what a commit does to the access keys has to be what it does to the group.

use proto::relay::{AccessChange, AccessKey, Deliver};

use super::{Alarm, Engine, invites::without_cards};
use crate::{
    invite::MAX_INVITES,
    mls::group::{AccessKeys, GroupError},
    mls::rules::Violation,
};

/// Keys that one commit adds, and removes, at most: the relay's cap is twice that.
const KEYS_PER_COMMIT: usize = 512;
/// Members that one commit removes, at most: the keys of all invites may go with them.
pub(super) const LEAVES_PER_COMMIT: usize = KEYS_PER_COMMIT - MAX_INVITES;

impl Engine {
    /// Holds the change of access keys of a commit that was just applied against what it did to the group, whose keys it `should`
    /// leave. The relay cannot do that; whoever signs as the authority could otherwise lock out members, or let in strangers.
    pub(super) fn check_access(
        &mut self,
        entry: &Deliver,
        mut keys: AccessKeys,
        should: &AccessKeys,
    ) -> Result<(), GroupError> {
        if let Some(change) = &entry.access {
            change.removed.iter().for_each(|key| drop(keys.remove(&**key)));
            let added = without_cards(change);
            keys.extend(added.filter_map(|key| proper(&key)));
        }
        let extra = keys.iter().filter(|(k, v)| should.get(*k) != Some(v)).count();
        let missing = should.iter().filter(|(k, v)| keys.get(*k) != Some(v)).count();
        if extra + missing == 0 {
            return Ok(());
        }
        self.alarm(Alarm::AccessDiffers { entry: entry.seq, extra, missing });
        Err(Violation::FalseAccess.into())
    }
}

/// What a commit does to the keys, without cards.
pub(super) fn lean(entry: &Deliver) -> AccessChange {
    let change = entry.access.clone().unwrap_or_default();
    AccessChange { added: without_cards(&change).collect(), removed: change.removed }
}

/// A key as the group knows keys; none for what no relay takes.
fn proper(key: &AccessKey) -> Option<(Vec<u8>, AccessKey)> {
    let AccessKey { key, kind, expires_ms, max_uses, .. } = key.clone();
    let key = AccessKey { key, kind, expires_ms, max_uses, ..AccessKey::default() };
    (key.key.len() == 32).then(|| (key.key.to_vec(), key))
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
