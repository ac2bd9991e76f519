//! Counts the frames of a packet that carry a piece of a stream or of the handshake (RFC 9000, 19).

/// How many pieces a packet carries. What this does not know ends the count: quinn knows no more, and ends the
/// connection over it.
pub(super) fn pieces(mut packet: &[u8]) -> u64 {
    let mut pieces = 0;
    while !packet.is_empty() {
        let Some((is_piece, rest)) = frame(packet) else { break };
        pieces += u64::from(is_piece);
        packet = rest;
    }
    pieces
}

/// Takes one frame off, and says whether it was a piece.
fn frame(packet: &[u8]) -> Option<(bool, &[u8])> {
    let (kind, rest) = integer(packet)?;
    Some(match kind {
        // PADDING, PING, HANDSHAKE_DONE, IMMEDIATE_ACK.
        0x00 | 0x01 | 0x1e | 0x1f => (false, rest),
        // ACK, without and with congestion marks.
        0x02 | 0x03 => (false, acknowledgement(rest, kind == 0x03)?),
        // CRYPTO.
        0x06 => (true, data(integer(rest)?.1)?),
        // NEW_TOKEN.
        0x07 => (false, data(rest)?),
        // STREAM: its bits say whether there is an offset, and a length.
        0x08..=0x0f => {
            let rest = integers(rest, 1 + usize::from(kind & 0x04 != 0))?;
            (true, if kind & 0x02 != 0 { data(rest)? } else { &[] })
        }
        // MAX_DATA, MAX_STREAMS, DATA_BLOCKED, STREAMS_BLOCKED, RETIRE_CONNECTION_ID.
        0x10 | 0x12..=0x14 | 0x16 | 0x17 | 0x19 => (false, integers(rest, 1)?),
        // STOP_SENDING, MAX_STREAM_DATA, STREAM_DATA_BLOCKED.
        0x05 | 0x11 | 0x15 => (false, integers(rest, 2)?),
        // RESET_STREAM.
        0x04 => (false, integers(rest, 3)?),
        // NEW_CONNECTION_ID: two numbers, the id, a token.
        0x18 => {
            let (length, rest) = integers(rest, 2)?.split_first()?;
            (false, rest.get(usize::from(*length) + 16..)?)
        }
        // PATH_CHALLENGE, PATH_RESPONSE.
        0x1a | 0x1b => (false, rest.get(8..)?),
        // CONNECTION_CLOSE, of QUIC and of the application.
        0x1c => (false, data(integers(rest, 2)?)?),
        0x1d => (false, data(integers(rest, 1)?)?),
        // ACK_FREQUENCY.
        0xaf => (false, integers(rest, 4)?),
        // DATAGRAM with a length; without one, and unknown ones, nothing can follow.
        0x31 => (false, data(rest)?),
        _ => return None,
    })
}

fn acknowledgement(rest: &[u8], marks: bool) -> Option<&[u8]> {
    let rest = integers(rest, 2)?;
    let (ranges, rest) = integer(rest)?;
    // The first range has one number, the others two; each takes a byte at least.
    let numbers = usize::try_from(ranges).ok()?.checked_mul(2)?.checked_add(1)?;
    if numbers > rest.len() {
        return None;
    }
    integers(rest, numbers + if marks { 3 } else { 0 })
}

fn integers(mut rest: &[u8], count: usize) -> Option<&[u8]> {
    for _ in 0..count {
        rest = integer(rest)?.1;
    }
    Some(rest)
}

/// Bytes with their length in front.
fn data(rest: &[u8]) -> Option<&[u8]> {
    let (length, rest) = integer(rest)?;
    rest.get(usize::try_from(length).ok()?..)
}

/// A number of 1, 2, 4 or 8 bytes, whose first two bits say which (RFC 9000, 16).
fn integer(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let length = 1usize << (first >> 6);
    let (number, rest) = bytes.split_at_checked(length)?;
    let value = number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    // Without those two bits.
    Some((value & (u64::MAX >> (64 - 8 * length + 2)), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_are_found_behind_every_other_frame() {
        let id = [[0x18, 1, 0, 8].as_slice(), &[7; 8 + 16]].concat();
        let frames: [&[u8]; 22] = [
            &[0],
            &[1],
            &[2, 9, 0, 1, 1, 0, 0],
            &[3, 9, 0, 0, 1, 0, 0, 0],
            &[4, 0, 0, 0],
            &[5, 0, 0],
            &[7, 2, 8, 8],
            &[0x10, 0x40, 9],
            &[0x11, 0, 0x80, 0, 0, 9],
            &[0x12, 1],
            &[0x13, 1],
            &[0x14, 1],
            &[0x15, 0, 1],
            &[0x16, 1],
            &[0x17, 1],
            &id,
            &[0x19, 1],
            &[0x1a, 8, 8, 8, 8, 8, 8, 8, 8],
            &[0x1c, 1, 0, 1, 8],
            &[0x1d, 1, 1, 8],
            &[0x1e],
            &[0x40, 0xaf, 1, 1, 1, 1],
        ];
        for frame in frames {
            let packet =
                [frame, &[6, 0, 1, 8], &[0x0e, 4, 1, 1, 8], &[0x40, 0x0a, 4, 1, 8], &[0x08, 4, 8, 8]]
                    .concat();
            assert_eq!(pieces(&packet), 4, "behind {frame:x?}");
        }
    }

    #[test]
    fn numbers_have_four_lengths() {
        // RFC 9000, A.1.
        let eight = [0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c];
        for (bytes, value) in [
            (eight.as_slice(), 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ] {
            assert_eq!(integer(bytes), Some((value, [].as_slice())));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_count_panic(packet in proptest::collection::vec(any::<u8>(), 0..1500)) {
            prop_assert!(pieces(&packet) <= packet.len() as u64);
        }
    }
}
