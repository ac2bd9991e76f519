//! What blobs take, and whether there may be more: numbers alone, without I/O.
//!
//! A blob counts in full from the moment it is opened, so that no two of them are promised the same space.

use std::{collections::HashMap, time::Duration};

use proto::{PublicKey, RoomId, blob::Layout};

use super::{
    day::{DAY_MS, Day},
    error::BlobError,
    row::{OpenerBytes, Row, cost},
};
use crate::policy::{
    files::{FileLimits, MEMBER_PERCENT},
    refusal::Limit,
    within,
};

/// Bytes of all blobs, by who has them.
#[derive(Debug, Default)]
pub(super) struct Usage {
    rooms: HashMap<RoomId, RoomUsage>,
    openers: HashMap<OpenerBytes, u64>,
    /// What each opener has begun on a day.
    days: HashMap<OpenerBytes, Day>,
    files: u64,
    bytes: u64,
    /// Of these, what has not come yet.
    promised: u64,
}

/// One room's files.
#[derive(Debug, Default)]
struct RoomUsage {
    files: u64,
    bytes: u64,
    senders: HashMap<PublicKey, Sent>,
}

/// What one member has in a room.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    files: u64,
    bytes: u64,
}

/// All of it in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileTotals {
    /// Files, those that are not whole among them.
    pub files: u64,
    /// What they count.
    pub bytes: u64,
    /// Of these bytes, those that have not come yet.
    pub missing: u64,
}

/// What is known of the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk {
    /// Free bytes above what files leave alone; `None` where the file system does not say.
    pub free: Option<u64>,
    /// Percent of what is left that one opener may have.
    pub opener_percent: u64,
}

impl Usage {
    /// Whether there may be one more, of so many bytes.
    pub(super) fn may_add(
        &self,
        room: &RoomId,
        (sender, opener): (&PublicKey, &OpenerBytes),
        layout: Layout,
        limits: &FileLimits,
        disk: Disk,
        now_ms: u64,
    ) -> Result<(), BlobError> {
        let over = |limit| Err(BlobError::over(limit));
        if layout.size() > limits.max_file {
            return over(Limit::FileSize);
        }
        let cost = cost(layout);
        let (files, bytes, theirs) = self.rooms.get(room).map_or((0, 0, Sent::default()), |room| {
            (room.files, room.bytes, room.senders.get(sender).copied().unwrap_or_default())
        });
        let Some(files_left) = limits.files_per_room.checked_sub(files + 1) else {
            return over(Limit::FilesPerRoom);
        };
        let Some(left) = limits.room_files.checked_sub(bytes.saturating_add(cost)) else {
            return over(Limit::RoomFiles);
        };
        let may_have_more = within(theirs.bytes.saturating_add(cost), left, MEMBER_PERCENT)
            && (theirs.files == 0 || within(theirs.files + 1, files_left, MEMBER_PERCENT));
        if !may_have_more {
            return over(Limit::MemberFiles);
        }
        let (today, by_them) = self.today((sender, opener), now_ms);
        let left = limits.opener_files.checked_sub(today.saturating_add(cost));
        // Whoever sends and drops in turn takes the day from all rooms of this opener, so nobody has all of it.
        if left.is_none_or(|left| !within(by_them.saturating_add(cost), left, MEMBER_PERCENT)) {
            let rest = Duration::from_millis(DAY_MS - now_ms % DAY_MS);
            return Err(BlobError::Over(Limit::OpenerFiles, rest));
        }
        let left = limits.max_files.map(|most| most.checked_sub(self.bytes.saturating_add(cost)));
        let Some(of_share) = left.unwrap_or(Some(u64::MAX)) else { return over(Limit::Files) };
        let left = disk.free.map(|free| free.checked_sub(self.promised.saturating_add(cost)));
        let Some(of_disk) = left.unwrap_or(Some(u64::MAX)) else { return over(Limit::FilesReserve) };
        let of_opener = self.openers.get(opener).copied().unwrap_or(0).saturating_add(cost);
        if !within(of_opener, of_share.min(of_disk), disk.opener_percent) {
            return over(Limit::OpenerShare);
        }
        Ok(())
    }

    /// One more is begun, or more came of one than it is counted for.
    pub(super) fn begin(
        &mut self,
        (sender, opener): (&PublicKey, &OpenerBytes),
        cost: u64,
        now_ms: u64,
    ) -> (u64, u64) {
        let day = self.days.entry(*opener).or_default();
        day.begin(sender, cost, now_ms);
        day.to_store()
    }

    /// One that was begun at a time goes, and so much of it never came: `None` if the day of that is over.
    pub(super) fn give_back(
        &mut self,
        (sender, opener): (&PublicKey, &OpenerBytes),
        unused: u64,
        begun_ms: u64,
    ) -> Option<(u64, u64)> {
        let day = self.days.get_mut(opener).filter(|day| day.is_at(begun_ms))?;
        day.give_back(sender, unused);
        Some(day.to_store())
    }

    /// What an opener began on a day, as it was stored.
    pub(super) fn set_day(&mut self, opener: OpenerBytes, day: (u64, u64)) {
        self.days.insert(opener, Day::stored(day));
    }

    /// One that is of its opener's day as it was stored: its sender's part of it.
    pub(super) fn remember(&mut self, row: &Row) {
        if let Some(day) = self.days.get_mut(&row.opener).filter(|day| day.is_at(row.made_ms)) {
            day.remember(&row.sender, row.cost());
        }
    }

    /// Forgets days that are over. Says whose.
    pub(super) fn forget_days(&mut self, now_ms: u64) -> Vec<OpenerBytes> {
        let gone =
            self.days.iter().filter(|(_, day)| day.is_over(now_ms)).map(|(opener, _)| *opener).collect();
        self.days.retain(|_, day| !day.is_over(now_ms));
        gone
    }

    /// A blob is there.
    pub(super) fn add(&mut self, room: &RoomId, row: &Row) {
        let cost = row.cost();
        let of_room = self.rooms.entry(*room).or_default();
        of_room.files += 1;
        of_room.bytes = of_room.bytes.saturating_add(cost);
        let of_sender = of_room.senders.entry(row.sender).or_default();
        of_sender.files += 1;
        of_sender.bytes = of_sender.bytes.saturating_add(cost);
        let of_opener = self.openers.entry(row.opener).or_default();
        *of_opener = of_opener.saturating_add(cost);
        self.files += 1;
        self.bytes = self.bytes.saturating_add(cost);
        self.promised = self.promised.saturating_add(row.missing());
    }

    /// So many of its bytes have come.
    pub(super) fn came(&mut self, bytes: u64) {
        self.promised = self.promised.saturating_sub(bytes);
    }

    /// A blob is gone.
    pub(super) fn remove(&mut self, room: &RoomId, row: &Row) {
        let cost = row.cost();
        if let Some(of_room) = self.rooms.get_mut(room) {
            of_room.files = of_room.files.saturating_sub(1);
            of_room.bytes = of_room.bytes.saturating_sub(cost);
            if let Some(sent) = of_room.senders.get_mut(&row.sender) {
                sent.files = sent.files.saturating_sub(1);
                sent.bytes = sent.bytes.saturating_sub(cost);
                if sent.files == 0 {
                    of_room.senders.remove(&row.sender);
                }
            }
            if of_room.files == 0 {
                self.rooms.remove(room);
            }
        }
        if let Some(left) = self.openers.get_mut(&row.opener) {
            *left = left.saturating_sub(cost);
            if *left == 0 {
                self.openers.remove(&row.opener);
            }
        }
        self.files = self.files.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(cost);
        self.promised = self.promised.saturating_sub(row.missing());
    }

    /// The rooms that have more than they may: how many files, or bytes.
    pub(super) fn over(&self, limits: &FileLimits) -> Vec<RoomId> {
        let is_over = |room: &RoomUsage| room.files > limits.files_per_room || room.bytes > limits.room_files;
        self.rooms.iter().filter(|(_, usage)| is_over(usage)).map(|(room, _)| *room).collect()
    }

    /// Rooms that have blobs.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.rooms.keys().copied().collect()
    }

    /// How many files a room has, and what they count.
    pub(super) fn of_room(&self, room: &RoomId) -> (u64, u64) {
        self.rooms.get(room).map_or((0, 0), |room| (room.files, room.bytes))
    }

    /// All of it.
    pub(super) fn totals(&self) -> FileTotals {
        FileTotals { files: self.files, bytes: self.bytes, missing: self.promised }
    }

    /// What an opener's rooms have begun today, and of that what a member has begun.
    fn today(&self, (sender, opener): (&PublicKey, &OpenerBytes), now_ms: u64) -> (u64, u64) {
        self.days.get(opener).filter(|day| day.is_at(now_ms)).map_or((0, 0), |day| day.begun(sender))
    }
}

#[cfg(test)]
mod tests {
    use proto::blob::PartSet;

    use super::*;
    use crate::policy::files::LEAST_FILE;

    const ROOM: RoomId = RoomId([1; 32]);
    const ANN: PublicKey = PublicKey([2; 32]);
    const BOB: PublicKey = PublicKey([3; 32]);
    const OPENER: OpenerBytes = [4; 16];
    const MIB: u64 = 1 << 20;

    fn row(sender: PublicKey, size: u64) -> Row {
        let layout = Layout::of(size).unwrap();
        Row {
            number: 0,
            sender,
            opener: OPENER,
            layout,
            made_ms: 0,
            until_ms: 0,
            expires_ms: 0,
            drop_hash: None,
            parts: PartSet::none(layout),
            sums: vec![0; layout.parts() as usize],
        }
    }

    fn limits() -> FileLimits {
        FileLimits {
            max_file: 50 * MIB,
            room_files: 100 * MIB,
            opener_files: 150 * MIB,
            ..FileLimits::default()
        }
    }

    fn disk(free: u64) -> Disk {
        Disk { free: Some(free), opener_percent: 100 }
    }

    fn limit(usage: &Usage, sender: &PublicKey, size: u64, limits: &FileLimits, disk: Disk) -> Option<Limit> {
        let layout = Layout::of(size).unwrap();
        match usage.may_add(&ROOM, (sender, &OPENER), layout, limits, disk, DAY_MS) {
            Ok(()) => None,
            Err(BlobError::Over(limit, _)) => Some(limit),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_bound_is_named_when_it_is_reached() {
        let (mut usage, limits, plenty) = (Usage::default(), limits(), disk(u64::MAX));
        let may = |usage: &Usage, sender, cost| limit(usage, sender, cost, &limits, plenty);
        assert_eq!(may(&usage, &ANN, 50 * MIB), None);
        assert_eq!(may(&usage, &ANN, 50 * MIB + 1), Some(Limit::FileSize));
        usage.add(&ROOM, &row(ANN, 50 * MIB));
        usage.add(&ROOM, &row(ANN, 30 * MIB));
        assert_eq!(may(&usage, &ANN, MIB), Some(Limit::MemberFiles), "four fifths of the room are hers");
        assert_eq!(may(&usage, &BOB, 15 * MIB), None, "others have the rest");
        assert_eq!(may(&usage, &BOB, 21 * MIB), Some(Limit::RoomFiles));
        usage.begin((&ANN, &OPENER), 145 * MIB, DAY_MS);
        assert_eq!(may(&usage, &BOB, 6 * MIB), Some(Limit::OpenerFiles));
        let layout = Layout::of(6 * MIB).unwrap();
        let tomorrow = usage.may_add(&ROOM, (&BOB, &OPENER), layout, &limits, plenty, 2 * DAY_MS);
        assert_eq!(tomorrow, Ok(()));
        assert_eq!(usage.forget_days(2 * DAY_MS), [OPENER]);
    }

    #[test]
    fn hundred_thousand_tiny_files_of_one_member_stop_at_four_fifths_and_leave_others_the_rest() {
        let (mut usage, limits, plenty) = (Usage::default(), FileLimits::default(), disk(u64::MAX));
        let mut taken = 0;
        for _ in 0..100_000 {
            match limit(&usage, &ANN, 1, &limits, plenty) {
                None => usage.add(&ROOM, &row(ANN, 1)),
                Some(limit) => {
                    assert_eq!(limit, Limit::MemberFiles);
                    break;
                }
            }
            taken += 1;
        }
        assert_eq!((taken, usage.of_room(&ROOM)), (8_000, (8_000, 8_000 * LEAST_FILE)));
        assert_eq!(limit(&usage, &BOB, 1, &limits, plenty), None);
        // And where files are as many as one likes, bytes are not.
        let many = FileLimits { files_per_room: u64::MAX, room_files: 100 * LEAST_FILE, ..limits };
        let mut usage = Usage::default();
        while limit(&usage, &ANN, 1, &many, plenty).is_none() {
            usage.add(&ROOM, &row(ANN, 1));
        }
        assert_eq!(usage.totals().files, 80);
    }

    #[test]
    fn what_never_came_is_given_back_on_its_day_and_on_no_other() {
        let mut usage = Usage::default();
        let ann = (&ANN, &OPENER);
        usage.begin(ann, 9 * MIB, DAY_MS + 5);
        assert_eq!(usage.give_back(ann, 2 * MIB, DAY_MS), Some((1, 7 * MIB)));
        assert_eq!(usage.give_back(ann, 2 * MIB, DAY_MS - 1), None, "begun the day before");
        assert_eq!(usage.give_back((&ANN, &[9; 16]), MIB, DAY_MS), None);
        usage.begin(ann, MIB, 2 * DAY_MS);
        assert_eq!(usage.give_back(ann, MIB, DAY_MS + 5), None, "that day is over");
        assert_eq!(usage.today(ann, 2 * DAY_MS), (MIB, MIB));
        assert_eq!(usage.today((&BOB, &OPENER), 2 * DAY_MS), (MIB, 0));
        assert_eq!(usage.begin(ann, 3 * MIB, DAY_MS + 5), (2, 4 * MIB), "nor does a day come back");
        assert_eq!(usage.today(ann, 2 * DAY_MS), (4 * MIB, 4 * MIB));
    }

    #[test]
    fn what_is_promised_is_not_promised_twice() {
        let (mut usage, limits) = (Usage::default(), limits());
        let ann = row(ANN, 40 * MIB);
        usage.add(&ROOM, &ann);
        assert_eq!(limit(&usage, &BOB, 10 * MIB, &limits, disk(50 * MIB)), None);
        assert_eq!(limit(&usage, &BOB, 11 * MIB, &limits, disk(50 * MIB)), Some(Limit::FilesReserve));
        usage.came(40 * MIB);
        assert_eq!(limit(&usage, &BOB, 11 * MIB, &limits, disk(50 * MIB)), None);
        let few = FileLimits { max_files: Some(45 * MIB), ..limits };
        assert_eq!(limit(&usage, &BOB, 6 * MIB, &few, disk(u64::MAX)), Some(Limit::Files));
        let shared = Disk { free: Some(20 * MIB), opener_percent: 80 };
        assert_eq!(limit(&usage, &BOB, 9 * MIB, &limits, shared), Some(Limit::OpenerShare));
        let few = FileLimits { files_per_room: 1, ..limits };
        assert_eq!(limit(&usage, &BOB, 1, &few, disk(u64::MAX)), Some(Limit::FilesPerRoom));
    }

    #[test]
    fn what_is_gone_leaves_nothing_behind() {
        let mut usage = Usage::default();
        let rows = [row(ANN, 1), row(BOB, 9 * MIB)];
        rows.iter().for_each(|row| usage.add(&ROOM, row));
        assert_eq!(
            usage.totals(),
            FileTotals { files: 2, bytes: 9 * MIB + LEAST_FILE, missing: 9 * MIB + 1 }
        );
        rows.iter().for_each(|row| usage.remove(&ROOM, row));
        assert_eq!(usage.totals(), FileTotals::default());
        assert!(usage.rooms.is_empty() && usage.openers.is_empty());
    }
}
