//! The headers of yamux frames, picked out of a stream of bytes however it is cut.

/// version(1) type(1) flags(2) stream(4) length(4).
const LEN: usize = 12;

/// Types of frames. Only these two belong to streams.
pub(crate) const DATA: u8 = 0;
pub(crate) const WINDOW_UPDATE: u8 = 1;
/// The last frame of a connection; its length is a code, 0 for an end in order.
pub(crate) const GO_AWAY: u8 = 3;

/// The flag of a stream's first frame.
pub(crate) const SYN: u16 = 1;

/// One header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub kind: u8,
    pub flags: u16,
    pub stream: u32,
    /// Bytes of the body of [`DATA`]; of others a number without a body.
    pub length: u32,
}

/// Where in the stream we are.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    header: [u8; LEN],
    have: usize,
    /// Bytes of the present frame's body that are still to come.
    body: usize,
}

impl Headers {
    /// The next header that is whole; moves `bytes` behind it.
    pub(crate) fn next(&mut self, bytes: &mut &[u8]) -> Option<Header> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.body > 0 {
                let skipped = self.body.min(bytes.len());
                self.body -= skipped;
                *bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            if let Some(place) = self.header.get_mut(self.have) {
                *place = *first;
                self.have += 1;
                *bytes = rest;
            }
            if self.have == LEN {
                self.have = 0;
                return Some(self.whole());
            }
        }
        None
    }

    fn whole(&mut self) -> Header {
        let [_, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = self.header;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        if kind == DATA {
            self.body = usize::try_from(length).unwrap_or(usize::MAX);
        }
        let (flags, stream) = (u16::from_be_bytes([f0, f1]), u32::from_be_bytes([s0, s1, s2, s3]));
        Header { kind, flags, stream, length }
    }
}
