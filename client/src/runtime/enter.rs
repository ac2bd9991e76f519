//! Entering by a link. It names no room: its card does, which lies at the relay, signed by whoever invites. So the card
//! is read first, and a room begins once it is known which.

use std::time::Duration;

use shared::{
    identity::KeyChange,
    invite::link::InviteLink,
    room::{Engine, Event as EngineEvent, Input},
};
use tokio::time::timeout;

use super::{
    Event, Local, RoomEvent, link::explain, linking::is_linking_room, lock, manage::begin_failed, now_ms,
};
use crate::{
    reason::{LinkReason, Reason, RelayReason, Unasked},
    store::{Notice, Offer, RoomKind, Where},
    transport::{Connection, Dialed, ExpectedRelay, Pin, RelayAddress, RoomStream, StreamError},
};

/// How long the relay may take to show the card, dialling included, in seconds: longer than a way over TCP takes, and
/// somebody waits.
const CARD_S: u64 = 30;

impl Local {
    /// Joins the room of an invite link. Returns its label; whether it worked comes as events.
    ///
    /// # Errors
    /// [`Reason`] when the link is of no use, or the relay cannot be asked now.
    pub(crate) async fn join(&self, invite: &InviteLink) -> Result<String, Reason> {
        self.join_as(invite, false).await
    }

    /// The same, where a person does it, and not this program for them: the other devices follow.
    ///
    /// # Errors
    /// As [`Local::join`].
    pub(crate) async fn join_here(&self, invite: &InviteLink) -> Result<String, Reason> {
        let label = self.join_as(invite, true).await?;
        self.entered_here(&label).await;
        Ok(label)
    }

    /// Joins a room that another device of this person offered. None: its link leads into another room, or is of somebody else, and
    /// nothing was joined.
    ///
    /// # Errors
    /// As [`Local::join`].
    pub(super) async fn join_offered(&self, offer: &Offer) -> Result<Option<String>, Reason> {
        let card = self.read_link(&offer.link).await?;
        let account = lock(&self.0.profile).engine.identity.clone();
        // A room that has not taken another key for the account yet invites by the old one.
        let was = account.change().map(KeyChange::old);
        let is_ours = matches!(&card.invited, EngineEvent::Invited { by, .. }
            if by.fingerprint == account.fingerprint() || Some(by.fingerprint) == was);
        if !is_ours || card.engine.room_id() != offer.room {
            return Ok(None);
        }
        let (label, invited) = self.enter_by(card, RoomKind::Chat)?;
        self.tell_invited(&label, invited).await;
        Ok(Some(label))
    }

    async fn join_as(&self, invite: &InviteLink, is_persons: bool) -> Result<String, Reason> {
        let (label, invited) = self.enter(invite, RoomKind::Chat, is_persons).await?;
        self.tell_invited(&label, invited).await;
        Ok(label)
    }

    async fn tell_invited(&self, label: &str, invited: EngineEvent) {
        let event = RoomEvent::Engine(invited);
        self.0.outlet.send(Event::Room { room: label.into(), event }).await;
    }

    /// Joins the room of this person's devices. A link that leads elsewhere makes a room that is left again.
    ///
    /// # Errors
    /// As [`Local::join`].
    pub(crate) async fn join_own_devices(&self, invite: &InviteLink) -> Result<String, Reason> {
        Ok(self.enter(invite, RoomKind::OwnDevices, false).await?.0)
    }

    async fn enter(
        &self,
        invite: &InviteLink,
        kind: RoomKind,
        is_persons: bool,
    ) -> Result<(String, EngineEvent), Reason> {
        let card = self.read_link(invite).await?;
        if is_persons {
            self.enters_here(card.engine.room_id());
        }
        self.enter_by(card, kind)
    }

    fn enter_by(&self, card: Card, kind: RoomKind) -> Result<(String, EngineEvent), Reason> {
        let Card { engine, address, pin, invited } = card;
        let label = self.begin_as(engine, Where::Relay { address, pin }, kind)?;
        Ok((label, invited))
    }

    /// Where a link leads; of the room of a linking nobody is told.
    async fn read_link(&self, invite: &InviteLink) -> Result<Card, Reason> {
        let address = RelayAddress::new(&invite.host, invite.port).map_err(RelayReason::Address)?;
        let profile = lock(&self.0.profile).engine.clone();
        let mut engine =
            Engine::join(&profile, &invite.link, now_ms()).map_err(|error| begin_failed(&error))?;
        let (pin, invited) = self.read_card_in_time(&mut engine, &address, invite.link.pin).await?;
        if matches!(&invited, EngineEvent::Invited { room, .. } if is_linking_room(room)) {
            return Err(LinkReason::DevicesLink.into());
        }
        Ok(Card { engine, address, pin, invited })
    }

    /// Reads the card that lies at the relay: where the link leads, and the pin of the relay, if links have one.
    pub(super) async fn read_card_in_time(
        &self,
        engine: &mut Engine,
        address: &RelayAddress,
        begins: Option<[u8; 20]>,
    ) -> Result<(Option<Pin>, EngineEvent), Reason> {
        let reading = self.read_card(engine, address, begins);
        let late = |_| unasked(address, Unasked::Silent);
        timeout(Duration::from_secs(CARD_S), reading).await.map_err(late)?
    }

    /// Waits until a room was entered, or is over.
    pub(super) async fn entered(&self, room: &str) -> Result<(), Reason> {
        loop {
            // Before it is looked at: what changes in between is not missed.
            let changed = self.0.changed.notified();
            let status = self.room(room)?;
            if status.view.is_some() {
                return Ok(());
            }
            if let Some(why) = status.over {
                return Err(LinkReason::NotEntered(why).into());
            }
            changed.await;
        }
    }

    /// Asks over a connection of its own: nothing is remembered of a relay by this.
    async fn read_card(
        &self,
        engine: &mut Engine,
        address: &RelayAddress,
        begins: Option<[u8; 20]>,
    ) -> Result<(Option<Pin>, EngineEvent), Reason> {
        let known = match begins {
            Some(begins) => ExpectedRelay::Begins(begins.into()),
            None => {
                self.expect_authorities(address).await?;
                ExpectedRelay::Authorities
            }
        };
        let dialed = self.0.config.transport.dial(address, known).await;
        let Dialed { connection, trust, .. } = dialed.map_err(|error| explain(&error).0)?;
        let pin = trust.pin().filter(|_| begins.is_some());
        let invited = ask(engine, &connection, pin).await.map_err(|why| match why {
            Why::Refused(reason) => reason,
            Why::Stream(error) => unasked(address, ended(error)),
        });
        connection.close(proto::CloseCode::Done);
        Ok((pin, invited?))
    }
}

/// What a link's card says.
struct Card {
    engine: Engine,
    address: RelayAddress,
    pin: Option<Pin>,
    invited: EngineEvent,
}

enum Why {
    Refused(Reason),
    Stream(StreamError),
}

/// Until the engine knows which room it is.
async fn ask(engine: &mut Engine, connection: &Connection, pin: Option<Pin>) -> Result<EngineEvent, Why> {
    let mut stream = RoomStream::open(connection).await.map_err(Why::Stream)?;
    let pin = pin.map(|pin| *pin.as_bytes());
    let mut inputs = vec![Input::Connected { binding: stream.binding(), token: None, pin }];
    loop {
        for input in inputs {
            // What changed is stored with what comes next: the room is not here yet.
            let output = engine.step(input, now_ms());
            for frame in &output.frames {
                stream.queue(frame).map_err(Why::Stream)?;
            }
            for event in output.events {
                match event {
                    EngineEvent::Invited { .. } => return Ok(event),
                    EngineEvent::Closed { reason, .. } => {
                        return Err(Why::Refused(Reason::Closed(reason)));
                    }
                    EngineEvent::Problem(problem) => {
                        return Err(Why::Refused(Reason::Notice(Notice::Problem(problem))));
                    }
                    _ => {}
                }
            }
        }
        inputs = stream.drive().await.map_err(Why::Stream)?.into_iter().map(Input::Frame).collect();
    }
}

fn unasked(relay: &RelayAddress, why: Unasked) -> Reason {
    RelayReason::Unasked { relay: relay.clone(), why }.into()
}

fn ended(error: StreamError) -> Unasked {
    match error {
        StreamError::Closed(_) => Unasked::Closed,
        StreamError::Lost => Unasked::Lost,
        StreamError::Malformed(error) => Unasked::Malformed(error.to_string()),
        StreamError::Stuck => Unasked::Stuck,
    }
}
