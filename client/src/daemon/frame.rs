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
    let length = size(value).map_err(io::Error::other)?;
    let head = u32::try_from(length).ok().filter(|_| length <= most);
    let head = head.ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "long frame"))?;
    // Room for all of it: a buffer that grows leaves copies behind.
    let mut frame = Vec::with_capacity(length + 4);
    frame.extend_from_slice(&head.to_be_bytes());
    Ok(Zeroizing::new(postcard::to_extend(value, frame).map_err(io::Error::other)?))
}

/// A value's length in a frame, in bytes.
///
/// # Errors
/// When it cannot be in one.
pub(super) fn size(value: &impl Serialize) -> postcard::Result<usize> {
    postcard::experimental::serialized_size(value)
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
    let length = usize::try_from(length).ok().filter(|length| *length <= most);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "long frame"))?;
    // Room for all of it, as above; the cap is what so few connections of one user may cost.
    let mut bytes = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut bytes).await?;
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
        Ok(_) => Err(bad("trailing bytes".to_owned())),
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
