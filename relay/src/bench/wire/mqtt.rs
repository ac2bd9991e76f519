//! As much of MQTT 3.1.1 as it takes to chat (OASIS standard, sections 2 and 3): a topic in place of a room.

use anyhow::{Context, bail};
use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::{Heard, secure};
use crate::bench::client::{Ground, random};

/// The topic that all members speak to and listen to.
const TOPIC: &[u8] = b"room";

/// First bytes of packets (section 2.2.1).
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;

/// In the first byte of a Publish: the broker confirms it (QoS 1).
const CONFIRMED: u8 = 0x02;

/// Says things to the topic.
pub(in crate::bench) struct Speaker {
    write: WriteHalf<TlsStream<TcpStream>>,
    confirmed: bool,
    packet: u16,
}

/// Hears what is said to it.
pub(in crate::bench) struct Listener {
    read: ReadHalf<TlsStream<TcpStream>>,
    buffer: BytesMut,
}

/// A member. The broker confirms what `confirmed` members say, and nothing of others. Deliveries are not confirmed.
pub(in crate::bench) async fn join(ground: &Ground, confirmed: bool) -> anyhow::Result<(Speaker, Listener)> {
    let plain = TcpStream::connect(ground.relay).await.context("connecting")?;
    let (read, mut write) = tokio::io::split(secure(ground, plain).await?);
    let name: String = random::<10>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    // A clean session that nobody has to keep alive.
    let head = [field(b"MQTT")?.as_slice(), &[4, 2, 0, 0]].concat();
    write.write_all(&packet(CONNECT, &[head, field(name.as_bytes())?].concat())?).await?;
    write.write_all(&packet(SUBSCRIBE, &[&[0, 1], field(TOPIC)?.as_slice(), &[0]].concat())?).await?;
    write.flush().await?;
    let mut listener = Listener { read, buffer: BytesMut::new() };
    for expected in [CONNACK, SUBACK] {
        let (kind, body) = listener.packet().await?.context("the broker hung up")?;
        // Return codes: 0 for a connection, the granted QoS for a topic.
        if kind != expected || body.last() != Some(&0) {
            bail!("the broker answered {kind:#x} {body:?} where {expected:#x} was due");
        }
    }
    let speaker = Speaker { write, confirmed, packet: 0 };
    Ok((speaker, listener))
}

/// A string with its length (section 1.5.3).
fn field(text: &[u8]) -> anyhow::Result<Vec<u8>> {
    Ok([&u16::try_from(text.len())?.to_be_bytes(), text].concat())
}

/// A packet with its length, seven bits in each byte (section 2.2.3).
fn packet(kind: u8, body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![kind];
    let mut length = body.len();
    while length >= 128 {
        bytes.push(u8::try_from(length % 128)? | 128);
        length /= 128;
    }
    bytes.push(u8::try_from(length)?);
    bytes.extend_from_slice(body);
    Ok(bytes)
}

impl Speaker {
    /// Says it.
    pub(crate) async fn publish(&mut self, envelope: &[u8]) -> anyhow::Result<()> {
        let mut body = field(TOPIC)?;
        let mut kind = PUBLISH;
        if self.confirmed {
            kind |= CONFIRMED;
            // Zero is no number of a packet.
            self.packet = self.packet.checked_add(1).unwrap_or(1);
            body.extend(self.packet.to_be_bytes());
        }
        body.extend_from_slice(envelope);
        self.write.write_all(&packet(kind, &body)?).await?;
        Ok(self.write.flush().await?)
    }
}

impl Listener {
    /// The next thing; `None` at the end.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Heard>> {
        let Some((kind, mut body)) = self.packet().await? else { return Ok(None) };
        Ok(Some(match kind {
            PUBLISH => {
                if body.len() < 2 + TOPIC.len() {
                    bail!("a message without its topic");
                }
                body.advance(2 + TOPIC.len());
                Heard::Delivery(body)
            }
            PUBACK => Heard::Taken,
            _ => Heard::Other,
        }))
    }

    async fn packet(&mut self) -> anyhow::Result<Option<(u8, Bytes)>> {
        loop {
            if let Some(packet) = cut(&mut self.buffer) {
                return Ok(Some(packet));
            }
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Cuts one packet off.
fn cut(buffer: &mut BytesMut) -> Option<(u8, Bytes)> {
    let kind = *buffer.first()?;
    let (mut length, mut digits) = (0, 0);
    loop {
        let byte = *buffer.get(1 + digits)?;
        length |= usize::from(byte & 127) << (7 * digits);
        digits += 1;
        if byte < 128 || digits == 4 {
            break;
        }
    }
    if buffer.len() < 1 + digits + length {
        return None;
    }
    buffer.advance(1 + digits);
    Some((kind, buffer.split_to(length).freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_back_whole() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384] {
            let whole = packet(PUBLISH, &vec![7; length]).unwrap();
            for part in [0, 1, whole.len() - 1] {
                assert_eq!(
                    cut(&mut BytesMut::from(&whole[..part])),
                    None,
                    "{length} bytes, {part} of them here"
                );
            }
            let mut buffer = BytesMut::from(whole.as_slice());
            buffer.extend_from_slice(&[PUBACK, 0]);
            assert_eq!(cut(&mut buffer), Some((PUBLISH, Bytes::from(vec![7; length]))));
            assert_eq!(cut(&mut buffer), Some((PUBACK, Bytes::new())));
        }
    }
}
