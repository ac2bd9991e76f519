//! Bounds of files: their units, their values and the reasons.

use std::time::Duration;

use proto::blob::{MAX_BLOB_FRAME, PART};

use super::rate::Rate;

/// What one relay allows of files. All of it but `memory_kib` can change while the relay runs.
#[derive(Clone, Copy, Debug)]
pub struct FileLimits {
    /// Bytes of one file; 0 keeps none. A film of an evening is larger, a talk is not.
    pub max_file: u64,
    /// Bytes of all files of a room.
    pub room_files: u64,
    /// Files of a room. Each takes a file of the disk and a row of the index, however small it is.
    pub files_per_room: u64,
    /// Bytes of files that all rooms of one opener may begin in a day.
    pub opener_files: u64,
    /// Bytes that all files together may take of the disk; `None` leaves only the reserve in force.
    pub max_files: Option<u64>,
    /// Age of a file.
    pub age: Duration,
    /// Time without a new part after which a file that is not whole goes: a night, and the next morning.
    pub unfinished_age: Duration,
    /// Transfers at once on one connection.
    pub transfers_per_connection: u32,
    /// Transfers at once in one room.
    pub transfers_per_room: u32,
    /// Of these, one member's: nobody takes all of them.
    pub transfers_per_member: u32,
    /// Memory for parts on their way in, and as much for those on their way out, in KiB, relay-wide. What comes when it is spent
    /// waits. Apart from that of rooms, which never wait for a file. As it is when the relay starts.
    pub memory_kib: u32,
    /// Time without progress on either side after which a transfer ends. A client that pauses comes again.
    pub stall: Duration,
    /// Time for one whole part, either way, however steadily it trickles: it holds memory and a place that others wait for.
    pub part_time: Duration,
    /// Files that one address may begin, fetch and drop.
    pub requests: Rate,
    /// KiB of files that one address may send and fetch. What is over it waits, and is not refused.
    pub traffic: Rate,
}

impl FileLimits {
    /// The same memory of one address.
    pub fn share_kib(&self) -> u32 {
        self.memory_kib / TRANSFER_SHARES
    }
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            // A file of 1 GiB, sealed.
            max_file: 1026 << 20,
            room_files: 4 << 30,
            files_per_room: 10_000,
            opener_files: 8 << 30,
            max_files: None,
            age: Duration::from_secs(30 * 24 * 3600),
            unfinished_age: Duration::from_secs(24 * 3600),
            transfers_per_connection: 8,
            transfers_per_room: 32,
            // A client has two under way at a time, and may come twice over after it lost its connection.
            transfers_per_member: 4,
            memory_kib: 128 << 10,
            stall: Duration::from_secs(30),
            // A part at 56 kbit/s.
            part_time: Duration::from_secs(150),
            requests: Rate::per_minute(600, 600),
            traffic: Rate::per_minute(4096 << 10, 4096 << 10),
        }
    }
}

/// Least that a file counts, in bytes: the smallest that a client sends, and room for what a file costs besides its bytes (an
/// inode, a row, blocks of both), so that many small ones are not cheaper than a large one.
pub const LEAST_FILE: u64 = 64 << 10;

/// Time for which what is promised to a file of which no part has come is kept. Nothing is lost with it: whoever opens it anew
/// begins where he was. [`FileLimits::part_time`] is well below.
pub const EMPTY_AGE: Duration = Duration::from_secs(600);

/// Of what is left of a room's files and what one member has sent, together, so many percent may be that member's: whoever
/// takes all he can leaves a fifth to the others.
pub const MEMBER_PERCENT: u64 = 80;

/// Members of whom it is remembered what they began of one opener's day, of which each has the same part: a few dozen KiB. Further
/// ones count as one.
pub const DAY_MEMBERS: usize = 1024;

/// How often the disk's reserve stays free of files: half of that is for messages alone, so no file stops a chat.
pub const RESERVES: u64 = 2;

/// Parts of one transfer that came and are not written to their file yet, the one that is being received included. So a relay
/// that is killed has lost one at most; what comes meanwhile waits in the transport, which has room for half a part.
pub const PARTS_UNDER_WAY: usize = 1;

/// Bytes after which what was written is made durable, and acknowledged.
pub const SYNC_BYTES: u64 = 16 << 20;

/// Parts that were written and are not durable, at most: one step that the disk is at, and the next. Until the disk has taken a
/// step no more are received. After a crash so many are read again when their blob is.
pub const UNKEPT_PARTS: usize = 2 * SYNC_BYTES as usize / PART;

/// Time after which it is, if fewer came.
pub const SYNC_TIME: Duration = Duration::from_secs(1);

/// Time for which a sender that was superseded may keep its successor waiting: what it had on its way to the disk.
pub const HAND_OVER: Duration = Duration::from_secs(10);

/// Of the memory for parts ([`FileLimits::memory_kib`]), one address has one part in so many.
pub const TRANSFER_SHARES: u32 = 4;

/// Parts of one address that there is memory for at least, so that nobody waits for ever: those of one transfer, and one more.
pub const SHARE_PARTS: u32 = 4;

/// Least memory for parts, in MiB: [`SHARE_PARTS`] frames fit into each share, and a frame is a little larger than its part.
pub const LEAST_TRANSFER_MIB: u32 = TRANSFER_SHARES * (SHARE_PARTS + 1);

/// Threads that read and write files at once: a disk has no more arms, and the log needs some threads as well.
pub const FILE_THREADS: usize = 8;

/// Bytes that the relay may have on their way to a client for each transfer, beyond what it may have for rooms: the
/// window that a client gives a stream.
pub const TRANSFER_WINDOW: u32 = 1 << 20;

/// Parts that may be on their way to a client when the last one is given to the transport: that window, and what there is for
/// rooms.
pub const PARTS_AHEAD: u32 = 2;

/// Jobs of the index in one transaction.
pub const INDEX_JOBS: usize = 256;

/// Jobs that wait for the index; who comes when it is full waits.
pub const INDEX_QUEUE: usize = 1024;

/// Memory of the index's page cache, in bytes.
pub const INDEX_CACHE: usize = 8 << 20;

/// Time between two looks at whose time is over. Files are gone within a second of it.
pub const SWEEP_INTERVAL: Duration = Duration::from_millis(500);

/// Blobs that one transaction deletes: others get their turn between.
pub const PURGE_STEP: usize = 256;

const _: () = assert!(PARTS_UNDER_WAY < SHARE_PARTS as usize);
const _: () = assert!(
    (MAX_BLOB_FRAME.div_ceil(1 << 10)) * SHARE_PARTS as usize
        <= ((LEAST_TRANSFER_MIB / TRANSFER_SHARES) << 10) as usize
);
