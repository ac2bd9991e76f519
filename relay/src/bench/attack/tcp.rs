//! The floods of handshakes and of frames by the other way in: TLS over TCP, and a WebSocket.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tunnel::{Rules, Tunnel};

use super::{
    Attack,
    frames::{DROP, DROP_BYTES},
};
use crate::{
    bench::client::{Ground, address},
    policy::limits::MAX_FIRST_FRAME,
};

/// What the attacker takes from the relay unread, in bytes: it is not the one that is measured.
const UNREAD: usize = 4 << 20;

/// Without a sign of life for so long the attacker hangs up.
const IDLE: Duration = Duration::from_secs(30);

/// Shakes hands over TCP and TLS from several places, and hangs up.
pub(in crate::bench) fn handshakes(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                secured(&ground, place).await?;
                tries.add(1);
                Ok(())
            }
        })
    })
}

/// Announces from several places: every other place too much, the rest the most that is allowed, in drops.
pub(in crate::bench) fn frames(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let host = ground.relay.to_string();
                let tunnel = Tunnel::client(secured(&ground, place).await?, &host, rules()).await?;
                while let Ok((mut send, mut recv)) = tunnel.open().await {
                    tries.add(1);
                    if place % 2 == 0 {
                        send.write_all(&u32::MAX.to_be_bytes()).await?;
                        // Until the relay says what it thinks of it.
                        while recv.read_chunk(DROP_BYTES).await?.is_some() {}
                    } else {
                        send.write_all(&u32::try_from(MAX_FIRST_FRAME)?.to_be_bytes()).await?;
                        while send.write_all(&[0; DROP_BYTES]).await.is_ok() {
                            tokio::time::sleep(DROP).await;
                        }
                    }
                }
                Ok(())
            }
        })
    })
}

pub(super) async fn secured(ground: &Ground, place: usize) -> anyhow::Result<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((address(1 + place), 0).into())?;
    let connected = socket.connect(ground.relay).await?;
    let tls = TlsConnector::from(ground.tls_over_tcp()?);
    Ok(tls.connect("localhost".try_into()?, connected).await?)
}

fn rules() -> Rules {
    Rules {
        streams: 64,
        unread: UNREAD,
        unread_by_strangers: UNREAD,
        known: Arc::new(AtomicBool::new(true)),
        idle: IDLE,
        keep_alive: IDLE / 3,
    }
}
