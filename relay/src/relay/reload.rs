//! Other limits while the relay runs.

use std::sync::Arc;

use quinn::{Endpoint, ServerConfig};

use crate::{log::Backend, net::quic, policy::limits::Limits, session::shared::Shared};

/// Brings new limits to everything that keeps to them.
#[derive(Clone)]
pub(crate) struct Reloader {
    pub endpoints: Vec<Endpoint>,
    pub server: ServerConfig,
    pub backend: Arc<dyn Backend>,
    pub shared: Arc<Shared>,
}

impl Reloader {
    /// Every limit is in force when this returns, with two exceptions for what is open already: a connection keeps
    /// its stream window, its send window and its datagrams; one that has joined a room keeps its number of rooms
    /// and its receive window.
    pub(crate) fn reload(&self, limits: Limits) {
        // A relay that stops takes no connections any more, and must not begin to again.
        if !*self.shared.stopping.borrow() {
            let mut server = self.server.clone();
            server.transport_config(quic::transport(&limits));
            for endpoint in &self.endpoints {
                endpoint.set_server_config(Some(server.clone()));
            }
        }
        self.backend.reload(&limits);
        self.shared.reload(limits);
    }
}
