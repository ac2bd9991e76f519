//! What is signed and stays, read in its one encoding.
//!
//! Protobuf has many encodings of the same message, and room for fields that nobody knows. What a group keeps for as
//! long as it lives (its state, leaves, credentials) and what a commit says would so have room for megabytes that no
//! limit on a known field sees, and two programs might understand the same bytes differently.

use prost::Message;

/// The message, if these bytes are exactly how it is encoded: known fields, in order, defaults left out.
pub(crate) fn decode<M: Message + Default>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    (message.encoded_len() == bytes.len() && message.encode_to_vec() == bytes).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Leaf;

    #[test]
    fn other_encodings_of_the_same_message_are_refused() {
        let leaf = Leaf { access_key: vec![1; 32].into(), ..Leaf::default() };
        let good = leaf.encode_to_vec();
        assert_eq!(decode::<Leaf>(&good), Some(leaf));
        let table = [
            ("an unknown field", [&good[..], &[0xc2, 0x3e, 1, 0]].concat()),
            ("a default that is written out", [&good[..], &[0x12, 0]].concat()),
            ("a field twice", [&good[..], &good[..]].concat()),
            ("a longer number", [&[0x0a, 0xa0, 0][..], &[1; 32]].concat()),
        ];
        for (what, bytes) in table {
            assert!(Leaf::decode(&*bytes).is_ok() && decode::<Leaf>(&bytes).is_none(), "{what}");
        }
    }
}
