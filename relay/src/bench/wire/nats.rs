//! As much of NATS's protocol as it takes to chat (docs.nats.io, "Client Protocol"): a subject in place of a room.

use anyhow::{Context, bail};
use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::{Heard, secure};
use crate::bench::client::Ground;

/// The subject that all members speak to and listen to.
const SUBJECT: &str = "room";

/// The longest line of the protocol here, in bytes; the server's greeting is one of 500.
const LINE: usize = 4 << 10;

/// Says things to the subject.
pub(in crate::bench) struct Speaker(WriteHalf<TlsStream<TcpStream>>);

/// Hears what is said to it.
pub(in crate::bench) struct Listener {
    read: ReadHalf<TlsStream<TcpStream>>,
    buffer: BytesMut,
}

/// A member. The server confirms what `confirmed` members say, and nothing of others.
pub(in crate::bench) async fn join(ground: &Ground, confirmed: bool) -> anyhow::Result<(Speaker, Listener)> {
    let mut plain = TcpStream::connect(ground.relay).await.context("connecting")?;
    greeting(&mut plain).await?;
    let (read, mut write) = tokio::io::split(secure(ground, plain).await?);
    let hello = format!(
        "CONNECT {{\"verbose\":{confirmed},\"pedantic\":false,\"tls_required\":true,\"lang\":\"bench\",\"version\":\"1\"}}\r\nSUB {SUBJECT} 1\r\nPING\r\n"
    );
    write.write_all(hello.as_bytes()).await?;
    write.flush().await?;
    let mut listener = Listener { read, buffer: BytesMut::new() };
    // Whoever got this answer has subscribed.
    while listener.line().await?.context("the server hung up")?.as_ref() != b"PONG" {}
    Ok((Speaker(write), listener))
}

/// The server speaks first, and in plain text.
async fn greeting(plain: &mut TcpStream) -> anyhow::Result<()> {
    for _ in 0..LINE {
        if plain.read_u8().await? == b'\n' {
            return Ok(());
        }
    }
    bail!("the server's greeting does not end")
}

impl Speaker {
    /// Says it.
    pub(crate) async fn publish(&mut self, envelope: &[u8]) -> anyhow::Result<()> {
        let head = format!("PUB {SUBJECT} {}\r\n", envelope.len());
        self.0.write_all(&[head.as_bytes(), envelope, b"\r\n"].concat()).await?;
        Ok(self.0.flush().await?)
    }
}

impl Listener {
    /// The next thing; `None` at the end. The server's PING is not answered: it hangs up only after three of them, and
    /// they are an hour apart.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Heard>> {
        let Some(line) = self.line().await? else { return Ok(None) };
        if line.starts_with(b"MSG ") {
            let length = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
            let length: usize = std::str::from_utf8(length)?.parse()?;
            let envelope = self.take(length).await?;
            self.take(2).await?;
            return Ok(Some(Heard::Delivery(envelope)));
        }
        if line.starts_with(b"-ERR") {
            bail!("nats-server: {}", String::from_utf8_lossy(&line));
        }
        Ok(Some(if line.as_ref() == b"+OK" { Heard::Taken } else { Heard::Other }))
    }

    async fn line(&mut self) -> anyhow::Result<Option<Bytes>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line = self.buffer.split_to(end).freeze();
                self.buffer.advance(2);
                return Ok(Some(line));
            }
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn take(&mut self, length: usize) -> anyhow::Result<Bytes> {
        while self.buffer.len() < length {
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server hung up within a message");
            }
        }
        Ok(self.buffer.split_to(length).freeze())
    }
}
