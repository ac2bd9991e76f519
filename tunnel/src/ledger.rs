//! What came and was not read yet. Yamux bounds it by stream, with windows that cannot be made smaller than
//! 256 KiB; a connection has many streams, so its sum is counted here, from the frames' headers as they pass.

use std::collections::HashMap;

use proto::CloseCode;

use crate::{
    headers::{DATA, Header, Headers, SYN, WINDOW_UPDATE},
    limits::{FRAME_OVERHEAD, STREAM_WINDOW},
};

/// Unread bytes, by stream. Streams that nobody reads any more have no entry: what still comes for them is
/// thrown away at once.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    streams: HashMap<u32, usize>,
    unread: usize,
    headers: Headers,
}

impl Ledger {
    /// Notes bytes that came, before yamux sees them. At most `streams` are kept apart, and `cap` bytes may
    /// be unread.
    ///
    /// # Errors
    /// The code to close the connection with.
    pub(crate) fn came(&mut self, mut bytes: &[u8], cap: usize, streams: usize) -> Result<(), CloseCode> {
        while let Some(header) = self.headers.next(&mut bytes) {
            self.frame(header, streams)?;
            if self.unread > cap {
                return Err(CloseCode::TooMany);
            }
        }
        Ok(())
    }

    /// We opened a stream.
    pub(crate) fn opened(&mut self, stream: u32) {
        self.streams.entry(stream).or_default();
    }

    /// The payload of one frame was read.
    pub(crate) fn read(&mut self, stream: u32, bytes: usize) {
        if let Some(unread) = self.streams.get_mut(&stream) {
            let read = (bytes + FRAME_OVERHEAD).min(*unread);
            *unread -= read;
            self.unread -= read;
        }
    }

    /// Nobody will read the stream any more.
    pub(crate) fn dropped(&mut self, stream: u32) {
        self.unread -= self.streams.remove(&stream).unwrap_or_default();
    }

    /// Reads a header. What it announces counts at once: yamux makes room for it before it comes.
    fn frame(&mut self, header: Header, streams: usize) -> Result<(), CloseCode> {
        let Header { kind, flags, stream, length } = header;
        if (kind == DATA || kind == WINDOW_UPDATE) && flags & SYN != 0 {
            self.opened(stream);
            if self.streams.len() > streams {
                return Err(CloseCode::TooMany);
            }
        }
        if kind == DATA {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > STREAM_WINDOW {
                return Err(CloseCode::TooLarge);
            }
            if let Some(unread) = self.streams.get_mut(&stream).filter(|_| length > 0) {
                *unread += length + FRAME_OVERHEAD;
                self.unread += length + FRAME_OVERHEAD;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u16, stream: u32, length: u32, body: &[u8]) -> Vec<u8> {
        let head = [&[0, kind][..], &flags.to_be_bytes(), &stream.to_be_bytes(), &length.to_be_bytes()];
        [&head.concat(), body].concat()
    }

    fn data(flags: u16, stream: u32, body: &[u8]) -> Vec<u8> {
        frame(DATA, flags, stream, u32::try_from(body.len()).unwrap(), body)
    }

    #[test]
    fn unread_bytes_are_counted_however_they_are_cut() {
        let bytes = [data(SYN, 1, b"hello"), frame(2, 0, 0, 7, b""), data(0, 1, &[0; 100])].concat();
        for cut in 0..=bytes.len() {
            let mut ledger = Ledger::default();
            ledger.came(&bytes[..cut], 1000, 9).unwrap();
            ledger.came(&bytes[cut..], 1000, 9).unwrap();
            assert_eq!(ledger.unread, 105 + 2 * FRAME_OVERHEAD, "cut at {cut}");
            ledger.read(1, 5);
            assert_eq!(ledger.unread, 100 + FRAME_OVERHEAD);
            ledger.dropped(1);
            assert_eq!((ledger.unread, ledger.streams.len()), (0, 0));
        }
    }

    #[test]
    fn more_than_may_be_unread_is_too_many() {
        let mut ledger = Ledger::default();
        ledger.came(&data(SYN, 1, &[0; 100]), 400, 9).unwrap();
        ledger.came(&data(SYN, 3, &[0; 100]), 400, 9).unwrap();
        assert_eq!(ledger.came(&data(0, 1, &[0; 100]), 400, 9), Err(CloseCode::TooMany));
    }

    #[test]
    fn frames_of_one_byte_are_not_cheap() {
        let mut ledger = Ledger::default();
        ledger.came(&data(SYN, 1, b""), 4096, 9).unwrap();
        let all = (0..4096).try_for_each(|_| ledger.came(&data(0, 1, b"x"), 4096, 9));
        assert_eq!(all, Err(CloseCode::TooMany));
    }

    #[test]
    fn announced_frame_over_a_window_is_refused_from_its_header() {
        let mut ledger = Ledger::default();
        let header = frame(DATA, SYN, 1, u32::try_from(STREAM_WINDOW + 1).unwrap(), b"");
        assert_eq!(ledger.came(&header, usize::MAX, 9), Err(CloseCode::TooLarge));
    }

    #[test]
    fn endless_streams_are_too_many() {
        let mut ledger = Ledger::default();
        let open = |stream| frame(WINDOW_UPDATE, SYN, stream, 0, b"");
        ledger.came(&[open(1), open(3)].concat(), 400, 2).unwrap();
        assert_eq!(ledger.came(&open(5), 400, 2), Err(CloseCode::TooMany));
    }

    #[test]
    fn what_comes_for_a_dropped_stream_does_not_count() {
        let mut ledger = Ledger::default();
        ledger.came(&data(SYN, 1, b"hello"), 400, 9).unwrap();
        ledger.dropped(1);
        ledger.came(&data(0, 1, &[0; 300]), 100, 9).unwrap();
        assert_eq!(ledger.unread, 0);
    }
}
