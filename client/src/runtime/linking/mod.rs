//! Linking two devices of one person: docs/devices.md.
//!
//! ```text
//!  mod      what is asked: begin, answer, go on after a restart
//!  task     the linking room in use: think, store, send, show
//!  steps    what follows from what happens there: values in, values out
//!  record   what is kept of it
//!  gather   the old device: puts together what is handed over      handed   the same as bytes
//!  blob     the past, as a file at the relay
//!  entering the new device: enters the rooms that it was handed
//! ```

mod blob;
mod entering;
mod gather;
mod handed;
mod record;
mod steps;
mod task;

pub use gather::is_of_own_devices;
pub(super) use gather::no_answer;

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use shared::{
    identity::{Identity, Next},
    invite::link::{InviteLink, Link},
    linking::Role,
    room::{CloseReason, Engine, Event as EngineEvent, LINKING_MS, Profile},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use record::Record;
use task::{Ask, Begun, Task};

use super::{Local, link::LinkState, lock, manage::begin_failed, now_ms};
use crate::{
    reason::{LinkReason, Reason},
    store::{KnownRelay, Store, StoreError, Where},
    transport::{Pin, RelayAddress},
};

/// Questions that wait for a linking. Full: whoever asks waits.
const ASKS: usize = 8;

/// How long a relay may take to answer, dialling included: longer than a way over TCP takes, and somebody waits.
const MEET: Duration = Duration::from_secs(30);

/// Attempts to reach it meanwhile: a name that does not exist is said at once, and one that was lost on the way is asked again.
const ATTEMPTS: u32 = 3;

/// How long the goodbye of a linking that is done may take, with its stream.
const PARTING: Duration = Duration::from_secs(6);

/// What the room of a linking is called, by who made it. Nobody sees it but the two programs.
const NEW: &str = "schat link new";
const OLD: &str = "schat link old";

/// It is the room of a linking.
pub(super) fn is_linking_room(name: &str) -> bool {
    matches!(name, NEW | OLD)
}

/// The linking of a runtime, if there is one.
#[derive(Default)]
pub(super) struct Linking {
    asks: Option<mpsc::Sender<Ask>>,
    task: Option<JoinHandle<()>>,
    entering: Option<JoinHandle<()>>,
    /// The relay of a code that this device made.
    made_at: Option<RelayAddress>,
}

/// How much of the rooms' past is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandedPast {
    /// Nothing.
    Nothing,
    /// The newest lines of each room.
    Newest(u32),
    /// All that is here.
    All,
}

impl Default for HandedPast {
    /// What fits a slow way, and is more than one reads back.
    fn default() -> Self {
        Self::Newest(1_000)
    }
}

/// What a person says to a linking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Both devices show the same.
    Confirm {
        /// The digits that the new device shows: whoever says them has looked there.
        digits: String,
        /// How much of the past is handed over.
        past: HandedPast,
    },
    /// They do not.
    Refuse,
    /// Give it up.
    Cancel,
}

impl Local {
    /// Links this device: by the code that the other one shows, or by showing one. A linking that is under way is told again. A
    /// relay that is named is the one of rooms that are named without one, once it answered: what was mistyped leads nowhere later.
    ///
    /// # Errors
    /// [`Reason`] when the code is none, its relay cannot be asked, or another linking is under way.
    pub(crate) async fn link(&self, code: Option<&str>, relay: Option<RelayAddress>) -> Result<(), Reason> {
        if let Some(asks) = self.linking_asks()
            && !has_ended(&asks).await
        {
            let made_at = lock(&self.0.linking).made_at.clone();
            let is_elsewhere = made_at.is_some_and(|at| relay.as_ref().is_some_and(|relay| *relay != at));
            if code.is_some() || is_elsewhere {
                return Err(LinkReason::Busy.into());
            }
            // It may be just ending; then it was told.
            let _ = asks.send(Ask::Again).await;
            return Ok(());
        }
        if self.role() == Role::Old && self.0.vault.run(|store| store.is_taken_out()).await? {
            return Err(LinkReason::TakenOut.into());
        }
        let begun = match code {
            Some(code) => self.take_code(code, relay).await?,
            None => self.make_code(relay).await?,
        };
        self.start_link(begun)
    }

    /// What a person says to the linking under way.
    ///
    /// # Errors
    /// [`Reason`] when there is none, or nothing is asked.
    pub(crate) async fn answer_link(&self, answer: Answer) -> Result<(), Reason> {
        let asks = self.linking_asks().ok_or(LinkReason::Nothing)?;
        let (reply, done) = oneshot::channel();
        asks.send(Ask::Answer(answer, reply)).await.map_err(|_| LinkReason::Nothing)?;
        done.await.map_err(|_| LinkReason::Nothing)?
    }

    /// Goes on with a linking that an earlier run began, and enters the rooms that this device was handed.
    pub(super) async fn resume_link(&self) -> Result<(), Reason> {
        let (kept, handed) = self.0.vault.run(|store| Ok((store.linking()?, store.handed()?))).await?;
        if let Some(handed) = handed {
            let (rooms, own_devices) = handed::listed(&handed);
            if !rooms.is_empty() || own_devices.is_some() {
                let entering = tokio::spawn(entering::enter(self.clone(), rooms, own_devices));
                lock(&self.0.linking).entering = Some(entering);
            } else {
                // Everything is entered: the past that was handed over with it is of no more use.
                self.0.vault.run(|store| store.set_handed_past(None)).await?;
            }
        }
        let Some(kept) = kept else { return Ok(()) };
        let record = Record::read(&kept);
        let Some(mut record) = record.filter(|record| record.role == self.role()) else {
            // Of another version, or of a profile that was somebody else's: nothing comes of it.
            let forget = |store: &mut Store| {
                store.await_no_device()?;
                store.forget_linking()
            };
            return Ok(self.0.vault.run(forget).await?);
        };
        let room = record.room();
        let rows = self.0.vault.run(move |store| store.rows(room)).await?;
        let profile = record.account().map(|account| self.nobody(account));
        let loaded = profile.and_then(|profile| {
            let engine = Engine::load(&profile, rows, now_ms()).ok()?;
            Some((engine, profile))
        });
        match loaded {
            Some((engine, profile)) => self.start_link(Begun { record, engine, profile, is_new: false }),
            // Of no use to anybody.
            None => {
                record.step = record::Step::Ending;
                let endings = record.endings();
                let end = move |store: &mut Store| {
                    store.await_no_device()?;
                    store.end_linking(room, &endings)
                };
                Ok(self.0.vault.run(end).await?)
            }
        }
    }

    /// Ends what is under way; it goes on at the next start.
    pub(super) async fn stop_link(&self) {
        let (asks, task, entering) = {
            let mut linking = lock(&self.0.linking);
            (linking.asks.take(), linking.task.take(), linking.entering.take())
        };
        if let Some(asks) = asks {
            let _ = asks.send(Ask::Stop).await;
        }
        if let Some(entering) = entering {
            entering.abort();
        }
        if let Some(mut task) = task
            && timeout(PARTING, &mut task).await.is_err()
        {
            task.abort();
        }
    }

    fn linking_asks(&self) -> Option<mpsc::Sender<Ask>> {
        lock(&self.0.linking).asks.clone().filter(|asks| !asks.is_closed())
    }

    fn role(&self) -> Role {
        if lock(&self.0.profile).is_blank { Role::New } else { Role::Old }
    }

    fn start_link(&self, begun: Begun) -> Result<(), Reason> {
        let (asks, receiver) = mpsc::channel(ASKS);
        let made_at = begun.record.relay().filter(|_| begun.record.is_maker).map(|(address, _)| address);
        let task = Task::new(self, begun, receiver).ok_or(LinkReason::NoRelay)?;
        let mut linking = lock(&self.0.linking);
        // Whoever asked at the same time was first.
        if linking.asks.as_ref().is_some_and(|asks| !asks.is_closed()) {
            return Err(LinkReason::Busy.into());
        }
        (linking.asks, linking.made_at) = (Some(asks), made_at);
        linking.task = Some(tokio::spawn(task.run()));
        Ok(())
    }

    /// Whoever this device is in a linking room: nobody. A thief of the code learns no name and no key.
    fn nobody(&self, identity: Identity) -> Profile {
        let profile = lock(&self.0.profile).engine.clone();
        Profile {
            identity: Arc::new(identity),
            name: "device".to_owned(),
            status: String::new(),
            glyph: String::new(),
            device_name: "device".to_owned(),
            ..profile
        }
    }

    async fn make_code(&self, relay: Option<RelayAddress>) -> Result<Begun, Reason> {
        let is_named = relay.is_some();
        // What else is said where there is none leads to another account.
        let place = match self.place(relay).map_err(|_| LinkReason::NoRelay)? {
            // Whoever is to be linked reaches it as everybody does.
            Where::Own => lock(&self.0.own)
                .as_ref()
                .map(|own| Where::Relay { address: own.advertise.clone(), pin: Some(own.pin) }),
            place @ Where::Relay { .. } => Some(place),
        };
        let place = place.ok_or(LinkReason::NoRelay)?;
        if let Where::Relay { address, pin } = &place {
            self.met(address, *pin).await?;
            if is_named {
                self.remember_relay(address).await?;
            }
        }
        let random = lock(&self.0.profile).engine.random.clone();
        let profile = self.nobody(Identity::generate(&random, Next::NONE));
        let name = if self.role() == Role::New { NEW } else { OLD };
        let engine =
            Engine::create_linking(&profile, name, now_ms()).map_err(|error| begin_failed(&error))?;
        self.begun((engine, profile), &place, true)
    }

    async fn take_code(&self, code: &str, relay: Option<RelayAddress>) -> Result<Begun, Reason> {
        let invite = match code.parse::<InviteLink>() {
            Ok(invite) => invite,
            Err(_) => self.at_our_relay(code, relay).await?,
        };
        let address = RelayAddress::new(&invite.host, invite.port).map_err(|_| LinkReason::BadCode)?;
        let random = lock(&self.0.profile).engine.random.clone();
        let profile = self.nobody(Identity::generate(&random, Next::NONE));
        let mut engine =
            Engine::join(&profile, &invite.link, now_ms()).map_err(|error| begin_failed(&error))?;
        let card = self.read_card_in_time(&mut engine, &address, invite.link.pin).await;
        let (pin, invited) = card.map_err(of_code)?;
        let room = match &invited {
            EngineEvent::Invited { room, .. } => room.as_str(),
            _ => "",
        };
        match (room, self.role()) {
            (NEW, Role::Old) | (OLD, Role::New) => {}
            (OLD, Role::Old) if self.all_rooms().is_empty() => return Err(LinkReason::NewInChat.into()),
            (NEW | OLD, role) => return Err(both(role).into()),
            _ => return Err(LinkReason::RoomsLink.into()),
        }
        self.begun((engine, profile), &Where::Relay { address, pin }, false)
    }

    fn begun(
        &self,
        (engine, profile): (Engine, Profile),
        place: &Where,
        is_maker: bool,
    ) -> Result<Begun, Reason> {
        let secret = profile.identity.to_bytes();
        let ends_ms = now_ms().saturating_add(LINKING_MS);
        let room = (engine.room_id(), place);
        let record =
            Record::new((self.role(), is_maker), &secret, room, ends_ms).ok_or(LinkReason::NoRelay)?;
        Ok(Begun { record, engine, profile, is_new: true })
    }

    /// Waits for a connection to the relay: on whatever ground it is trusted, that is remembered then.
    async fn met(&self, address: &RelayAddress, pin: Option<Pin>) -> Result<(), Reason> {
        let relay = self.0.link(address.clone(), pin);
        let mut state = relay.state.clone();
        let met = async {
            for _ in 0..ATTEMPTS {
                match &*state.borrow_and_update() {
                    LinkState::Up(..) => return true,
                    LinkState::Refused => return false,
                    // Somebody waits, and it may be waiting itself.
                    LinkState::Down => relay.nudge(),
                }
                if state.changed().await.is_err() {
                    return false;
                }
            }
            matches!(&*state.borrow(), LinkState::Up(..))
        };
        match timeout(MEET, met).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(self.why().unwrap_or_else(|| LinkReason::NoRelay.into())),
        }
    }

    /// A code without a relay is of the one that is named beside it, or that this device uses, with the pin that is known of it.
    async fn at_our_relay(&self, code: &str, relay: Option<RelayAddress>) -> Result<InviteLink, Reason> {
        let mut link = Link::from_code(code).map_err(|_| LinkReason::BadCode)?;
        let is_named = relay.is_some();
        let Ok(Where::Relay { address, pin }) = self.place(relay) else {
            return Err(LinkReason::NoRelayForCode.into());
        };
        self.met(&address, pin).await?;
        if is_named {
            self.remember_relay(&address).await?;
        }
        let relay = address.clone();
        let known = self.0.vault.run(move |store| store.known_relay(&relay)).await?;
        let known = match known {
            Some(KnownRelay::FromLink(pin) | KnownRelay::FirstUse(pin)) => Some(pin),
            Some(KnownRelay::Authorities(_)) | None => None,
        };
        link.pin = pin.or(known).and_then(|pin| pin.as_bytes().first_chunk().copied());
        Ok(InviteLink { host: address.host, port: address.port, link })
    }
}

/// Whether a linking has ended, or was done but for the goodbye, which is waited for: then another one may begin.
async fn has_ended(asks: &mpsc::Sender<Ask>) -> bool {
    let (reply, is_done) = oneshot::channel();
    if asks.send(Ask::IsDone(reply)).await.is_err() {
        return true;
    }
    match is_done.await {
        Ok(false) => false,
        Ok(true) => timeout(PARTING, asks.closed()).await.is_ok(),
        Err(_) => true,
    }
}

/// Rooms of the account that this device has still to enter.
///
/// # Errors
/// [`StoreError`] when the profile cannot be read.
pub fn rooms_to_enter(store: &Store) -> Result<usize, StoreError> {
    Ok(store.handed()?.map(|handed| handed::listed(&handed).0.len()).unwrap_or_default())
}

/// What the end of an invite means where it is a code of a device.
pub(super) fn of_code(why: Reason) -> Reason {
    match why {
        Reason::Closed(CloseReason::InviteExpired) => LinkReason::LateCode.into(),
        Reason::Closed(
            CloseReason::InviteDead
            | CloseReason::InviteOver
            | CloseReason::RemovedOrNotTaken
            | CloseReason::JoinReplaced,
        ) => LinkReason::UsedCode.into(),
        other => other,
    }
}

fn both(role: Role) -> LinkReason {
    match role {
        Role::Old => LinkReason::BothOld,
        Role::New => LinkReason::BothNew,
    }
}
