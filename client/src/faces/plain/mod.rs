//! `--plain`: lines that are only ever appended. Chat on standard output, everything else on standard error, after a mark
//! that no line of the chat begins with: on a terminal both are one.

mod show;

pub(crate) use show::note;
use show::show_events;
pub use show::{format, lines};

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use shared::room::{GroupView, Person};
use tokio::sync::{mpsc, oneshot};

use super::{
    input::Input,
    lines::{self, TypedLine},
    pending::{Part, Pending},
    words::{self, Progress},
};
use crate::{
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, Transfer, TransferState},
    store::{Cursor, Item},
    text::namesakes::Namesakes,
};

/// Who was named in a room.
#[derive(Default)]
struct Named {
    names: Namesakes,
    /// The members among them.
    members: Option<Arc<GroupView>>,
}

/// Stored lines that are looked at for people of one name: more than are shown at the start.
const PAST: u32 = 200;

/// What the two halves of the face share.
#[derive(Clone, Default)]
struct Shared {
    /// The room that lines go to.
    current: Arc<Mutex<Option<String>>>,
    pending: Pending,
    stays: bool,
    /// How far each room was shown, and is not kept as read yet: at most as many as there are rooms.
    read: Arc<Mutex<BTreeMap<String, u64>>>,
    /// Who was named in each room so far: as many as there are rooms.
    named: Arc<Mutex<BTreeMap<String, Named>>>,
    /// What was told of files last, by number: at most as many as are under way.
    files: Arc<Mutex<BTreeMap<i64, (TransferState, Progress)>>>,
}

impl Shared {
    /// A line was shown.
    fn has_shown(&self, room: &str, seq: u64) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let upto = read.entry(room.to_owned()).or_default();
        *upto = (*upto).max(seq);
    }

    /// Among whom these are named in a room: its members, and whoever is or will soon be named beside them. What is shown of
    /// the past comes line by line, and before the members: so it is looked at as a whole when the first of it comes.
    async fn among(
        &self,
        runtime: &Runtime,
        room: &str,
        people: &[Person],
    ) -> (Option<Arc<GroupView>>, Namesakes) {
        if !self.named().contains_key(room) {
            // What cannot be read is not shown either.
            let past = runtime.past_before(room, u64::MAX, PAST).await.unwrap_or_default();
            let changes = runtime.key_changes().await.unwrap_or_default();
            let named = past.iter().flat_map(Item::people).collect::<Vec<_>>();
            let mut all = self.named();
            let names = &mut all.entry(room.to_owned()).or_default().names;
            names.add_all(&named);
            names.became_all(past.iter().filter_map(Item::change).chain(changes));
        }
        let view = runtime.view(room);
        let mut all = self.named();
        let named = all.entry(room.to_owned()).or_default();
        if named.members.as_ref().map(Arc::as_ptr) != view.as_ref().map(Arc::as_ptr) {
            if let Some(view) = &view {
                named.names.regroup(named.members.as_deref(), view);
            }
            named.members.clone_from(&view);
        }
        named.names.add_all(people);
        (view, named.names.only(people))
    }

    fn named(&self) -> MutexGuard<'_, BTreeMap<String, Named>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be said of a file under way, if it is not what was said last.
    fn told(&self, transfer: &Transfer) -> Option<String> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if transfer.state.is_final() {
            files.remove(&transfer.number);
            return words::transfer(transfer);
        }
        match files.entry(transfer.number) {
            Entry::Vacant(new) => {
                new.insert((transfer.state.clone(), Progress::start(transfer, now)));
                words::transfer(transfer)
            }
            Entry::Occupied(mut known) => {
                let (state, progress) = known.get_mut();
                if *state == transfer.state {
                    return progress.at(transfer, now);
                }
                state.clone_from(&transfer.state);
                words::transfer(transfer)
            }
        }
    }

    /// Something was shown that is not kept as read.
    fn has_news(&self) -> bool {
        !self.read.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Keeps what was shown as read. What cannot be kept is unread at the next start.
    async fn keep_read(&self, runtime: &Runtime) {
        let read = std::mem::take(&mut *self.read.lock().unwrap_or_else(PoisonError::into_inner));
        for (room, seq) in read {
            let _ = runtime.ack_at(&room, &Cursor::read(), seq).await;
        }
    }
}

/// How the face begins.
pub struct Options {
    /// The room that lines go to.
    pub current: Option<String>,
    /// A person is at the keyboard: a room that cannot be entered ends nothing.
    pub stays: bool,
}

/// Serves a person until the input ends or says `/quit`, or nothing can go on: then the exit says why.
pub async fn run(
    runtime: &Runtime,
    events: mpsc::Receiver<Event>,
    mut input: mpsc::Receiver<Input>,
    options: Options,
) -> Exit {
    let Options { current, stays } = options;
    let pending = Pending::of(stays);
    if let Some(label) = &current {
        pending.join(runtime, label);
    }
    let shared = Shared { current: Arc::new(Mutex::new(current)), pending, stays, ..Shared::default() };
    if let Some(said) = super::zone::here().1 {
        note(&said);
    }
    if stays {
        super::execute::unread(runtime).await.iter().for_each(|line| note(line));
    }
    let (end, ends) = oneshot::channel();
    let mut writer = Part(tokio::spawn(show_events(runtime.clone(), events, shared.clone(), ends)));
    loop {
        let line = tokio::select! {
            line = input.recv() => line,
            exit = &mut writer.0 => return exit.unwrap_or(Exit::Local),
        };
        let Some(line) = line else { break };
        let parsed = match line {
            Input::Line(line) => lines::parse(&line),
            Input::TooLong => Err(Failure::usage("The line is too long.", "Send it in parts.")),
            Input::Broken(failure) => Err(failure),
        };
        match parsed {
            Ok(TypedLine::Quit) => break,
            Ok(line) => {
                let enters = matches!(line, TypedLine::Join(_) | TypedLine::Link(_) | TypedLine::Create(..));
                if let Err(failure) = execute(runtime, &shared, line).await {
                    shared.pending.failed(failure.exit);
                    note(&words::failure(&failure));
                    if let Some(room) = lock(&shared).as_deref().filter(|_| enters) {
                        note(&format!("What you type still goes to {}.", words::called(room)));
                    }
                }
            }
            Err(failure) => {
                shared.pending.failed(failure.exit);
                note(&words::failure(&failure));
            }
        }
    }
    let settle = async {
        match stays {
            true => shared.pending.leave(runtime, note).await,
            false => shared.pending.settle().await,
        }
    };
    let done = tokio::select! {
        exit = &mut writer.0 => return exit.unwrap_or(Exit::Local),
        done = settle => done,
    };
    if !done {
        note("Not everything was done; what is left is done at the next start.");
    }
    let _ = end.send(());
    // What has happened is shown, and marked as seen, before the end.
    let _ = (&mut writer.0).await;
    shared.keep_read(runtime).await;
    // The end of the input may have come in the same moment as the refusal.
    match runtime.is_stuck() {
        true => Exit::Verification,
        // A person saw what was refused, and went on.
        false => match shared.pending.refusal().filter(|_| !stays) {
            Some(refused) => refused,
            None if done => Exit::Ok,
            None => Exit::Network,
        },
    }
}

async fn execute(runtime: &Runtime, shared: &Shared, line: TypedLine) -> Result<(), Failure> {
    // A terminal in line mode hands on what an editing key sends.
    if matches!(&line, TypedLine::Say(text) if text.contains(|c: char| c.is_control() && c != '\t')) {
        return Err(Failure::usage(
            "That line holds control characters, an arrow key perhaps; it was not sent.",
            "Type it again.",
        ));
    }
    let current = lock(shared).clone();
    let done = super::execute::execute(runtime, &shared.pending, current.as_deref(), line).await?;
    done.notes.iter().for_each(|line| note(line));
    if let Some(watched) = done.watch {
        let runtime = runtime.clone();
        tokio::spawn(async move { note(&super::execute::removed(&runtime, watched).await) });
    }
    if let Some(room) = done.go {
        *lock(shared) = Some(room);
    }
    Ok(())
}

fn lock(shared: &Shared) -> MutexGuard<'_, Option<String>> {
    shared.current.lock().unwrap_or_else(PoisonError::into_inner)
}
