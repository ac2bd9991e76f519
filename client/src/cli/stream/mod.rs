//! `send ROOM -`: standard input becomes messages as it comes.
//!
//! ```text
//!  stdin ─ thread ─▶ pieces ─▶ batch ─ 300 ms, or full ─▶ outbox ─▶ relay
//! ```
//!
//! While few messages are under way, what arrives within [`QUIET_MS`] is one message. When the relay is slower than
//! that, by its limit of messages a minute perhaps, messages wait until they are full. Nothing is dropped: when too
//! many wait, nothing more is read, and whoever writes into our input waits.

mod pieces;

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    time::Duration,
};

use shared::room::{self as engine, Command, MAX_TEXT, Problem};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Globals,
    interrupt::interrupted,
    random::random,
    wait::{Patience, hopeless, late, limit, one, seen},
};
use crate::{
    faces::{
        input,
        json::Out,
        meanwhile::{meanwhile, next},
        stdout, words,
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, RoomEvent},
    store::Notice,
};
use pieces::{Batch, Piece};

/// What comes within this time becomes one message, in milliseconds: a burst of a compiler's output is one, and a
/// person who watches waits for nothing.
const QUIET_MS: u64 = 300;

/// With so many messages under way the next waits until it is full: the relay is slower than the input.
const BRISK: usize = 4;

/// With so many messages under way nothing is read: half of what the outbox holds, for others use it as well.
const MOST: usize = engine::MAX_OUTBOX / 2;

/// A message that the outbox had no room for is offered again after so long, in milliseconds.
const AGAIN_MS: u64 = 500;

pub(super) async fn stream(globals: &Globals, room: &str, patience: Patience) -> Result<Exit, Failure> {
    let (runtime, mut events) = one(globals, room).await?;
    let prefix = hex::encode(random().bytes::<8>());
    let mut sender = Sender {
        globals,
        runtime: &runtime,
        room,
        patience: patience.time(),
        prefix,
        last: 0,
        waiting: BTreeSet::new(),
        offered: None,
        refused: None,
        not_before: Instant::now(),
        told: None,
        batch: Batch::default(),
        seen: VecDeque::new(),
    };
    let mut pieces = pieces::stdin();
    let done = tokio::select! {
        done = sender.run(&mut pieces, &mut events) => done.map(|()| Exit::Ok),
        () = interrupted() => sender.keep_rest(&mut pieces, &mut events).await.map(|()| Exit::Interrupted),
    };
    let left = sender.waiting.len();
    runtime.shutdown().await;
    if left > 0 {
        eprintln!("schat: {}", words::command::room::still_queued(left));
    }
    done
}

struct Sender<'a> {
    globals: &'a Globals,
    runtime: &'a Runtime,
    room: &'a str,
    /// How long the relay may take nothing once the input has ended.
    patience: Duration,
    /// Tells our messages from those of earlier runs.
    prefix: String,
    last: u64,
    /// Tokens of what is in the outbox and not on the relay's disk: at most [`MOST`] and one.
    waiting: BTreeSet<String>,
    /// What was handed over and neither taken nor refused yet.
    offered: Option<(String, String)>,
    /// What the outbox had no room for: it comes first again.
    refused: Option<String>,
    /// The outbox was full: nothing is offered before.
    not_before: Instant,
    /// What the relay did not take for the moment.
    told: Option<Failure>,
    /// What was read and is in no message yet.
    batch: Batch,
    /// What was told while the room was asked for something.
    seen: VecDeque<Event>,
}

impl Sender<'_> {
    /// Somebody stops the program: what it has read and nobody else has is sent at the next start.
    async fn keep_rest(
        &mut self,
        pieces: &mut mpsc::Receiver<io::Result<Piece>>,
        events: &mut mpsc::Receiver<Event>,
    ) -> Result<(), Failure> {
        loop {
            while let (false, Ok(Ok(piece))) = (self.batch.is_full(), pieces.try_recv()) {
                self.batch.push(piece);
            }
            if self.batch.is_empty() && self.refused.is_none() {
                return Ok(());
            }
            let Some(text) = self.refused.take().or_else(|| self.batch.take()) else { return Ok(()) };
            self.offer(text, events).await?;
            if let Some((token, _)) = self.offered.take() {
                self.waiting.insert(token);
            }
        }
    }

    /// Returns when the input ended and the relay has all of it on its disk.
    async fn run(
        &mut self,
        pieces: &mut mpsc::Receiver<io::Result<Piece>>,
        events: &mut mpsc::Receiver<Event>,
    ) -> Result<(), Failure> {
        let (mut is_open, mut since) = (true, None);
        let mut broken = None;
        let mut patience = Instant::now() + self.patience;
        loop {
            let is_empty = self.batch.is_empty() && self.refused.is_none();
            if !is_open && is_empty && self.offered.is_none() && self.waiting.is_empty() {
                // What was read before is on the relay's disk.
                return broken.map_or(Ok(()), Err);
            }
            let is_free = self.offered.is_none() && self.waiting.len() < MOST;
            let is_due = self.batch.is_full() || !is_open || self.refused.is_some();
            let is_brisk = self.waiting.len() < BRISK;
            let ready = is_free && !is_empty && (is_due || is_brisk);
            let quiet = since.unwrap_or_else(Instant::now) + Duration::from_millis(QUIET_MS);
            let at = if is_due { self.not_before } else { self.not_before.max(quiet) };
            tokio::select! {
                piece = pieces.recv(), if is_open && !self.batch.is_full() => match piece {
                    Some(Ok(piece)) => {
                        self.batch.push(piece);
                        since.get_or_insert_with(Instant::now);
                    }
                    Some(Err(error)) => broken = Some(input::unreadable(&error)),
                    None => {
                        is_open = false;
                        patience = Instant::now() + self.patience;
                    }
                },
                () = sleep_until(at), if ready => {
                    let text = self.refused.take().or_else(|| self.batch.take());
                    since = (!self.batch.is_empty()).then(Instant::now);
                    if let Some(text) = text {
                        self.offer(text, events).await?;
                    }
                }
                event = next(&mut self.seen, events) => {
                    let Some(event) = event else { return Err(late(self.runtime, self.told.take())) };
                    if self.heard(event).await? {
                        patience = Instant::now() + self.patience;
                    }
                }
                () = sleep_until(patience), if !is_open => return Err(self.given_up()),
            }
        }
    }

    async fn offer(&mut self, text: String, events: &mut mpsc::Receiver<Event>) -> Result<(), Failure> {
        self.last = self.last.saturating_add(1);
        let token = format!("{}-{}", self.prefix, self.last);
        self.offered = Some((token.clone(), text.clone()));
        let telling = self.runtime.tell(self.room, Command::Send { token, text });
        Ok(meanwhile(events, &mut self.seen, telling).await?)
    }

    /// Returns whether one more of our messages is on the relay's disk.
    async fn heard(&mut self, event: Event) -> Result<bool, Failure> {
        let notice = event.notice();
        if let Event::Room {
            event: RoomEvent::Notice { notice: Notice::Problem(Problem::OutboxFull), again: false, .. },
            ..
        } = &event
        {
            seen(self.runtime, notice).await;
            self.not_before = Instant::now() + Duration::from_millis(AGAIN_MS);
            self.refused = self.offered.take().map(|(_, text)| text);
            return Ok(false);
        }
        self.told = limit(&event).or(self.told.take());
        let failure = hopeless(self.globals, &event);
        seen(self.runtime, notice).await;
        if let Some(failure) = failure {
            return Err(failure);
        }
        match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Queued { token, .. }), .. }
                if self.offered.take_if(|(offered, _)| *offered == token).is_some() =>
            {
                self.waiting.insert(token);
            }
            Event::Room { event: RoomEvent::Engine(engine::Event::Sent { token, seq }), .. } => {
                let ours = self.waiting.remove(&token);
                if ours {
                    self.told = None;
                }
                if ours && self.globals.json {
                    stdout::line(&Out::Sent { room: self.room.to_owned(), id: token, seq }.to_line());
                }
                return Ok(ours);
            }
            _ => {}
        }
        Ok(false)
    }

    fn given_up(&self) -> Failure {
        let mut failure = late(self.runtime, self.told.clone());
        if self.offered.is_some() || self.refused.is_some() || self.waiting.len() >= MOST {
            failure.message.push_str(words::command::room::NOT_ALL_TAKEN);
        } else {
            words::command::room::QUEUED.clone_into(&mut failure.remedy);
        }
        failure
    }
}

/// A message and the line break before the next line fit.
const _: () = assert!(MAX_TEXT > pieces::MAX_READ);
