//! What a commit does to the keys.

use super::{
    AccessKey, Change, Grant, KeyRow, Publish, ROWS_PER_KEY, Refusal, Rows, Step, draft::Draft,
    publish::Outcome,
};
use crate::PublicKey;

impl<R: Rows> Draft<'_, R> {
    /// Changes keys within a step. A key that is not confirmed itself adds new ones at most.
    pub(super) fn change_keys(
        &mut self,
        publish: &Publish<'_>,
        change: &Change,
        confirmed: bool,
        step: &mut Step,
    ) -> Outcome<(), R::Error> {
        if !confirmed && !change.removed.is_empty() {
            return Ok(Err(Refusal::NotAllowed));
        }
        for added in &change.added {
            if let Err(refusal) = self.add(publish, added, confirmed, step)? {
                return Ok(Err(refusal));
            }
        }
        for removed in &change.removed {
            self.remove(publish.seq, *removed, step)?;
        }
        let max_rows = publish.max_keys.saturating_mul(ROWS_PER_KEY);
        let is_over = self.head().keys > publish.max_keys || self.head().rows > max_rows;
        // Who only removes must not be held up by what others added.
        Ok(if is_over && !change.added.is_empty() { Err(Refusal::TooLarge) } else { Ok(()) })
    }

    fn add(
        &mut self,
        publish: &Publish<'_>,
        AccessKey { key, grant }: &AccessKey,
        confirmed: bool,
        step: &mut Step,
    ) -> Outcome<(), R::Error> {
        match self.key(key)? {
            None => {
                self.put_key(*key, Some(KeyRow::new(grant.clone(), publish.seq)));
                self.head().keys += 1;
                self.head().rows += 1;
                step.added += u64::from(grant.is_member());
                Ok(Ok(()))
            }
            // Only a majority brings back who was removed.
            Some(row) if !confirmed || row.removed != 0 => Ok(Err(Refusal::NotAllowed)),
            // A member key that becomes an invite, or the other way round, is nobody's honest wish.
            Some(row) if !row.grant.is_same_kind(grant) => Ok(Err(Refusal::Malformed)),
            Some(row) => {
                self.put_key(*key, Some(KeyRow { grant: grant.clone(), ..row }));
                Ok(Ok(()))
            }
        }
    }

    /// Invites go for good. Members who were confirmed keep their row: they may vote.
    fn remove(&mut self, seq: u64, key: PublicKey, step: &mut Step) -> Result<(), R::Error> {
        let Some(row) = self.key(&key)? else { return Ok(()) };
        let is_confirmed = row.added <= self.head().confirmed.position;
        if row.removed == 0 {
            self.head().keys = self.head().keys.saturating_sub(1);
        }
        match row.grant {
            Grant::Invite { .. } => self.erase(key),
            Grant::Member if !is_confirmed => {
                step.added = step.added.saturating_sub(1);
                self.erase(key);
            }
            Grant::Member if row.removed == 0 || row.suspended => {
                step.removed += 1;
                self.put_key(key, Some(KeyRow { removed: seq, suspended: false, ..row }));
            }
            Grant::Member => {}
        }
        Ok(())
    }

    /// Removes a row.
    pub(super) fn erase(&mut self, key: PublicKey) {
        self.put_key(key, None);
        self.head().rows = self.head().rows.saturating_sub(1);
    }
}
