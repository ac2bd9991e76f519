//! Client to relay: reads frames, has the router decide, carries out its commands.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use proto::{
    PublishId, encode_frame,
    relay::{ClientFrame, Ephemeral, RelayFrame, refused::Code, relay_frame::Frame},
};
use tokio::sync::mpsc;

use super::{
    end::StreamEnd,
    input::{Budget, Input, InputError},
};
use crate::{
    log::{Appended, Author, Memory, Publish, ReadPermit, Signal, Tail, Ticket},
    policy::{
        limits::{FIRST_STEP_KIB, LARGE_FRAME, MEMORY_TIME},
        refusal::Limit,
    },
    session::{
        peer::Peer,
        router::{Action, Refusal, Session},
    },
};

/// What the other direction sends, in this order.
pub(super) enum Answer {
    /// What becomes of a publish that is on its way to the disk.
    Ticket(PublishId, Ticket),
    /// A publish that was in the log already.
    Published(PublishId, Appended),
    /// A no. Apart, because a queue of answers has room for the largest of them many times over.
    Refused(Box<Refusal>),
    /// The newest slot, or the last confirmed one (`true`), read when it is sent.
    Slot(bool),
}

/// The loop's state.
pub(super) struct Upstream<'a> {
    pub peer: &'a Peer,
    pub session: Session,
    /// Whether the key was in good standing when it joined, and the room not frozen: only then its signals are heard.
    pub signals: bool,
    /// Of a key that reads, or waits until it may again.
    pub permit: &'a ReadPermit,
    pub tail: Arc<Tail>,
    /// When full, the client is not read: QUIC makes it wait.
    pub answers: mpsc::Sender<Answer>,
}

impl Upstream<'_> {
    /// Runs until the client ends (`Ok`) or has to be ended.
    pub(super) async fn run(self, input: &mut Input) -> Result<(), StreamEnd> {
        let shared = &self.peer.shared;
        let budget = Budget {
            above: LARGE_FRAME,
            step_kib: FIRST_STEP_KIB,
            pool: &shared.incoming,
            address: self.peer.payer,
            patience: MEMORY_TIME,
        };
        loop {
            match input.next(&budget).await.inspect_err(|error| self.count(error)) {
                // An allocation for each frame, so that the streams that wait for one, which are nearly all, do without 3 KiB.
                Ok(Some((frame, memory))) => Box::pin(self.execute(frame, memory)).await?,
                Ok(None) => return Ok(()),
                Err(InputError::NoMemory { id: Some(id) }) => Box::pin(self.not_now(id)).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// There was no memory for a publish: it is to be sent again.
    async fn not_now(&self, id: PublishId) -> Result<(), StreamEnd> {
        let command = self.peer.shared.router().no_memory(&self.session, id, Instant::now());
        self.carry_out(command, Memory::default()).await
    }

    /// Whoever was too slow with a frame.
    fn count(&self, error: &InputError) {
        if *error == InputError::TimedOut {
            self.peer.shared.metrics.limited_at(Limit::SlowFrame, self.peer.payer);
        }
    }

    /// Carries out what a frame asks for.
    async fn execute(&self, frame: ClientFrame, memory: Memory) -> Result<(), StreamEnd> {
        let shared = &self.peer.shared;
        let command = shared.router().handle(&self.session, frame.try_into(), Instant::now());
        self.carry_out(command, memory).await
    }

    async fn carry_out(&self, command: Action, memory: Memory) -> Result<(), StreamEnd> {
        let shared = &self.peer.shared;
        let answer = match command {
            Action::Append(publish) => self.append(publish, memory).await,
            Action::AnswerIfStored(publish, refusal) => self.look_up(&publish, refusal).await,
            Action::SendSlot(confirmed) => Answer::Slot(confirmed),
            Action::Refuse(refusal) => Answer::Refused(Box::new(refusal)),
            Action::End(refusal) => return Err(refusal.into()),
            Action::FanOut(signal) => {
                self.fan_out(signal).await;
                return Ok(());
            }
            Action::Drop(limit) => {
                shared.metrics.limited_at(limit, self.peer.payer);
                return Ok(());
            }
        };
        self.answers.send(answer).await.map_err(|_| StreamEnd::done())
    }

    async fn append(&self, publish: Publish, memory: Memory) -> Answer {
        let (id, log) = (publish.id, &self.peer.shared.log);
        let publish = Publish { memory, payer: Some(self.peer.payer), ..publish };
        let ticket = match publish.commit {
            Some(_) => log.append_commit(self.author(), publish).await,
            None => log.append(self.author(), publish).await,
        };
        Answer::Ticket(id, ticket)
    }

    async fn look_up(&self, publish: &Publish, refusal: Refusal) -> Answer {
        match self.peer.shared.log.published(self.author(), publish).await {
            Ok(Some(appended)) => Answer::Published(publish.id, appended),
            Ok(None) => Answer::Refused(Box::new(refusal)),
            Err(_) => Answer::Refused(Box::new(Refusal::of(Code::ShuttingDown).about(publish))),
        }
    }

    async fn fan_out(&self, envelope: Bytes) {
        // A member that was removed may not have noticed yet, or pretend that it has not.
        if self.signals && (self.tail.allows(self.permit) || self.is_member().await) {
            let frame = RelayFrame { frame: Some(Frame::Ephemeral(Ephemeral { envelope })) };
            self.tail.signal(Signal { from: self.session.key, frame: encode_frame(&frame).into() });
        }
    }

    /// Looks the key up, once for each time that it may have lost something.
    async fn is_member(&self) -> bool {
        let generation = self.tail.generation();
        let view = self.peer.shared.log.view(self.author()).await;
        let is_member = matches!(view, Ok(Some(view)) if view.is_member() && view.frozen.is_none());
        if is_member {
            self.permit.found(generation);
        }
        is_member
    }

    fn author(&self) -> Author {
        Author { room: self.session.room, key: self.session.key, now_ms: self.peer.shared.clock.now_ms() }
    }
}
