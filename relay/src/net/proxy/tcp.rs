//! Over TCP: the header is what comes first.

use std::net::SocketAddr;

use tokio::{io::AsyncReadExt, net::TcpStream};

use super::header::{self, FIXED, ProxyHeader};

/// The client behind a connection of a proxy; the proxy itself where it only looks whether somebody is there. `None` when no
/// header comes. Waits as long as nothing comes, so that the caller has to bound it.
pub(crate) async fn client_of(socket: &mut TcpStream, proxy: SocketAddr) -> Option<SocketAddr> {
    let mut fixed = [0; FIXED];
    socket.read_exact(&mut fixed).await.ok()?;
    let mut bytes = fixed.to_vec();
    bytes.resize(header::length(&fixed)?, 0);
    socket.read_exact(bytes.get_mut(FIXED..)?).await.ok()?;
    match header::read(&bytes) {
        ProxyHeader::Header { client, .. } => Some(client.unwrap_or(proxy)),
        ProxyHeader::Nothing => None,
    }
}
