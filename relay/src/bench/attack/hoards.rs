//! Members who hold the memory for large frames: by announcing them, by sending them slowly, and by reading them slowly.

use std::time::Duration;

use futures_util::future::join_all;
use proto::{MAX_COMMIT_FRAME, MAX_ENVELOPE};
use quinn::{Connection, TransportConfig, VarInt};

use super::{Attack, Tries};
use crate::bench::{
    client::{Ear, Ground, Mouth, join},
    room::Room,
};

/// Streams from one place.
const STREAMS: usize = 8;

/// Bytes of a drop, and time between two: a little more than the least rate.
const DROP_BYTES: usize = 2 << 10;
const DROP: Duration = Duration::from_millis(100);

/// Time after which it begins anew: the relay has given it up long before, if it does.
const AGAIN: Duration = Duration::from_secs(60);

/// Bytes that a slow reader allows.
const SMALL_WINDOW: u32 = 16 << 10;

/// How memory is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Manner {
    /// The greatest frames are announced, and nothing comes.
    Announced,
    /// They come as slowly as they may.
    Senders,
    /// They are read as slowly as they may be.
    Readers,
}

/// From each place, on as many streams.
pub(in crate::bench) fn attack(ground: Ground, places: usize, manner: Manner) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let endpoint = match manner {
                    Manner::Readers => ground.endpoint_with(1 + place, transport())?,
                    Manner::Announced | Manner::Senders => ground.endpoint(1 + place)?,
                };
                let connection = ground.connect(&endpoint).await?;
                let held = tokio::time::timeout(AGAIN, hold(&connection, manner, tries)).await;
                connection.close(0u32.into(), b"");
                endpoint.wait_idle().await;
                held?
            }
        })
    })
}

async fn hold(connection: &Connection, manner: Manner, tries: Tries) -> anyhow::Result<()> {
    let (room, (mouth, ear)) = Room::open(connection, STREAMS).await?;
    let mut streams = vec![fill(mouth, ear, manner).await?];
    for key in room.keys.get(1..).unwrap_or_default() {
        streams.push(join(connection, room.id, key, 0, None).await?);
    }
    join_all(streams.into_iter().map(|(mouth, ear)| one(mouth, ear, manner, tries.clone()))).await;
    Ok(())
}

/// Where there is to be something to read, something large.
async fn fill(mut mouth: Mouth, mut ear: Ear, manner: Manner) -> anyhow::Result<(Mouth, Ear)> {
    if manner == Manner::Readers {
        mouth.publish(vec![0; MAX_ENVELOPE]).await?;
        ear.published().await?;
    }
    Ok((mouth, ear))
}

async fn one(mouth: Mouth, mut ear: Ear, manner: Manner, tries: Tries) -> anyhow::Result<()> {
    let Mouth(mut send) = mouth;
    tries.add(1);
    if manner == Manner::Readers {
        loop {
            ear.sip(DROP_BYTES).await?;
            tokio::time::sleep(DROP).await;
        }
    }
    send.write_all(&u32::try_from(MAX_COMMIT_FRAME)?.to_be_bytes()).await?;
    loop {
        if manner == Manner::Senders {
            send.write_all(&[0; DROP_BYTES]).await?;
        }
        tokio::time::sleep(DROP).await;
    }
}

fn transport() -> TransportConfig {
    let window = VarInt::from_u32(SMALL_WINDOW);
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(window);
    transport
}
