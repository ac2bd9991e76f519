//! What the rooms of each opener take, and whether they may take more.
//!
//! The rule is that of buffers which many queues share (Choudhury and Hahne, 1998): who has much may take more only while
//! enough is left for others. Of what an opener's rooms take and what is left, together, they may have so many percent. So
//! a few that take all they can leave a part of the disk free for ever, and those who have little find it there.

use std::{cmp::Ordering, collections::HashMap, time::Instant};

use proto::RoomId;

use super::{opener::Opener, pace::Pace};
use crate::{log::SpaceError, policy::within};

/// Bytes of the rooms of each opener, in memory.
#[derive(Debug, Default)]
pub(super) struct Shares {
    rooms: HashMap<RoomId, Kept>,
    openers: HashMap<Opener, Share>,
    /// Of all rooms.
    bytes: u64,
    /// Of those rooms whose opener is known.
    opened: u64,
}

/// A room as it is held here.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    opener: Option<Opener>,
    bytes: u64,
    messages: Pace,
    written: Pace,
}

/// What is going on in one room, or in all rooms of one opener.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Activity {
    /// Rooms.
    pub rooms: u64,
    /// Bytes of their entries, slots and pieces.
    pub bytes: u64,
    /// Messages a second, of late.
    pub messages_per_s: f64,
    /// Bytes of these.
    pub bytes_per_s: f64,
    /// Its operator froze it.
    pub frozen: bool,
}

/// The busiest rooms and openers; of those that stand still, the largest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Busiest {
    /// Rooms, and who opened them if that is known.
    pub rooms: Vec<(RoomId, Option<Opener>, Activity)>,
    /// Openers.
    pub openers: Vec<(Opener, Activity)>,
}

/// What the rooms of one opener take.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    rooms: u64,
    bytes: u64,
}

/// What one transaction changes.
#[derive(Debug, Default)]
pub(super) struct Sizes(Vec<(RoomId, Change)>);

#[derive(Clone, Copy, Debug)]
enum Change {
    Opened(Opener),
    Sized(u64),
    Wrote(u64),
    Gone,
}

/// How much there is for openers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Bytes of the file that are in use.
    pub used: u64,
    /// Bytes that are left of the disk, or of the logs' share of it.
    pub left: u64,
    /// What one opener may have of these and its own: at most 100, which is no bound.
    pub percent: u64,
}

impl Sizes {
    /// Somebody opened a room.
    pub(super) fn opened(&mut self, room: &RoomId, opener: Opener) {
        self.0.push((*room, Change::Opened(opener)));
    }

    /// A room takes so many bytes now.
    pub(super) fn set(&mut self, room: &RoomId, bytes: u64) {
        self.0.push((*room, Change::Sized(bytes)));
    }

    /// A message of so many bytes was written to a room.
    pub(super) fn wrote(&mut self, room: &RoomId, bytes: u64) {
        self.0.push((*room, Change::Wrote(bytes)));
    }

    /// A room is gone.
    pub(super) fn gone(&mut self, room: &RoomId) {
        self.0.push((*room, Change::Gone));
    }
}

impl Shares {
    /// All rooms as they are.
    pub(super) fn of(rooms: Vec<(RoomId, Option<Opener>, u64)>) -> Self {
        let mut shares = Self::default();
        for (room, opener, bytes) in rooms {
            shares.put(room, Kept { opener, bytes, ..Kept::default() });
        }
        shares
    }

    /// A transaction is on the disk.
    pub(super) fn apply(&mut self, sizes: Sizes, now: Instant) {
        for (room, change) in sizes.0 {
            if let Change::Wrote(bytes) = change {
                if let Some(kept) = self.rooms.get_mut(&room) {
                    kept.messages.add(1, now);
                    kept.written.add(bytes, now);
                }
                continue;
            }
            let kept = self.remove(&room).unwrap_or_default();
            match change {
                Change::Opened(opener) => self.put(room, Kept { opener: Some(opener), ..kept }),
                Change::Sized(bytes) => self.put(room, Kept { bytes, ..kept }),
                Change::Wrote(_) | Change::Gone => {}
            }
        }
    }

    /// Bytes of all rooms.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a room may take more.
    pub(super) fn may_grow(&self, room: &RoomId, bounds: Bounds) -> Result<(), SpaceError> {
        let opener = self.rooms.get(room).and_then(|kept| kept.opener);
        opener.map_or(Ok(()), |opener| self.may_take(&opener, bounds))
    }

    /// Whether an opener's rooms may take more. Who takes less than others do on average may always: where nothing is left,
    /// what retention frees is theirs.
    pub(super) fn may_take(
        &self,
        opener: &Opener,
        Bounds { left, percent, .. }: Bounds,
    ) -> Result<(), SpaceError> {
        let Some(Share { bytes, .. }) = self.openers.get(opener).copied() else { return Ok(()) };
        let is_small = u128::from(bytes) * (self.openers.len() as u128) < u128::from(self.opened);
        if within(bytes, left, percent) || is_small { Ok(()) } else { Err(SpaceError::Opener) }
    }

    /// Whoever has rooms.
    pub(super) fn openers(&self) -> impl Iterator<Item = Opener> {
        self.openers.keys().copied()
    }

    /// The rooms of one opener, in the order of their ids. Looks at every room.
    pub(super) fn rooms_of(&self, opener: &Opener) -> Vec<RoomId> {
        let theirs = self.rooms.iter().filter(|(_, kept)| kept.opener.as_ref() == Some(opener));
        let mut rooms: Vec<_> = theirs.map(|(room, _)| *room).collect();
        rooms.sort_unstable();
        rooms
    }

    /// Where most is going on. Looks at every room.
    pub(super) fn busiest(&self, count: usize, now: Instant) -> Busiest {
        let mut openers = HashMap::<Opener, Activity>::new();
        let mut rooms = Vec::with_capacity(self.rooms.len());
        for (room, kept) in &self.rooms {
            let activity = kept.activity(now);
            if let Some(opener) = kept.opener {
                openers.entry(opener).or_default().add(activity);
            }
            rooms.push((*room, kept.opener, activity));
        }
        let mut openers: Vec<_> = openers.into_iter().collect();
        first(&mut rooms, count, |(a, _, one), (b, _, other)| other.compare(one).then(a.cmp(b)));
        first(&mut openers, count, |(a, one), (b, other)| other.compare(one).then(a.cmp(b)));
        Busiest { rooms, openers }
    }

    fn put(&mut self, room: RoomId, kept: Kept) {
        let Kept { opener, bytes, .. } = kept;
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some(opener) = opener {
            self.opened = self.opened.saturating_add(bytes);
            let share = self.openers.entry(opener).or_default();
            *share = Share { rooms: share.rooms + 1, bytes: share.bytes.saturating_add(bytes) };
        }
        self.rooms.insert(room, kept);
    }

    fn remove(&mut self, room: &RoomId) -> Option<Kept> {
        let kept = self.rooms.remove(room)?;
        let Kept { opener, bytes, .. } = kept;
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
        Some(kept)
    }
}

impl Kept {
    fn activity(&self, now: Instant) -> Activity {
        let (messages_per_s, bytes_per_s) = (self.messages.per_second(now), self.written.per_second(now));
        Activity { rooms: 1, bytes: self.bytes, messages_per_s, bytes_per_s, frozen: false }
    }
}

impl Activity {
    fn add(&mut self, other: Self) {
        self.rooms += other.rooms;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.messages_per_s += other.messages_per_s;
        self.bytes_per_s += other.bytes_per_s;
    }

    /// By what is written, then by size.
    fn compare(&self, other: &Self) -> Ordering {
        self.bytes_per_s.total_cmp(&other.bytes_per_s).then(self.bytes.cmp(&other.bytes))
    }
}

/// Leaves the first of many, in order: the writer waits meanwhile, so the rest is not sorted.
fn first<T>(all: &mut Vec<T>, count: usize, order: impl Fn(&T, &T) -> Ordering) {
    if count < all.len() {
        all.select_nth_unstable_by(count, &order);
        all.truncate(count);
    }
    all.sort_unstable_by(order);
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENERS: [Opener; 3] =
        [Opener([1; Opener::LEN]), Opener([2; Opener::LEN]), Opener([3; Opener::LEN])];

    fn shares(bytes: [u64; 3]) -> Shares {
        let rooms = OPENERS.into_iter().zip(bytes).enumerate();
        Shares::of(rooms.map(|(id, (opener, bytes))| (room(id), Some(opener), bytes)).collect())
    }

    fn room(id: usize) -> RoomId {
        RoomId([u8::try_from(id).unwrap(); 32])
    }

    fn refused(shares: &Shares, left: u64) -> [bool; 3] {
        OPENERS.map(|opener| shares.may_take(&opener, Bounds { used: 0, left, percent: 80 }).is_err())
    }

    #[test]
    fn more_one_has_the_earlier_one_gets_no_more() {
        let shares = shares([800, 100, 8]);
        assert_eq!(refused(&shares, 200), [false, false, false]);
        assert_eq!(refused(&shares, 199), [true, false, false]);
        assert_eq!(refused(&shares, 0), [true, false, false], "who has less than the average goes on");
        assert_eq!(refused(&self::shares([800, 790, 8]), 100), [true, true, false]);
        assert_eq!(refused(&self::shares([9, 9, 9]), 0), [true, true, true]);
    }

    #[test]
    fn busiest_come_first_and_of_those_that_rest_the_largest() {
        let (mut shares, now) = (shares([5, 50, 500]), Instant::now());
        let mut sizes = Sizes::default();
        sizes.wrote(&room(0), 100);
        sizes.set(&room(0), 7);
        sizes.gone(&room(1));
        shares.apply(sizes, now);
        let Busiest { rooms, openers } = shares.busiest(10, now);
        assert_eq!(rooms.iter().map(|(room, ..)| room.0[0]).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(openers.iter().map(|(opener, _)| *opener).collect::<Vec<_>>(), [OPENERS[0], OPENERS[2]]);
        assert_eq!((rooms[0].2.bytes, shares.bytes()), (7, 507));
        assert_eq!(shares.busiest(1, now).rooms.len(), 1);
    }
}
