//! Frames: a length (4 bytes, big-endian) and a value. The length is held against a cap before anything is allocated.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// A frame of this value. Wiped, because links are among them.
///
/// # Errors
/// When it is longer than `most` bytes.
pub(super) fn encode(value: &impl Serialize, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for the length in front, so that nothing is copied.
    let mut frame = Zeroizing::new(postcard::to_extend(value, vec![0; 4]).map_err(io::Error::other)?);
    let length = frame.len().saturating_sub(4);
    if length > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the frame is too long"));
    }
    if let Some(head) = frame.first_chunk_mut::<4>() {
        *head = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    }
    Ok(frame)
}

/// Reads one frame; none at the end of the stream between two frames. Not to be dropped half-way.
///
/// # Errors
/// When the stream breaks, the frame is longer than `most` bytes, or it is no such value.
pub(super) async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    let (first, rest) = head.split_at_mut(1);
    if stream.read(first).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(rest).await?;
    let length = u32::from_be_bytes(head);
    if u64::from(length) > most as u64 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the frame is too long"));
    }
    // It grows with what really comes.
    let mut bytes = Zeroizing::new(Vec::new());
    stream.take(length.into()).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    decode(&bytes).map(Some)
}

/// Reads a value that fills these bytes.
///
/// # Errors
/// When it is none.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    let bad = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(bad("there is more in the frame".to_owned())),
        Err(error) => Err(bad(error.to_string())),
    }
}

/// Writes a frame.
///
/// # Errors
/// When it is longer than `most` bytes, or the stream breaks.
pub(super) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    value: &impl Serialize,
    most: usize,
) -> io::Result<()> {
    let frame = encode(value, most)?;
    stream.write_all(&frame).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frame_that_is_too_long_is_refused_before_it_is_read() {
        let mut bytes: &[u8] = &[0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(read::<u8>(&mut bytes, 10).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(encode(&"x".repeat(11), 10).is_err());
    }

    #[tokio::test]
    async fn half_a_frame_and_a_frame_with_more_in_it_are_refused() {
        let whole = encode(&"hello", 100).unwrap();
        let mut stream: &[u8] = &whole;
        assert_eq!(read::<String>(&mut stream, 100).await.unwrap().unwrap(), "hello");
        assert!(read::<String>(&mut stream, 100).await.unwrap().is_none());
        for cut in 1..whole.len() {
            let mut half = &whole[..cut];
            assert!(read::<String>(&mut half, 100).await.is_err(), "{cut}");
        }
        assert!(decode::<u8>(&[1, 2]).is_err());
    }
}
