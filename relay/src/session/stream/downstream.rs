//! Relay to client: a cursor into the log. Catching up after a week and live delivery are the same loop; only where
//! the entries come from differs, the disk or the tail in memory.

use std::{sync::Arc, time::Instant};

use proto::{
    PublishId,
    access::{MAX_SNAPSHOT, Standing},
    relay::{self, Joined, Published, refused::Code, relay_frame::Frame},
};
use tokio::sync::{broadcast, mpsc};

use super::{end::StreamEnd, output::Output, upstream::Answer};
use crate::{
    log::{
        AppendError, Appended, Author, Batch, Feed, Measured, Next, ReadPermit, Signal, Slot, Tail, Ticket,
        View,
    },
    policy::{limits::LARGE_FRAME, pool::Lease, refusal::Limit},
    session::{
        peer::Peer,
        router::{Refusal, Session},
    },
};

/// How far a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// It has all there is.
    End,
    /// There may be more in memory.
    Tail,
    /// What comes next is on the disk.
    Disk,
}

impl At {
    /// Looks at the tail where nothing else is to be done.
    fn or_tail(self) -> Self {
        if self == Self::End { Self::Tail } else { self }
    }
}

/// The loop's state.
pub(super) struct Downstream<'a> {
    peer: &'a Peer,
    session: Session,
    /// Whether the key was in good standing when it joined: only then it reads.
    reads: bool,
    /// Since when the room was frozen when it joined, Unix milliseconds; 0 where it was not.
    frozen_ms: u64,
    cursor: u64,
    /// Greatest sequence number that the disk has shown.
    head: u64,
    feed: Feed,
    permit: &'a ReadPermit,
    answers: mpsc::Receiver<Answer>,
    /// For who reads.
    signals: Option<broadcast::Receiver<Signal>>,
    /// The publish whose answer is next; kept here so that no answer is lost when the loop is stopped.
    pending: Option<(PublishId, Ticket)>,
}

impl<'a> Downstream<'a> {
    /// Follows the room from here on; nothing is read yet.
    pub(super) fn new(
        peer: &'a Peer,
        session: Session,
        (reads, frozen_ms): (bool, u64),
        cursor: u64,
        permit: &'a ReadPermit,
        answers: mpsc::Receiver<Answer>,
    ) -> Self {
        let feed = peer.shared.log.follow(session.room);
        let signals = reads.then(|| feed.signals());
        let (head, pending) = (0, None);
        Self { peer, session, reads, frozen_ms, cursor, head, feed, permit, answers, signals, pending }
    }

    /// The room's tail, for the other direction.
    pub(super) fn tail(&self) -> Arc<Tail> {
        self.feed.tail()
    }

    /// Answers the Join of an invite key, which gets the slot with it.
    pub(super) async fn join_guest(&mut self, output: &mut Output, joined: Joined) -> Result<(), StreamEnd> {
        let send = |slot| Frame::Joined(Joined { slot: Some(slot), ..joined.clone() });
        self.send_slot(output, false, send).await
    }

    /// Answers the Join of a member that begins its ledger. It is asked for once in a session's life, so the room for the
    /// longest is waited for, whatever is there.
    pub(super) async fn join_with_access(
        &mut self,
        output: &mut Output,
        joined: Joined,
    ) -> Result<(), StreamEnd> {
        let lease = output.reserve(MAX_SNAPSHOT).await;
        let access = self.peer.shared.log.access(self.session.room).await;
        let access = access.map_err(|_| StreamEnd::of(Code::ShuttingDown))?;
        output.hold(Some(lease));
        let sent = output.frame(Frame::Joined(Joined { access, ..joined })).await;
        output.hold(None);
        Ok(sent?)
    }

    /// Runs until the client is gone, the key has no access any more, or no more answers can come.
    pub(super) async fn run(&mut self, output: &mut Output) -> Result<(), StreamEnd> {
        let mut at = At::Disk;
        loop {
            // Asked before the database is: what changes meanwhile is a newer one.
            let generation = if at == At::Disk { self.feed.generation() } else { 0 };
            let (peer, session, reads, cursor) = (self.peer, self.session, self.reads, self.cursor);
            // Apart: who has caught up does not keep room for it.
            let reading = (at == At::Disk).then(|| Box::pin(read(peer, session, reads, cursor, &*output)));
            // Nothing that loses work when it is dropped stands in a branch: frames are sent in the
            // handlers, where no other branch can interrupt them.
            tokio::select! {
                biased;
                answer = next_answer(&mut self.pending, &mut self.answers) => match answer {
                    Some(answer) => {
                        self.answer(output, answer).await?;
                        // The own entry is there as well, and goes in the same packet.
                        at = at.or_tail();
                    }
                    None => return Ok(()),
                },
                () = self.feed.changed(), if at == At::End => at = At::Tail,
                () = std::future::ready(()), if at == At::Tail => at = self.follow(output).await?,
                read = there(reading), if at == At::Disk => {
                    let (batch, lease) = read?;
                    output.hold(lease);
                    let sent = Box::pin(self.deliver(output, batch, generation)).await;
                    output.hold(None);
                    sent?;
                    at = At::Tail;
                }
            }
        }
    }

    /// Sends what is held in memory, if there is something, and says where to go on.
    async fn follow(&mut self, output: &mut Output) -> Result<At, StreamEnd> {
        // Who does not read gets no entries, but learns when its access changes.
        let cursor = if self.reads { self.cursor } else { u64::MAX };
        match self.feed.next(cursor, self.permit) {
            Next::Frames(frames) => {
                output.shared(frames.bytes).await?;
                self.cursor = frames.last;
                self.peer.shared.metrics.delivered.inc_by(frames.entries);
                self.peer.shared.metrics.bytes_out.inc_by(frames.envelopes);
                Ok(At::Tail)
            }
            Next::Nothing if self.cursor < self.head => Ok(At::Disk),
            Next::Nothing => self.hear(output).await,
            Next::Behind => Ok(At::Disk),
            Next::Ended => Err(self.shut_out().await),
        }
    }

    /// Sends the signals that wait: only once the log is read, and only while nobody took the key's access away, so
    /// that a key that was removed sees no signal after its removal.
    async fn hear(&mut self, output: &mut Output) -> Result<At, StreamEnd> {
        let Some(signals) = &mut self.signals else { return Ok(At::End) };
        loop {
            match signals.try_recv() {
                Ok(_) if !self.feed.allows(self.permit) => return Ok(At::Disk),
                Ok(signal) if signal.from == self.session.key => {}
                Ok(signal) => output.shared(signal.frame).await?,
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => {
                    return Ok(At::End);
                }
            }
        }
    }

    /// Sends the answers that are due, and waits for those of publishes already queued.
    pub(super) async fn flush(&mut self, output: &mut Output) -> Result<(), StreamEnd> {
        self.answers.close();
        while let Some(answer) = next_answer(&mut self.pending, &mut self.answers).await {
            self.answer(output, answer).await?;
        }
        Ok(())
    }

    /// Sends entries from the disk; `generation` is the one before it was asked.
    async fn deliver(&mut self, output: &mut Output, batch: Batch, generation: u64) -> Result<(), StreamEnd> {
        let gap = || Err(StreamEnd::of(Code::ShuttingDown));
        // The operator has frozen or thawed the room: a new Join tells.
        if batch.standing.is_some() && batch.frozen_ms != self.frozen_ms {
            return gap();
        }
        let allowed = match (&batch.standing, self.session.member) {
            // Brought back by a majority: a new Join reads.
            (Some(Standing::Member { .. }), true) if !self.reads => return gap(),
            (Some(Standing::Member { .. }), true) | (Some(Standing::Invite), false) => true,
            // It waits for that.
            (Some(Standing::Barred { .. }), true) => !self.reads,
            _ => false,
        };
        if allowed {
            self.permit.found(generation);
        }
        self.head = batch.head;
        let damaged = batch.damaged;
        if batch.entries.is_empty() && self.reads && batch.head > self.cursor && !damaged {
            return gap();
        }
        for entry in batch.entries {
            if entry.seq != self.cursor + 1 {
                // So slow that retention overtook it. A new Join will say what is left.
                return gap();
            }
            self.cursor = entry.seq;
            let bytes = entry.envelope.len() as u64;
            output.frame(Frame::Deliver(entry)).await?;
            self.peer.shared.metrics.delivered.inc();
            self.peer.shared.metrics.bytes_out.inc_by(bytes);
        }
        if damaged && self.reads {
            return Err(Refusal::over(Limit::Damaged).into());
        }
        let more = self.reads && batch.head > self.cursor;
        if !allowed && !more {
            let dropped = batch.dropped.map(|reason| Refusal::by_operator(Code::Dropped, reason).into());
            return Err(dropped.unwrap_or_else(|| StreamEnd::of(Code::NotAllowed)));
        }
        Ok(())
    }

    /// Why the room is gone: retention says nothing, the operator may.
    async fn shut_out(&self) -> StreamEnd {
        match self.peer.shared.log.dropped(self.session.room).await {
            Ok(Some(reason)) => Refusal::by_operator(Code::Dropped, reason).into(),
            Ok(None) => StreamEnd::of(Code::NotAllowed),
            Err(_) => StreamEnd::of(Code::ShuttingDown),
        }
    }

    async fn answer(&mut self, output: &mut Output, answer: Settled) -> Result<(), StreamEnd> {
        let frame = match answer {
            Settled::Publish(id, Ok(appended)) => {
                if appended.repeated {
                    self.peer.shared.router().refund(&self.session, Instant::now());
                }
                published(id, appended)
            }
            Settled::Publish(id, Err(error)) => return Ok(output.refuse(refusal(id, error)).await?),
            Settled::Refused(refusal) => return Ok(output.refuse(refusal).await?),
            Settled::Slot(confirmed) => return Box::pin(self.slot(output, confirmed)).await,
        };
        Ok(output.frame(frame).await?)
    }

    async fn slot(&mut self, output: &mut Output, confirmed: bool) -> Result<(), StreamEnd> {
        match self.peer.shared.log.view(reader(self.peer, &self.session)).await {
            Ok(Some(View { standing: Some(Standing::Member { .. } | Standing::Invite), .. })) => {
                self.send_slot(output, confirmed, Frame::Slot).await
            }
            Ok(_) => Ok(output.refuse(Refusal::of(Code::NotAllowed)).await?),
            Err(_) => Err(StreamEnd::of(Code::ShuttingDown)),
        }
    }

    async fn send_slot(
        &self,
        output: &mut Output,
        confirmed: bool,
        frame: impl Fn(relay::Slot) -> Frame,
    ) -> Result<(), StreamEnd> {
        let (mut room_for, mut lease) = (LARGE_FRAME, None);
        loop {
            let slot = self.peer.shared.log.slot(self.session.room, confirmed, room_for).await;
            match slot.map_err(|_| StreamEnd::of(Code::ShuttingDown))? {
                Some(Measured::Ready(slot)) => {
                    let Slot { last_commit, sealed, pieces } = slot;
                    let slot = relay::Slot { last_commit, sealed, pieces };
                    output.hold(lease);
                    let sent = output.frame(frame(slot)).await;
                    output.hold(None);
                    return Ok(sent?);
                }
                Some(Measured::Large(bytes)) => {
                    // The old one first, or it would wait for itself.
                    drop(lease.take());
                    lease = Some(output.reserve(bytes).await);
                    room_for = bytes;
                }
                None => return Err(StreamEnd::of(Code::NotAllowed)),
            }
        }
    }
}

/// Reads on from a cursor, once there is memory for what is there. A guest only learns whether it still
/// has access, a suspended key whether it has it again.
async fn read(
    peer: &Peer,
    session: Session,
    reads: bool,
    cursor: u64,
    output: &Output,
) -> Result<(Batch, Option<Lease>), StreamEnd> {
    let log = &peer.shared.log;
    let later = |_| StreamEnd::of(Code::ShuttingDown);
    if !reads {
        let view = log.view(reader(peer, &session)).await.map_err(later)?;
        let frozen_ms = view.as_ref().map_or(0, View::frozen_ms);
        // A guest whose invite is used up by now stays: it may have to send its join again.
        let standing =
            view.and_then(|view| if session.member { view.standing } else { Some(Standing::Invite) });
        let (entries, dropped, damaged) = (Vec::new(), None, false);
        return Ok((Batch { entries, head: 0, oldest: 1, standing, frozen_ms, dropped, damaged }, None));
    }
    match log.read(reader(peer, &session), cursor, LARGE_FRAME).await.map_err(later)? {
        Measured::Ready(batch) => Ok((batch, None)),
        Measured::Large(bytes) => {
            let lease = output.reserve(bytes).await;
            match log.read(reader(peer, &session), cursor, bytes).await.map_err(later)? {
                Measured::Ready(batch) => Ok((batch, Some(lease))),
                // Entries do not change; retention has put a larger one first, which is a gap.
                Measured::Large(_) => Err(StreamEnd::of(Code::ShuttingDown)),
            }
        }
    }
}

/// Waits for what is read; for ever, where nothing is.
async fn there<T>(reading: Option<impl Future<Output = T>>) -> T {
    match reading {
        Some(reading) => reading.await,
        None => std::future::pending().await,
    }
}

/// An answer that is known.
enum Settled {
    Publish(PublishId, Result<Appended, AppendError>),
    Refused(Refusal),
    Slot(bool),
}

/// The next answer in order; `None` when there will be no more. Loses nothing when dropped half-way.
async fn next_answer(
    pending: &mut Option<(PublishId, Ticket)>,
    answers: &mut mpsc::Receiver<Answer>,
) -> Option<Settled> {
    if pending.is_none() {
        match answers.recv().await? {
            Answer::Ticket(id, ticket) => *pending = Some((id, ticket)),
            Answer::Published(id, appended) => return Some(Settled::Publish(id, Ok(appended))),
            Answer::Refused(refusal) => return Some(Settled::Refused(*refusal)),
            Answer::Slot(confirmed) => return Some(Settled::Slot(confirmed)),
        }
    }
    let (id, ticket) = pending.as_mut()?;
    let settled = Settled::Publish(*id, ticket.wait().await);
    *pending = None;
    Some(settled)
}

fn published(id: PublishId, appended: Appended) -> Frame {
    let id = id.0.to_vec().into();
    Frame::Published(Published { id, seq: appended.seq, at_ms: appended.at_ms })
}

fn refusal(id: PublishId, error: AppendError) -> Refusal {
    let refusal = match error {
        AppendError::NotAllowed => Refusal::of(Code::NotAllowed),
        AppendError::Frozen(reason) => Refusal::by_operator(Code::Frozen, reason),
        AppendError::Dropped(reason) => Refusal::by_operator(Code::Dropped, reason),
        AppendError::Conflict { last_commit, confirmed } => {
            Refusal { last_commit, confirmed, ..Refusal::of(Code::Conflict) }
        }
        AppendError::Malformed => Refusal::of(Code::Malformed),
        AppendError::TooLarge => Refusal::over(Limit::KeysPerRoom),
        AppendError::SlotTooLarge => Refusal::of(Code::TooLarge),
        AppendError::MissingPieces => Refusal::of(Code::MissingPieces),
        AppendError::NoSpace(missing) => Refusal::over(missing.into()),
        AppendError::Damaged => Refusal::over(Limit::Damaged),
        AppendError::Closed => Refusal::of(Code::ShuttingDown),
    };
    Refusal { id: id.0.to_vec().into(), ..refusal }
}

fn reader(peer: &Peer, session: &Session) -> Author {
    Author { room: session.room, key: session.key, now_ms: peer.shared.clock.now_ms() }
}
