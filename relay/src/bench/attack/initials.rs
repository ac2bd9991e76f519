//! First packets of handshakes that go no further: recorded once, then sent from anywhere.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::Context;
use quinn::TransportConfig;
use tokio::{net::UdpSocket, time::timeout};

use super::{Attack, PAUSE};
use crate::bench::client::{Ground, address};

/// What a client sends before it has heard anything, in datagrams.
pub(in crate::bench) type Flight = Vec<Vec<u8>>;

/// Datagrams of a first flight: a hybrid key share does not fit into one.
const DATAGRAMS: usize = 2;

/// Greatest datagram, in bytes.
const DATAGRAM: usize = 2048;

/// Sockets that an attack sends from, as if they were so many machines.
const SOCKETS: usize = 64;

/// Where the destination's connection id begins in a long header (RFC 9000, 17.2): its length, then itself.
const ID_AT: usize = 5;

/// Records the first flights of so many handshakes. They never reach the relay.
pub(in crate::bench) async fn record(ground: &Ground, flights: usize) -> anyhow::Result<Vec<Flight>> {
    let sink = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let ground = ground.at(sink.local_addr()?);
    let mut recorded = Vec::with_capacity(flights);
    while recorded.len() < flights {
        // A new socket each time: what the last one still has to say stays with it.
        let endpoint = ground.endpoint_with(0, TransportConfig::default())?;
        let connecting = endpoint.connect(ground.relay, "localhost")?;
        recorded.push(first_flight(&sink).await?);
        drop((connecting, endpoint));
    }
    Ok(recorded)
}

async fn first_flight(sink: &UdpSocket) -> anyhow::Result<Flight> {
    let mut flights: HashMap<Vec<u8>, Flight> = HashMap::new();
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let length =
            timeout(Duration::from_secs(10), sink.recv(&mut buffer)).await.context("no first packet")??;
        let datagram = buffer.get(..length).unwrap_or_default();
        let Some(id) = connection_id(datagram) else { continue };
        let flight = flights.entry(id).or_default();
        flight.push(datagram.to_vec());
        if flight.len() == DATAGRAMS {
            return Ok(std::mem::take(flight));
        }
    }
}

fn connection_id(datagram: &[u8]) -> Option<Vec<u8>> {
    let length = usize::from(*datagram.get(ID_AT)?);
    Some(datagram.get(ID_AT + 1..ID_AT + 1 + length)?.to_vec())
}

/// Begins so many handshakes a second, each from another socket than the one before, and answers nothing.
pub(in crate::bench) fn attack(
    ground: &Ground,
    flights: Vec<Flight>,
    per_second: u32,
) -> anyhow::Result<Attack> {
    let relay = ground.relay;
    Attack::launch(move |mut orders| async move {
        let mut sockets = Vec::new();
        for index in 0..SOCKETS {
            sockets.push(UdpSocket::bind((address(1 + index), 0)).await?);
        }
        orders.ready();
        let tries = orders.tries.clone();
        let flood = async {
            let begun = Instant::now();
            let from_anywhere = flights.iter().cycle().zip(sockets.iter().cycle());
            for (sent, (flight, socket)) in (0u64..).zip(from_anywhere) {
                while due(begun, per_second) <= sent {
                    tokio::time::sleep(PAUSE).await;
                }
                for datagram in flight {
                    // A full socket loses it, as networks do.
                    let _ = socket.try_send_to(datagram, relay);
                }
                tries.add(1);
            }
        };
        tokio::select! {
            () = flood => {}
            () = orders.stopped() => {}
        }
        Ok(())
    })
}

fn due(begun: Instant, per_second: u32) -> u64 {
    let due = begun.elapsed().as_millis() * u128::from(per_second) / 1000;
    u64::try_from(due).unwrap_or(u64::MAX)
}

/// What came back to an address that never answered.
#[derive(Clone, Copy, Debug)]
pub(in crate::bench) struct Echo {
    /// Bytes sent to the relay.
    pub sent: usize,
    /// Bytes that it sent.
    pub received: usize,
}

/// Sends the first datagrams of a flight from a new socket and listens for a while.
pub(in crate::bench) async fn echo(
    relay: SocketAddr,
    flight: &[Vec<u8>],
    time: Duration,
) -> anyhow::Result<Echo> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut echo = Echo { sent: 0, received: 0 };
    for datagram in flight {
        echo.sent += socket.send_to(datagram, relay).await?;
    }
    let mut buffer = vec![0; DATAGRAM];
    let end = Instant::now() + time;
    while let Ok(length) =
        timeout(end.saturating_duration_since(Instant::now()), socket.recv(&mut buffer)).await
    {
        echo.received += length.context("listening")?;
    }
    Ok(echo)
}
