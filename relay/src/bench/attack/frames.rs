//! Frames that announce more than is allowed, and frames that announce as much as is allowed and come in
//! drops.

use std::time::Duration;

use futures_util::future::join_all;
use quinn::Connection;

use super::Attack;
use crate::{
    bench::client::Ground,
    policy::limits::{MAX_FIRST_FRAME, STRANGER_STREAMS},
};

/// Time between two drops of a large frame.
pub(super) const DROP: Duration = Duration::from_millis(100);

/// Bytes of a drop.
pub(super) const DROP_BYTES: usize = 1 << 10;

/// Announces from several places: every other place too much, the rest the most that is allowed.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let endpoint = ground.endpoint(1 + place)?;
                let connection = ground.connect(&endpoint).await?;
                while connection.close_reason().is_none() {
                    let sent = if place % 2 == 0 {
                        // As many at once as a stranger may have streams.
                        let volley = (0..STRANGER_STREAMS).map(|_| over(&connection));
                        join_all(volley).await.iter().filter(|sent| sent.is_ok()).count() as u64
                    } else {
                        trickle(&connection).await.is_ok().into()
                    };
                    tries.add(sent);
                }
                endpoint.wait_idle().await;
                Ok(())
            }
        })
    })
}

async fn over(connection: &Connection) -> anyhow::Result<()> {
    let (mut send, mut recv) = connection.open_bi().await?;
    send.write_all(&u32::MAX.to_be_bytes()).await?;
    // Until the relay says what it thinks of it.
    let _ = recv.read_to_end(DROP_BYTES).await;
    Ok(())
}

async fn trickle(connection: &Connection) -> anyhow::Result<()> {
    let (mut send, _recv) = connection.open_bi().await?;
    let length = u32::try_from(MAX_FIRST_FRAME)?;
    send.write_all(&length.to_be_bytes()).await?;
    loop {
        send.write_all(&[0; DROP_BYTES]).await?;
        tokio::time::sleep(DROP).await;
    }
}
