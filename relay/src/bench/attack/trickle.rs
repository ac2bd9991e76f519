//! Members who join a room with the largest entry there may be, and take none of it: each holds memory that others need.

use proto::MAX_ENVELOPE;

use super::{Attack, Orders};
use crate::bench::{
    client::{Ground, join},
    room::Room,
};

/// Streams of one address.
const STREAMS: usize = 8;

/// Has them join, and join again when they are shown out.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| run(ground, places, orders))
}

async fn run(ground: Ground, places: usize, orders: Orders) -> anyhow::Result<()> {
    let endpoint = ground.endpoint(0)?;
    let connection = ground.connect(&endpoint).await?;
    let (room, (mut mouth, mut ear)) = Room::open(&connection, 1 + places * STREAMS).await?;
    mouth.publish(vec![0; MAX_ENVELOPE]).await?;
    ear.published().await?;
    let (id, keys) = (room.id, room.keys);
    orders
        .repeat(places, |place, tries| {
            let (ground, keys) = (ground.clone(), &keys);
            async move {
                let endpoint = ground.endpoint(1 + place)?;
                let connection = ground.connect(&endpoint).await?;
                let mut streams = Vec::new();
                for key in keys.iter().skip(1 + place * STREAMS).take(STREAMS) {
                    streams.push(join(&connection, id, key, 0, None).await?);
                    tries.add(1);
                }
                // Until the relay gives the connection up.
                connection.closed().await;
                Ok(())
            }
        })
        .await
}
