//! `schat [LINK]`: the interactive chat, in one of its faces.

use std::sync::Arc;

use relay::Relay;
use shared::invite::link::AnyLink;
use tokio::sync::{Mutex, mpsc};

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
    runtime::ChosenRelay,
    store::ProfileDir,
};

pub(super) async fn chat(globals: &Globals, link: Option<String>) -> Result<Exit, Failure> {
    // A link that makes no sense begins nothing.
    if let Some(text) = link.as_deref().filter(|text| *text != "-") {
        words::link(text)?;
    }
    // Before anything reads standard input: somebody may have to type a passphrase.
    let owner = attach::owner(globals).await?;
    // The full-screen face reads the keyboard itself, so nobody else may.
    let mut input = (link.as_deref() == Some("-") || !is_full_screen(globals)).then(input::stdin);
    let link = match link.as_deref() {
        Some("-") => match input.as_mut().map(mpsc::Receiver::recv) {
            Some(line) => match line.await {
                Some(Input::Line(line)) => Some(words::link(&line)?),
                Some(Input::Broken(failure)) => return Err(failure),
                Some(Input::TooLong) | None => {
                    return Err(Failure::usage("There is no link on standard input.", ""));
                }
            },
            None => None,
        },
        Some(link) => Some(words::link(link)?),
        None => None,
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
    let (chosen, (runtime, events), host) = match owner {
        Owner::Us(profile) => {
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
