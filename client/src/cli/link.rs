//! `schat link`: this device becomes one of an account, or another one of this account.

use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    time::Duration,
};

use shared::invite::link::{AnyLink, Link};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    Globals, attach, interrupt::interrupted, passphrase, plan::Plan, random::random, setup, telling,
};
use crate::{
    daemon,
    faces::{
        input::{self, Input},
        json::{self, Cmd},
        lines::link_digits,
        stdout, words,
    },
    failure::{Exit, Failure},
    handle::Runtime,
    reason::{LinkReason, Reason},
    runtime::{
        ChosenRelay, Event, HandedPast, LinkAnswer, LinkEnd, LinkNews, Past, RelayState, rooms_to_enter,
    },
    store::{Asking, FileKey, OpenProfile, ProfileDir, Wrap},
    transport::RelayAddress,
};

/// How long the old device waits for the new one, once all is at the relay: it is not needed, but people like to see the end.
const LAST: Duration = Duration::from_secs(30);

/// How often, and how many times, the profile is opened again once it has another account.
const AGAIN: (Duration, u32) = (Duration::from_millis(50), 100);

/// The only host that is meant without a dot or a port behind it.
const LOCALHOST: &str = "localhost";

/// What was typed behind `link`.
enum Wanted {
    Nothing,
    Code(String),
    Relay(RelayAddress),
    RelayUrl(Box<ChosenRelay>),
}

/// What else was wanted.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// Give up what is under way.
    pub(super) cancel: bool,
    /// Give up the account of this profile, which is in no room.
    pub(super) anew: bool,
}

pub(super) async fn link(
    globals: &Globals,
    typed: Option<String>,
    past: HandedPast,
    how: How,
) -> Result<Exit, Failure> {
    let How { cancel, anew } = how;
    let dir = ProfileDir::choose(globals.profile.clone())?;
    let mut input = None;
    let wanted = match typed.as_deref() {
        None => Wanted::Nothing,
        Some("-") => read(&line(input.get_or_insert_with(input::stdin)).await?)?,
        Some(typed) => read(typed)?,
    };
    let mut globals = globals.clone();
    match &wanted {
        Wanted::Relay(relay) => globals.relay = Some(relay.clone()),
        Wanted::RelayUrl(chosen) => globals.relay = Some(chosen.address.clone()),
        Wanted::Nothing | Wanted::Code(_) => {}
    }
    let plan = || Plan { past: Past::Nothing, only: None, own: None };
    let (is_new, (runtime, events)) = match daemon::find(&dir).await? {
        Some(daemon) => {
            refuse_relay(&wanted, false)?;
            // The relay goes with what is asked: it is remembered once it answered.
            let unnamed = Globals { relay: None, ..globals.clone() };
            (false, attach::attach(&unnamed, dir, daemon, plan(), Some(attach::PATIENCE)).await?)
        }
        None => {
            let may_ask = input.is_none() && !cancel;
            let profile = opened(&globals, dir, anew, may_ask)?;
            let is_new = profile.is_blank;
            refuse_relay(&wanted, is_new)?;
            if let Wanted::RelayUrl(chosen) = &wanted {
                let last = profile.last_relay.clone().unwrap_or_default();
                let chosen = chosen.as_ref().clone();
                profile.vault.now(|store| {
                    chosen.save(store)?;
                    // As with one that is named without a link: only once it answered.
                    store.set_last_relay(&last)
                })?;
            }
            let left = profile.vault.now(|store| rooms_to_enter(store))?;
            if left > 0 && matches!(wanted, Wanted::Nothing) && !cancel {
                // It was interrupted while it entered them: that goes on before anything else is begun.
                let (runtime, events) = setup::begin(&globals, profile, plan()).await?;
                return Ok(entered(&globals, runtime, events, left).await);
            }
            (is_new, setup::start(&globals, profile, plan()).await?)
        }
    };
    let is_terminal = std::io::stdin().is_terminal();
    let mut face = Face { globals: &globals, input, is_new, is_terminal, past };
    let done = tokio::select! {
        done = face.run(&runtime, events, &wanted, cancel) => done,
        () = interrupted() => Ok(Ended::Interrupted),
    };
    runtime.shutdown().await;
    match done? {
        Ended::Interrupted => Ok(Exit::Interrupted),
        Ended::Ok => Ok(Exit::Ok),
        Ended::Received(rooms) => {
            // It has the account's name now: one that was typed, or stands in the environment, would rename the person.
            globals.name = None;
            let profile = reopened(&globals).await?;
            let (runtime, events) = setup::begin(&globals, profile, plan()).await?;
            Ok(entered(&globals, runtime, events, rooms).await)
        }
    }
}

/// Waits until the rooms of the account are entered, and says how that goes.
async fn entered(globals: &Globals, runtime: Runtime, events: mpsc::Receiver<Event>, rooms: usize) -> Exit {
    let exit = tokio::select! {
        exit = enter(globals, events, rooms) => exit,
        () = interrupted() => Exit::Interrupted,
    };
    runtime.shutdown().await;
    exit
}

async fn enter(globals: &Globals, mut events: mpsc::Receiver<Event>, rooms: usize) -> Exit {
    let (mut left, mut exit) = (rooms, Exit::Ok);
    while left > 0 {
        let Some(event) = events.recv().await else { break };
        let Event::Linking(news) = event else { continue };
        show(globals, &news);
        if let LinkNews::Room { why, .. } = *news {
            left -= 1;
            exit = why.map_or(exit, |why| why.exit());
        }
    }
    exit
}

fn show(globals: &Globals, news: &LinkNews) {
    if globals.json {
        stdout::line(&json::linked(news).to_line());
        return;
    }
    if matches!(news, LinkNews::Ended { .. }) {
        return;
    }
    let mut lines = words::linking(news, false);
    if let (LinkNews::Code { link, .. }, true) = (news, std::io::stdout().is_terminal())
        && let Ok(size) = crossterm::terminal::size()
    {
        lines = words::with_camera(lines, &link.to_string(), size);
    }
    for line in lines {
        stdout::line(&line);
    }
}

/// Opens the profile, whatever is in it.
fn opened(globals: &Globals, dir: ProfileDir, anew: bool, may_ask: bool) -> Result<OpenProfile, Failure> {
    let path = dir.path().to_owned();
    let open = |wrap: &Wrap| Ok(passphrase::opened(globals, &path, wrap)?.key);
    let give_up = || if anew || !may_ask { Ok(anew) } else { gives_up() };
    let profile = OpenProfile::open_to_link(dir, random(), &Asking(&open), give_up)?;
    if anew && !profile.is_blank {
        return Err(words::command::room::in_rooms());
    }
    if profile.is_new {
        let path = profile.dir().path();
        words::command::profile::made(path, &FileKey::path(path)).iter().for_each(|line| eprintln!("{line}"));
    }
    Ok(profile)
}

/// On a device with an account a code is meant: what is none is a code that was mistyped, and no relay.
fn refuse_relay(wanted: &Wanted, is_new: bool) -> Result<(), Failure> {
    if matches!(wanted, Wanted::Relay(_)) && !is_new {
        return Err(Reason::from(LinkReason::BadCode).into());
    }
    Ok(())
}

/// Asks whoever sits there whether the account of this profile, which is in no room, is given up. Where nobody does, it stays.
fn gives_up() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    eprint!("{}", words::LINK_GIVE_UP);
    // What cannot be shown is answered all the same.
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| input::unreadable(&error))?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}

/// The same profile, as what it is now. Whoever had it before lets go of it in a moment.
async fn reopened(globals: &Globals) -> Result<OpenProfile, Failure> {
    let (every, times) = AGAIN;
    for _ in 0..times {
        match setup::existing(globals) {
            Err(failure) if failure.code == "in_use" => sleep(every).await,
            other => return other,
        }
    }
    setup::existing(globals)
}

fn read(typed: &str) -> Result<Wanted, Failure> {
    match words::link(typed) {
        Ok(AnyLink::Invite(link)) => return Ok(Wanted::Code(link.to_string())),
        Ok(AnyLink::Relay(link)) => return Ok(Wanted::RelayUrl(Box::new(ChosenRelay::of(&link)?))),
        Err(failure) if typed.contains("://") => return Err(failure),
        Err(_) => {}
    }
    if Link::from_code(typed).is_ok() {
        return Ok(Wanted::Code(typed.to_owned()));
    }
    // A code that was mistyped reads as the name of a host as well.
    let is_host = typed.contains(['.', ':']) || typed == LOCALHOST;
    let relay = typed.parse().ok().filter(|_| is_host);
    relay.map(Wanted::Relay).ok_or_else(words::command::room::no_code)
}

async fn line(input: &mut mpsc::Receiver<Input>) -> Result<String, Failure> {
    match input.recv().await {
        Some(Input::Line(line)) => Ok(line),
        Some(Input::Broken(failure)) => Err(failure),
        Some(Input::TooLong) | None => Err(words::command::room::no_code()),
    }
}

/// How it ended.
enum Ended {
    Ok,
    Interrupted,
    /// The profile has the account now, with so many rooms to enter.
    Received(usize),
}

struct Face<'a> {
    globals: &'a Globals,
    input: Option<mpsc::Receiver<Input>>,
    is_new: bool,
    /// Somebody sits there.
    is_terminal: bool,
    past: HandedPast,
}

impl Face<'_> {
    async fn run(
        &mut self,
        runtime: &Runtime,
        mut events: mpsc::Receiver<Event>,
        wanted: &Wanted,
        cancel: bool,
    ) -> Result<Ended, Failure> {
        let begin = async {
            match wanted {
                _ if cancel => runtime.answer_link(LinkAnswer::Cancel).await,
                Wanted::Code(code) => runtime.link(Some(code.clone()), self.globals.relay.clone()).await,
                Wanted::Nothing | Wanted::Relay(_) | Wanted::RelayUrl(_) => {
                    runtime.link(None, self.globals.relay.clone()).await
                }
            }
        };
        // Events are taken meanwhile: whoever tells them may wait for that.
        let (mut told, mut is_posted) = (Vec::new(), false);
        {
            tokio::pin!(begin);
            loop {
                tokio::select! {
                    begun = &mut begin => break begun?,
                    event = events.recv() => told.extend(event),
                }
            }
        }
        if self.is_terminal && !self.globals.json {
            // So that what is typed before the question is no answer to it.
            self.input.get_or_insert_with(input::stdin);
        }
        let (mut is_asked, mut compared, mut is_lost) = (false, None, false);
        let mut told = std::collections::VecDeque::from(told);
        loop {
            let event = match told.pop_front() {
                Some(event) => Some(event),
                None if is_posted => match timeout(LAST, events.recv()).await {
                    Ok(event) => event,
                    Err(_) => return Ok(Ended::Ok),
                },
                None => tokio::select! {
                    event = events.recv() => event,
                    answer = self.answer(is_asked) => {
                        runtime.answer_link(answer?).await?;
                        is_asked = false;
                        continue;
                    }
                },
            };
            let Some(event) = event else { return Ok(Ended::Ok) };
            let news = match event {
                Event::Linking(news) => *news,
                Event::Relay { state: RelayState::Lost { reason, retry: None }, .. } if self.is_new => {
                    return Err(reason.into());
                }
                // Once: it is tried again and again.
                Event::Relay { state: RelayState::Lost { reason, .. }, .. } if !is_lost && !cancel => {
                    is_lost = true;
                    telling::failure(self.globals.json, &reason.into());
                    continue;
                }
                Event::Relay { state: RelayState::Connected { .. }, .. } => {
                    is_lost = false;
                    continue;
                }
                _ => continue,
            };
            // Whoever goes on with a linking is told how it stands, and asked for it as well.
            let is_again =
                matches!(&news, LinkNews::Compare { agreed, .. } if compared.as_ref() == Some(agreed));
            if is_again {
                continue;
            }
            if let LinkNews::Compare { agreed, .. } = &news {
                compared = Some(agreed.clone());
            }
            show(self.globals, &news);
            match news {
                LinkNews::Compare { is_asked: true, .. } => {
                    is_asked = true;
                    self.ask();
                }
                LinkNews::Posted { .. } => is_posted = true,
                LinkNews::Done => return Ok(Ended::Ok),
                LinkNews::Received { rooms, .. } => return Ok(Ended::Received(rooms)),
                LinkNews::Ended { end: LinkEnd::GivenUp, is_handed: false } if cancel => {
                    if !self.globals.json {
                        stdout::line(words::LINK_GIVEN_UP);
                    }
                    return Ok(Ended::Ok);
                }
                LinkNews::Ended { end, is_handed } => return Err(words::link_ended(&end, is_handed)),
                _ => {}
            }
        }
    }

    fn ask(&mut self) {
        if !self.globals.json {
            if let Some(input) = &mut self.input {
                while self.is_terminal && input.try_recv().is_ok() {}
            }
            eprint!("{}", words::LINK_ASK);
            // What cannot be shown is answered all the same.
            let _ = std::io::stderr().flush();
        }
    }

    /// What somebody answers; only where something is asked.
    async fn answer(&mut self, is_asked: bool) -> Result<LinkAnswer, Failure> {
        if !is_asked {
            return std::future::pending().await;
        }
        loop {
            let input = self.input.get_or_insert_with(input::stdin);
            let Some(read) = input.recv().await else { return Ok(LinkAnswer::Refuse) };
            let typed = match read {
                Input::Line(typed) => typed,
                Input::TooLong => String::new(),
                Input::Broken(failure) => return Err(failure),
            };
            if self.globals.json {
                return self.answered(&typed);
            }
            // Nobody has looked who does not say what is shown.
            if let Some(digits) = link_digits(&typed) {
                return Ok(LinkAnswer::Confirm { digits, past: self.past });
            }
            let means_yes = !matches!(typed.trim().to_lowercase().as_str(), "" | "n" | "no");
            if !means_yes || !self.is_terminal {
                return Ok(LinkAnswer::Refuse);
            }
            eprintln!("{}", words::LINK_DIGITS);
            self.ask();
        }
    }

    /// What a program answers.
    fn answered(&self, typed: &str) -> Result<LinkAnswer, Failure> {
        match json::parse(typed)? {
            Cmd::LinkConfirm { digits, history: None } => Ok(LinkAnswer::Confirm { digits, past: self.past }),
            Cmd::LinkConfirm { digits, history } => json::confirmed(digits, history.as_deref()),
            Cmd::LinkCancel => Ok(LinkAnswer::Cancel),
            _ => Ok(LinkAnswer::Refuse),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_was_mistyped_is_no_relay() {
        for typed in ["zzzz", "AAECAwQFBgcICQoLDA0ODxAREhMUF", "-"] {
            assert!(read(typed).is_err(), "{typed}");
        }
        for typed in ["relay.example", "relay:443", "localhost", "[::1]:443"] {
            let wanted = read(typed).unwrap();
            assert!(matches!(wanted, Wanted::Relay(_)), "{typed}");
            // Whoever has an account means a code.
            assert!(refuse_relay(&wanted, true).is_ok() && refuse_relay(&wanted, false).is_err(), "{typed}");
        }
    }
}
