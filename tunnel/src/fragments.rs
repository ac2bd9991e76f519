//! Pieces of a WebSocket message that carry nothing, counted before the library puts messages together: it takes an endless row
//! of empty ones without a word (RFC 6455, 5.4), and never has a message to show for it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{allowance::Allowance, limits::FRAGMENT};

/// The opcode of a piece that goes on with a message.
const CONTINUATION: u8 = 0;

/// The bits of the first byte that are an opcode.
const OPCODE: u8 = 0x0f;

/// The bit of the second byte that says that a mask follows, and how many bytes that has.
const MASKED: u8 = 0x80;
const MASK: usize = 4;

/// Lengths in the second byte that stand for a length of two, and of eight bytes behind it.
const TWO: u8 = 126;
const EIGHT: u8 = 127;

/// Longest header without its mask, which is skipped with the body.
const LONGEST: usize = 10;

/// What brings the WebSocket's bytes.
pub(crate) struct Counted<S> {
    inner: S,
    frames: Frames,
    idle: Allowance,
}

/// More pieces that carry nothing than are let pass.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many empty fragments")]
pub(crate) struct TooMany;

/// Where in the stream we are.
#[derive(Debug, Default)]
struct Frames {
    header: Vec<u8>,
    /// Bytes of the present frame that are still to come.
    body: u64,
}

impl Frames {
    /// Goes on behind these bytes, and says how many pieces of them carry next to nothing.
    fn pass(&mut self, mut bytes: &[u8]) -> u64 {
        let mut empty = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.body > 0 {
                let skipped = usize::try_from(self.body).unwrap_or(usize::MAX).min(bytes.len());
                self.body -= skipped as u64;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            self.header.push(*first);
            bytes = rest;
            let Some(length) = self.length() else { continue };
            let (kind, masked) = (self.header.first().copied(), self.header.get(1).copied());
            empty += u64::from(kind.is_some_and(|kind| kind & OPCODE == CONTINUATION) && length < FRAGMENT);
            let mask = if masked.is_some_and(|byte| byte & MASKED != 0) { MASK } else { 0 };
            self.body = length.saturating_add(mask as u64);
            self.header.clear();
        }
        empty
    }

    /// The length that a header says, once it is whole.
    fn length(&self) -> Option<u64> {
        let (_, rest) = self.header.split_first()?;
        let (short, rest) = rest.split_first()?;
        match short & !MASKED {
            TWO => rest.first_chunk().map(|bytes| u16::from_be_bytes(*bytes).into()),
            EIGHT => rest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)),
            short => Some(short.into()),
        }
    }
}

impl<S> Counted<S> {
    pub(crate) fn new(inner: S) -> Self {
        let header = Vec::with_capacity(LONGEST);
        Self { inner, frames: Frames { header, body: 0 }, idle: Allowance::new() }
    }
}

/// Whether it is this that ended the reading.
pub(crate) fn is_too_many(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooMany>)
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        let empty = this.frames.pass(buffer.filled().get(before..).unwrap_or_default());
        // What is over it is not looked at: there is no end to it.
        let spent = if empty == 0 { Ok(()) } else { this.idle.spend(empty) };
        Poll::Ready(spent.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, TooMany)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame.
    fn frame(first: u8, length: usize) -> Vec<u8> {
        let header = match length {
            0..126 => vec![first, MASKED | u8::try_from(length).unwrap()],
            126..65536 => {
                [&[first, MASKED | TWO][..], &u16::try_from(length).unwrap().to_be_bytes()].concat()
            }
            _ => [&[first, MASKED | EIGHT][..], &(length as u64).to_be_bytes()].concat(),
        };
        // The body looks like a header of an empty piece.
        [header, vec![0; MASK + length]].concat()
    }

    #[test]
    fn pieces_that_carry_nothing_are_told_from_others_however_they_are_cut() {
        let bytes = [
            frame(0x02, 0),
            frame(0x00, 0),
            frame(0x00, 200),
            frame(0x89, 0),
            frame(0x00, 1),
            frame(0x00, 70_000),
            frame(0x80, 63),
            frame(0x82, 10),
            frame(0x80, 64),
        ]
        .concat();
        for cut in (0..=bytes.len()).filter(|cut| *cut < 400 || cut % 97 == 0) {
            let mut frames = Frames::default();
            assert_eq!(frames.pass(&bytes[..cut]) + frames.pass(&bytes[cut..]), 3, "cut at {cut}");
        }
    }
}
