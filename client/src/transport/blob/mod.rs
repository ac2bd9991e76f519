//! The stream of one file, beside the room's: parts up, or parts down. Rooms go first.

use std::time::Duration;

use bytes::Bytes;
use proto::{
    CHANNEL_BINDING_LEN, FrameReader,
    blob::{MAX_BLOB_FRAME, part_header},
    encode_frame,
    relay::{ClientFrame, RelayFrame, client_frame},
};
use tokio::time::{Instant, timeout_at};

use super::{
    StreamError,
    connection::{Connection, RecvHalf, SendHalf},
};

/// Most bytes taken from the stream at once.
const READ_CHUNK: usize = 256 << 10;

/// A relay that takes nothing of a part for so long is asked anew, however much it says.
const STALL: Duration = Duration::from_secs(60);

/// A file's stream.
pub(crate) struct BlobStream {
    send: SendHalf,
    recv: RecvHalf,
    reader: FrameReader,
    binding: [u8; CHANNEL_BINDING_LEN],
    /// [`STALL`].
    stall: Duration,
}

impl BlobStream {
    /// Opens a stream; waits while as many are open as may be.
    ///
    /// # Errors
    /// [`StreamError::Lost`] when the connection is gone.
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StreamError> {
        let binding = connection.binding().ok_or(StreamError::Lost)?;
        let (send, recv) = connection.open().await?;
        send.lower_priority();
        Ok(Self { send, recv, reader: FrameReader::new(MAX_BLOB_FRAME), binding, stall: STALL })
    }

    /// Ties the proof to this connection.
    pub(crate) fn binding(&self) -> [u8; CHANNEL_BINDING_LEN] {
        self.binding
    }

    /// Sends what the stream is for.
    ///
    /// # Errors
    /// [`StreamError`] when the stream ended.
    pub(crate) async fn begin(&mut self, frame: client_frame::Frame) -> Result<(), StreamError> {
        let bytes = encode_frame(&ClientFrame { frame: Some(frame) });
        self.write(&bytes).await
    }

    /// Sends a part; reads what the relay says meanwhile, so that neither waits for the other for ever, and gives it as it comes.
    ///
    /// # Errors
    /// What `take` says, or [`StreamError`] when the stream ended or the relay takes nothing for [`STALL`], whatever it says.
    pub(crate) async fn part<E: From<StreamError>>(
        &mut self,
        number: u32,
        bytes: Bytes,
        mut take: impl FnMut(RelayFrame) -> Result<(), E>,
    ) -> Result<(), E> {
        let header = part_header(number, bytes.len());
        for mut left in [header, bytes] {
            let mut until = Instant::now() + self.stall;
            while !left.is_empty() {
                tokio::select! {
                    written = timeout_at(until, self.send.write_some(&mut left)) => {
                        written.map_err(|_| StreamError::Stuck)??;
                        until = Instant::now() + self.stall;
                    }
                    read = self.recv.read_chunk(READ_CHUNK) => {
                        let bytes = read?.ok_or(StreamError::Closed(None))?;
                        self.reader.push(&bytes);
                        while let Some(frame) = self.reader.next_frame().map_err(StreamError::Malformed)? {
                            take(frame)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The next frame; none at the relay's orderly end.
    ///
    /// # Errors
    /// [`StreamError`] when the stream ended otherwise.
    pub(crate) async fn next(&mut self) -> Result<Option<RelayFrame>, StreamError> {
        loop {
            if let Some(frame) = self.reader.take_frame().map_err(StreamError::Malformed)? {
                return Ok(Some(frame));
            }
            // Nothing of the frame behind it: else the relay could give that, too, before this one is on the disk.
            let wanted = self.reader.wanted().map_err(StreamError::Malformed)?;
            let Some(bytes) = self.recv.read_chunk(wanted.min(READ_CHUNK)).await? else { return Ok(None) };
            self.reader.push(&bytes);
            self.reader.reserve();
        }
    }

    /// Ends both halves in order.
    pub(crate) async fn finish(mut self) {
        self.send.finish(&[]).await;
        self.recv.stop();
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut left = bytes;
        while !left.is_empty() {
            let written = self.send.write(left).await?;
            left = left.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
