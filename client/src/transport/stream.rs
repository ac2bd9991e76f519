//! One room's bidirectional stream: frames in, frames out, with bounded memory.

use bytes::{Buf, Bytes, BytesMut};
use proto::{
    CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, CloseCode, FrameError, FrameReader, MAX_COMMIT_FRAME,
    encode_frame,
    relay::{ClientFrame, RelayFrame},
};
use quinn::{Connection, ReadError, RecvStream, SendStream, WriteError};

/// Most bytes taken from the stream at once: what one store transaction holds, roughly.
const READ_CHUNK: usize = 256 << 10;

/// Bytes waiting to be written; over this the stream is given up, for a relay that reads nothing. Twice
/// the greatest frame, so that a commit never fails for a chat line in front of it.
const MAX_BACKLOG: usize = 2 * MAX_COMMIT_FRAME;

/// Why a stream ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The relay ended it, with a code if it gave one.
    #[error("the relay closed the stream")]
    Closed(Option<CloseCode>),
    /// The connection is gone.
    #[error("the connection is lost")]
    Lost,
    /// The relay broke the protocol.
    #[error("the relay sent what is not a frame: {0}")]
    Malformed(FrameError),
    /// The relay reads nothing.
    #[error("the relay takes nothing any more")]
    Stuck,
}

/// A room's stream.
pub struct RoomStream {
    send: SendStream,
    recv: RecvStream,
    reader: FrameReader,
    backlog: BytesMut,
    binding: [u8; CHANNEL_BINDING_LEN],
}

impl RoomStream {
    /// Opens a stream and derives the connection's channel binding (RFC 9266 is the idea).
    ///
    /// # Errors
    /// [`StreamError::Lost`] when the connection is gone.
    pub async fn open(connection: &Connection) -> Result<Self, StreamError> {
        let mut binding = [0; CHANNEL_BINDING_LEN];
        connection
            .export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"")
            .map_err(|_| StreamError::Lost)?;
        let (send, recv) = connection.open_bi().await.map_err(|_| StreamError::Lost)?;
        let reader = FrameReader::new(MAX_COMMIT_FRAME);
        Ok(Self { send, recv, reader, backlog: BytesMut::new(), binding })
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
    /// ever), until whole frames are there. Cancel-safe.
    ///
    /// # Errors
    /// [`StreamError`] when the stream ended; it is of no use afterwards.
    pub async fn drive(&mut self) -> Result<Vec<RelayFrame>, StreamError> {
        loop {
            self.reader.wanted().map_err(StreamError::Malformed)?;
            tokio::select! {
                written = self.send.write(&self.backlog), if !self.backlog.is_empty() => {
                    let written = written.map_err(|error| write_error(&error))?;
                    self.backlog.advance(written);
                }
                read = self.recv.read_chunk(READ_CHUNK, true) => {
                    let chunk = read.map_err(|error| read_error(&error))?;
                    let frames = self.cut(&chunk.ok_or(StreamError::Closed(None))?.bytes)?;
                    if !frames.is_empty() {
                        return Ok(frames);
                    }
                }
            }
        }
    }

    /// Writes all that waits and ends our half; for a clean goodbye.
    pub async fn finish(mut self) {
        // Whoever says goodbye does not care for an error any more.
        let _ = self.send.write_all(&self.backlog).await;
        let _ = self.send.finish();
        let _ = self.recv.stop(CloseCode::Done.value().into());
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

fn read_error(error: &ReadError) -> StreamError {
    match error {
        ReadError::Reset(code) => StreamError::Closed(CloseCode::from_value(code.into_inner())),
        ReadError::ConnectionLost(_)
        | ReadError::ClosedStream
        | ReadError::IllegalOrderedRead
        | ReadError::ZeroRttRejected => StreamError::Lost,
    }
}

fn write_error(error: &WriteError) -> StreamError {
    match error {
        WriteError::Stopped(code) => StreamError::Closed(CloseCode::from_value(code.into_inner())),
        WriteError::ConnectionLost(_) | WriteError::ClosedStream | WriteError::ZeroRttRejected => {
            StreamError::Lost
        }
    }
}
