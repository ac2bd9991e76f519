//! Where a commit stands: on what is offered, or in its place.

use super::{
    Commit, Fate, OFFER_GRACE_MS, Publish, Refusal, Rows, Step, Tip, Verify, draft::Draft, publish::Outcome,
};

impl<R: Rows> Draft<'_, R> {
    /// By a member's key.
    pub(super) fn commit(
        &mut self,
        verify: &impl Verify,
        publish: &Publish<'_>,
        confirmed: bool,
        commit: &Commit,
    ) -> Outcome<(), R::Error> {
        if commit.is_return(verify, publish.room, &publish.key) {
            return self.come_back(publish, commit);
        }
        let head = self.head();
        let (tip, base) = (head.tip(), head.confirmed);
        let is_on =
            |on: Tip| commit.expected == on.position && commit.is_signed_by(verify, publish, &on.authority);
        let mut waits = None;
        if is_on(tip) {
            if !confirmed {
                return self.push_join(publish, commit);
            }
            // Whoever builds on it has taken it.
            self.accept(publish.key, publish.now_ms, true);
        } else if confirmed && is_on(base) && commit.instead_of == tip.position && self.may_drop(publish) {
            // Whoever puts another commit in the place of its own gains no time by that either.
            let own = self.changes.head.offer.as_ref().filter(|offer| offer.author == Some(publish.key));
            waits = own.map(|offer| offer.since_ms);
            self.drop_all(publish.now_ms)?;
        } else {
            return Ok(Err(self.conflict()));
        }
        self.push_offer(publish, commit, waits)
    }

    /// A device whose leaf is in the tree has lost its way, and enters anew: it changes no key.
    fn come_back(&mut self, publish: &Publish<'_>, commit: &Commit) -> Outcome<(), R::Error> {
        if let Err(refusal) = self.place_join(commit)? {
            return Ok(Err(refusal));
        }
        // Its own join may have been what was dropped.
        if self.key(&publish.key)?.is_none() {
            return Ok(Err(Refusal::NotAllowed));
        }
        self.push_join(publish, commit)
    }

    /// Whoever drops something has said what: a commit that was only late drops nothing.
    /// Joins and returns may be passed by at once, a member's commit once there was time to take it. Who made it
    /// need not wait.
    fn may_drop(&self, publish: &Publish<'_>) -> bool {
        self.changes.head.offer.as_ref().is_none_or(|offer| {
            // A clock that went back must not make anybody wait for years.
            let waited = publish.now_ms < offer.since_ms
                || publish.now_ms >= offer.since_ms.saturating_add(OFFER_GRACE_MS);
            offer.author == Some(publish.key) || waited
        })
    }

    /// On what is newest; or, where only others like it stand, in their place: a newcomer must get round a slot
    /// that is of no use.
    pub(super) fn place_join(&mut self, commit: &Commit) -> Outcome<(), R::Error> {
        let head = self.head();
        if commit.expected == head.tip().position {
            return Ok(Ok(()));
        }
        let passes_by = commit.instead_of == head.tip().position;
        if head.offer.is_none() && commit.expected == head.confirmed.position && passes_by {
            self.drop_joins()?;
            return Ok(Ok(()));
        }
        Ok(Err(self.conflict()))
    }

    /// Adds to the joins on top.
    pub(super) fn push_join(&mut self, publish: &Publish<'_>, commit: &Commit) -> Outcome<(), R::Error> {
        let head = self.head();
        let (tip, voters) = (head.tip(), head.members);
        let before = head.joins.take();
        let mut step = before.unwrap_or_else(|| Step::new(publish, commit, tip, None, voters));
        step.extend(publish, commit);
        let changed = self.change_keys(publish, &commit.change, false, &mut step)?;
        self.head().joins = Some(step);
        Ok(changed)
    }

    /// Adds to what its author offers; of anybody else nothing is offered by now. `waits`: since when what is new waits for
    /// somebody's word, if not from now on.
    fn push_offer(
        &mut self,
        publish: &Publish<'_>,
        commit: &Commit,
        waits: Option<u64>,
    ) -> Outcome<(), R::Error> {
        let head = self.head();
        let (tip, voters) = (head.confirmed, head.members);
        let before = head.offer.take();
        let mut step = before.unwrap_or_else(|| Step {
            since_ms: waits.unwrap_or(publish.now_ms),
            ..Step::new(publish, commit, tip, Some(publish.key), voters)
        });
        step.extend(publish, commit);
        let changed = self.change_keys(publish, &commit.change, true, &mut step)?;
        self.head().offer = Some(step);
        self.confirm_alone(publish.now_ms);
        Ok(changed)
    }

    pub(super) fn conflict(&self) -> Refusal {
        let head = &self.changes.head;
        Refusal::Conflict { last_commit: head.tip().position, confirmed: head.confirmed.position }
    }
}

impl Step {
    fn new(
        publish: &Publish<'_>,
        commit: &Commit,
        base: Tip,
        author: Option<crate::PublicKey>,
        voters: u64,
    ) -> Self {
        Self {
            first: publish.seq,
            name: commit.name(publish),
            tip: base,
            base,
            author,
            at_ms: publish.now_ms,
            since_ms: publish.now_ms,
            voters,
            votes: 0,
            added: 0,
            removed: 0,
            fate: Fate::Offered,
        }
    }

    fn extend(&mut self, publish: &Publish<'_>, commit: &Commit) {
        self.tip = Tip { position: publish.seq, authority: commit.authority, name: commit.name(publish) };
        self.at_ms = self.at_ms.max(publish.now_ms);
    }
}
