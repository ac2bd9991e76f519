//! One publish, again and again: it is in the log already, and each time is answered or refused.

use futures_util::future::try_join;
use proto::relay::{Publish, client_frame::Frame};
use quinn::Connection;

use super::{Attack, PAUSE, Tries};
use crate::bench::{
    client::{Ear, Ground, Mouth, join, random},
    room::Room,
};

/// Bytes of it.
const SMALL: usize = 16;

/// From each place one member of a room, who is back at once when the stream was ended.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let endpoint = ground.endpoint(1 + place)?;
                let connection = ground.connect(&endpoint).await?;
                let (room, (mouth, ear)) = Room::open(&connection, 1).await?;
                let id = random::<16>()?.to_vec().into();
                let publish = Publish { id, envelope: vec![0; SMALL].into(), ..Publish::default() };
                let ended = insist(&publish, mouth, ear, tries.clone()).await;
                while ended.is_err() && connection.close_reason().is_none() {
                    let again = insist_again(&connection, &room, &publish, tries.clone()).await;
                    if again.is_err() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Ok(())
            }
        })
    })
}

async fn insist_again(
    connection: &Connection,
    room: &Room,
    publish: &Publish,
    tries: Tries,
) -> anyhow::Result<()> {
    let Some(key) = room.keys.first() else { anyhow::bail!("a room without a member") };
    let (mouth, ear) = join(connection, room.id, key, u64::MAX >> 1, None).await?;
    insist(publish, mouth, ear, tries).await
}

/// Ends only with an error.
async fn insist(publish: &Publish, mut mouth: Mouth, mut ear: Ear, tries: Tries) -> anyhow::Result<()> {
    let say = async {
        loop {
            mouth.say(Frame::Publish(publish.clone())).await?;
            tries.add(1);
        }
    };
    let hear = async {
        loop {
            anyhow::ensure!(ear.next().await?.is_some(), "the stream ended");
        }
    };
    try_join::<_, _>(say, hear).await.map(|((), ())| ())
}
