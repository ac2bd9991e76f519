//! Bytes that devices of one person tell each other: wiped, and never printed.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// What is in a [`super::MessageBody::Device`].
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Private(Vec<u8>);

impl Private {
    /// These bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Private({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_not_printed() {
        assert_eq!(format!("{:?}", Private::new(vec![211; 3])), "Private(3 bytes)");
    }
}
