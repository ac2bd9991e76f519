//! Members that take what they are entitled to and never read it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use clap::ValueEnum;
use ed25519_dalek::SigningKey;
use proto::{RoomId, relay::relay_frame::Frame};
use quinn::{Connection, TransportConfig, VarInt};

use super::{Attack, Orders, forge::forging};
use crate::bench::client::{Ear, Ground, Mouth, join};

/// How a member does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::bench) enum Manner {
    /// Its program never takes anything from the stream: the relay may send little, and has to wait.
    Unread,
    /// It allows the relay to send much, and never acknowledges any of it.
    Unacknowledged,
}

/// Bytes that a member who does not read allows: a stalled program on a small device.
const SMALL_WINDOW: u32 = 16 << 10;

/// Bytes that a member who does not acknowledge allows: more than the relay will ever keep.
const LARGE_WINDOW: u32 = 64 << 20;

/// Bytes of an envelope that fills the room.
const FILLING: usize = 32 << 10;

/// Envelopes that fill the room: together half as much again as the relay keeps unacknowledged.
const FILLINGS: usize = 48;

/// Members per source address: below the limit of connections per address.
pub(in crate::bench) const PER_ADDRESS: usize = 100;

/// Frames of acknowledgements (RFC 9000, 19.3).
const ACKS: [u8; 2] = [2, 3];

/// Joins with all keys, and has the first of them fill the room until nobody else can take more.
pub(in crate::bench) fn stall(
    ground: Ground,
    room: RoomId,
    keys: Vec<SigningKey>,
    manner: Manner,
) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| run(ground, room, keys, manner, orders))
}

async fn run(
    ground: Ground,
    room: RoomId,
    keys: Vec<SigningKey>,
    manner: Manner,
    mut orders: Orders,
) -> anyhow::Result<()> {
    let silent = Arc::new(AtomicBool::new(false));
    let stalling = match manner {
        Manner::Unread => ground.clone(),
        Manner::Unacknowledged => without_acks(&ground, &silent)?,
    };
    let mut keys = keys.into_iter();
    let Some(filler) = keys.next() else { anyhow::bail!("nobody to stall") };
    let mut stalled: Vec<(Connection, Mouth, Ear)> = Vec::new();
    let mut endpoints = Vec::new();
    for (index, key) in keys.enumerate() {
        if index % PER_ADDRESS == 0 {
            endpoints.push(stalling.endpoint_with(1 + index / PER_ADDRESS, transport(manner))?);
        }
        let Some(endpoint) = endpoints.last() else { continue };
        let connection = stalling.connect(endpoint).await?;
        let (mouth, ear) = join(&connection, room, &key, 0, None).await?;
        stalled.push((connection, mouth, ear));
        orders.tries.add(1);
    }
    silent.store(true, Ordering::Relaxed);

    let endpoint = ground.endpoint(0)?;
    let (mut mouth, mut ear) = join(&ground.connect(&endpoint).await?, room, &filler, 0, None).await?;
    for _ in 0..FILLINGS {
        mouth.publish(vec![0; FILLING]).await?;
        ear.published().await?;
    }
    orders.ready();
    // It goes on reading; the others do not.
    let read_on = async { while !matches!(ear.next().await, Ok(None | Some(Frame::Refused(_))) | Err(_)) {} };
    tokio::select! {
        () = orders.stopped() => {}
        () = read_on => orders.stopped().await,
    }
    // In order, or the relay would keep their places.
    silent.store(false, Ordering::Relaxed);
    for (connection, ..) in stalled {
        connection.close(0u32.into(), b"");
    }
    for endpoint in endpoints {
        endpoint.wait_idle().await;
    }
    Ok(())
}

fn transport(manner: Manner) -> TransportConfig {
    let window = VarInt::from_u32(match manner {
        Manner::Unread => SMALL_WINDOW,
        Manner::Unacknowledged => LARGE_WINDOW,
    });
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(window).receive_window(window);
    transport
}

/// Once `silent` is set, what begins with an acknowledgement becomes padding: the connection lives on.
fn without_acks(ground: &Ground, silent: &Arc<AtomicBool>) -> anyhow::Result<Ground> {
    let silent = silent.clone();
    forging(
        ground,
        Arc::new(move |payload: &mut [u8], _| {
            if silent.load(Ordering::Relaxed) && payload.first().is_some_and(|kind| ACKS.contains(kind)) {
                payload.fill(0);
            }
        }),
    )
}
