//! What becomes of what is offered.

use super::{Fate, KeyRow, MAX_STEPS, Rows, Step, UNDO_MS, draft::Draft};
use crate::PublicKey;

/// Steps that one publish forgets or joins: it keeps up, and none pays for all.
const STEPS_AT_ONCE: usize = 64;

impl<R: Rows> Draft<'_, R> {
    /// A confirmed key says that what is offered is good, and, if `joins`, what came on top of it. That confirms what
    /// another one made. For the joins it answers from now on, as if it had made them: anybody with a link can make
    /// them, so its word alone must not do.
    pub(super) fn accept(&mut self, key: PublicKey, now_ms: u64, joins: bool) {
        if self.head().offer.as_ref().is_some_and(|offer| offer.author != Some(key)) {
            self.confirm(now_ms);
        }
        let head = self.head();
        let Some(joins) = (if joins { head.joins.take() } else { None }) else { return };
        head.offer = Some(match head.offer.take() {
            Some(offer) => Step { tip: joins.tip, at_ms: now_ms, added: offer.added + joins.added, ..offer },
            None => Step { author: Some(key), at_ms: now_ms, since_ms: now_ms, ..joins },
        });
        self.confirm_alone(now_ms);
    }

    /// Where there is one confirmed key, nobody else could say that anything is good.
    pub(super) fn confirm_alone(&mut self, now_ms: u64) {
        if self.head().members == 1 {
            self.confirm(now_ms);
        }
    }

    fn confirm(&mut self, now_ms: u64) {
        let head = self.head();
        let Some(step) = head.offer.take() else { return };
        head.members = (head.members + step.added).saturating_sub(step.removed);
        head.confirmed = step.tip;
        head.steps += 1;
        if let Some(joins) = &mut head.joins {
            joins.voters = head.members;
        }
        self.put_step(Step { fate: Fate::Confirmed(now_ms.saturating_add(UNDO_MS)), ..step });
    }

    /// Another commit takes the place of all that is offered. Who was removed by it does not come back for that.
    pub(super) fn drop_all(&mut self, now_ms: u64) -> Result<(), R::Error> {
        let head = self.head();
        let (offer, joins) = (head.offer.take(), head.joins.take());
        let Some(first) = offer.as_ref().or(joins.as_ref()).map(|step| step.first) else { return Ok(()) };
        self.erase_since(first, |row| KeyRow { suspended: true, ..row })?;
        if let Some(offer) = offer {
            self.head().steps += 1;
            self.put_step(Step { fate: Fate::Dropped(now_ms.saturating_add(UNDO_MS)), ..offer });
        }
        Ok(())
    }

    /// Only the joins go.
    pub(super) fn drop_joins(&mut self) -> Result<(), R::Error> {
        match self.head().joins.take() {
            Some(joins) => self.erase_since(joins.first, |row| row),
            None => Ok(()),
        }
    }

    /// Erases what was added since `first`, and does something with who was removed since.
    pub(super) fn erase_since(
        &mut self,
        first: u64,
        removed: impl Fn(KeyRow) -> KeyRow,
    ) -> Result<(), R::Error> {
        for (key, row) in self.keys()? {
            if row.added >= first {
                if row.removed == 0 {
                    self.head().keys = self.head().keys.saturating_sub(1);
                }
                self.erase(key);
            } else if row.removed >= first {
                let after = removed(row.clone());
                if after.removed == 0 {
                    self.head().keys += 1;
                }
                if after != row {
                    self.put_key(key, Some(after));
                }
            }
        }
        Ok(())
    }

    /// What time does: a member's offer that nobody dropped is confirmed, and steps that nobody can undo any more
    /// are forgotten, with the keys that they removed.
    pub(super) fn tidy(&mut self, now_ms: u64) -> Result<(), R::Error> {
        if self.head().offer.as_ref().is_some_and(|offer| now_ms >= offer.at_ms.saturating_add(UNDO_MS)) {
            self.confirm(now_ms);
        }
        let oldest = self.steps(0, STEPS_AT_ONCE)?;
        let mut over: Vec<_> = oldest.iter().take_while(|step| !step.fate.is_open(now_ms)).cloned().collect();
        let is_full = self.head().steps > MAX_STEPS && over.is_empty();
        // One that nobody can undo must not take another one's votes away.
        over.extend(oldest.first().filter(|step| is_full && step.is_final()).cloned());
        for step in &over {
            self.forget_step(step.first);
        }
        if over.iter().any(Step::bars_somebody) {
            for (key, row) in self.keys()? {
                if row.removed != 0 && over.iter().any(|step| step.has(row.removed)) {
                    self.head().members = self.head().members.saturating_sub(u64::from(row.suspended));
                    self.erase(key);
                }
            }
        }
        if is_full
            && let [one, two, ..] = oldest.as_slice()
            && over.is_empty()
        {
            self.join_steps(one, two);
        }
        Ok(())
    }

    /// Two become one, which goes back to before the first. Nobody is blamed for it.
    fn join_steps(&mut self, one: &Step, two: &Step) {
        let until = until(one.fate).max(until(two.fate));
        let (base, fate) = match (one.fate, two.fate) {
            (Fate::Confirmed(_), _) => (one.base, Fate::Confirmed(until)),
            (_, Fate::Confirmed(_)) => (two.base, Fate::Confirmed(until)),
            (Fate::Dropped(_), _) | (_, Fate::Dropped(_)) => (one.base, Fate::Dropped(until)),
            _ => (one.base, Fate::Undone(until)),
        };
        let removed = one.removed + two.removed;
        let joined = Step { tip: two.tip, author: None, base, fate, removed, ..one.clone() };
        self.forget_step(two.first);
        self.put_step(joined);
    }
}

impl Step {
    /// Whether it took somebody's access away.
    fn bars_somebody(&self) -> bool {
        self.removed > 0 || matches!(self.fate, Fate::Undone(_))
    }
}

fn until(fate: Fate) -> u64 {
    match fate {
        Fate::Offered => u64::MAX,
        Fate::Confirmed(until) | Fate::Dropped(until) | Fate::Undone(until) => until,
    }
}
