//! The list of a file's part hashes: what binds the parts to the message that offers them.

use sha2::{Digest, Sha256};

use super::Shape;
use crate::crypto::aead::stream::{HASH, PartHash};

/// What is hashed before the list, so that the hash of a list is never that of a part.
const LABEL: &[u8] = b"schat/2 file parts";

/// The hash of each part, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartList(Vec<PartHash>);

/// Why bytes are not a file's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The file has another number of parts.
    #[error("the list has not one hash for each part")]
    Length,
    /// The manifest names another list.
    #[error("the list is not the one that the sender named")]
    OtherList,
}

impl PartList {
    /// From what is known so far, in order.
    pub fn new(hashes: Vec<PartHash>) -> Self {
        Self(hashes)
    }

    /// Reads the list that somebody sealed, and holds it against the manifest's hash.
    ///
    /// # Errors
    /// [`ListError`] says what is wrong.
    pub fn read(bytes: &[u8], shape: &Shape, hash: &PartHash) -> Result<Self, ListError> {
        let (hashes, rest) = bytes.as_chunks::<HASH>();
        if !rest.is_empty() || hashes.len() != shape.parts() as usize {
            return Err(ListError::Length);
        }
        let list = Self(hashes.to_vec());
        if list.hash(shape.size()) == *hash { Ok(list) } else { Err(ListError::OtherList) }
    }

    /// As it is sealed.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// What the manifest says of it. The size is in it, so that a list fits one file only.
    pub fn hash(&self, size: u64) -> PartHash {
        let mut hash = Sha256::new().chain_update(LABEL).chain_update(size.to_be_bytes());
        self.0.iter().for_each(|part| hash.update(part));
        hash.finalize().into()
    }

    /// Of that part.
    pub fn part(&self, part: u32) -> Option<&PartHash> {
        self.0.get(usize::try_from(part).ok()?)
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> (PartList, Shape) {
        let shape = Shape::of(3 << 20).unwrap();
        (PartList::new(vec![[1; HASH], [2; HASH], [3; HASH]]), shape)
    }

    #[test]
    fn list_comes_back_from_its_bytes() {
        let (list, shape) = list();
        let hash = list.hash(shape.size());
        assert_eq!(PartList::read(&list.to_bytes(), &shape, &hash), Ok(list.clone()));
        assert_eq!((list.len(), list.part(1), list.part(3)), (3, Some(&[2; HASH]), None));
    }

    #[test]
    fn lists_that_lie_are_refused() {
        let (list, shape) = list();
        let (bytes, hash) = (list.to_bytes(), list.hash(shape.size()));
        let swapped = [&bytes[32..64], &bytes[..32], &bytes[64..]].concat();
        assert_eq!(PartList::read(&swapped, &shape, &hash), Err(ListError::OtherList));
        assert_eq!(PartList::read(&bytes, &shape, &list.hash((3 << 20) - 1)), Err(ListError::OtherList));
        for wrong in [&bytes[..64], &bytes[..95], &[&bytes[..], &[0]].concat(), &[]] {
            assert_eq!(PartList::read(wrong, &shape, &hash), Err(ListError::Length));
        }
    }
}
