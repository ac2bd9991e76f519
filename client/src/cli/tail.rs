//! `schat tail`: what is said, line by line, with a cursor for programs that lose nothing.

use std::sync::Arc;

use shared::{
    message::timeline::Line,
    room::{self as engine, GroupView, Person},
};
use tokio::sync::mpsc;

use super::{
    Globals, attach,
    interrupt::interrupted,
    plan::Plan,
    telling,
    wait::{hopeless, seen},
};
use crate::{
    faces::{
        input::{self, Input},
        json::{self, Cmd, Out},
        plain, stdout,
        words::{self, Among},
    },
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, Past, RelayState, RoomEvent},
    store::{Cursor, people_of},
    text::namesakes::Namesakes,
};

/// Lines that `tail` begins with when it is not told where.
const TAIL: u32 = 10;

/// Stored lines that are read at once.
const PAGE: u32 = 200;

/// Where `tail` begins.
pub(super) enum Begin {
    /// With the last lines.
    Last,
    /// With this sequence number.
    From(u64),
    /// After what was acknowledged there.
    Acked(Cursor, Ack),
}

/// What `tail` acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Ack {
    /// Whatever was written to standard output.
    Written,
    /// What lines on standard input say: {"cmd":"ack","room":ROOM,"seq":SEQ}.
    Told,
}

pub(super) async fn tail(globals: &Globals, room: &str, begin: Begin) -> Result<Exit, Failure> {
    let past = match begin {
        Begin::Last => Past::Last(TAIL),
        Begin::From(_) | Begin::Acked(..) => Past::Nothing,
    };
    let plan = Plan { past, only: Some(room.to_owned()), own: None };
    let (runtime, events) = attach::runtime(globals, plan).await?;
    let told = match &begin {
        Begin::Acked(cursor, Ack::Told) => Some(cursor.clone()),
        _ => None,
    };
    let done = tokio::select! {
        done = follow(globals, &runtime, events, room, begin) => done,
        exit = listen(globals, &runtime, told) => Ok(exit),
        () = interrupted() => Ok(Exit::Interrupted),
    };
    runtime.shutdown().await;
    done
}

/// Obeys acknowledgements on standard input until it ends; the exit is that of the first that was refused. Without a
/// cursor nothing is read, for ever.
async fn listen(globals: &Globals, runtime: &Runtime, cursor: Option<Cursor>) -> Exit {
    let Some(cursor) = cursor else { return std::future::pending().await };
    let mut exit = Exit::Ok;
    let mut input = input::stdin();
    while let Some(line) = input.recv().await {
        let done = match line {
            Input::Line(line) if line.trim().is_empty() => Ok(()),
            Input::Line(line) => match json::parse(&line) {
                Ok(Cmd::Ack { room, seq }) => {
                    runtime.ack_at(&room, &cursor, seq).await.map_err(Failure::from)
                }
                Ok(Cmd::Quit) => return Exit::Ok,
                Ok(_) => Err(words::command::room::only_acknowledged()),
                Err(failure) => Err(failure),
            },
            Input::TooLong => Err(words::command::room::line_too_long()),
            Input::Broken(failure) => Err(failure),
        };
        if let Err(failure) = done {
            telling::failure(globals.json, &failure);
            if exit == Exit::Ok {
                exit = failure.exit;
            }
        }
    }
    exit
}

async fn follow(
    globals: &Globals,
    runtime: &Runtime,
    mut events: mpsc::Receiver<Event>,
    room: &str,
    begin: Begin,
) -> Result<Exit, Failure> {
    let (mut shown, reads) = match &begin {
        Begin::Last => (0, false),
        Begin::From(from) => (from.saturating_sub(1), true),
        Begin::Acked(cursor, _) => (runtime.acked(room, cursor).await?, true),
    };
    let written = match &begin {
        Begin::Acked(cursor, Ack::Written) => Some(cursor),
        _ => None,
    };
    let mut named = Named::default();
    if reads {
        loop {
            let page = runtime.history(room, shown, PAGE).await?;
            let Some(last) = page.last() else { break };
            shown = last.message.seq;
            named.names.add_all(&page.iter().flat_map(people_of).collect::<Vec<_>>());
            if !page.into_iter().all(|line| show(globals, runtime, room, line, &mut named)) {
                return Ok(Exit::Ok);
            }
            if let Some(cursor) = written {
                runtime.ack_at(room, cursor, shown).await?;
            }
        }
    }
    let mut acked = shown;
    while let Some(event) = events.recv().await {
        let notice = event.notice();
        let seq = match &event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. }
            // What was missed while a daemon was away.
            | Event::Room { event: RoomEvent::Past(Line { message, .. }), .. } => Some(message.seq),
            _ => None,
        };
        match event {
            // What came in while the past was read is in both.
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => {
                if message.seq > shown && !show(globals, runtime, room, message.into(), &mut named) {
                    return Ok(Exit::Ok);
                }
            }
            Event::Room { event: RoomEvent::Past(line), .. } => {
                if line.message.seq > shown && !show(globals, runtime, room, line, &mut named) {
                    return Ok(Exit::Ok);
                }
            }
            notice @ Event::Room { event: RoomEvent::Notice { .. }, .. } => telling::notice(globals, &notice),
            Event::Room { room, event: RoomEvent::Failed(reason) } => {
                telling::of_room(globals.json, &room, "", &reason.into());
            }
            Event::Relay { state: RelayState::Lost { reason, retry: Some(_) }, .. } => {
                telling::failure(globals.json, &reason.into());
            }
            other => {
                if let Some(failure) = hopeless(globals, &other) {
                    return Err(failure);
                }
            }
        }
        seen(runtime, notice).await;
        // After the line was written and flushed: a crash in between writes it once more, and loses none.
        // One for many, where many come at once: each is a write that waits for the disk.
        shown = shown.max(seq.unwrap_or(0));
        let is_due = events.is_empty() || shown.saturating_sub(acked) >= u64::from(PAGE);
        if let Some(cursor) = written.filter(|_| is_due && shown > acked) {
            runtime.ack_at(room, cursor, shown).await?;
            acked = shown;
        }
    }
    Ok(Exit::Ok)
}

/// Who has or had which name in the room, members of its group included.
#[derive(Default)]
struct Named {
    names: Namesakes,
    view: Option<Arc<GroupView>>,
}

impl Named {
    /// The members are looked at again only where they are others: that costs more than a line.
    fn meet(&mut self, view: Option<&Arc<GroupView>>, people: &[Person]) {
        if let Some(view) = view
            && self.view.as_ref().is_none_or(|known| !Arc::ptr_eq(known, view))
        {
            self.names.regroup(self.view.as_deref(), view);
            self.view = Some(view.clone());
        }
        self.names.add_all(people);
    }
}

/// False: nobody reads any more.
fn show(globals: &Globals, runtime: &Runtime, room: &str, line: Line, named: &mut Named) -> bool {
    if globals.json {
        return stdout::line(&Out::message(room.to_owned(), line, false).to_line());
    }
    let view = runtime.view(room);
    named.meet(view.as_ref(), &people_of(&line));
    let among = Among { past: Some(&named.names), ..view.as_deref().into() };
    stdout::line(&plain::format(&line, None, among, None))
}
