//! A room with many members, each of whom sends signals all the time: each goes to all others.

use std::time::Duration;

use futures_util::future::join_all;
use proto::relay::{Ephemeral, client_frame::Frame};

use super::{Attack, Orders, Tries};
use crate::{
    bench::{
        client::{Ear, Ground, Mouth, join},
        room::Room,
    },
    policy::limits::KEYS_PER_CHANGE,
};

/// Members on one connection, one from each place: below the limit of streams.
const SEATS: usize = 50;

/// Bytes of a signal.
const SIGNAL: usize = 1 << 10;

/// Time between two signals of one member: its own limit.
const EVERY: Duration = Duration::from_millis(100);

/// Seats all of them, and then has them signal and listen.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| run(ground, places, orders))
}

async fn run(ground: Ground, places: usize, mut orders: Orders) -> anyhow::Result<()> {
    let endpoint = ground.endpoint(1)?;
    let connection = ground.connect(&endpoint).await?;
    let (room, first) = Room::open(&connection, (places * SEATS).min(KEYS_PER_CHANGE)).await?;
    let (mut connections, mut seats) = (vec![(connection, endpoint)], vec![first]);
    for (place, keys) in room.keys.get(1..).unwrap_or_default().chunks(SEATS).enumerate() {
        let endpoint = ground.endpoint(1 + place)?;
        let connection = ground.connect(&endpoint).await?;
        for key in keys {
            seats.push(join(&connection, room.id, key, 0, None).await?);
        }
        connections.push((connection, endpoint));
    }
    let tries = orders.tries.clone();
    let all = join_all(seats.into_iter().map(|(mouth, ear)| gesture(mouth, ear, tries.clone())));
    orders.ready();
    tokio::select! {
        _ = all => anyhow::bail!("all members of the attack have left"),
        () = orders.stopped() => {}
    }
    for (connection, endpoint) in connections {
        connection.close(0u32.into(), b"");
        endpoint.wait_idle().await;
    }
    Ok(())
}

async fn gesture(mut mouth: Mouth, mut ear: Ear, tries: Tries) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(EVERY);
    let signal = Ephemeral { envelope: vec![0; SIGNAL].into() };
    loop {
        tokio::select! {
            _ = tick.tick() => {
                mouth.say(Frame::Ephemeral(signal.clone())).await?;
                tries.add(1);
            }
            heard = ear.next() => anyhow::ensure!(heard?.is_some(), "the stream ended"),
        }
    }
}
