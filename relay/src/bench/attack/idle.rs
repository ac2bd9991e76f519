//! Frames over TCP that carry nothing: of yamux for streams that are not there, and empty pieces of one WebSocket message.

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::{Attack, tcp::secured};
use crate::bench::client::Ground;

/// How many frames are written at once.
const VOLLEY: usize = 512;

/// What they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Kind {
    /// An empty frame of yamux, in a message of its own.
    Frames,
    /// An empty piece of a message that never ends.
    Pieces,
}

/// A masked WebSocket frame with nothing in it: the first piece of a binary message, and each that follows it.
const FIRST_PIECE: [u8; 6] = [0x02, 0x80, 0, 0, 0, 0];
const PIECE: [u8; 6] = [0x00, 0x80, 0, 0, 0, 0];

/// A masked binary message: yamux' frame of no data for stream 99, whose mask is 0.
const FRAME: [u8; 18] = [0x82, 0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0];

/// From each place as many as the relay takes, and then on the next connection.
pub(in crate::bench) fn attack(ground: Ground, places: usize, kind: Kind) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let mut tunnel = upgraded(&ground, place).await?;
                // Not its frames: most of those are in the system's buffers when it is ended.
                tries.add(1);
                if kind == Kind::Pieces {
                    tunnel.write_all(&FIRST_PIECE).await?;
                }
                let volley = match kind {
                    Kind::Frames => FRAME.repeat(VOLLEY),
                    Kind::Pieces => PIECE.repeat(VOLLEY),
                };
                loop {
                    tunnel.write_all(&volley).await?;
                }
            }
        })
    })
}

async fn upgraded(ground: &Ground, place: usize) -> anyhow::Result<TlsStream<TcpStream>> {
    let mut secured = secured(ground, place).await?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
        tunnel::PATH,
        ground.relay,
        tunnel::SUBPROTOCOL
    );
    secured.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(secured.read_u8().await.context("no answer to an upgrade")?);
    }
    anyhow::ensure!(answer.starts_with(b"HTTP/1.1 101 "), "not upgraded");
    Ok(secured)
}
