//! Rooms whose oldest message is as large as it may be, and small messages after it: what the relay does about old ones
//! at each new one costs it the most there.

use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;
use proto::{MAX_ENVELOPE, relay::relay_frame::Frame};

use super::{Attack, Orders, Tries};
use crate::bench::{
    client::{Ear, Ground, Mouth},
    room::Room,
};

/// Rooms of one address: with 20 addresses they are 80.
const ROOMS: usize = 4;

/// Bytes of a small message.
const SMALL: usize = 16;

/// Opens the rooms, and then has somebody talk in all of them as fast as the relay lets him.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| run(ground, places, orders))
}

async fn run(ground: Ground, places: usize, mut orders: Orders) -> anyhow::Result<()> {
    let (mut connections, mut rooms) = (Vec::new(), Vec::new());
    for place in 0..places {
        let endpoint = ground.endpoint(1 + place)?;
        let connection = ground.connect(&endpoint).await?;
        for _ in 0..ROOMS {
            let (_, (mut mouth, mut ear)) = Room::open(&connection, 1).await?;
            mouth.publish(vec![0; MAX_ENVELOPE]).await?;
            take(&mut ear).await?;
            rooms.push((mouth, ear));
        }
        connections.push((connection, endpoint));
    }
    let tries = orders.tries.clone();
    let all = join_all(rooms.into_iter().map(|(mouth, ear)| chatter(mouth, ear, tries.clone())));
    orders.ready();
    tokio::select! {
        _ = all => anyhow::bail!("all rooms of the attack have ended"),
        () = orders.stopped() => {}
    }
    for (connection, endpoint) in connections {
        connection.close(0u32.into(), b"");
        endpoint.wait_idle().await;
    }
    Ok(())
}

/// Reads the answer and the message itself: what is unread would hold up the other rooms of the connection.
async fn take(ear: &mut Ear) -> anyhow::Result<()> {
    let (mut is_answered, mut is_delivered) = (false, false);
    while !is_answered || !is_delivered {
        match ear.next().await?.context("the stream ended")? {
            Frame::Published(_) => is_answered = true,
            Frame::Deliver(_) => is_delivered = true,
            Frame::Refused(refused) => anyhow::bail!("a Publish was refused: {:?}", refused.code()),
            _ => {}
        }
    }
    Ok(())
}

async fn chatter(mut mouth: Mouth, mut ear: Ear, tries: Tries) -> anyhow::Result<()> {
    loop {
        mouth.publish(vec![0; SMALL]).await?;
        match ear.answered().await? {
            Duration::ZERO => tries.add(1),
            wait => tokio::time::sleep(wait).await,
        }
    }
}
