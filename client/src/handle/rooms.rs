//! Rooms that are joined, made and muted, and the relays that they are at.

use std::time::Duration;

use shared::{
    invite::link::{InviteLink, RelayUrl},
    room::Policy,
};

use super::{ChosenRelay, Here, OwnRelay, Runtime, There};
use crate::{
    ask,
    reason::{DaemonReason, Reason},
    transport::RelayAddress,
};

impl Runtime {
    /// Joins the room of an invite link. Returns its label; whether it worked comes as events.
    ///
    /// # Errors
    /// [`Reason`] when the link is of no use.
    pub async fn join(&self, invite: &InviteLink) -> Result<String, Reason> {
        self.ask(ask::Join(invite.to_string())).await
    }

    /// Opens the open room of that name: whoever knows the name, the relay's operator included, can read it.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown or there is no relay to ask.
    pub async fn open(&self, name: &str, relay: Option<RelayAddress>) -> Result<String, Reason> {
        self.ask(ask::Open { name: name.to_owned(), relay: self.named(relay) }).await
    }

    /// Makes a private room.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown or there is no relay to ask.
    pub async fn create(
        &self,
        name: &str,
        relay: Option<RelayAddress>,
        policy: Policy,
    ) -> Result<String, Reason> {
        self.ask(ask::Create { name: name.to_owned(), relay: self.named(relay), policy }).await
    }

    /// Deletes what is kept of a room that is over.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room, it is not over, or it cannot be deleted.
    pub async fn forget(&self, room: &str) -> Result<(), Reason> {
        self.ask(ask::Forget(room.to_owned())).await
    }

    /// The relay for a room that is named without one: of a face at a daemon, its own.
    fn named(&self, relay: Option<RelayAddress>) -> Option<RelayAddress> {
        match &self.0 {
            Here(_) => relay,
            There(remote) => remote.relay(relay),
        }
    }

    /// Makes a private room at our own relay.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown, or a daemon has the profile: it runs no relay.
    pub async fn create_own(&self, name: &str) -> Result<String, Reason> {
        match &self.0 {
            Here(local) => local.create_own(name),
            There(_) => Err(DaemonReason::NoRelay.into()),
        }
    }

    /// This process runs a relay of its own from now on. For a profile that a daemon has, that changes nothing.
    pub fn use_own(&self, own: OwnRelay) {
        if let Here(local) = &self.0 {
            local.use_own(own);
        }
    }

    /// The way to a room's relay and back, as QUIC measures it anyway. None without a connection and over TCP, where
    /// nobody measures it.
    pub fn round_trip(&self, room: &str) -> Option<Duration> {
        match &self.0 {
            Here(local) => local.round_trip(room),
            There(remote) => remote.round_trip(room),
        }
    }

    /// Uses the relay of a link for rooms that are named without one, and holds it to the link's pin.
    ///
    /// # Errors
    /// [`Reason`] when its address makes no sense or it cannot be saved.
    pub async fn use_relay(&self, link: &RelayUrl) -> Result<ChosenRelay, Reason> {
        let chosen = ChosenRelay::of(link)?;
        let replaced = self.ask(ask::UseRelay(link.to_string())).await?;
        Ok(ChosenRelay { replaced, ..chosen })
    }

    /// Remembers the relay for rooms that are named without one, for the next start.
    ///
    /// # Errors
    /// [`Reason`] when it cannot be saved.
    pub async fn remember_relay(&self, relay: &RelayAddress) -> Result<(), Reason> {
        self.ask(ask::LastRelay(relay.clone())).await
    }

    /// Whether somebody is told of what is said in a room while they look elsewhere; remembered.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub async fn mute(&self, room: &str, is_muted: bool) -> Result<(), Reason> {
        self.ask(ask::Mute { room: room.to_owned(), is_muted }).await
    }

    /// Whether a room stands above the others in lists; remembered.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub async fn pin(&self, room: &str, is_pinned: bool) -> Result<(), Reason> {
        self.ask(ask::Pin { room: room.to_owned(), is_pinned }).await
    }
}
