//! The presentation language of RFC 9420 §2.1, as far as the vectors need it.

use mls_rs_codec::{MlsDecode, MlsEncode, VarInt};

/// `opaque bytes<V>`.
pub(super) fn vector(bytes: &[u8]) -> Vec<u8> {
    let mut out = VarInt::try_from(bytes.len()).unwrap().mls_encode_to_vec().unwrap();
    out.extend_from_slice(bytes);
    out
}

/// Reads from the front; every method panics where the input is too short.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    pub(super) fn uint<const N: usize>(&mut self) -> u64 {
        let mut wide = [0; 8];
        wide[8 - N..].copy_from_slice(self.take(N));
        u64::from_be_bytes(wide)
    }

    pub(super) fn vector(&mut self) -> &'a [u8] {
        let len = u32::from(VarInt::mls_decode(&mut self.0).unwrap());
        self.take(len.try_into().unwrap())
    }

    /// The octets that `read` consumed.
    pub(super) fn consumed(&mut self, read: impl FnOnce(&mut Self)) -> &'a [u8] {
        let before = self.0;
        read(self);
        &before[..before.len() - self.0.len()]
    }

    /// The rest of an `MLSMessage` (RFC 9420 §6) of this wire format.
    pub(super) fn message(bytes: &'a [u8], wire_format: u64) -> Self {
        let mut reader = Self(bytes);
        assert_eq!((reader.uint::<2>(), reader.uint::<2>()), (1, wire_format));
        reader
    }

    pub(super) fn finish(self) {
        assert!(self.0.is_empty());
    }
}
