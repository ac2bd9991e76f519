//! A blob that is being sent: what is held for as long as any of its bytes are on their way to the disk.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use proto::{BlobId, RoomId, blob::Layout};

use super::{
    files::BlobFile,
    marks,
    row::Row,
    spent::{Payer, Spent},
    transfers::Held,
};

/// A blob that is being sent.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(super) room: RoomId,
    pub(super) blob: BlobId,
    pub(super) file: Arc<Writing>,
    /// As it is on disk.
    pub row: Row,
}

/// Its file. Each write that is under way has this, also when nobody waits for it any more: so the pen is not put down, and
/// nothing is counted, before the last of them is over.
#[derive(Debug)]
pub(super) struct Writing {
    pub file: BlobFile,
    pub payer: Payer,
    /// When it was opened, Unix milliseconds.
    pub opened_ms: u64,
    pub spent: Spent,
    /// Bytes that were written and that the index does not have.
    pub unkept: AtomicU64,
    /// The disk could not take something of it. It says so once: what it says after that is not believed.
    pub has_failed: AtomicBool,
    pub _held: Held,
}

impl Writing {
    /// Writes a part to its place, and then its mark. Gives its sum.
    pub(super) fn write(&self, layout: Layout, number: u32, bytes: &[u8]) -> io::Result<u32> {
        self.unkept.fetch_add(bytes.len() as u64, Relaxed);
        let sum = crc32fast::hash(bytes);
        self.file.write_at(bytes, layout.offset(number))?;
        marks::put(&self.file, layout, number, sum)?;
        Ok(sum)
    }

    /// Makes what was written durable. Once that failed it fails until the blob is opened anew, which writes all of it once more.
    pub(super) fn sync(&self) -> io::Result<()> {
        if self.has_failed.load(Relaxed) {
            return Err(io::Error::other("the disk did not take what was written before"));
        }
        self.file.sync().inspect_err(|_| self.has_failed.store(true, Relaxed))
    }

    /// The index has so many of these bytes.
    pub(super) fn kept(&self, bytes: u64) {
        let _ = self.unkept.fetch_update(Relaxed, Relaxed, |unkept| Some(unkept.saturating_sub(bytes)));
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let unkept = self.unkept.load(Relaxed);
        if unkept > 0 {
            self.spent.add(self.payer, unkept, self.opened_ms);
        }
    }
}
