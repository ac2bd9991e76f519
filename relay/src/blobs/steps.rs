//! What each job changes, in the index and in what is counted.

use std::{collections::HashMap, time::Duration};

use proto::{BlobId, RoomId, blob::PartSet};

use super::{
    error::{BlobError, IndexError},
    jobs::{Added, Job, Settled, Unwanted, Wanted},
    marks,
    row::Row,
    spent::Payer,
    tables::Tables,
    usage::{Disk, Usage},
};
use crate::policy::files::{EMPTY_AGE, FileLimits, PURGE_STEP};

/// One transaction.
pub(super) struct Steps<'a, 'txn> {
    tables: &'a mut Tables<'txn>,
    usage: &'a mut Usage,
    limits: &'a FileLimits,
    disk: Disk,
    /// Below it a missing row says nothing of a drop.
    forgotten: u64,
    done: Done,
}

/// What it has done.
#[derive(Default)]
pub(super) struct Done {
    /// Rooms that may have more or fewer blobs.
    pub touched: Vec<RoomId>,
    /// Blobs that are gone, with the numbers of their files.
    pub gone: Vec<(RoomId, BlobId, u64)>,
    /// It is to be kept, but may go with a power cut.
    pub changed: bool,
    /// It is not to go with a power cut.
    pub durable: bool,
}

impl<'a, 'txn> Steps<'a, 'txn> {
    /// Nothing yet.
    pub(super) fn new(
        tables: &'a mut Tables<'txn>,
        usage: &'a mut Usage,
        limits: &'a FileLimits,
        disk: Disk,
        forgotten: u64,
    ) -> Self {
        Self { tables, usage, limits, disk, forgotten, done: Done::default() }
    }

    /// There are no more jobs.
    pub(super) fn done(self) -> Done {
        self.done
    }

    /// Counts what was written for nothing.
    pub(super) fn spent(&mut self, spent: &HashMap<Payer, (u64, u64)>) -> Result<(), IndexError> {
        for ((opener, sender), (bytes, at_ms)) in spent {
            let day = self.usage.begin((sender, opener), *bytes, *at_ms);
            self.tables.put_day(opener, day)?;
            self.done.changed = true;
        }
        Ok(())
    }

    /// Does one.
    pub(super) fn settle(&mut self, job: &Job) -> Result<Settled, IndexError> {
        Ok(match job {
            Job::Open(wanted, _) => Settled::Row(self.open(wanted)?),
            Job::Add(added, _) => Settled::Row(self.add(added)?),
            Job::Drop(unwanted, _) => Settled::Done(self.discard(unwanted)?),
            Job::DropRooms(rooms, _) => Settled::More(self.drop_rooms(rooms)?),
            Job::Purge(now_ms, bounds, _) => Settled::More(self.purge(*now_ms, *bounds)?),
        })
    }

    fn open(&mut self, wanted: &Wanted) -> Result<Result<Row, BlobError>, IndexError> {
        let Wanted { room, blob, sender, opener, layout, keep_s, drop_hash, now_ms } = wanted;
        let empty_ms = now_ms.saturating_add(millis(self.limits.unfinished_age.min(EMPTY_AGE)));
        if let Some(mut row) = self.tables.get(room, blob)? {
            if row.expires_ms > *now_ms {
                if row.sender != *sender || row.layout != *layout {
                    return Ok(Err(BlobError::Conflict));
                }
                if row.parts.count() == 0 {
                    row.expires_ms = row.until_ms.min(empty_ms);
                    self.tables.put(room, blob, &row)?;
                    self.done.changed = true;
                }
                return Ok(Ok(row));
            }
            self.remove(room, blob)?;
        }
        let may = self.usage.may_add(room, (sender, opener), *layout, self.limits, self.disk, *now_ms);
        if let Err(error) = may {
            return Ok(Err(error));
        }
        let age_ms = keep_s.map_or(u64::MAX, |seconds| seconds.saturating_mul(1000));
        let until_ms = now_ms.saturating_add(age_ms.min(millis(self.limits.age)));
        let row = Row {
            number: self.tables.take_number()?,
            sender: *sender,
            opener: *opener,
            layout: *layout,
            made_ms: *now_ms,
            until_ms,
            expires_ms: until_ms.min(empty_ms),
            drop_hash: *drop_hash,
            parts: PartSet::none(*layout),
            sums: vec![0; layout.parts() as usize],
        };
        self.tables.put(room, blob, &row)?;
        self.usage.add(room, &row);
        self.done.touched.push(*room);
        let day = self.usage.begin((sender, opener), row.cost(), *now_ms);
        self.tables.put_day(opener, day)?;
        // Of a blob without a part nothing is lost that was promised: a crash may take it. But with the row it would take the
        // marks of all parts that come before the first of them are kept.
        match marks::has(*layout) {
            true => self.done.durable = true,
            false => self.done.changed = true,
        }
        Ok(Ok(row))
    }

    fn add(&mut self, added: &Added) -> Result<Result<Row, BlobError>, IndexError> {
        let Added { room, blob, number, parts, now_ms } = added;
        // One that was dropped, and perhaps begun anew, is another.
        let Some(mut row) = self.tables.get(room, blob)?.filter(|row| row.number == *number) else {
            let is_forgotten = *number < self.forgotten;
            return Ok(Err(if is_forgotten { BlobError::Unavailable } else { BlobError::NoBlob }));
        };
        for (part, sum) in parts {
            if row.parts.add(*part) {
                self.usage.came(row.layout.length(*part).unwrap_or(0) as u64);
                if let Some(kept) = row.sums.get_mut(*part as usize) {
                    *kept = *sum;
                }
            }
        }
        row.expires_ms = match row.parts.is_whole() {
            true => row.until_ms,
            false => row.until_ms.min(now_ms.saturating_add(millis(self.limits.unfinished_age))),
        };
        self.tables.put(room, blob, &row)?;
        self.done.touched.push(*room);
        self.done.durable = true;
        Ok(Ok(row))
    }

    fn discard(&mut self, unwanted: &Unwanted) -> Result<Result<(), BlobError>, IndexError> {
        let Unwanted { room, blob, by, shown } = unwanted;
        let Some(row) = self.tables.get(room, blob)? else { return Ok(Ok(())) };
        let may = match shown {
            Some(shown) => row.drop_hash == Some(*shown),
            None => row.sender == *by,
        };
        if !may {
            return Ok(Err(BlobError::NotAllowed));
        }
        self.remove(room, blob)?;
        Ok(Ok(()))
    }

    /// Whether there is more to do.
    fn drop_rooms(&mut self, rooms: &[RoomId]) -> Result<bool, IndexError> {
        let mut left = PURGE_STEP;
        for room in rooms {
            for (blob, _) in self.tables.of_room(room, left)? {
                self.remove(room, &blob)?;
                left -= 1;
            }
        }
        Ok(left == 0)
    }

    /// Whether there is more to do.
    fn purge(&mut self, now_ms: u64, bounds: bool) -> Result<bool, IndexError> {
        let expired = self.tables.expired(now_ms, PURGE_STEP)?;
        for (room, blob) in &expired {
            self.remove(room, blob)?;
        }
        let mut left = PURGE_STEP - expired.len();
        if bounds {
            left = self.trim(left)?;
            for opener in self.usage.forget_days(now_ms) {
                self.tables.forget_day(&opener)?;
                self.done.changed = true;
            }
        }
        Ok(left == 0)
    }

    /// Takes the oldest files of rooms that have more than they may, up to so many, and says how many more it might have: only
    /// after the operator has lowered a bound.
    fn trim(&mut self, mut left: usize) -> Result<usize, IndexError> {
        for room in self.usage.over(self.limits) {
            if left == 0 {
                break;
            }
            let rows = self.tables.of_room(&room, usize::MAX)?;
            let mut ages: Vec<_> = rows.into_iter().map(|(blob, row)| (row.made_ms, blob)).collect();
            ages.sort_unstable_by_key(|(made_ms, blob)| (*made_ms, blob.0));
            for (_, blob) in ages {
                let (files, bytes) = self.usage.of_room(&room);
                if left == 0 || (files <= self.limits.files_per_room && bytes <= self.limits.room_files) {
                    break;
                }
                self.remove(&room, &blob)?;
                left -= 1;
            }
        }
        Ok(left)
    }

    fn remove(&mut self, room: &RoomId, blob: &BlobId) -> Result<(), IndexError> {
        let Some(row) = self.tables.remove(room, blob)? else { return Ok(()) };
        self.usage.remove(room, &row);
        if let Some(day) = self.usage.give_back((&row.sender, &row.opener), row.unused(), row.made_ms) {
            self.tables.put_day(&row.opener, day)?;
        }
        self.done.touched.push(*room);
        self.done.gone.push((*room, *blob, row.number));
        self.done.durable = true;
        Ok(())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
