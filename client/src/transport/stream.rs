//! One room's bidirectional stream: frames in, frames out, with bounded memory.

use bytes::{Buf, Bytes, BytesMut};
use proto::{
    CHANNEL_BINDING_LEN, CloseCode, FrameError, FrameReader, MAX_COMMIT_FRAME, encode_frame,
    relay::{ClientFrame, RelayFrame},
};

use super::connection::{Connection, RecvHalf, SendHalf};

/// Most bytes taken from the stream at once: what one store transaction holds, roughly.
const READ_CHUNK: usize = 256 << 10;

/// Bytes waiting to be written; over this the stream is given up, for a relay that reads nothing. Twice
/// the greatest frame, so that a commit never fails for a chat line in front of it.
const MAX_BACKLOG: usize = 2 * MAX_COMMIT_FRAME;

/// Why a stream ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The relay ended it, with a code if it gave one.
    #[error("closed")]
    Closed(Option<CloseCode>),
    /// The connection is gone.
    #[error("lost")]
    Lost,
    /// The relay broke the protocol.
    #[error("malformed: {0}")]
    Malformed(FrameError),
    /// The relay reads nothing.
    #[error("stuck")]
    Stuck,
}

/// A room's stream.
pub struct RoomStream {
    send: SendHalf,
    recv: RecvHalf,
    reader: FrameReader,
    backlog: BytesMut,
    binding: [u8; CHANNEL_BINDING_LEN],
    /// It ended behind frames that were handed out.
    ended: Option<StreamError>,
}

impl RoomStream {
    /// Opens a stream and derives the connection's channel binding (RFC 9266 is the idea).
    ///
    /// # Errors
    /// [`StreamError::Lost`] when the connection is gone.
    pub async fn open(connection: &Connection) -> Result<Self, StreamError> {
        let binding = connection.binding().ok_or(StreamError::Lost)?;
        let (send, recv) = connection.open().await?;
        let reader = FrameReader::new(MAX_COMMIT_FRAME);
        Ok(Self { send, recv, reader, backlog: BytesMut::new(), binding, ended: None })
    }

    /// Ties a Join signature to this connection.
    pub fn binding(&self) -> [u8; CHANNEL_BINDING_LEN] {
        self.binding
    }

    /// Bytes that wait to be written.
    pub fn backlog(&self) -> usize {
        self.backlog.len()
    }

    /// Adds a frame to what [`Self::drive`] writes.
    ///
    /// # Errors
    /// [`StreamError::Stuck`] when too much waits already.
    pub fn queue(&mut self, frame: &ClientFrame) -> Result<(), StreamError> {
        let bytes = encode_frame(frame);
        if self.backlog.len() + bytes.len() > MAX_BACKLOG {
            return Err(StreamError::Stuck);
        }
        self.backlog.extend_from_slice(&bytes);
        Ok(())
    }

    /// Writes what waits and reads, both at once (a relay that waits for us to read must not wait for
    /// ever), until whole frames are there: all that are, up to [`READ_CHUNK`], because each time costs whoever stores
    /// them a write that waits for the disk. Cancel-safe.
    ///
    /// # Errors
    /// [`StreamError`] when the stream ended; it is of no use afterwards.
    pub async fn drive(&mut self) -> Result<Vec<RelayFrame>, StreamError> {
        if let Some(error) = self.ended.take() {
            return Err(error);
        }
        loop {
            self.reader.wanted().map_err(StreamError::Malformed)?;
            tokio::select! {
                written = self.send.write(&self.backlog), if !self.backlog.is_empty() => {
                    self.backlog.advance(written?);
                }
                read = self.recv.read_chunk(READ_CHUNK) => {
                    let bytes = read?.ok_or(StreamError::Closed(None))?;
                    let mut frames = self.cut(&bytes)?;
                    if !frames.is_empty() {
                        self.take_ready(&mut frames, bytes.len()).await;
                        return Ok(frames);
                    }
                }
            }
        }
    }

    /// Takes what is there already, and waits for nothing: a packet holds two or three frames, and a relay that we catch
    /// up with has sent many by now. `taken`: bytes that were read before.
    async fn take_ready(&mut self, frames: &mut Vec<RelayFrame>, mut taken: usize) {
        while taken < READ_CHUNK {
            let read = tokio::select! {
                biased;
                read = self.recv.read_chunk(READ_CHUNK - taken) => read,
                () = std::future::ready(()) => return,
            };
            let cut = match read {
                Ok(Some(bytes)) => {
                    taken += bytes.len();
                    self.cut(&bytes)
                }
                Ok(None) => Err(StreamError::Closed(None)),
                Err(error) => Err(error),
            };
            match cut {
                Ok(more) => frames.extend(more),
                Err(error) => {
                    // What came before it counts.
                    self.ended = Some(error);
                    return;
                }
            }
        }
    }

    /// Writes all that waits and ends our half; for a clean goodbye.
    pub async fn finish(mut self) {
        self.send.finish(&self.backlog).await;
        self.recv.stop();
    }

    fn cut(&mut self, bytes: &Bytes) -> Result<Vec<RelayFrame>, StreamError> {
        self.reader.push(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = self.reader.next_frame().map_err(StreamError::Malformed)? {
            frames.push(frame);
        }
        Ok(frames)
    }
}
