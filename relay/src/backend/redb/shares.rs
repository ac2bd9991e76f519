//! What the rooms of each opener take, and whether they may take more.
//!
//! The rule is that of buffers which many queues share (Choudhury and Hahne, 1998): who has much may take more only while
//! enough is left for others. Of what an opener's rooms take and what is left, together, they may have so many percent. So
//! a few that take all they can leave a part of the disk free for ever, and those who have little find it there.

use std::collections::HashMap;

use proto::RoomId;

use super::openers::Opener;
use crate::backend::Lack;

/// Bytes of the rooms of each opener, in memory.
#[derive(Debug, Default)]
pub(super) struct Shares {
    rooms: HashMap<RoomId, (Option<Opener>, u64)>,
    openers: HashMap<Opener, Share>,
    /// Of all rooms.
    bytes: u64,
    /// Of those rooms whose opener is known.
    opened: u64,
}

/// What the rooms of one opener take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many rooms.
    pub rooms: u64,
    /// Bytes of their entries, slots and pieces.
    pub bytes: u64,
}

/// What one transaction changes.
#[derive(Debug, Default)]
pub(super) struct Sizes(Vec<(RoomId, Change)>);

#[derive(Clone, Copy, Debug)]
enum Change {
    Opened(Opener),
    Sized(u64),
    Gone,
}

/// How much there is for openers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Bytes that are left of the disk, or of the logs' share of it.
    pub left: u64,
    /// What one opener may have of these and its own: at most 100, which is no bound.
    pub percent: u64,
}

impl Sizes {
    /// Somebody opened a room.
    pub fn opened(&mut self, room: &RoomId, opener: Opener) {
        self.0.push((*room, Change::Opened(opener)));
    }

    /// A room takes so many bytes now.
    pub fn set(&mut self, room: &RoomId, bytes: u64) {
        self.0.push((*room, Change::Sized(bytes)));
    }

    /// A room is gone.
    pub fn gone(&mut self, room: &RoomId) {
        self.0.push((*room, Change::Gone));
    }
}

impl Shares {
    /// All rooms as they are.
    pub fn of(rooms: Vec<(RoomId, Option<Opener>, u64)>) -> Self {
        let mut shares = Self::default();
        for (room, opener, bytes) in rooms {
            shares.put(room, opener, bytes);
        }
        shares
    }

    /// A transaction is on the disk.
    pub fn apply(&mut self, sizes: Sizes) {
        for (room, change) in sizes.0 {
            let (opener, bytes) = self.remove(&room).unwrap_or_default();
            match change {
                Change::Opened(opener) => self.put(room, Some(opener), bytes),
                Change::Sized(bytes) => self.put(room, opener, bytes),
                Change::Gone => {}
            }
        }
    }

    /// Bytes of all rooms.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a room may take more.
    pub fn may_grow(&self, room: &RoomId, bounds: Bounds) -> Result<(), Lack> {
        let opener = self.rooms.get(room).and_then(|(opener, _)| *opener);
        opener.map_or(Ok(()), |opener| self.may_take(&opener, bounds))
    }

    /// Whether an opener's rooms may take more. Who takes less than others do on average may always: where nothing is left,
    /// what retention frees is theirs.
    pub fn may_take(&self, opener: &Opener, Bounds { left, percent }: Bounds) -> Result<(), Lack> {
        let Some(Share { bytes, .. }) = self.openers.get(opener).copied() else { return Ok(()) };
        let is_small = u128::from(bytes) * (self.openers.len() as u128) < u128::from(self.opened);
        if within(bytes, left, percent) || is_small { Ok(()) } else { Err(Lack::Opener) }
    }

    /// The openers whose rooms take most, the first of them first.
    pub fn largest(&self, count: usize) -> Vec<(Opener, Share)> {
        let mut all: Vec<_> = self.openers.iter().map(|(opener, share)| (*opener, *share)).collect();
        all.sort_unstable_by_key(|(opener, share)| (std::cmp::Reverse(share.bytes), *opener));
        all.truncate(count);
        all
    }

    fn put(&mut self, room: RoomId, opener: Option<Opener>, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some(opener) = opener {
            self.opened = self.opened.saturating_add(bytes);
            let share = self.openers.entry(opener).or_default();
            *share = Share { rooms: share.rooms + 1, bytes: share.bytes.saturating_add(bytes) };
        }
        self.rooms.insert(room, (opener, bytes));
    }

    fn remove(&mut self, room: &RoomId) -> Option<(Option<Opener>, u64)> {
        let (opener, bytes) = self.rooms.remove(room)?;
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(opener) = opener
            && let Some(share) = self.openers.get_mut(&opener)
        {
            self.opened = self.opened.saturating_sub(bytes);
            *share = Share { rooms: share.rooms.saturating_sub(1), bytes: share.bytes.saturating_sub(bytes) };
            if share.rooms == 0 {
                self.openers.remove(&opener);
            }
        }
        Some((opener, bytes))
    }
}

/// Whether so many bytes are at most their part of themselves and what is left.
fn within(bytes: u64, left: u64, percent: u64) -> bool {
    let rest = u128::from(100_u64.saturating_sub(percent));
    u128::from(bytes) * rest <= u128::from(left) * u128::from(percent)
}
