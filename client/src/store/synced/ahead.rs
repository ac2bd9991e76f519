//! How far other devices have read, where that is beyond what is here of a room's log. Only what is here counts as read: a mark beyond it
//! would hide all that comes, for ever. The rest counts once it is here, for as long as the device is one of ours that said it.

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::identity::DeviceId;

use super::{MAX_WAITING, Mark, is_here};
use crate::store::{Cursor, Store, StoreError};

/// What other devices have read and this one has not.
pub(in crate::store) const AHEAD: &str = "read_ahead";

/// A device has read a room up to there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    room: [u8; RoomId::LEN],
    seq: u64,
    by: DeviceId,
}

impl Store {
    /// A device of ours has read a room up to `seq`. What has changed here. `by`: none where nobody knows any more who said so; then
    /// only what is here counts.
    pub(super) fn read_elsewhere(
        &mut self,
        room: RoomId,
        seq: u64,
        by: Option<DeviceId>,
    ) -> Result<Option<Mark>, StoreError> {
        let is_here = is_here(&self.db, room)?;
        let newest = if is_here { self.newest(room)? } else { 0 };
        if let Some(by) = by.filter(|_| seq > newest) {
            let mut claims = self.claims()?;
            let is_further = |one: &Claim| one.room == room.0 && one.by == by && one.seq >= seq;
            if !claims.iter().any(is_further) {
                claims.retain(|one| one.room != room.0 || one.by != by);
                claims.push(Claim { room: room.0, seq, by });
                let extra = claims.len().saturating_sub(MAX_WAITING);
                claims.drain(..extra);
                self.set_claims(&claims)?;
            }
        }
        if is_here { self.read_to(room, seq.min(newest)) } else { Ok(None) }
    }

    /// More of a room's log is here: what other devices have read of it is read. What has changed.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or written.
    pub fn read_on(&mut self, room: RoomId) -> Result<Option<Mark>, StoreError> {
        let claims = self.claims()?;
        let Some(most) = claims.iter().filter(|one| one.room == room.0).map(|one| one.seq).max() else {
            return Ok(None);
        };
        let newest = self.newest(room)?;
        let left: Vec<Claim> =
            claims.iter().filter(|one| one.room != room.0 || one.seq > newest).cloned().collect();
        if left.len() != claims.len() {
            self.set_claims(&left)?;
        }
        self.read_to(room, most.min(newest))
    }

    /// What devices said that are not among these counts no more.
    pub(in crate::store) fn forget_reads_without(&mut self, there: &[DeviceId]) -> Result<(), StoreError> {
        let mut claims = self.claims()?;
        let before = claims.len();
        claims.retain(|one| there.contains(&one.by));
        if claims.len() == before { Ok(()) } else { self.set_claims(&claims) }
    }

    fn read_to(&mut self, room: RoomId, seq: u64) -> Result<Option<Mark>, StoreError> {
        if seq <= self.acked(room, &Cursor::read())? {
            return Ok(None);
        }
        self.ack_at(room, &Cursor::read(), seq)?;
        Ok(Some(Mark::Read(room, seq)))
    }

    fn claims(&self) -> Result<Vec<Claim>, StoreError> {
        Ok(self.json(AHEAD)?.unwrap_or_default())
    }

    fn set_claims(&mut self, claims: &[Claim]) -> Result<(), StoreError> {
        self.set_json(AHEAD, &claims)
    }
}
