//! Client to relay: reads frames, has the router decide, carries out its commands.

use std::time::Instant;

use bytes::Bytes;
use proto::{PublishId, relay::refused::Code};
use tokio::sync::mpsc;

use super::{
    farewell::Farewell,
    input::{Budget, Input},
};
use crate::{
    backend::{Appended, Author, Ticket},
    clock::unix_ms,
    limits::LARGE_FRAME,
    request::{Memory, Publish},
    router::{Command, Refusal, Seat},
    shared::{Handle, Peer},
};

/// What the other direction sends, in this order.
pub(super) enum Answer {
    /// The fate of a publish that is on its way to the disk.
    Ticket(PublishId, Ticket),
    /// A publish that was in the log already.
    Published(PublishId, Appended),
    /// A no.
    Refused(Refusal),
    /// The newest slot, or the last confirmed one (`true`), read when it is sent.
    Slot(bool),
}

/// The loop's state.
pub(super) struct Upstream<'a> {
    pub peer: &'a Peer,
    pub seat: Seat,
    /// When full, the client is not read: QUIC makes it wait.
    pub answers: mpsc::Sender<Answer>,
}

impl Upstream<'_> {
    /// Runs until the client ends (`Ok`) or has to be ended.
    pub async fn run(self, input: &mut Input) -> Result<(), Farewell> {
        let shared = &self.peer.shared;
        let budget = Budget { above: LARGE_FRAME, share: &self.peer.share.incoming, store: &shared.incoming };
        while let Some((frame, memory)) = input.next(&budget).await? {
            let command = shared.router().handle(&self.seat, frame, Instant::now());
            let answer = match command {
                Command::Append(publish) => self.append(publish, memory).await,
                Command::AnswerIfStored(publish, refusal) => self.look_up(&publish, refusal).await,
                Command::SendSlot(confirmed) => Answer::Slot(confirmed),
                Command::Refuse(refusal) => Answer::Refused(refusal),
                Command::End(refusal) => return Err(refusal.into()),
                Command::FanOut(receivers, signal) => {
                    self.fan_out(&receivers, &signal).await;
                    continue;
                }
                Command::Drop(limit) => {
                    shared.metrics.limited_at(limit, self.peer.payer);
                    continue;
                }
            };
            self.answers.send(answer).await.map_err(|_| Farewell::done())?;
        }
        Ok(())
    }

    async fn append(&self, publish: Publish, memory: Memory) -> Answer {
        let (id, backend) = (publish.id, &self.peer.shared.backend);
        let publish = Publish { memory, ..publish };
        let ticket = match publish.commit {
            Some(_) => backend.append_commit(self.author(), publish).await,
            None => backend.append(self.author(), publish).await,
        };
        Answer::Ticket(id, ticket)
    }

    async fn look_up(&self, publish: &Publish, refusal: Refusal) -> Answer {
        match self.peer.shared.backend.published(self.author(), publish).await {
            Ok(Some(appended)) => Answer::Published(publish.id, appended),
            Ok(None) => Answer::Refused(refusal),
            Err(_) => Answer::Refused(Refusal::of(Code::ShuttingDown).about(publish)),
        }
    }

    async fn fan_out(&self, receivers: &[Handle], signal: &Bytes) {
        // A member that was removed may not have noticed yet, or pretend that it has not.
        let view = self.peer.shared.backend.view(self.author()).await;
        if matches!(view, Ok(Some(view)) if view.is_member()) {
            for receiver in receivers {
                // Full or gone: dropped, as signals may be.
                let _ = receiver.signals.try_send(signal.clone());
            }
        }
    }

    fn author(&self) -> Author {
        Author { room: self.seat.room, key: self.seat.key, now_ms: unix_ms() }
    }
}
