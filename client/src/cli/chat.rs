//! `schat [LINK]`: the interactive chat, in one of its faces.

use std::{io::IsTerminal as _, sync::Arc, time::Duration};

use relay::Relay;
use shared::invite::link::AnyLink;
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};

use super::{
    Globals,
    attach::{self, Owner},
    face::{Start, face, is_full_screen, past},
    first_use, host,
    plan::Plan,
    setup::begin,
};
use crate::{
    faces::{
        input::{self, Input},
        json::{self, Out},
        plain, tui, words,
    },
    failure::{Exit, Failure},
    runtime::{ChosenRelay, now_ms},
    store::ProfileDir,
};

/// Lines that a link is on at most: 110 characters on the narrowest screen.
const MOST_LINES: usize = 8;

/// How long the rest of a link is waited for.
const MORE: Duration = Duration::from_millis(300);

pub(super) async fn chat(globals: &Globals, link: Option<String>) -> Result<Exit, Failure> {
    // A link that makes no sense begins nothing.
    if let Some(text) = link.as_deref().filter(|text| *text != "-") {
        words::link(text)?;
    }
    // Before anything reads standard input: somebody may have to type a passphrase.
    let owner = attach::owner(globals).await?;
    // The full-screen face reads the keyboard itself, so nobody else may.
    let mut input = (link.as_deref() == Some("-") || !is_full_screen(globals)).then(input::stdin);
    let link = match (link.as_deref(), &mut input) {
        (Some("-"), Some(input)) => Some(read_link(input).await?),
        (Some("-"), None) | (None, _) => None,
        (Some(link), _) => Some(words::link(link)?),
    };
    let mut globals = globals.clone();
    let chosen = match &link {
        Some(AnyLink::Relay(link)) => Some(ChosenRelay::of(link)?),
        Some(AnyLink::Invite(_)) | None => None,
    };
    if let Some(chosen) = &chosen {
        globals.relay = Some(chosen.address.clone());
    }
    let plan = Plan { past: past(&globals), only: None, own: None };
    let relay = Arc::new(Mutex::new(None));
    let mut reminds = false;
    let (chosen, (runtime, events), host) = match owner {
        Owner::Us(profile) => {
            reminds = profile.vault.now(|store| store.remind_of_backup(now_ms()))?;
            // Before anything is dialled: it may be the pin that lets this profile's rooms go on.
            let chosen = chosen.map(|chosen| profile.vault.now(|store| chosen.save(store))).transpose()?;
            let host = hosting(profile.dir().clone(), relay.clone());
            first_use::ask(&globals, &profile, &plan, input.as_mut()).await?;
            (chosen, begin(&globals, profile, plan).await?, Some(host))
        }
        Owner::Daemon(dir, daemon) => {
            // A person sees that the daemon is gone, and goes on when it is back.
            let patience = (!is_full_screen(&globals)).then_some(attach::PATIENCE);
            let (runtime, events) = attach::attach(&globals, dir, daemon, plan, patience).await?;
            let chosen = match &link {
                Some(AnyLink::Relay(link)) => Some(runtime.use_relay(link).await?),
                Some(AnyLink::Invite(_)) | None => None,
            };
            (chosen, (runtime, events), None)
        }
    };
    let mut notes = Vec::new();
    match chosen {
        Some(chosen) if globals.json => json::say(&Out::chosen(&chosen)),
        Some(chosen) if input.is_none() => notes.push(words::chosen(&chosen)),
        Some(chosen) => plain::note(&words::chosen(&chosen)),
        None => {}
    }
    match reminds {
        true if globals.json => json::say(&Out::no_backup(words::command::backup::REMINDER)),
        true if input.is_none() => notes.push(words::command::backup::REMINDER.to_owned()),
        true => plain::note(words::command::backup::REMINDER),
        false => {}
    }
    let current = match link {
        Some(AnyLink::Invite(link)) => Some(runtime.join(&link).await?),
        Some(AnyLink::Relay(_)) | None => {
            runtime.rooms().into_iter().find(|room| room.over.is_none()).map(|room| room.label)
        }
    };
    let start = Start { input, current, notes, host };
    let exit = face(&globals, runtime, events, start).await;
    if let Some(relay) = relay.lock().await.take() {
        relay.shutdown().await;
    }
    exit
}

/// A link on standard input: its first line, or a few, where it was copied from a screen that broke it.
async fn read_link(input: &mut mpsc::Receiver<Input>) -> Result<AnyLink, Failure> {
    let none = || words::command::room::no_link();
    let (mut text, mut wrong) = (String::new(), None);
    for _ in 0..MOST_LINES {
        let line = match &wrong {
            None => input.recv().await,
            // What was pasted is there at once.
            Some(_) => timeout(MORE, input.recv()).await.unwrap_or(None),
        };
        match line {
            Some(Input::Line(line)) => text.extend([line.as_str(), "\n"]),
            Some(Input::Broken(failure)) => return Err(failure),
            Some(Input::TooLong) | None => break,
        }
        match words::link(&text) {
            Ok(link) => return Ok(link),
            Err(failure) => wrong.get_or_insert(failure),
        };
        if std::io::stdin().is_terminal() {
            break;
        }
    }
    Err(wrong.unwrap_or_else(none))
}

/// Runs a relay in this process when somebody asks for it in the chat; it is kept in `place`.
fn hosting(dir: ProfileDir, place: Arc<Mutex<Option<Relay>>>) -> tui::Host {
    Box::new(move || {
        let (dir, place) = (dir.clone(), place.clone());
        Box::pin(async move {
            let mut place = place.lock().await;
            let relay = match place.take() {
                Some(relay) => relay,
                None => host::begin(&dir, host::LISTEN, None).await?,
            };
            let (own, said) = host::own(place.insert(relay), None)?;
            Ok(tui::Hosted { own, said })
        })
    })
}
