//! Files as the relay sees them: opaque bytes in parts, on a stream of their own beside the room's.
//!
//! ```text
//! BlobOpen ─▶ BlobHave, BlobPart ─▶ … BlobHave ◀─ …        a file is sent, or its sending goes on
//! BlobGet  ─▶ BlobHave, BlobPart, BlobPart … end           it is fetched
//! BlobDrop ─▶ BlobDropped                                  it is deleted
//! ```

mod layout;
mod parts;
mod proof;
mod request;

pub use self::{
    layout::{BadSize, Layout, MAX_PARTS, PART},
    parts::{BadParts, PartSet},
    proof::{Malformed, Proof, blob_statement},
    request::{DropHash, DropRequest, GetRequest, OpenRequest},
};

use bytes::{BufMut, Bytes, BytesMut};

/// Greatest frame on such a stream, in bytes: one part, with its number and the tags and lengths around both.
pub const MAX_BLOB_FRAME: usize = PART + 32;

/// Field number of `blob_part`, the same in both directions, with its wire type.
const BLOB_PART: u32 = (8 << 3) | 2;

/// What goes before the bytes of a part, so that they need not be copied: after it come the bytes themselves, and that
/// is the whole frame, of a client and of a relay alike.
pub fn part_header(number: u32, length: usize) -> Bytes {
    let mut fields = BytesMut::with_capacity(16);
    if number != 0 {
        prost::encoding::encode_varint(1 << 3, &mut fields);
        prost::encoding::encode_varint(number.into(), &mut fields);
    }
    if length != 0 {
        prost::encoding::encode_varint((2 << 3) | 2, &mut fields);
        prost::encoding::encode_varint(length as u64, &mut fields);
    }
    let mut start = BytesMut::with_capacity(16);
    prost::encoding::encode_varint(BLOB_PART.into(), &mut start);
    prost::encoding::encode_varint((fields.len() + length) as u64, &mut start);
    let frame = start.len() + fields.len() + length;
    let mut header = BytesMut::with_capacity(4 + start.len() + fields.len());
    header.put_u32(u32::try_from(frame).unwrap_or(u32::MAX));
    header.put(start);
    header.put(fields);
    header.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encode_frame,
        relay::{BlobPart, ClientFrame, RelayFrame, client_frame, relay_frame},
    };

    #[test]
    fn header_and_bytes_are_the_frame_of_either_side() {
        for (number, length) in [(0, 1), (1, 127), (127, 128), (128, 16_384), (65_535, PART)] {
            let part = BlobPart { number, bytes: vec![7; length].into() };
            let expected = [&part_header(number, length)[..], &part.bytes].concat();
            let client = ClientFrame { frame: Some(client_frame::Frame::BlobPart(part.clone())) };
            assert_eq!(encode_frame(&client), expected, "{number} {length}");
            let relay = RelayFrame { frame: Some(relay_frame::Frame::BlobPart(part)) };
            assert_eq!(encode_frame(&relay), expected, "{number} {length}");
            assert!(expected.len() - 4 <= MAX_BLOB_FRAME);
        }
    }
}
