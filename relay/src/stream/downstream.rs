//! Relay to client: a cursor into the log. Catching up after a week and live delivery are the same loop.

use bytes::Bytes;
use proto::{
    PublishId,
    access::Standing,
    relay::{self, Joined, Published, refused::Code, relay_frame::Frame},
};
use tokio::sync::mpsc;

use super::{
    farewell::Farewell,
    output::{Output, Reservation},
    upstream::Answer,
};
use crate::{
    backend::{AppendError, Appended, Author, Batch, Feed, Measured, Ticket, View},
    clock::unix_ms,
    limit::Limit,
    limits::LARGE_FRAME,
    router::{Refusal, Seat},
    shared::Peer,
};

/// The loop's state.
pub(super) struct Downstream<'a> {
    peer: &'a Peer,
    seat: Seat,
    /// Whether the key was in good standing when it joined: only then it reads.
    reads: bool,
    cursor: u64,
    feed: Feed,
    answers: mpsc::Receiver<Answer>,
    signals: mpsc::Receiver<Bytes>,
    /// The publish whose answer is next; kept here so that no answer is lost when the loop is stopped.
    pending: Option<(PublishId, Ticket)>,
}

impl<'a> Downstream<'a> {
    /// Follows the room from here on; nothing is read yet.
    pub fn new(
        peer: &'a Peer,
        seat: Seat,
        reads: bool,
        cursor: u64,
        answers: mpsc::Receiver<Answer>,
        signals: mpsc::Receiver<Bytes>,
    ) -> Self {
        let feed = peer.shared.backend.follow(seat.room);
        Self { peer, seat, reads, cursor, feed, answers, signals, pending: None }
    }

    /// Answers the Join of an invite key, which gets the slot with it.
    pub async fn join_guest(&mut self, output: &mut Output, joined: Joined) -> Result<(), Farewell> {
        let send = |slot| Frame::Joined(Joined { slot: Some(slot), ..joined.clone() });
        self.send_slot(output, false, send).await
    }

    /// Runs until the client is gone, the key has no access any more, or no more answers can come.
    pub async fn run(&mut self, output: &mut Output) -> Result<(), Farewell> {
        let mut behind = true;
        loop {
            let (peer, seat, reads, cursor) = (self.peer, self.seat, self.reads, self.cursor);
            // Nothing that loses work when it is dropped stands in a branch: frames are sent in the
            // handlers, where no other branch can interrupt them.
            tokio::select! {
                biased;
                answer = next_answer(&mut self.pending, &mut self.answers) => match answer {
                    Some(answer) => self.answer(output, answer).await?,
                    None => return Ok(()),
                },
                () = self.feed.changed(), if !behind => behind = true,
                read = read(peer, seat, reads, cursor, output), if behind => {
                    let (batch, _memory) = read?;
                    behind = self.deliver(output, batch).await?;
                }
                // Only once the log is read: a key that was removed sees no signal after its removal.
                Some(signal) = self.signals.recv(), if !behind => {
                    let signal = relay::Ephemeral { envelope: signal };
                    output.frame(Frame::Ephemeral(signal)).await?;
                }
            }
        }
    }

    /// Sends the answers that are due, and waits for those of publishes already queued.
    pub async fn flush(&mut self, output: &mut Output) -> Result<(), Farewell> {
        self.answers.close();
        while let Some(answer) = next_answer(&mut self.pending, &mut self.answers).await {
            self.answer(output, answer).await?;
        }
        Ok(())
    }

    /// Sends entries, and says whether there are more.
    async fn deliver(&mut self, output: &mut Output, batch: Batch) -> Result<bool, Farewell> {
        let gap = || Err(Farewell::of(Code::ShuttingDown));
        let allowed = match (&batch.standing, self.seat.member) {
            // Brought back by a majority: a new Join reads.
            (Some(Standing::Member { .. }), true) if !self.reads => return gap(),
            (Some(Standing::Barred { .. }), true) if !self.reads => return Ok(false),
            (Some(Standing::Member { .. }), true) | (Some(Standing::Invite), false) => true,
            _ => false,
        };
        if batch.entries.is_empty() && self.reads && batch.head > self.cursor {
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
        let more = self.reads && batch.head > self.cursor;
        if !allowed && !more {
            return Err(Farewell::of(Code::NotAllowed));
        }
        Ok(more)
    }

    async fn answer(&mut self, output: &mut Output, answer: Settled) -> Result<(), Farewell> {
        let frame = match answer {
            Settled::Publish(id, Ok(appended)) => {
                if appended.repeated {
                    self.peer.shared.router().refund(&self.seat);
                }
                published(id, appended)
            }
            Settled::Publish(id, Err(error)) => return Ok(output.refuse(refusal(id, error)).await?),
            Settled::Refused(refusal) => return Ok(output.refuse(refusal).await?),
            Settled::Slot(confirmed) => return self.slot(output, confirmed).await,
        };
        Ok(output.frame(frame).await?)
    }

    async fn slot(&mut self, output: &mut Output, confirmed: bool) -> Result<(), Farewell> {
        match self.peer.shared.backend.view(reader(&self.seat)).await {
            Ok(Some(View { standing: Some(Standing::Member { .. } | Standing::Invite), .. })) => {
                self.send_slot(output, confirmed, Frame::Slot).await
            }
            Ok(_) => Ok(output.refuse(Refusal::of(Code::NotAllowed)).await?),
            Err(_) => Err(Farewell::of(Code::ShuttingDown)),
        }
    }

    async fn send_slot(
        &self,
        output: &mut Output,
        confirmed: bool,
        frame: impl Fn(relay::Slot) -> Frame,
    ) -> Result<(), Farewell> {
        let (mut room_for, mut reservation) = (LARGE_FRAME, None);
        loop {
            let slot = self.peer.shared.backend.slot(self.seat.room, confirmed, room_for).await;
            match slot.map_err(|_| Farewell::of(Code::ShuttingDown))? {
                Some(Measured::Ready(slot)) => {
                    let slot = relay::Slot { last_commit: slot.last_commit, sealed: slot.sealed };
                    let sent = output.frame(frame(slot)).await;
                    drop(reservation);
                    return Ok(sent?);
                }
                Some(Measured::Large(bytes)) => {
                    // The old one first, or it would wait for itself.
                    drop(reservation.take());
                    reservation = Some(output.reserve(&self.peer.share.outgoing, bytes).await?);
                    room_for = bytes;
                }
                None => return Err(Farewell::of(Code::NotAllowed)),
            }
        }
    }
}

/// Reads on from a cursor, once there is memory for what is there. A guest only learns whether it still
/// has access, a suspended key whether it has it again.
async fn read<'a>(
    peer: &'a Peer,
    seat: Seat,
    reads: bool,
    cursor: u64,
    output: &Output,
) -> Result<(Batch, Option<Reservation<'a>>), Farewell> {
    let backend = &peer.shared.backend;
    let later = |_| Farewell::of(Code::ShuttingDown);
    if !reads {
        let view = backend.view(reader(&seat)).await.map_err(later)?;
        // A guest whose invite is used up by now stays: it may have to send its join again.
        let standing = view.and_then(|view| if seat.member { view.standing } else { Some(Standing::Invite) });
        return Ok((Batch { entries: Vec::new(), head: 0, oldest: 1, standing }, None));
    }
    match backend.read(reader(&seat), cursor, LARGE_FRAME).await.map_err(later)? {
        Measured::Ready(batch) => Ok((batch, None)),
        Measured::Large(bytes) => {
            let reservation = output.reserve(&peer.share.outgoing, bytes).await?;
            match backend.read(reader(&seat), cursor, bytes).await.map_err(later)? {
                Measured::Ready(batch) => Ok((batch, Some(reservation))),
                // Entries do not change; retention has put a larger one first, which is a gap.
                Measured::Large(_) => Err(Farewell::of(Code::ShuttingDown)),
            }
        }
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
            Answer::Refused(refusal) => return Some(Settled::Refused(refusal)),
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
        AppendError::Conflict { last_commit, confirmed } => {
            Refusal { last_commit, confirmed, ..Refusal::of(Code::Conflict) }
        }
        AppendError::Malformed => Refusal::of(Code::Malformed),
        AppendError::TooLarge => Refusal::over(Limit::KeysPerRoom),
        AppendError::NoSpace(lack) => Refusal::over(lack.into()),
        AppendError::Closed => Refusal::of(Code::ShuttingDown),
    };
    Refusal { id: id.0.to_vec().into(), ..refusal }
}

fn reader(seat: &Seat) -> Author {
    Author { room: seat.room, key: seat.key, now_ms: unix_ms() }
}
