//! A link to a relay: it is used from now on, must have the link's pin, and gets the link's token when a room is
//! opened there.

use proto::Token;
use shared::invite::link::RelayUrl;

use super::{Local, link::LinkState, lock};
use crate::{
    reason::{Reason, RelayReason},
    store::{Store, StoreError},
    transport::{Pin, RelayAddress, Trust},
};

/// The relay of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenRelay {
    /// Where it is.
    pub address: RelayAddress,
    /// Its certificate authority.
    pub pin: Pin,
    /// Another pin was remembered before.
    pub replaced: bool,
    /// The right to open rooms there.
    pub token: Option<Token>,
}

impl ChosenRelay {
    /// What a link says.
    ///
    /// # Errors
    /// [`Reason`] when its address makes no sense.
    pub fn of(link: &RelayUrl) -> Result<Self, Reason> {
        let address = RelayAddress::new(&link.host, link.port).map_err(RelayReason::Address)?;
        Ok(Self { address, pin: Pin::from(link.pin), replaced: false, token: link.token.clone() })
    }

    /// Remembers it. A token that was there stays if the link has none, but never passes from one authority to
    /// another: what was meant for the one must not be shown to the other.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn save(mut self, store: &mut Store) -> Result<Self, StoreError> {
        let known = store.known_relay(&self.address)?;
        if known.is_some_and(|known| known.pin() != Some(self.pin)) {
            store.forget_token(&self.address)?;
        }
        self.replaced = store.use_relay(&self.address, self.pin)?.is_some();
        if let Some(token) = &self.token {
            store.set_token(&self.address, token)?;
        }
        Ok(self)
    }
}

impl Local {
    /// Remembers the relay for rooms that are named without one, for the next start.
    ///
    /// # Errors
    /// [`Reason`] when it cannot be saved.
    pub(crate) async fn remember_relay(&self, relay: &RelayAddress) -> Result<(), Reason> {
        let relay = relay.to_string();
        Ok(self.0.vault.run(move |store| store.set_last_relay(&relay)).await?)
    }

    /// Uses the relay of a link for rooms that are named without one, and holds it to the link's pin.
    ///
    /// # Errors
    /// [`Reason`] when its address makes no sense or it cannot be saved.
    pub(crate) async fn use_relay(&self, link: &RelayUrl) -> Result<ChosenRelay, Reason> {
        let chosen = ChosenRelay::of(link)?;
        let chosen = self.0.vault.run(move |store| chosen.save(store)).await?;
        *lock(&self.0.relay) = Some(chosen.address.clone());
        for ((address, pin), link) in &*lock(&self.0.links) {
            let Some(link) = link.upgrade().filter(|_| *address == chosen.address && pin.is_none()) else {
                continue;
            };
            // Nothing more goes over a connection that was trusted for another reason.
            if let LinkState::Up(connection, trust) = &*link.state.borrow()
                && *trust != Trust::Pinned(chosen.pin)
            {
                connection.close(proto::CloseCode::Done);
            }
            // It may be being dialled, or wait for this decision.
            link.nudge();
        }
        Ok(chosen)
    }
}
