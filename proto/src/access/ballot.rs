//! Votes: more than half of those who were there before undo what came after.

use std::collections::BTreeMap;

use super::{
    Ballot, Fate, Head, KeyRow, Publish, Refusal, Rows, Step, UNDO_MS, Verify, ballot_statement,
    draft::Draft, publish::Outcome,
};

impl<R: Rows> Draft<'_, R> {
    pub(super) fn vote(
        &mut self,
        verify: &impl Verify,
        publish: &Publish<'_>,
        row: &KeyRow,
        ballot: &Ballot,
    ) -> Outcome<(), R::Error> {
        if publish.commit.is_some() || publish.ack.is_some() {
            return Ok(Err(Refusal::Malformed));
        }
        let offered = self.head().offered(ballot.seq).cloned();
        let step = match offered {
            Some(step) => Some(step),
            None => self.step(ballot.seq)?,
        };
        let open = |step: &Step| step.has(ballot.seq) && step.fate.is_open(publish.now_ms);
        let Some(mut step) = step.filter(|step| open(step) && row.votes_on(step)) else {
            return Ok(Err(Refusal::NotAllowed));
        };
        if matches!(step.fate, Fate::Undone(_)) || step.is_final() {
            return Ok(Err(Refusal::NotAllowed));
        }
        let statement = ballot_statement(publish.room, publish.generation, ballot.seq, &step.name);
        // Who votes against another commit than the one that stands there was shown another log.
        if ballot.step != step.name || !verify.verify(&publish.key, &statement, &ballot.signature) {
            return Ok(Err(Refusal::Malformed));
        }
        if self.voted(step.first, &publish.key)? {
            return Ok(Ok(()));
        }
        step.votes += 1;
        self.changes.vote = Some((step.first, publish.key));
        if step.votes > step.voters / 2 {
            self.undo(&step, publish.now_ms)?;
        } else {
            self.count(step);
        }
        Ok(Ok(()))
    }

    /// Keeps the number of votes.
    fn count(&mut self, step: Step) {
        let is_it = |offered: &&mut Step| offered.first == step.first;
        let Head { offer, joins, .. } = self.head();
        if let Some(offered) = offer.as_mut().filter(is_it).or(joins.as_mut().filter(is_it)) {
            *offered = step;
        } else {
            self.put_step(step);
        }
    }

    fn undo(&mut self, step: &Step, now_ms: u64) -> Result<(), R::Error> {
        let until = now_ms.saturating_add(UNDO_MS);
        self.changes.undone = step.first;
        match step.fate {
            Fate::Offered if step.author.is_none() => self.drop_joins()?,
            Fate::Offered => {
                self.drop_all(now_ms)?;
                self.bring_back(step)?;
            }
            Fate::Confirmed(_) => {
                self.drop_all(now_ms)?;
                self.go_back(step, until)?;
                self.bring_back(step)?;
            }
            Fate::Dropped(_) => self.bring_back(step)?,
            Fate::Undone(_) => {}
        }
        self.suspend_author(step)?;
        // Joins that nobody answers for leave nothing to remember.
        if step.author.is_some() || step.fate != Fate::Offered {
            self.put_step(Step { fate: Fate::Undone(until), ..step.clone() });
        }
        Ok(())
    }

    /// To before a confirmed step. What came later is as if it had been dropped: whom it removed stays barred until
    /// a majority says so of that as well. Who had come in between has no say in it any more.
    fn go_back(&mut self, step: &Step, until: u64) -> Result<(), R::Error> {
        self.erase_since(step.first, |row| KeyRow { suspended: true, ..row })?;
        self.head().confirmed = step.base;
        let keys: BTreeMap<_, _> = self.keys()?.into_iter().collect();
        let counts = |row: &KeyRow| row.grant.is_member() && (row.removed == 0 || row.suspended);
        let members = keys.values().filter(|row| counts(row)).count() as u64;
        self.head().members = members;
        for mut later in self.steps(step.first.saturating_add(1), usize::MAX)? {
            if let Fate::Confirmed(_) = later.fate {
                later.fate = Fate::Dropped(until);
            }
            later.voters = members;
            // Only the votes that there are: thousands of steps times thousands of keys are too many to ask about.
            if later.votes > 0 {
                let votes = self.votes_of(later.first)?;
                let counts = |key| keys.get(key).is_some_and(|row| row.votes_on(&later));
                later.votes = votes.iter().filter(|key| counts(key)).count() as u64;
            }
            self.put_step(later);
        }
        Ok(())
    }

    /// Whom a step suspended.
    fn bring_back(&mut self, step: &Step) -> Result<(), R::Error> {
        for (key, row) in self.keys()? {
            if row.suspended && step.has(row.removed) {
                self.head().keys += 1;
                self.put_key(key, Some(KeyRow { removed: 0, suspended: false, ..row }));
            }
        }
        Ok(())
    }

    /// Whoever made what a majority undoes does it no second time.
    fn suspend_author(&mut self, step: &Step) -> Result<(), R::Error> {
        let Some(author) = step.author else { return Ok(()) };
        if let Some(row) = self.key(&author)?
            && row.removed == 0
        {
            self.head().keys = self.head().keys.saturating_sub(1);
            self.put_key(author, Some(KeyRow { removed: step.first, suspended: true, ..row }));
        }
        Ok(())
    }
}
