//! Waits for files under way, and shows how they go.

use std::{
    collections::VecDeque,
    io::{IsTerminal as _, Write as _, stderr},
    time::Instant,
};

use shared::{message::timeline::Line, room as engine};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    cli::{
        Globals,
        file::find::PAGE,
        wait::{Patience, hopeless, late, limit, seen},
    },
    faces::{
        json::Out,
        stdout,
        words::{self, Speed, command::file as own_words},
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, RoomEvent, Transfer, TransferState, Way},
};

/// Cells of a bar.
const BAR: usize = 24;

/// A file that is waited for.
pub(super) struct Followed {
    transfer: Transfer,
    speed: Speed,
    /// The room has the message that offers it; or nothing more is to come.
    is_through: bool,
}

impl Followed {
    pub(super) fn new(transfer: Transfer) -> Self {
        let speed = Speed::start(&transfer, Instant::now());
        Self { transfer, speed, is_through: false }
    }

    /// One that has been offered before it was asked for may be in the log already.
    pub(super) async fn look(&mut self, runtime: &Runtime, room: &str) -> Result<(), Failure> {
        if let (TransferState::Done(_), Way::Up(blob)) = (&self.transfer.state, self.transfer.way) {
            let lines = runtime.history_before(room, u64::MAX, PAGE).await?;
            let is_it = |line: &Line| line.message.file.as_ref().is_some_and(|file| file.id == blob);
            self.is_through = lines.iter().any(is_it);
        }
        Ok(())
    }
}

/// Waits until all are through. Returns how they stand then.
pub(super) async fn follow(
    globals: &Globals,
    runtime: &Runtime,
    events: &mut mpsc::Receiver<Event>,
    followed: Vec<Followed>,
    patience: Patience,
) -> Result<Vec<Transfer>, Failure> {
    follow_from(globals, runtime, (&mut VecDeque::new(), events), followed, patience).await
}

/// Does something, and takes what comes meanwhile: rooms wait for whoever does not listen, and this may wait for a room. What is
/// kept has no more events than a few for each file that is begun.
pub(super) async fn meanwhile<T>(
    events: &mut mpsc::Receiver<Event>,
    seen: &mut VecDeque<Event>,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(event) = events.recv() => seen.push_back(event),
        }
    }
}

/// The same, from what was seen before.
pub(super) async fn follow_from(
    globals: &Globals,
    runtime: &Runtime,
    (before, events): (&mut VecDeque<Event>, &mut mpsc::Receiver<Event>),
    mut followed: Vec<Followed>,
    patience: Patience,
) -> Result<Vec<Transfer>, Failure> {
    let has_bar = !globals.json && stderr().is_terminal();
    let mut told = None;
    while followed.iter().any(|file| !file.is_through) {
        let next = async {
            match before.pop_front() {
                Some(event) => Some(event),
                None => events.recv().await,
            }
        };
        let Ok(event) = timeout(patience.time(), next).await else {
            clear(has_bar);
            // What a file waits for says more than that nobody answered.
            let waits = followed.iter().filter(|file| !file.is_through);
            let why = waits.filter_map(|file| file.transfer.state.reason()).next_back().map(Failure::from);
            return Err(why.unwrap_or_else(|| kept(late(runtime, told))));
        };
        let Some(event) = event else { return Err(kept(late(runtime, told))) };
        told = limit(&event).or(told.take());
        if let Event::Room { room, event: RoomEvent::Transfer(transfer) } = &event {
            if globals.json && followed.iter().any(|file| file.transfer.number == transfer.number) {
                stdout::line(&Out::transfer(room.to_string(), transfer).to_line());
            }
            if let Some(failure) = end_of(transfer)
                && followed.iter().any(|file| file.transfer.number == transfer.number)
            {
                clear(has_bar);
                return Err(failure);
            }
        }
        take(&mut followed, &event, (globals, has_bar));
        let failure = hopeless(globals, &event);
        seen(runtime, event.notice()).await;
        if let Some(failure) = failure {
            clear(has_bar);
            return Err(failure);
        }
        show(&followed, has_bar);
    }
    clear(has_bar);
    Ok(followed.into_iter().map(|file| file.transfer).collect())
}

/// Waits until a file stands so.
pub(super) async fn until(
    events: &mut mpsc::Receiver<Event>,
    number: i64,
    mut is_so: impl FnMut(&TransferState) -> bool,
) {
    while let Some(event) = events.recv().await {
        if let Event::Room { event: RoomEvent::Transfer(transfer), .. } = event
            && transfer.number == number
            && is_so(&transfer.state)
        {
            return;
        }
    }
}

/// Why it does not go on, if it does not.
fn end_of(transfer: &Transfer) -> Option<Failure> {
    match &transfer.state {
        TransferState::Stopped(reason) => Some(own_words::stopped(transfer.number, reason.into())),
        TransferState::Cancelled(why) => Some(why.as_ref().map_or_else(own_words::cancelled, Failure::from)),
        _ => None,
    }
}

fn take(followed: &mut [Followed], event: &Event, (globals, has_bar): (&Globals, bool)) {
    let Event::Room { event, .. } = event else { return };
    match event {
        RoomEvent::Transfer(transfer) => {
            let Some(file) = followed.iter_mut().find(|file| file.transfer.number == transfer.number) else {
                return;
            };
            file.speed.at(transfer, Instant::now());
            // A program has it in the object.
            if let (TransferState::Waiting(Some(why)), true, false) =
                (&transfer.state, file.transfer.state != transfer.state, globals.json)
            {
                clear(has_bar);
                eprintln!("schat: {}: {}", words::called(&transfer.name), words::reason(why));
            }
            file.is_through |= match &transfer.state {
                TransferState::Done(_) => matches!(transfer.way, Way::Down(_)),
                _ => false,
            };
            file.transfer = transfer.clone();
        }
        // The log has it: then so have the others.
        RoomEvent::Engine(engine::Event::Message(message)) if message.mine => {
            let Some(offered) = &message.file else { return };
            let of = |file: &&mut Followed| file.transfer.way == Way::Up(offered.id);
            followed.iter_mut().filter(of).for_each(|file| file.is_through = true);
        }
        _ => {}
    }
}

/// A bar for the file that is not through yet, on the same line of the terminal.
fn show(followed: &[Followed], has_bar: bool) {
    let Some(file) = followed.iter().find(|file| !file.is_through).filter(|_| has_bar) else { return };
    let Transfer { name, size, done, .. } = &file.transfer;
    let (gauge, percent) = (words::gauge(*done, *size, BAR), words::percent(*done, *size));
    let speed = file.speed.told(size.saturating_sub(*done));
    // Where nobody reads it, it is not missed.
    let _ = write!(stderr(), "\r\u{1b}[K{} {gauge} {percent} % {speed}", words::called(name));
    let _ = stderr().flush();
}

fn clear(has_bar: bool) {
    if has_bar {
        let _ = write!(stderr(), "\r\u{1b}[K");
    }
}

/// What there is of a file stays, and goes on.
fn kept(mut failure: Failure) -> Failure {
    if failure.exit == Exit::Network {
        own_words::KEPT.clone_into(&mut failure.remedy);
    }
    failure
}
