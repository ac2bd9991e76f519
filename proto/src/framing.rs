//! Length-delimited frames: a 4-byte big-endian length, then that many bytes of protobuf.
//!
//! The length is compared with the cap before a byte is allocated for the body.

use prost::Message;

use crate::pieces::MAX_SLOT;

/// Bytes before each frame: its length, big-endian.
const LENGTH: usize = 4;

/// Greatest envelope: a commit of a large post-quantum group (its path may hold one 1.2 KB
/// ciphertext per member) stays below it.
pub const MAX_ENVELOPE: usize = 4 << 20;

/// Greatest frame without a slot: one envelope and its fields.
pub const MAX_FRAME: usize = MAX_ENVELOPE + (64 << 10);

/// Greatest frame with a slot (Join with Create, Publish with a commit part, Joined, Slot): the
/// tree of 1,000 post-quantum members was measured at 2.7 MB; with all names and seals it is 3.2 MB, and 8 MiB leave room for 2,650.
pub const MAX_COMMIT_FRAME: usize = MAX_FRAME + MAX_SLOT;

/// Longest words of a relay's operator, in bytes: a long sentence.
pub const MAX_WORDS: usize = 256;

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// The announced length is over the cap.
    #[error("a frame of {announced} bytes is over the limit of {cap}")]
    TooLong {
        /// What the peer announced, in bytes.
        announced: usize,
        /// The cap in force, in bytes.
        cap: usize,
    },
    /// The body is not the message expected.
    #[error("the frame is not valid protobuf")]
    Malformed,
}

/// Encodes one frame, length first.
pub fn encode_frame<M: Message>(message: &M) -> Vec<u8> {
    let body = message.encoded_len();
    let mut out = Vec::with_capacity(LENGTH + body);
    out.extend_from_slice(&u32::try_from(body).unwrap_or(u32::MAX).to_be_bytes());
    message.encode_raw(&mut out);
    out
}

/// Cuts a byte stream into frames; holds at most one frame of at most `cap` bytes.
#[derive(Debug)]
pub struct FrameReader {
    buffer: Vec<u8>,
    cap: usize,
}

impl FrameReader {
    /// A reader that refuses frames of over `cap` bytes.
    pub fn new(cap: usize) -> Self {
        Self { buffer: Vec::new(), cap }
    }

    /// How many more bytes the next frame needs, as far as is known: never 0, never over the cap.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] when the announced length is over the cap.
    pub fn wanted(&self) -> Result<usize, FrameError> {
        Ok(match self.announced()? {
            Some(body) => (LENGTH + body).saturating_sub(self.buffer.len()).max(1),
            None => LENGTH - self.buffer.len(),
        })
    }

    /// Adds received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if it is there.
    ///
    /// # Errors
    /// [`FrameError`] when the length is over the cap or the body does not parse; the stream is then
    /// beyond repair.
    pub fn next_frame<M: Message + Default>(&mut self) -> Result<Option<M>, FrameError> {
        let Some(body) = self.announced()? else { return Ok(None) };
        let Some(bytes) = self.buffer.get(LENGTH..LENGTH + body) else { return Ok(None) };
        let message = M::decode(bytes).map_err(|_| FrameError::Malformed)?;
        self.buffer.drain(..LENGTH + body);
        Ok(Some(message))
    }

    /// Makes room for so many bytes of the frame that was announced, its length included, at once.
    pub fn reserve_up_to(&mut self, bytes: usize) {
        if let Ok(Some(body)) = self.announced() {
            self.buffer.reserve_exact((LENGTH + body).min(bytes).saturating_sub(self.buffer.len()));
        }
    }

    /// What is there of the next frame, without its length.
    pub fn body(&self) -> &[u8] {
        self.buffer.get(LENGTH..).unwrap_or_default()
    }

    /// Bytes that are there.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Makes room for the whole frame that was announced, at once: so it is not copied again and again while it grows.
    pub fn reserve(&mut self) {
        if let Ok(Some(body)) = self.announced() {
            self.buffer.reserve_exact((LENGTH + body).saturating_sub(self.buffer.len()));
        }
    }

    /// The frame that is all there is, without copying its bytes: what it holds shares the buffer. `None` while it is not
    /// whole; with bytes of the next frame behind it, as [`FrameReader::next_frame`].
    ///
    /// # Errors
    /// As [`FrameReader::next_frame`].
    pub fn take_frame<M: Message + Default>(&mut self) -> Result<Option<M>, FrameError> {
        let Some(body) = self.announced()? else { return Ok(None) };
        if self.buffer.len() != LENGTH + body {
            return self.next_frame();
        }
        let bytes = bytes::Bytes::from(std::mem::take(&mut self.buffer)).slice(LENGTH..);
        M::decode(bytes).map(Some).map_err(|_| FrameError::Malformed)
    }

    fn announced(&self) -> Result<Option<usize>, FrameError> {
        let Some(length) = self.buffer.first_chunk::<LENGTH>() else { return Ok(None) };
        let announced = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if announced > self.cap {
            return Err(FrameError::TooLong { announced, cap: self.cap });
        }
        Ok(Some(announced))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::Ephemeral;

    fn ephemeral(length: usize) -> Ephemeral {
        Ephemeral { envelope: vec![7; length].into() }
    }

    #[test]
    fn frames_survive_any_cut() {
        let bytes = [encode_frame(&ephemeral(3)), encode_frame(&ephemeral(0))].concat();
        for cut in 0..bytes.len() {
            let mut reader = FrameReader::new(100);
            let mut seen = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                reader.push(part);
                while let Some(frame) = reader.next_frame::<Ephemeral>().unwrap() {
                    seen.push(frame.envelope.len());
                }
            }
            assert_eq!(seen, [3, 0], "cut at {cut}");
        }
    }

    #[test]
    fn frame_taken_with_its_buffer_is_the_same_frame() {
        let bytes = encode_frame(&ephemeral(50));
        let mut reader = FrameReader::new(100);
        reader.push(&bytes[..20]);
        reader.reserve();
        assert_eq!(reader.take_frame::<Ephemeral>(), Ok(None));
        reader.push(&bytes[20..]);
        assert_eq!(reader.take_frame(), Ok(Some(ephemeral(50))));
        assert_eq!(reader.wanted(), Ok(LENGTH), "the next one begins");
        reader.push(&[&bytes[..], &bytes[..9]].concat());
        assert_eq!(reader.take_frame(), Ok(Some(ephemeral(50))), "with the beginning of another behind it");
        assert_eq!(reader.wanted(), Ok(bytes.len() - 9));
    }

    #[test]
    fn over_long_frame_is_refused_from_its_length_alone() {
        let mut reader = FrameReader::new(100);
        reader.push(&101u32.to_be_bytes());
        let error = FrameError::TooLong { announced: 101, cap: 100 };
        assert_eq!(reader.wanted(), Err(error));
        assert!(reader.next_frame::<Ephemeral>().is_err());
    }

    #[test]
    fn garbage_body_is_malformed() {
        let mut reader = FrameReader::new(100);
        reader.push(&[0, 0, 0, 2, 0xff, 0xff]);
        assert_eq!(reader.next_frame::<Ephemeral>(), Err(FrameError::Malformed));
    }
}
