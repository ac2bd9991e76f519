//! The stream of one file, beside the room's: parts up, or parts down. Rooms go first.

use bytes::Bytes;
use proto::{
    CHANNEL_BINDING_LEN, FrameReader,
    blob::{MAX_BLOB_FRAME, part_header},
    encode_frame,
    relay::{ClientFrame, RelayFrame, client_frame},
};

use super::{
    StreamError,
    connection::{Connection, RecvHalf, SendHalf},
};

/// Most bytes taken from the stream at once.
const READ_CHUNK: usize = 256 << 10;

/// A file's stream.
pub(crate) struct BlobStream {
    send: SendHalf,
    recv: RecvHalf,
    reader: FrameReader,
    binding: [u8; CHANNEL_BINDING_LEN],
}

impl BlobStream {
    /// Opens a stream; waits while as many are open as may be.
    ///
    /// # Errors
    /// [`StreamError::Lost`] when the connection is gone.
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StreamError> {
        let binding = connection.binding().ok_or(StreamError::Lost)?;
        let (send, recv) = connection.open().await?;
        send.give_way();
        Ok(Self { send, recv, reader: FrameReader::new(MAX_BLOB_FRAME), binding })
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

    /// Sends a part; reads what the relay says meanwhile, so that neither waits for the other for ever.
    ///
    /// # Errors
    /// [`StreamError`] when the stream ended.
    pub(crate) async fn part(&mut self, number: u32, bytes: Bytes) -> Result<Vec<RelayFrame>, StreamError> {
        let header = part_header(number, bytes.len());
        let mut told = Vec::new();
        for mut left in [header, bytes] {
            while !left.is_empty() {
                tokio::select! {
                    written = self.send.write_some(&mut left) => written?,
                    read = self.recv.read_chunk(READ_CHUNK) => {
                        let bytes = read?.ok_or(StreamError::Closed(None))?;
                        self.reader.push(&bytes);
                        while let Some(frame) = self.reader.next_frame().map_err(StreamError::Malformed)? {
                            told.push(frame);
                        }
                    }
                }
            }
        }
        Ok(told)
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
