//! What the relay keeps of files, and how they are carried.

use std::time::Duration;

use clap::{Args, value_parser};

use crate::policy::{
    files::{LEAST_TRANSFER_MIB, SHARE_PARTS, TRANSFER_SHARES},
    limits::{FileLimits, Limits, Rate},
};

/// Most mebibytes of memory for parts of files.
const MOST_TRANSFER_MIB: u32 = 1 << 20;

/// Files that members send each other: sealed, in parts, beside the log.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Files")]
pub struct Files {
    /// Mebibytes of one file; 0 keeps no files at all.
    ///
    /// 1026 take a file of 1 GiB, which is a little larger sealed. Memory does not grow with it: parts of 1 MiB go to the disk as they come.
    #[arg(long, hide_short_help = true, env = "RELAY_MAX_FILE_MIB", value_name = "MIB", default_value_t = 1026, value_parser = value_parser!(u64).range(0..=65_536))]
    pub max_file_mib: u64,
    /// Mebibytes of all files of a room.
    ///
    /// Over it no file is begun; messages go on, and files are fetched. It gets less when files are deleted or expire. One member
    /// may have four fifths of what is left of it and what he sent, together.
    #[arg(long, hide_short_help = true, env = "RELAY_ROOM_FILES_MIB", value_name = "MIB", default_value_t = 4096, value_parser = value_parser!(u64).range(1..=1 << 30))]
    pub room_files_mib: u64,
    /// Files of a room.
    ///
    /// However small: each takes a file of the disk and a row of the index, and counts 64 KiB at least. One member may have four fifths of
    /// what is left and what he sent, together.
    #[arg(long, hide_short_help = true, env = "RELAY_FILES_PER_ROOM", value_name = "N", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..=10_000_000))]
    pub files_per_room: u64,
    /// Mebibytes of files a day that may be begun in all rooms of one opener.
    ///
    /// An opener is the token that opened a room, or the address. The day is that of UTC. One member
    /// may have four fifths of what is left of it and what he began that day, together, also if he deletes it again.
    #[arg(long, hide_short_help = true, env = "RELAY_OPENER_FILES_MIB", value_name = "MIB", default_value_t = 8192, value_parser = value_parser!(u64).range(1..=1 << 30))]
    pub opener_files_mib: u64,
    /// Mebibytes that all files together may take of the disk [default: what the disk has].
    ///
    /// In any case twice --reserve-mib stay free of files, so that they never stop a chat; --opener-percent holds for them as well.
    #[arg(long, hide_short_help = true, env = "RELAY_MAX_FILES_MIB", value_name = "MIB", value_parser = value_parser!(u64).range(1..=1 << 30))]
    pub max_files_mib: Option<u64>,
    /// Days that a file is kept.
    ///
    /// Whoever sends one may want it for less. It goes with its room in any case.
    #[arg(long, hide_short_help = true, env = "RELAY_FILE_DAYS", value_name = "DAYS", default_value_t = 30, value_parser = value_parser!(u32).range(1..=36_500))]
    pub file_days: u32,
    /// Hours without a new part after which a file that was not sent to its end is deleted.
    ///
    /// As long a sender can go on where it was interrupted.
    #[arg(long, hide_short_help = true, env = "RELAY_UNFINISHED_FILE_HOURS", value_name = "HOURS", default_value_t = 24, value_parser = value_parser!(u32).range(1..=8760))]
    pub unfinished_file_hours: u32,
    /// Files that may be on their way at once on one connection.
    ///
    /// Each holds some MiB of memory, and a window beside those of rooms, so that no message waits for a file.
    #[arg(long, hide_short_help = true, env = "RELAY_TRANSFERS_PER_CONNECTION", value_name = "N", default_value_t = 8, value_parser = value_parser!(u32).range(1..=256))]
    pub transfers_per_connection: u32,
    /// Files that may be on their way at once in one room, to and from all its members.
    ///
    /// A large room in which all fetch what was just sent takes turns; over it a client tries again.
    #[arg(long, hide_short_help = true, env = "RELAY_TRANSFERS_PER_ROOM", value_name = "N", default_value_t = 32, value_parser = value_parser!(u32).range(1..=65_536))]
    pub transfers_per_room: u32,
    /// Of these, those of one member.
    ///
    /// So that nobody takes all of them from the others. A client has two under way at a time.
    #[arg(long, hide_short_help = true, env = "RELAY_TRANSFERS_PER_MEMBER", value_name = "N", default_value_t = 4, value_parser = value_parser!(u32).range(1..=65_536))]
    pub transfers_per_member: u32,
    /// Mebibytes of memory for parts of files on their way in, and as many for those on their way out; from the next start.
    ///
    /// What comes when they are spent waits, and no message ever does. A transfer holds up to four parts of 1 MiB; one address may
    /// have a quarter, which has to hold four parts: 20 at least. Less suits a small machine, more a fast line that many share.
    #[arg(long, hide_short_help = true, env = "RELAY_TRANSFER_MEMORY_MIB", value_name = "MIB", default_value_t = 128, value_parser = transfer_memory)]
    pub transfer_memory_mib: u32,
    /// Files a minute that one address may begin, fetch and delete.
    ///
    /// As many at once after a pause. Each costs a look at the database, and one that is begun a file of the disk, however small.
    #[arg(long, hide_short_help = true, env = "RELAY_FILES_PER_ADDRESS", value_name = "N", default_value_t = 600, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub files_per_address: u32,
    /// Mebibytes a minute of files that one address may send and fetch.
    ///
    /// As many at once after a pause. What is over it waits.
    #[arg(long, hide_short_help = true, env = "RELAY_FILE_TRAFFIC_MIB", value_name = "MIB", default_value_t = 4096, value_parser = value_parser!(u32).range(1..=1 << 20))]
    pub file_traffic_mib: u32,
}

impl Files {
    pub(super) fn apply(&self, limits: &mut Limits) {
        limits.files = FileLimits {
            max_file: self.max_file_mib << 20,
            room_files: self.room_files_mib << 20,
            files_per_room: self.files_per_room,
            opener_files: self.opener_files_mib << 20,
            max_files: self.max_files_mib.map(|mib| mib << 20),
            age: Duration::from_secs(u64::from(self.file_days) * 24 * 3600),
            unfinished_age: Duration::from_secs(u64::from(self.unfinished_file_hours) * 3600),
            transfers_per_connection: self.transfers_per_connection,
            transfers_per_room: self.transfers_per_room,
            transfers_per_member: self.transfers_per_member,
            memory_kib: self.transfer_memory_mib << 10,
            stall: FileLimits::default().stall,
            part_time: FileLimits::default().part_time,
            requests: Rate::per_minute(self.files_per_address, self.files_per_address),
            traffic: Rate::per_minute(self.file_traffic_mib << 10, self.file_traffic_mib << 10),
        };
    }
}

/// Memory for parts of files, in MiB: no less than one address needs not to wait for ever.
fn transfer_memory(text: &str) -> Result<u32, String> {
    let mib: u32 = text.parse().map_err(|_| "it is no whole number of mebibytes".to_owned())?;
    if mib < LEAST_TRANSFER_MIB {
        return Err(format!(
            "an address has one part in {TRANSFER_SHARES} of it, and {SHARE_PARTS} parts of a file have to fit into that; \
             give it {LEAST_TRANSFER_MIB} at least"
        ));
    }
    if mib > MOST_TRANSFER_MIB {
        return Err(format!("it can be {MOST_TRANSFER_MIB} at most"));
    }
    Ok(mib)
}
