//! A relay that is seen for the first time, and that nobody vouches for: a person at a terminal is asked.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    time::Duration,
};

use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

use super::{
    Globals,
    plan::{Plan, transport},
};
use crate::{
    faces::{input::Input, words::command::relay as words},
    failure::Failure,
    store::{KnownRelay, OpenProfile, Where},
    text::names::meant,
    transport::{DialError, ExpectedRelay, Pin, Refusal, RelayAddress},
};

/// How long a relay is looked for before anything is shown, in seconds. One that is silent is met later, by a chat that
/// says what to do about it.
const LOOK_S: u64 = 5;

/// Relays that are asked about at a start: those of the rooms, and one for new rooms. More are met later.
const MOST: usize = 8;

/// Asks the person at the terminal about each relay that is about to be used and that nothing is known of. Without a
/// person nobody is asked, and the runtime refuses such a relay.
/// `input`: where lines of standard input come from, where they are read already.
pub(super) async fn ask(
    globals: &Globals,
    profile: &OpenProfile,
    plan: &Plan,
    mut input: Option<&mut mpsc::Receiver<Input>>,
) -> Result<(), Failure> {
    if !is_person(globals) {
        return Ok(());
    }
    for address in strangers(globals, profile, plan)? {
        let transport = transport(globals)?;
        let dialled = transport.dial(&address, ExpectedRelay::Nothing);
        let Ok(Err(DialError::Certificate { refusal: Refusal::FirstUse(pin), .. })) =
            timeout(Duration::from_secs(LOOK_S), dialled).await
        else {
            continue;
        };
        if !is_trusted(&address, pin, input.as_deref_mut()).await {
            return Err(refused(&address));
        }
        profile.vault.now(|store| store.remember_relay(&address, KnownRelay::FirstUse(pin)))?;
    }
    Ok(())
}

/// Somebody sits there and reads what is said.
fn is_person(globals: &Globals) -> bool {
    !globals.json && !globals.trust_first_use && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The relays that will be dialled, and that nothing is known of.
fn strangers(globals: &Globals, profile: &OpenProfile, plan: &Plan) -> Result<Vec<RelayAddress>, Failure> {
    let mut rooms = profile.vault.now(|store| store.rooms())?;
    if let Some(only) = &plan.only {
        let meant = meant(rooms.iter().map(|room| room.label.as_str()), only).map(str::to_owned);
        rooms.retain(|room| Some(&room.label) == meant.as_ref());
    }
    let wanted = rooms.into_iter().filter(|room| room.closed.is_none());
    let mut relays: Vec<_> = wanted
        .filter_map(|room| match room.place {
            Where::Relay { address, pin: None } => Some(address),
            Where::Relay { .. } | Where::Own => None,
        })
        .collect();
    let last = || profile.last_relay.as_ref().and_then(|relay| relay.parse().ok());
    if plan.only.is_none() && plan.own.is_none() {
        relays.extend(globals.relay.clone().or_else(last));
    }
    relays.sort();
    relays.dedup();
    let mut strangers = Vec::new();
    for relay in relays {
        if strangers.len() < MOST && profile.vault.now(|store| store.known_relay(&relay))?.is_none() {
            strangers.push(relay);
        }
    }
    Ok(strangers)
}

async fn is_trusted(relay: &RelayAddress, pin: Pin, mut input: Option<&mut mpsc::Receiver<Input>>) -> bool {
    words::stranger(relay, pin).iter().for_each(|line| eprintln!("{line}"));
    loop {
        eprint!("{}", words::TRUST);
        let line = match &mut input {
            Some(input) => match input.recv().await {
                Some(Input::Line(line)) => line,
                Some(Input::TooLong) => String::new(),
                Some(Input::Broken(_)) | None => return false,
            },
            None => match spawn_blocking(line).await {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None) | Err(_)) | Err(_) => return false,
            },
        };
        match line.trim().to_lowercase().as_str() {
            "yes" | "y" => return true,
            "no" | "n" => return false,
            _ => eprintln!("{}", words::YES_OR_NO),
        }
    }
}

/// One line of standard input; none at its end.
fn line() -> io::Result<Option<String>> {
    let mut line = String::new();
    Ok((io::stdin().lock().read_line(&mut line)? != 0).then_some(line))
}

fn refused(relay: &RelayAddress) -> Failure {
    words::not_trusted(relay)
}
