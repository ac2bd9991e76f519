//! A large frame, which takes memory as it comes. Waiting for memory takes nothing of the sender's time, and does not end its
//! stream: what finds none in the end is read past, and to be sent again.

use std::time::Duration;

use proto::{FrameReader, PublishId, relay::ClientFrame};
use tokio::time::{Instant, timeout};

use super::{Budget, CHUNK, Input, InputError, LENGTH, kib};
use crate::{
    log::Memory,
    policy::{
        limits::{LARGE_FRAME_STALL, frame_time},
        pool::{Evicted, Lease},
    },
};

/// Field 2 of a `ClientFrame`, a message: a `Publish`.
const PUBLISH: u8 = 0x12;

/// Field 1 of a `Publish`, of 16 bytes: its id. Encoders write fields in their order, so it comes first.
const ID: [u8; 2] = [0x0a, PublishId::LEN as u8];

/// The bit of a varint's byte that says that another follows.
const MORE: u8 = 0x80;

/// What is left of two times.
struct Left {
    /// For the sender.
    sending: Duration,
    /// For the relay to find memory.
    memory: Duration,
}

impl Left {
    /// Waits for memory, as long as there is time left for that.
    async fn memory<T>(&mut self, wait: impl Future<Output = T>) -> Result<T, InputError> {
        let begun = Instant::now();
        let got = timeout(self.memory, wait).await.map_err(|_| no_memory());
        self.memory = self.memory.saturating_sub(begun.elapsed());
        got
    }
}

impl Input {
    /// The body of a frame of so many bytes: at the least rate, with no longer pause than `stall`.
    pub(super) async fn large(
        &mut self,
        length: usize,
        budget: &Budget<'_>,
        stall: Duration,
    ) -> Result<(ClientFrame, Memory), InputError> {
        let whole = kib(length + LENGTH);
        let mut left = Left { sending: frame_time(length), memory: budget.patience };
        let lease = left.memory(budget.pool.take(budget.address, whole.min(budget.step_kib))).await?;
        let mut have = lease.kib();
        self.reader.reserve_up_to((have as usize) << 10);
        loop {
            if let Some(frame) = self.reader.take_frame::<ClientFrame>()? {
                // The buffer, which grew with the frame, is the frame's.
                self.reader = FrameReader::new(self.cap);
                return Ok((frame, lease.into()));
            }
            let room = ((have as usize) << 10).saturating_sub(self.reader.buffered());
            if room == 0 {
                let grown = left.memory(lease.grow(have.min(whole.saturating_sub(have)))).await?;
                grown.map_err(|Evicted| no_memory())?;
                if lease.kib() == have {
                    return Err(InputError::TooLarge);
                }
                have = lease.kib();
                self.reader.reserve_up_to((have as usize) << 10);
                continue;
            }
            let begun = Instant::now();
            let wanted = self.reader.wanted()?.min(room);
            self.piece(wanted, stall.min(left.sending), &lease).await?;
            left.sending = left.sending.saturating_sub(begun.elapsed());
        }
    }

    /// Some bytes of it, unless others need what is held for it.
    async fn piece(&mut self, wanted: usize, time: Duration, lease: &Lease) -> Result<(), InputError> {
        let came = tokio::select! {
            biased;
            came = timeout(time, self.fill(wanted)) => came.map_err(|_| InputError::TimedOut)??,
            () = lease.evicted() => return Err(no_memory()),
        };
        if came == 0 {
            return Err(InputError::Malformed);
        }
        lease.moved(came);
        Ok(())
    }

    /// Reads past what is left of a frame for which there was no memory, and says which publish it was, if that came.
    pub(super) async fn skip(&mut self) -> Result<Option<PublishId>, InputError> {
        let (id, mut missing) = (begun_publish(self.reader.body()), self.reader.wanted()?);
        // It was for the frame that it is without now.
        self.reader = FrameReader::new(self.cap);
        let time = frame_time(missing);
        let skipping = async {
            while missing > 0 {
                let chunk = timeout(LARGE_FRAME_STALL, self.recv.read_chunk(missing.min(CHUNK))).await;
                let chunk = chunk.map_err(|_| InputError::TimedOut)?.map_err(|_| InputError::Gone)?;
                missing = missing.saturating_sub(chunk.ok_or(InputError::Malformed)?.len());
            }
            Ok(id)
        };
        timeout(time, skipping).await.map_err(|_| InputError::TimedOut)?
    }
}

fn no_memory() -> InputError {
    InputError::NoMemory { id: None }
}

/// The id of a publish of which this is the beginning.
fn begun_publish(body: &[u8]) -> Option<PublishId> {
    let (kind, rest) = body.split_first()?;
    let length = rest.iter().position(|byte| byte & MORE == 0)?;
    let id = rest.get(length + 1..)?.strip_prefix(&ID)?.get(..PublishId::LEN)?;
    (*kind == PUBLISH).then(|| PublishId::try_from(id).ok())?
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proto::{
        encode_frame,
        relay::{Ephemeral, GetSlot, Join, Publish, client_frame::Frame},
    };

    use super::*;

    fn body(frame: Frame) -> Vec<u8> {
        encode_frame(&ClientFrame { frame: Some(frame) }).split_off(LENGTH)
    }

    #[test]
    fn publish_is_known_by_its_beginning_and_nothing_else_is_taken_for_one() {
        let publish = |length| {
            let envelope = vec![7; length].into();
            body(Frame::Publish(Publish { id: vec![5; 16].into(), envelope, ..Publish::default() }))
        };
        for length in [0, 100, 200 << 10, 4 << 20] {
            assert_eq!(begun_publish(&publish(length)), Some(PublishId([5; 16])), "{length}");
        }
        let whole = publish(1000);
        for cut in 0..21 {
            assert_eq!(begun_publish(&whole[..cut]), None, "cut at {cut}");
        }
        let bytes = Bytes::from(vec![10; 32]);
        for other in [
            Frame::Join(Join { room_id: bytes.clone(), ..Join::default() }),
            Frame::Ephemeral(Ephemeral { envelope: bytes.clone() }),
            Frame::GetSlot(GetSlot { confirmed: true }),
            Frame::Publish(Publish { envelope: bytes, ..Publish::default() }),
        ] {
            assert_eq!(begun_publish(&body(other)), None);
        }
        for garbage in [&[][..], &[PUBLISH], &[PUBLISH, 0xff, 0xff], &[0xff; 64]] {
            assert_eq!(begun_publish(garbage), None);
        }
    }
}
