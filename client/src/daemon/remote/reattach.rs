//! Keeps a face attached: over restarts of the daemon, and when it was cut off.
//!
//! Where events began and how far they came is known room by room, so attaching again goes on behind that: nothing is
//! missing and nothing comes twice. What came is handed to the face however long that takes; meanwhile it is attached
//! again, without events, because who reads may have to ask before it can read on.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use shared::room as engine;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Call, DaemonState,
    attachment::{Attachment, Writer},
    gone, lock,
};
use crate::{
    ask::Asked,
    daemon::{
        WINDOW, client,
        wire::{Attach, Begin, Down, Up},
    },
    reason::{DaemonReason, Reason},
    runtime::{Event, RelayState, RoomEvent},
    store::ProfileDir,
};

/// First wait before a daemon is looked for again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Longest wait.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How many events are taken before the daemon is told: each frame costs both sides a little.
const BATCH: u32 = 32;

/// Calls whose answer is not wanted any more are looked for when so many are open.
const MANY: usize = 64;

pub(super) struct Keeper {
    dir: ProfileDir,
    attach: Attach,
    known: Arc<DaemonState>,
    calls: mpsc::Receiver<Call>,
    events: mpsc::Sender<Event>,
    patience: Option<Duration>,
    hold: Duration,
    /// How far each room came.
    came: BTreeMap<String, u64>,
    /// Hands on what came over earlier connections.
    draining: Option<JoinHandle<()>>,
    /// Asked while nobody was there, or not answered and to be asked again: at most [`super::CALLS`], and what was open.
    held: VecDeque<(Instant, Call)>,
    next: u64,
}

impl Keeper {
    pub(super) fn new(
        dir: ProfileDir,
        attach: Attach,
        known: Arc<DaemonState>,
        calls: mpsc::Receiver<Call>,
        events: mpsc::Sender<Event>,
        patience: Option<Duration>,
        hold: Duration,
    ) -> Self {
        Self {
            dir,
            attach,
            known,
            calls,
            events,
            patience,
            hold,
            came: BTreeMap::new(),
            draining: None,
            held: VecDeque::new(),
            next: 0,
        }
    }

    /// Runs until the face is gone, or the daemon is given up. `rooms`: where their events begin.
    pub(super) async fn run(mut self, mut link: Attachment, rooms: Vec<(String, u64)>) {
        self.begin(rooms);
        loop {
            let Some(why) = self.serve(link).await else { return };
            match self.again(why).await {
                Ok(next) => link = next,
                Err(reason) => {
                    *lock(&self.known.lost) = Some(reason.clone());
                    lock(&self.known.snapshot).is_stuck = false;
                    let (draining, events) = (self.draining.take(), self.events.clone());
                    // Whoever asks is not kept waiting for what is still to be read.
                    tokio::spawn(async move {
                        if let Some(draining) = draining {
                            let _ = draining.await;
                        }
                        let _ = events.send(lost(&reason, None)).await;
                    });
                    return;
                }
            }
        }
    }

    /// Serves a connection to its end; returns why it ended, or none when the face is gone.
    async fn serve(&mut self, mut link: Attachment) -> Option<Reason> {
        let (backlog, waiting) = mpsc::channel(WINDOW);
        let before = self.draining.take();
        let hands = self.hand_on(waiting, link.up.clone(), before);
        let mut open = Open::new();
        let why = loop {
            while let Some((_, call)) = self.held.pop_front() {
                self.call(call, &link.up, &mut open).await;
            }
            tokio::select! {
                down = link.down.recv() => match down {
                    Some(Down::Snapshot(snapshot)) => *lock(&self.known.snapshot) = *snapshot,
                    Some(Down::Event(event)) => {
                        // It is shown, whatever becomes of the connection.
                        if let Some((room, seq)) = place(&event) {
                            let last = self.came.entry(room).or_default();
                            *last = seq.max(*last);
                        }
                        // Never full: the daemon heeds what was taken.
                        if backlog.try_send(*event).is_err() {
                            break gone();
                        }
                    }
                    Some(Down::Answer(id, bytes)) => {
                        if let Some((_, reply)) = open.remove(&id) {
                            let _ = reply_to(reply, Ok(bytes));
                        }
                    }
                    Some(Down::Bye(reason)) => break reason,
                    Some(Down::From(_) | Down::Status(_)) | None => break gone(),
                },
                call = self.calls.recv() => match call {
                    Some(call) => self.call(call, &link.up, &mut open).await,
                    None => return None,
                },
            }
        };
        drop((backlog, link));
        for (request, reply) in open.into_values() {
            match request {
                Some(request) => self.held.push_back((Instant::now(), Call { request, reply })),
                None => drop(reply_to(reply, Err(unsure()))),
            }
        }
        // What came is shown before anything else: a face that was cut off gets no more before it has read that. It is not
        // waited for: who reads may ask first.
        self.draining = Some(hands);
        (!self.events.is_closed()).then_some(why)
    }

    async fn call(&mut self, call: Call, up: &Writer, open: &mut Open) {
        if open.len() >= MANY {
            open.retain(|id, (_, reply)| {
                if reply.is_closed() {
                    up.try_send(&Up::Drop(*id));
                }
                !reply.is_closed()
            });
        }
        let Call { request, reply } = call;
        if reply.is_closed() {
            return;
        }
        self.next += 1;
        let again = request.repeats().then(|| request.clone());
        match up.send(&Up::Ask(self.next, request)).await {
            Ok(()) => drop(open.insert(self.next, (again, reply))),
            Err(reason) => drop(reply_to(reply, Err(reason))),
        }
    }

    /// Hands events to the face, and tells the daemon that they were taken.
    /// Not before those of the connections `before`; the daemon sends none until then.
    fn hand_on(
        &self,
        mut waiting: mpsc::Receiver<Event>,
        up: Writer,
        before: Option<JoinHandle<()>>,
    ) -> JoinHandle<()> {
        let events = self.events.clone();
        tokio::spawn(async move {
            if let Some(before) = before {
                // It only ends.
                let _ = before.await;
                let all = u32::try_from(WINDOW).unwrap_or(u32::MAX);
                let _ = up.send(&Up::Took(all)).await;
            }
            let mut count = 0;
            while let Some(event) = waiting.recv().await {
                // A face that does not listen any more may still ask.
                let _ = events.send(event).await;
                count += 1;
                if count >= BATCH || waiting.is_empty() {
                    // When the connection is gone, what came over it is handed on all the same.
                    let _ = up.send(&Up::Took(std::mem::take(&mut count))).await;
                }
            }
        })
    }

    /// Where the events of each room begin.
    fn begin(&mut self, rooms: Vec<(String, u64)>) {
        for (room, seq) in rooms {
            self.came.entry(room).or_insert(seq);
        }
    }

    /// Attaches again.
    async fn again(&mut self, why: Reason) -> Result<Attachment, Reason> {
        let until = self.patience.map(|patience| Instant::now() + patience);
        let mut wait = FIRST_WAIT;
        let mut said = false;
        loop {
            match self.try_again().await {
                Ok(Some(link)) => return Ok(link),
                Ok(None) => {}
                Err(reason) => return Err(reason),
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Err(why);
            }
            if !said {
                said = true;
                // A face that does not read learns it later.
                let _ = self.events.try_send(lost(&gone(), Some(LAST_WAIT)));
            }
            self.wait(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
    }

    /// None: nobody is there.
    async fn try_again(&mut self) -> Result<Option<Attachment>, Reason> {
        let daemon = match client::find(&self.dir).await {
            Ok(Some(daemon)) => daemon,
            Ok(None) => return Ok(None),
            Err(reason @ Reason::Daemon(DaemonReason::OtherVersion { .. })) => return Err(reason),
            // It may only be slow to start.
            Err(_) => return Ok(None),
        };
        let came = self.came.iter().map(|(room, seq)| (room.clone(), *seq)).collect();
        self.attach.begin = Begin::After(came);
        self.draining.take_if(|hands| hands.is_finished());
        self.attach.is_behind = self.draining.is_some();
        match Attachment::open(daemon, &self.attach).await {
            Ok((link, (snapshot, rooms))) => {
                *lock(&self.known.snapshot) = snapshot;
                self.begin(rooms);
                Ok(Some(link))
            }
            // It ended in the same moment.
            Err(reason) if matches!(reason.code(), "daemon_gone" | "too_many_faces") => Ok(None),
            Err(reason) => Err(reason),
        }
    }

    /// Waits; holds what is asked meanwhile for a while.
    async fn wait(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            let due = self.held.front().map(|(asked, _)| *asked + self.hold);
            let is_open = self.held.len() < super::CALLS;
            tokio::select! {
                () = sleep_until(until) => return,
                () = sleep_until(due.unwrap_or(until)), if due.is_some() => {
                    if let Some((_, call)) = self.held.pop_front() {
                        let _ = reply_to(call.reply, Err(gone()));
                    }
                }
                call = self.calls.recv(), if is_open => match call {
                    Some(call) => self.held.push_back((Instant::now(), call)),
                    // The face is gone; whoever holds this task ends it.
                    None => sleep(time).await,
                },
            }
        }
    }
}

/// What was asked and is not answered; and the question, if it may be asked twice.
type Open = BTreeMap<u64, (Option<Asked>, Reply)>;

type Reply = tokio::sync::oneshot::Sender<Result<Vec<u8>, Reason>>;

/// Whoever asked may be gone.
fn reply_to(reply: Reply, answer: Result<Vec<u8>, Reason>) -> Option<()> {
    reply.send(answer).ok()
}

/// The room and the number of a chat line.
fn place(event: &Event) -> Option<(String, u64)> {
    let Event::Room { room, event } = event else { return None };
    let seq = match event {
        RoomEvent::Engine(engine::Event::Message(message)) => message.seq,
        RoomEvent::Past(line) => line.message.seq,
        _ => return None,
    };
    Some((room.to_string(), seq))
}

/// Told as what it is for a face: the way to the relays is gone.
fn lost(reason: &Reason, retry: Option<Duration>) -> Event {
    Event::Relay { relay: "the daemon".to_owned(), state: RelayState::Lost { reason: reason.clone(), retry } }
}

/// For what was under way when the daemon went.
fn unsure() -> Reason {
    DaemonReason::Gone { is_unsure: true }.into()
}
