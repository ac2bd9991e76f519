//! Streams opened as fast as the relay lets them, each with a Join that is refused.

use proto::{
    encode_frame,
    relay::{ClientFrame, Join, client_frame::Frame},
};

use super::Attack;
use crate::bench::client::Ground;

/// Opens streams from several places until the relay closes the connection, then connects again.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    let join = Join {
        room_id: vec![1; 32].into(),
        access_key: vec![2; 32].into(),
        signature: vec![3; 64].into(),
        ..Join::default()
    };
    let bytes = encode_frame(&ClientFrame { frame: Some(Frame::Join(join)) });
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let (ground, bytes) = (ground.clone(), bytes.clone());
            async move {
                let endpoint = ground.endpoint(1 + place)?;
                let connection = ground.connect(&endpoint).await?;
                while let Ok((mut send, recv)) = connection.open_bi().await {
                    // The relay may have closed the connection meanwhile.
                    let _ = send.write_all(&bytes).await;
                    drop((send, recv));
                    tries.add(1);
                }
                endpoint.wait_idle().await;
                Ok(())
            }
        })
    })
}
