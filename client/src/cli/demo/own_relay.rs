//! Where everything of the demonstration happens, and how long it may take.

use std::time::Duration;

use relay::Relay;

use super::Stop;
use crate::{runtime::OwnRelay, transport::RelayAddress};

/// How long anything may take: far longer than it does, on any machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Where the relay is.
pub(super) struct DemoRelay {
    pub(super) own: OwnRelay,
}

impl DemoRelay {
    pub(super) fn of(relay: &Relay) -> Result<Self, Stop> {
        let port = relay.addresses().first().map_or(0, std::net::SocketAddr::port);
        let address = RelayAddress::new("127.0.0.1", port).map_err(|error| error.to_string())?;
        Ok(Self { own: OwnRelay { dial: address.clone(), pin: relay.pin(), advertise: address } })
    }
}
