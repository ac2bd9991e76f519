//! Commands that do one thing and end.

use std::{
    io::{self, Write},
    time::Duration,
};

use shared::{
    engine::{self, Command},
    timeline::Line,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    Globals, archive, attach,
    setup::{Plan, random},
};
use crate::{
    faces::{
        input::{self, Input},
        json::{self, Cmd, Out, RoomOut},
        plain, sanitize, words,
    },
    failure::{Exit, Failure},
    runtime::{Event, Past, RelayState, RoomEvent, Runtime},
    store::{Cursor, Notice, OpenProfile, RoomRecord, Where},
};

/// How long a command waits for the relay, in seconds: several tries.
pub(super) const PATIENCE_S: u64 = 30;

/// A command that waits longer than this, in seconds, says for what: people begin to wonder.
const HINT_S: u64 = 2;

/// Lines that `tail` begins with when it is not told where.
const TAIL: u32 = 10;

/// Stored lines that are read at once.
const PAGE: u32 = 200;

pub(super) async fn send(globals: &Globals, room: &str, text: String) -> Result<Exit, Failure> {
    let (runtime, mut events) = one(globals, room).await?;
    let token = hex::encode(random().bytes::<8>());
    let sending = async {
        runtime.tell(room, Command::Send { token: token.clone(), text }).await?;
        wait(&runtime, room, &mut events, |event| match event {
            RoomEvent::Engine(engine::Event::Sent { token: sent, seq }) if sent == token => Some(seq),
            _ => None,
        })
        .await
    };
    let sent = sending.await.map_err(|mut failure| {
        if failure.exit == Exit::Network {
            "The message is kept and sent at the next start.".clone_into(&mut failure.remedy);
        }
        failure
    });
    runtime.shutdown().await;
    let seq = sent?;
    if globals.json {
        print(&Out::Sent { room: room.to_owned(), id: token, seq }.to_line());
    }
    Ok(Exit::Ok)
}

pub(super) async fn invite(globals: &Globals, room: &str) -> Result<Exit, Failure> {
    let (runtime, mut events) = one(globals, room).await?;
    let asking = async {
        runtime.tell(room, Command::Invite).await?;
        wait(&runtime, room, &mut events, |event| match event {
            RoomEvent::Invite { link, expires_ms, max_uses } => Some((link, expires_ms, max_uses)),
            _ => None,
        })
        .await
    };
    let asked = asking.await;
    runtime.shutdown().await;
    let (link, expires, max_uses) = asked?;
    let link = link.to_string();
    if globals.json {
        print(&Out::Invite { room: room.to_owned(), link, expires, max_uses }.to_line());
    } else {
        print(&link);
    }
    Ok(Exit::Ok)
}

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
        () = listen(&runtime, told) => Ok(Exit::Ok),
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    };
    runtime.shutdown().await;
    done
}

/// Obeys acknowledgements on standard input until it ends. Without a cursor nothing is read, for ever.
async fn listen(runtime: &Runtime, cursor: Option<Cursor>) {
    let Some(cursor) = cursor else { return std::future::pending().await };
    let mut input = input::stdin();
    while let Some(line) = input.recv().await {
        let done = match line {
            Input::Line(line) if line.trim().is_empty() => Ok(()),
            Input::Line(line) => match json::parse(&line) {
                Ok(Cmd::Ack { room, seq }) => runtime.ack_at(&room, &cursor, seq).await,
                Ok(Cmd::Quit) => return,
                Ok(_) => Err(Failure::usage("tail takes nothing but ack and quit.", "Use schat --json.")),
                Err(failure) => Err(failure),
            },
            Input::TooLong => Err(Failure::usage("The line is too long.", "See docs/json.md.")),
        };
        if let Err(failure) = done {
            eprintln!("schat: {}", words::failure(&failure));
        }
    }
}

pub(super) async fn rooms(globals: &Globals) -> Result<Exit, Failure> {
    let rooms = match attach::quiet(globals).await? {
        Ok(profile) => {
            let rooms = profile.vault.now(|store| store.rooms())?.into_iter();
            rooms.map(|room| stored(&profile, room, globals.json)).collect::<Result<Vec<_>, _>>()?
        }
        Err(runtime) => runtime.rooms().iter().map(RoomOut::from).collect(),
    };
    if globals.json {
        print(&Out::Rooms { rooms }.to_line());
        return Ok(Exit::Ok);
    }
    for RoomOut { room, relay, closed, .. } in rooms {
        let place = relay.unwrap_or_else(|| "schat host".to_owned());
        let over = closed.map(|why| format!("\tover: {}", sanitize::line(&why))).unwrap_or_default();
        print(&format!("{}\t{place}{over}", sanitize::line(&room)));
    }
    Ok(Exit::Ok)
}

/// A room as it was when the program ran last. What is not known, or cannot be read, is null; of the group that is
/// everything, unless it `is_whole`.
fn stored(profile: &OpenProfile, room: RoomRecord, is_whole: bool) -> Result<RoomOut, Failure> {
    let view = if is_whole { archive::view(profile, &room).ok().flatten() } else { None };
    let others = view.iter().flat_map(|view| &view.members).filter(|member| !member.me);
    let others = others.map(|member| member.person.fingerprint);
    Ok(RoomOut {
        room: room.label,
        open: view.as_ref().map(|view| view.open),
        relay: match room.place {
            Where::Own => None,
            Where::Relay { address, .. } => Some(address.to_string()),
        },
        members: view.as_ref().map(|view| view.members.len()),
        verified: profile.vault.now(|store| Ok(store.people().are_verified(others)))?,
        closed: room.closed,
    })
}

/// Where no directory was named there is nothing to misspell: then this may be the first thing that somebody does,
/// and makes the profile.
pub(super) async fn fingerprint(globals: &Globals) -> Result<Exit, Failure> {
    let owner = match globals.profile {
        Some(_) => attach::existing(globals).await?,
        None => attach::owner(globals).await?,
    };
    let (name, fingerprint) = match attach::without_relay(globals, owner).await? {
        Ok(profile) => (profile.engine.name.clone(), profile.engine.identity.fingerprint()),
        Err(runtime) => runtime.me(),
    };
    let fingerprint = fingerprint.to_string();
    if globals.json {
        print(&Out::Fingerprint { name, fingerprint }.to_line());
    } else {
        print(&fingerprint);
    }
    Ok(Exit::Ok)
}

/// A runtime with this room only.
pub(super) async fn one(globals: &Globals, room: &str) -> Result<(Runtime, mpsc::Receiver<Event>), Failure> {
    attach::runtime(globals, Plan { past: Past::Nothing, only: Some(room.to_owned()), own: None }).await
}

/// Waits for the answer; ends early with what makes it impossible, and says once when it takes longer.
async fn wait<T>(
    runtime: &Runtime,
    room: &str,
    events: &mut mpsc::Receiver<Event>,
    mut answer: impl FnMut(RoomEvent) -> Option<T>,
) -> Result<T, Failure> {
    let hint = async {
        sleep(Duration::from_secs(HINT_S)).await;
        eprintln!("{}", waiting_for(runtime, room));
        std::future::pending().await
    };
    let waiting = async {
        while let Some(event) = events.recv().await {
            let failure = hopeless(&event);
            seen(runtime, event.notice()).await;
            if let Some(failure) = failure {
                return Err(failure);
            }
            if let Event::Room { event, .. } = event
                && let Some(answer) = answer(event)
            {
                return Ok(answer);
            }
        }
        Err(late(runtime))
    };
    tokio::select! {
        answer = timeout(Duration::from_secs(PATIENCE_S), waiting) => answer.unwrap_or_else(|_| Err(late(runtime))),
        never = hint => never,
    }
}

fn waiting_for(runtime: &Runtime, room: &str) -> String {
    let relay = runtime.room(room).ok().and_then(|status| status.relay);
    let relay = relay.map_or_else(|| "the relay".to_owned(), |relay| format!("the relay {relay}"));
    let why = runtime.why().filter(|why| why.exit == Exit::Network);
    let why = why.map(|why| format!(" {}", words::failure(&why))).unwrap_or_default();
    format!("Waiting for {relay}, at most {PATIENCE_S} s.{why}")
}

/// Told, or about to be as the reason why the program ends.
pub(super) async fn seen(runtime: &Runtime, notice: Option<i64>) {
    if let Some(notice) = notice {
        // What cannot be marked comes again at the next start.
        let _ = runtime.seen(notice).await;
    }
}

/// Goes away by itself: it is told, and waited through.
fn passes(code: &str) -> bool {
    code == "rate_limited"
}

pub(super) fn late(runtime: &Runtime) -> Failure {
    let why = runtime.why().filter(|why| why.exit == Exit::Network || passes(&why.code));
    why.unwrap_or_else(|| {
        Failure::new(Exit::Network, "network", "The relay did not answer in time.", "Try again.")
    })
}

/// The failure that ends the waiting, if the event is one. Alarms are told and waited through.
pub(super) fn hopeless(event: &Event) -> Option<Failure> {
    match event {
        Event::Relay { state: RelayState::Lost { failure, retry: None }, .. } => Some(failure.clone()),
        Event::Relay { state: RelayState::Connected { trust, .. }, .. } if trust.name() == "first-use" => {
            eprintln!("The relay is {}.", words::trust(*trust));
            None
        }
        Event::Relay { .. } => None,
        Event::Room { event: RoomEvent::Failed(failure), .. } => Some(failure.clone()),
        Event::Room { event: RoomEvent::Engine(event), .. } => match event {
            engine::Event::Closed { reason, .. } => Some(Failure::new(Exit::Refused, "closed", reason, "")),
            _ => None,
        },
        Event::Room { room, event: RoomEvent::Notice { notice, again, .. } } => match notice {
            Notice::Error { code, .. } if !again && !passes(code) => Some(notice.into()),
            Notice::Error { .. } | Notice::Alarm { .. } => {
                eprintln!("schat: {}", words::notice(room, notice, *again));
                None
            }
        },
        Event::Room { .. } => None,
    }
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
    if reads {
        loop {
            let page = runtime.history(room, shown, PAGE).await?;
            let Some(last) = page.last() else { break };
            shown = last.message.seq;
            if !page.into_iter().all(|line| show(globals, runtime, room, line)) {
                return Ok(Exit::Ok);
            }
            if let Some(cursor) = written {
                runtime.ack_at(room, cursor, shown).await?;
            }
        }
    }
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
                if message.seq > shown && !show(globals, runtime, room, message.into()) {
                    return Ok(Exit::Ok);
                }
            }
            Event::Room { event: RoomEvent::Past(line), .. } => {
                if line.message.seq > shown && !show(globals, runtime, room, line) {
                    return Ok(Exit::Ok);
                }
            }
            Event::Room { room, event: RoomEvent::Notice { notice, again, .. } } => {
                eprintln!("schat: {}", words::notice(&room, &notice, again));
            }
            Event::Room { event: RoomEvent::Failed(failure), .. } => {
                eprintln!("schat: {}", words::failure(&failure));
            }
            Event::Relay { state: RelayState::Lost { failure, retry: Some(_) }, .. } => {
                eprintln!("schat: {}", words::failure(&failure));
            }
            other => {
                if let Some(failure) = hopeless(&other) {
                    return Err(failure);
                }
            }
        }
        seen(runtime, notice).await;
        // After the line was written and flushed: a crash in between writes it once more, and loses none.
        if let (Some(cursor), Some(seq)) = (written, seq) {
            runtime.ack_at(room, cursor, seq).await?;
        }
    }
    Ok(Exit::Ok)
}

/// False: nobody reads any more.
fn show(globals: &Globals, runtime: &Runtime, room: &str, line: Line) -> bool {
    if globals.json {
        return print(&Out::message(room.to_owned(), line, false).to_line());
    }
    let view = runtime.room(room).ok().and_then(|status| status.view);
    print(&plain::format(&line, None, view.as_ref(), None))
}

pub(super) fn print(line: &str) -> bool {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).is_ok()
}
