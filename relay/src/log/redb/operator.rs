//! What an operator asks for, and what a round of retention is.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use proto::RoomId;
use tokio::sync::oneshot;

use super::{
    Busiest, Health, Redb, Stats, Survey, check,
    holds::{self, RoomHold},
    lone::Lone,
    opener::{Opener, OpenerName},
    overview,
    round::Removed,
    tables::Snapshot,
    tokens,
    writer::Job,
};
use crate::{
    log::{
        Answer, HeldOpener, Hold, OpenerError, OpenerRooms, Operator, Overview, Revoked, RoomSummary,
        TokenChange, TokenError, Tokens, Unavailable, caught::caught,
    },
    policy::{
        limits::{HELD_ROOMS, Limits},
        reason::Notice,
        token::TokenRecord,
    },
};

impl Operator for Redb {
    fn rooms(
        &self,
        after: Option<RoomId>,
        count: usize,
    ) -> Answer<'_, Result<Vec<RoomSummary>, Unavailable>> {
        self.read_with(move |transaction| overview::rooms(transaction, after, count))
    }

    fn overview(&self) -> Answer<'_, Result<Overview, Unavailable>> {
        let store = self.store.clone();
        Box::pin(async move {
            let overview = self.read_with(overview::overview).await?;
            Ok(Overview { file_bytes: store.disk_bytes().unwrap_or(0), ..overview })
        })
    }

    fn hold_room(&self, room: RoomId, hold: Hold) -> Answer<'_, Result<bool, Unavailable>> {
        Box::pin(async move { Ok(self.hold(vec![room], of_a_room(hold)).await? > 0) })
    }

    fn find_opener(&self, name: OpenerName) -> Answer<'_, Result<OpenerRooms, OpenerError>> {
        Box::pin(async move {
            let (answer, found) = oneshot::channel();
            let _ = self.queue(Job::FindOpener { name, answer }).await;
            found.await.unwrap_or(Err(OpenerError::Unavailable))
        })
    }

    fn hold_opener(&self, name: OpenerName, hold: Hold) -> Answer<'_, Result<HeldOpener, OpenerError>> {
        Box::pin(async move {
            let opener = self.find_opener(name.clone()).await?.opener;
            let (changed, rooms, hold) = match hold {
                Hold::Drop(notice) => {
                    let rooms = self.find_opener(name).await?.rooms;
                    (false, rooms, RoomHold::Drop(notice))
                }
                Hold::Freeze(notice) => {
                    // First of all, so that there is no room more when they are looked up.
                    let changed = self.turn_opener(opener, Some(notice.clone())).await?;
                    let rooms = self.find_opener(name).await?.rooms;
                    (changed, rooms, RoomHold::Freeze(notice, Some(opener)))
                }
                Hold::Thaw(now_ms) => {
                    let changed = self.turn_opener(opener, None).await?;
                    let frozen = self.read_with(move |all| holds::frozen_by(all, &opener)).await;
                    (
                        changed,
                        frozen.map_err(|_| OpenerError::Unavailable)?,
                        RoomHold::Thaw(now_ms, Some(opener)),
                    )
                }
            };
            let rooms = self.hold(rooms, hold).await.map_err(|_| OpenerError::Unavailable)?;
            Ok(HeldOpener { opener, changed, rooms })
        })
    }

    fn dropped_rooms(&self) -> Answer<'_, Result<Vec<(RoomId, Notice)>, Unavailable>> {
        self.read_with(holds::list_dropped)
    }

    fn ended(&self) -> u64 {
        self.feeds.ended()
    }

    fn missing(&self, rooms: Vec<RoomId>) -> Answer<'_, Result<Vec<RoomId>, Unavailable>> {
        self.read_with(move |transaction| overview::missing(transaction, rooms))
    }

    fn has_rooms(&self) -> bool {
        self.store
            .read(|transaction| overview::rooms(transaction, None, 1))
            .is_ok_and(|rooms| !rooms.is_empty())
    }

    fn newest_ms(&self) -> Result<u64, Unavailable> {
        Ok(self.store.read(overview::overview)?.last_at_ms)
    }

    fn owner(&self) -> Result<Option<[u8; 32]>, Unavailable> {
        self.store.read(|transaction| Ok(Snapshot::open(transaction)?.owner.get(())?.map(|pin| *pin.value())))
    }

    fn set_owner(&self, pin: [u8; 32]) -> Answer<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            let (answer, owned) = oneshot::channel();
            let _ = self.queue(Job::Own { pin, answer }).await;
            owned.await.unwrap_or(Err(Unavailable))
        })
    }

    fn survey(&self) -> Result<Survey, Unavailable> {
        let snapshot = self.store.snapshot()?;
        let survey = caught(|| check::survey(&snapshot)).ok_or(Unavailable)?;
        survey.map_err(|error| {
            tracing::error!(%error, "the database cannot be checked");
            Unavailable
        })
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn probe(&self) -> Answer<'_, Result<Health, Unavailable>> {
        Box::pin(async move {
            let (answer, health) = oneshot::channel();
            let _ = self.queue(Job::Probe { answer }).await;
            let health = health.await.unwrap_or(Err(Unavailable))?;
            Ok(Health { is_full: self.is_full().await, ..health })
        })
    }

    fn busiest(&self, count: usize) -> Answer<'_, Result<Busiest, Unavailable>> {
        Box::pin(async move {
            let (answer, busiest) = oneshot::channel();
            let _ = self.queue(Job::Busiest { count, answer }).await;
            busiest.await.unwrap_or(Err(Unavailable))
        })
    }

    fn is_full(&self) -> Answer<'_, bool> {
        Box::pin(async move {
            let store = self.store.clone();
            tokio::task::spawn_blocking(move || store.is_full()).await.unwrap_or(false)
        })
    }

    fn trim(&self, now_ms: u64) -> Answer<'_, ()> {
        Box::pin(async move {
            let idle_before = self.idle_before(now_ms).await;
            let lone = Arc::new(self.lone(now_ms));
            let (mut from, mut gone) = (Some(RoomId([0; 32])), Removed::default());
            while let Some(room) = from {
                let (answer, done) = oneshot::channel();
                if self
                    .queue(Job::Trim { from: room, now_ms, idle_before, lone: lone.clone(), answer })
                    .await
                    .is_err()
                {
                    break;
                }
                let Ok(Ok(done)) = done.await else { break };
                (from, gone) = (done.next, gone + done.gone);
            }
            if let Some(room) = from {
                // It broke off here: what nobody noted yet is noted in the next one.
                self.visits.keep_company(lone.company.iter().filter(|known| known.0 >= room.0).copied());
            }
            let Removed { entries, idle_rooms, lone_rooms } = gone;
            if gone != Removed::default() {
                tracing::info!(
                    entries,
                    idle_rooms,
                    lone_rooms,
                    "a round of retention removed what was over its bounds"
                );
            }
            self.purge().await;
        })
    }

    fn reload(&self, limits: &Limits) {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = limits.into();
    }

    fn failed(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.jobs.ended().await;
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.jobs.close();
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
            let store = self.store.clone();
            let closed = tokio::task::spawn_blocking(move || {
                // The writer ends when its queue is empty and nobody can add to it.
                let ended = writer.is_none_or(|writer| writer.join().is_ok());
                store.close();
                ended
            });
            if !closed.await.unwrap_or(false) {
                tracing::error!("the writer thread failed");
            }
        })
    }
}

impl Tokens for Redb {
    fn tokens(&self) -> Answer<'_, Result<Vec<TokenRecord>, Unavailable>> {
        self.read_with(tokens::list)
    }

    fn change_tokens(&self, change: TokenChange) -> Answer<'_, Result<Option<Revoked>, TokenError>> {
        Box::pin(async move {
            let (answer, changed) = oneshot::channel();
            let _ = self.queue(Job::Tokens { change, answer }).await;
            changed.await.unwrap_or(Err(TokenError::Unavailable))
        })
    }
}

impl Redb {
    /// The time before which a room must have been written to last to be dropped; 0 for none. A clock that is
    /// years ahead would make every room look deserted: some other room must have been written to since.
    async fn idle_before(&self, now_ms: u64) -> u64 {
        let idle = self.policy.lock().unwrap_or_else(PoisonError::into_inner).drop_idle;
        let Some(idle) = idle else { return 0 };
        let idle_ms = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        let newest = self.overview().await.map_or(0, |overview| overview.last_at_ms);
        let before = now_ms.saturating_sub(idle_ms);
        if newest >= before { before } else { 0 }
    }

    /// Which rooms go that only their founder was ever in.
    fn lone(&self, now_ms: u64) -> Lone {
        let now = Instant::now();
        self.visits.note(self.feeds.rooms(), now);
        let policy = *self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let company = self.visits.take_company();
        let Some(time) = policy.drop_lone else { return Lone { company, ..Lone::default() } };
        let (visited, is_known) = self.visits.within(time, now);
        let before =
            |time: Duration| now_ms.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let unseen_before = before(policy.retention.age.max(time));
        Lone { before: if is_known { before(time) } else { 0 }, unseen_before, visited, company }
    }

    /// Does it to all of these rooms, some in each transaction, and says to how many.
    async fn hold(&self, rooms: Vec<RoomId>, hold: RoomHold) -> Result<u64, Unavailable> {
        let mut held = 0;
        for rooms in rooms.chunks(HELD_ROOMS) {
            let (answer, done) = oneshot::channel();
            let _ = self.queue(Job::Hold { rooms: rooms.to_vec(), hold: hold.clone(), answer }).await;
            held += done.await.unwrap_or(Err(Unavailable))?;
        }
        if matches!(hold, RoomHold::Drop(_)) {
            self.purge().await;
        }
        Ok(held)
    }

    async fn turn_opener(&self, opener: Opener, notice: Option<Notice>) -> Result<bool, OpenerError> {
        let (answer, turned) = oneshot::channel();
        let _ = self.queue(Job::HoldOpener { opener, notice, answer }).await;
        turned.await.unwrap_or(Err(OpenerError::Unavailable))
    }

    /// Purges what is left of dropped rooms.
    async fn purge(&self) {
        loop {
            let (answer, more) = oneshot::channel();
            if self.queue(Job::Purge { answer }).await.is_err() || !more.await.unwrap_or(false) {
                return;
            }
        }
    }
}

/// By itself, and not because of who opened it.
fn of_a_room(hold: Hold) -> RoomHold {
    match hold {
        Hold::Drop(notice) => RoomHold::Drop(notice),
        Hold::Freeze(notice) => RoomHold::Freeze(notice, None),
        Hold::Thaw(now_ms) => RoomHold::Thaw(now_ms, None),
    }
}
