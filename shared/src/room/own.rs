//! How a device knows its own envelopes again.
//!
//! MLS opens no message of one's own, and every member can seal an envelope by anybody's leaf. So what lies in the log
//! under our leaf, and is not in our outbox, was said by a copy of this profile, or is a forgery, and the two ask for
//! different things: a copy has used our numbers, and we have to step behind them; a forger must not be able to make
//! us. Each of our messages therefore carries 16 bytes that only our leaf's secret gives, over session and number.

use hkdf::Hkdf;
use proto::RoomId;
use sha2::Sha256;

use super::{Alarm, Engine, Fault, checks::Number, verdict::Verdict};
use crate::crypto::aead::Session;

/// HKDF-Extract salt (RFC 5869, 3.1).
const SALT: &[u8] = b"schat/2 own envelope";

/// 2¹²⁸ trials, each of them an envelope in the log.
pub(super) type Mark = [u8; 16];

/// The mark of what the holder of `leaf_secret` seals there.
pub(super) fn mark(leaf_secret: &[u8], room: &RoomId, session: Session, sequence: u64) -> Mark {
    let mut out = [0; 16];
    let info: [&[u8]; 3] = [room.as_bytes(), session.as_bytes(), &sequence.to_be_bytes()];
    // 16 bytes are far below HKDF's limit of 255 blocks, so this cannot fail.
    let _ = Hkdf::<Sha256>::new(Some(SALT), leaf_secret).expand_multi_info(&info, &mut out);
    out
}

impl Engine {
    pub(super) fn own_mark(&self, session: Session, sequence: u64) -> Mark {
        mark(&self.own.leaf_secret, &self.room, session, sequence)
    }

    /// Something under our leaf's key that is not in our outbox.
    pub(super) fn by_own_leaf(&mut self, number: &Number, claimed: &[u8]) -> Verdict {
        // Whoever could time this comparison would be a member who publishes a guess for each of 2¹²⁸.
        if self.own_mark(number.id.1, number.sequence) != *claimed {
            return self.forged(Fault::InOurName);
        }
        self.alarm(Alarm::OwnMessageUnknown);
        let _ = self.mark(number.id, number.sequence, number.epoch);
        self.skip_counter();
        Verdict::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_of_another_leaf_room_session_or_number_is_another() {
        let own = mark(&[1; 32], &RoomId([2; 32]), Session([3; 8]), 4);
        for other in [
            mark(&[9; 32], &RoomId([2; 32]), Session([3; 8]), 4),
            mark(&[1; 32], &RoomId([9; 32]), Session([3; 8]), 4),
            mark(&[1; 32], &RoomId([2; 32]), Session([9; 8]), 4),
            mark(&[1; 32], &RoomId([2; 32]), Session([3; 8]), 9),
        ] {
            assert_ne!(own, other);
        }
    }
}
