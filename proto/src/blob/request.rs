//! First frames of a file's stream, parsed once: past this module no length is checked again.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{
    layout::Layout,
    proof::{Malformed, Proof},
};
use crate::relay;

/// A file is sent, or its sending goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    /// Who, and which one.
    pub proof: Proof,
    /// Its size.
    pub layout: Layout,
    /// Seconds for which it is wanted; `None` for as long as the relay keeps files.
    pub keep_s: Option<u64>,
    /// What lets others drop it.
    pub drop_hash: Option<DropHash>,
}

/// SHA-256 of the secret by which a file may be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropHash(pub [u8; 32]);

/// Parts of a file are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRequest {
    /// Who, and which one.
    pub proof: Proof,
    /// The first part.
    pub from: u32,
    /// How many; `None` for all that follow.
    pub count: Option<u32>,
}

/// A file is deleted.
#[derive(Clone, PartialEq, Eq)]
pub struct DropRequest {
    /// Who, and which one.
    pub proof: Proof,
    /// The hash of the secret that was shown; `None` for the key that sent the file.
    pub shown: Option<DropHash>,
}

impl DropHash {
    /// The hash of this secret.
    pub fn of(secret: &[u8; 32]) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

impl GetRequest {
    /// The parts that are meant, of a file of this layout; `None` when it does not have all of them.
    pub fn range(&self, layout: Layout) -> Option<Range<u32>> {
        let end = match self.count {
            Some(count) => self.from.checked_add(count)?,
            None => layout.parts(),
        };
        (self.from < end && end <= layout.parts()).then_some(self.from..end)
    }
}

impl TryFrom<relay::BlobOpen> for OpenRequest {
    type Error = Malformed;

    fn try_from(open: relay::BlobOpen) -> Result<Self, Malformed> {
        let drop_hash = match &*open.drop_hash {
            [] => None,
            hash => Some(DropHash(hash.try_into().map_err(|_| Malformed)?)),
        };
        let layout = Layout::of(open.size).map_err(|_| Malformed)?;
        let keep_s = (open.keep_s != 0).then_some(open.keep_s);
        Ok(Self { proof: open.proof.try_into()?, layout, keep_s, drop_hash })
    }
}

impl From<OpenRequest> for relay::BlobOpen {
    fn from(open: OpenRequest) -> Self {
        Self {
            proof: Some(open.proof.into()),
            size: open.layout.size(),
            keep_s: open.keep_s.unwrap_or(0),
            drop_hash: open.drop_hash.map(|hash| hash.0.to_vec()).unwrap_or_default().into(),
        }
    }
}

impl TryFrom<relay::BlobGet> for GetRequest {
    type Error = Malformed;

    fn try_from(get: relay::BlobGet) -> Result<Self, Malformed> {
        let count = (get.count != 0).then_some(get.count);
        Ok(Self { proof: get.proof.try_into()?, from: get.from, count })
    }
}

impl From<GetRequest> for relay::BlobGet {
    fn from(get: GetRequest) -> Self {
        Self { proof: Some(get.proof.into()), from: get.from, count: get.count.unwrap_or(0) }
    }
}

impl TryFrom<relay::BlobDrop> for DropRequest {
    type Error = Malformed;

    fn try_from(drop: relay::BlobDrop) -> Result<Self, Malformed> {
        let shown = match &*drop.secret {
            [] => None,
            secret => Some(DropHash::of(secret.try_into().map_err(|_| Malformed)?)),
        };
        Ok(Self { proof: drop.proof.try_into()?, shown })
    }
}

/// The secret is wiped by nobody, so nothing of it is shown either.
impl std::fmt::Debug for DropRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DropRequest").field("proof", &self.proof).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::layout::PART, *};
    use crate::{BlobId, PublicKey, RoomId};

    fn proof() -> Proof {
        Proof { room: RoomId([1; 32]), key: PublicKey([2; 32]), blob: BlobId([3; 16]), signature: [4; 64] }
    }

    #[test]
    fn requests_survive_their_frames() {
        let layout = Layout::of(5 * PART as u64).unwrap();
        let open =
            OpenRequest { proof: proof(), layout, keep_s: Some(9), drop_hash: Some(DropHash::of(&[7; 32])) };
        assert_eq!(relay::BlobOpen::from(open.clone()).try_into(), Ok(open));
        let get = GetRequest { proof: proof(), from: 2, count: None };
        assert_eq!(relay::BlobGet::from(get.clone()).try_into(), Ok(get.clone()));
        assert_eq!(get.range(layout), Some(2..5));
        for (from, count, range) in [
            (0, Some(5), Some(0..5)),
            (4, Some(1), Some(4..5)),
            (4, Some(2), None),
            (5, None, None),
            (1, Some(u32::MAX), None),
        ] {
            assert_eq!(GetRequest { proof: proof(), from, count }.range(layout), range);
        }
        let drop = relay::BlobDrop { proof: Some(proof().into()), secret: vec![7; 32].into() };
        assert_eq!(DropRequest::try_from(drop).unwrap().shown, Some(DropHash::of(&[7; 32])));
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let good = relay::BlobProof::from(proof());
        let bad: [fn(&mut relay::BlobProof); 4] = [
            |proof| proof.room_id = vec![1; 31].into(),
            |proof| proof.access_key = vec![1; 33].into(),
            |proof| proof.blob_id = b"../../etc/passw"[..].into(),
            |proof| proof.signature = vec![1; 63].into(),
        ];
        for spoil in bad {
            let mut proof = good.clone();
            spoil(&mut proof);
            assert_eq!(Proof::try_from(Some(proof)), Err(Malformed));
        }
        assert_eq!(Proof::try_from(None), Err(Malformed));
        let open = relay::BlobOpen { proof: Some(good.clone()), size: 1, ..Default::default() };
        assert!(OpenRequest::try_from(open.clone()).is_ok());
        assert!(OpenRequest::try_from(relay::BlobOpen { size: 0, ..open.clone() }).is_err());
        assert!(OpenRequest::try_from(relay::BlobOpen { size: u64::MAX, ..open.clone() }).is_err());
        assert!(OpenRequest::try_from(relay::BlobOpen { drop_hash: vec![1; 31].into(), ..open }).is_err());
        let drop = relay::BlobDrop { proof: Some(good), secret: vec![1; 31].into() };
        assert!(DropRequest::try_from(drop).is_err());
    }
}
