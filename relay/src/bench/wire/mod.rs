//! The protocols of other servers, as far as it takes to chat: over TLS over TCP.

pub(super) mod mqtt;
pub(super) mod nats;

use anyhow::Context;
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::client::Ground;

/// What a server said.
pub(super) enum Heard {
    /// What a member said.
    Delivery(Bytes),
    /// That it took what this member said.
    Taken,
    /// Something else.
    Other,
}

/// TLS on a connection.
async fn secure(ground: &Ground, plain: TcpStream) -> anyhow::Result<TlsStream<TcpStream>> {
    // Nothing waits for more to say.
    plain.set_nodelay(true)?;
    let tls = TlsConnector::from(ground.tls_over_tcp()?);
    tls.connect("localhost".try_into()?, plain).await.context("the handshake")
}
