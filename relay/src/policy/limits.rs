//! Every limit of the relay: its unit, its value and the reason for it.
//!
//! What an operator may want to change is a field of [`Limits`]; what follows from the protocol or
//! from memory arithmetic is a constant.

use std::time::Duration;

use proto::{MAX_COMMIT_FRAME, MAX_ENVELOPE};

pub use proto::access::KEYS_PER_CHANGE;

pub use super::{
    files::FileLimits,
    rate::{Rate, Retention},
};

use crate::policy::token::Admission;

/// What one relay allows. `Default` suits a small machine on the open internet. All of it can change while
/// the relay runs.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections, all addresses together. About 2 MiB each at worst.
    pub connections: usize,
    /// Open connections from one address (IPv6: one /64, what one household gets). High enough for
    /// an office behind one address.
    pub connections_per_address: usize,
    /// Handshakes of addresses that have not proved themselves; above it they must, with a Retry (RFC 9000,
    /// 8.1.2): costs an honest client one round trip, a spoofing one everything.
    pub handshakes: Rate,
    /// Handshakes of one address that has proved itself; above it they are refused. A handshake costs
    /// about a millisecond.
    pub handshakes_per_address: Rate,
    /// Handshakes in progress above which addresses must prove themselves as well; 0 asks everybody, always. Nothing
    /// that was sent in another one's name then costs more than a Retry, and gets less back than it sent.
    pub retry_above: usize,
    /// Handshakes in progress above which new ones are refused; one address gets a quarter of them.
    pub max_handshakes: usize,
    /// Rooms (streams) at once on one connection; further ones are refused.
    pub rooms_per_connection: u32,
    /// Joins on one connection, whatever becomes of them; above it the connection is closed.
    pub joins_per_connection: Rate,
    /// QUIC: received and unread bytes of one stream. 512 KiB: a 12 MiB commit at 100 ms round trip takes 3 s.
    pub stream_window: u32,
    /// QUIC: received and unread bytes of one connection that has joined a room; before that see
    /// [`STRANGER_WINDOW`].
    pub connection_window: u32,
    /// QUIC: sent and unacknowledged bytes of one connection. 1 MiB: 10 MiB/s at 100 ms round trip.
    pub send_window: u32,
    /// QUIC: bytes of datagrams waiting, each way, oldest dropped first; 0 offers none. Nothing here reads
    /// datagrams yet, so any would only wait.
    pub datagram_buffer: u32,
    /// Bytes of one envelope that is no commit; never more than [`MAX_ENVELOPE`]. Commits grow with the
    /// group, so only the protocol's cap holds for them.
    pub max_message: usize,
    /// Envelopes a member may publish.
    pub publish: Rate,
    /// Envelopes that all members of a room may publish: ten at their own limit.
    pub room_publish: Rate,
    /// Publish attempts and slot reads of one address through one invite key: a join is two of them, each lost race two more, and a
    /// link shown to a crowd is used by many at once.
    pub invite: Rate,
    /// KiB that all members of one address may publish, in all rooms together; see [`PUBLISH_KIB`]. A member's rate is in
    /// messages, and one address may be a member of thousands of rooms: this bounds what it writes to the disk.
    pub address_publish: Rate,
    /// Frames to others that publishes of one room, and of one address in all its rooms, may cause: one for each member
    /// that is online. A thousand messages a minute to a thousand members are as many, and take an eighth of a
    /// processor; a burst takes a second and a half of one. Without it a room costs the square of its members.
    /// Signals may cause a quarter of that, see [`Rate::quarter`]: they are dropped above it, and hold up no message.
    pub deliveries: Rate,
    /// Ephemeral signals of one member: typing is a few a second at most. Dropped above it.
    pub ephemeral: Rate,
    /// Rooms that one address may open; one with more than [`KEYS_PER_OPENING`] first keys counts as several.
    pub create: Rate,
    /// Who may open rooms.
    pub admission: Admission,
    /// Tokens that are refused from one address: enough for a slip or two, and a guesser learns nothing in
    /// the age of the universe anyway. What it bounds is the work.
    pub bad_tokens: Rate,
    /// Access keys in one room: members and live invites.
    pub keys_per_room: u64,
    /// What each room's log keeps.
    pub retention: Retention,
    /// Bytes of the newest entries that are held in memory, all rooms together, for those who are online. 32 MiB are
    /// 80,000 chat lines: some seconds of a relay at its limit, minutes of one as people use it. Who is slower reads
    /// the disk. 0 holds none.
    pub tail: usize,
    /// Time for a handshake, and then for the first Join of a stream; a connection without any Join is
    /// closed after twice that. Ten seconds are several round trips to the far side of the world, with
    /// losses.
    pub join_time: Duration,
    /// Free bytes on the file system below which appends are refused while reads go on.
    pub free_space_reserve: u64,
    /// Bytes that all logs together may take of the disk, above which appends are refused while reads go on;
    /// `None` leaves only the reserve in force.
    pub max_disk: Option<u64>,
    /// Of what is left of the disk and what the rooms of one opener (a token, or an address) take, together, so many percent
    /// may be theirs: 80 leave a fifth of the disk to others after one who takes all he can, a twenty-first after five.
    /// 100 is no bound.
    pub opener_percent: u64,
    /// Time without an entry after which a room that nobody is joined to is dropped; `None` for never.
    pub drop_idle: Option<Duration>,
    /// Time without an entry or a visit after which a room goes that nobody but its founder was ever in; `None` for never.
    pub drop_lone: Option<Duration>,
    /// What is kept of files, and how they are carried.
    pub files: FileLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: 128,
            handshakes: Rate::per_second(50),
            handshakes_per_address: Rate::per_minute(300, 300),
            retry_above: 0,
            max_handshakes: 512,
            rooms_per_connection: 64,
            joins_per_connection: Rate::per_minute(240, 240),
            stream_window: 512 << 10,
            connection_window: 1 << 20,
            send_window: 1 << 20,
            datagram_buffer: 0,
            max_message: MAX_ENVELOPE,
            publish: Rate::per_minute(100, 100),
            room_publish: Rate::per_minute(1000, 1000),
            invite: Rate::per_minute(120, 60),
            address_publish: Rate::per_minute(64 << 10, 64 << 10),
            deliveries: Rate::per_minute(1_000_000, 200_000),
            ephemeral: Rate::per_minute(600, 40),
            create: Rate::per_hour(200),
            admission: Admission::Open,
            bad_tokens: Rate::per_minute(10, 10),
            keys_per_room: 8192,
            retention: Retention::default(),
            tail: 32 << 20,
            join_time: Duration::from_secs(10),
            free_space_reserve: 256 << 20,
            max_disk: None,
            opener_percent: 80,
            drop_idle: None,
            drop_lone: Some(Duration::from_secs(24 * 3600)),
            files: FileLimits::default(),
        }
    }
}

/// Greatest Join without a Create, in bytes: ids, a signature and a cursor are under 200.
pub const MAX_SMALL_JOIN: usize = 1 << 10;

/// Greatest slot of a new room with its pieces, in bytes. One member's is under 20 KiB; whatever opens a room has proved
/// nothing, and an address may open hundreds.
pub const MAX_FIRST_SLOT: usize = 64 << 10;

/// First keys with which a room counts as one for [`Limits::create`]. Who opens a room brings its own key and an invite for each
/// of the few that it calls; a first frame has space for a thousand, and writing them costs what thirty rooms cost.
pub const KEYS_PER_OPENING: usize = 32;

/// Greatest first frame of a stream, in bytes: a Create with that slot and as many keys as a change may have, some of them with
/// cards. Before it nobody has proved anything.
pub const MAX_FIRST_FRAME: usize = MAX_FIRST_SLOT + (128 << 10);

/// Memory for Joins with a Create being received, relay-wide, in KiB: 96 MiB is all that strangers can
/// take. Who comes when it is spent waits, and the slowest make room for him.
pub const OPENING_BUDGET_KIB: u32 = 96 << 10;

/// What one address may hold of [`OPENING_BUDGET_KIB`], in KiB: ten greatest frames that open a room. Nobody there has proved
/// anything, so few addresses must not hold the whole.
pub const OPENING_SHARE_KIB: u32 = 2 << 10;

/// Memory for large frames of one address, in KiB, each way: 32 MiB, an eighth, so that a few addresses cannot take what
/// all share. Its own streams wait for each other.
pub const ADDRESS_BUDGET_KIB: u32 = 32 << 10;

/// What a large frame that is coming takes of the memory at first, in KiB, and then as much again whenever that is full: so what
/// is only announced takes next to nothing.
pub const FIRST_STEP_KIB: u32 = 128;

/// The same of one that opens a room.
pub const OPENING_STEP_KIB: u32 = 16;

/// Frames over this many bytes draw on the memory budgets below; smaller ones are too many to count
/// and too small to matter (a chat line is under 1 KiB, a padded chunk under 66 KiB).
pub const LARGE_FRAME: usize = 128 << 10;

/// Memory for large frames being received or waiting for the disk, relay-wide, in KiB: 256 MiB. Who
/// comes when it is spent waits, and QUIC flow control makes the sender wait.
pub const INCOMING_BUDGET_KIB: u32 = 256 << 10;

/// Memory for large frames being sent, relay-wide, in KiB: 256 MiB. Who comes when it is spent waits.
pub const OUTGOING_BUDGET_KIB: u32 = 256 << 10;

/// Time without progress after which a large frame is given up: it holds memory that others wait for.
pub const LARGE_FRAME_STALL: Duration = Duration::from_secs(30);

/// Time for one whole small frame once it has begun.
pub const FRAME_TIME: Duration = Duration::from_secs(300);

/// Least bytes a second of a large frame, either way, after its first [`LARGE_FRAME_STALL`]: 128 kbit/s. Whoever is slower
/// holds what others wait for, and gives it up once they do.
pub const LEAST_RATE: u64 = 16 << 10;

/// Memory that an address holds, as a part of what it may: above it, what it holds for longer than [`HOLD_TIME`] is given up once
/// others have to wait, however fast it comes. A few addresses at their bound have all there is; below an eighth of it
/// it takes 64, and a slow member with one frame is not the one that goes.
pub const HOLD_PART: u32 = 8;

/// See [`HOLD_PART`]: a frame of 12 MiB comes in that time over a household's 6 Mbit/s.
pub const HOLD_TIME: Duration = Duration::from_secs(16);

/// Time that a large frame of a member waits for memory in all; then it is to be sent again. Twice what it takes until those
/// who hold most have given theirs up, and once more.
pub const MEMORY_TIME: Duration = Duration::from_secs(48);

/// When a frame is to be sent again for which there was no memory: as long as it takes until a slow one is known for that.
pub const MEMORY_RETRY: Duration = Duration::from_secs(4);

/// Time for a large frame of so many bytes, either way, however steadily it trickles.
pub fn frame_time(bytes: usize) -> Duration {
    LARGE_FRAME_STALL + Duration::from_millis((bytes as u64).saturating_mul(1000) / LEAST_RATE)
}

/// Least that a publish counts against its address, in KiB: it costs a page of the disk, and a part of a transaction. So
/// 64 MiB a minute are 16,384 messages as well: what 128 connections can say at a member's rate, and a quarter more.
pub const PUBLISH_KIB: u32 = 4;

/// Refused frames of one member, or of one stream of an invite, that cost nothing, and the interval that each further one
/// costs; over it the stream ends, and so does each after it at its first refused frame. An honest client has one message
/// under way and waits when it is told to: it sees a few in its life.
pub const REFUSED_FRAMES: Rate = Rate { burst: 128, interval: Duration::from_secs(1) };

/// Refused joins after which a connection is closed, one more for each room that was opened on it: a client with many rooms
/// may have lost a few, an open room is asked for before it is opened, and a guesser has to pay for a handshake, or for rooms
/// ([`Limits::create`]).
pub const REFUSED_JOINS: u32 = 32;

/// Refused joins of one address that cost nothing, and the interval that each further one costs. A connection whose join
/// was refused waits until its address owes nothing, at most for a burst (two seconds); others of the address do not. So one
/// address gets at most two refusals every two seconds for each connection it holds, and two for each that it
/// begins ([`Limits::handshakes_per_address`]), and takes no processor from those who talk.
pub const REFUSED_JOINS_PER_ADDRESS: Rate = Rate { burst: 8, interval: Duration::from_millis(250) };

/// Streams of one connection that may be about to join at once.
pub const JOINS_AT_ONCE: usize = 8;

/// The same until one has joined, and once one was refused: then no volley comes before the first refusal is counted. Two,
/// so that a room that is being opened slowly does not hold all others up.
pub const STRANGER_JOINS_AT_ONCE: usize = 2;

/// Greatest ephemeral envelope, in bytes: a padded typing signal or voice frame, with room to spare.
pub const MAX_EPHEMERAL: usize = 16 << 10;

/// Greatest request to be let back in, or answer to one, in bytes: a key and a ciphertext of X-Wing, signatures and
/// hashes are under 4 KiB.
pub const MAX_RESYNC: usize = 8 << 10;

/// Ephemeral envelopes of one room that its slowest receiver has not taken; the oldest are dropped for it.
pub const EPHEMERAL_QUEUE: usize = 32;

/// Losses of access that a room remembers while it is followed: who slept through more is looked up in the database.
pub const LOSSES: usize = 8;

/// Answers waiting for one slow receiver; when full, its stream is not read until there is room.
pub const ANSWER_QUEUE: usize = 32;

/// Jobs waiting for the disk, relay-wide; above it, streams of an address that has one there already are not read until
/// theirs was taken.
pub const WRITER_QUEUE: usize = 1024;

/// The same of one address: a batch that is being written, and the next.
pub const LINE_JOBS: usize = 512;

/// Bytes that one address may put into a batch before the next one gets its turn, each publish counted as
/// [`PUBLISH_KIB`] at least: so a hundred addresses that flood have four publishes each in a batch, and leave room in it.
pub const TURN_BYTES: usize = 16 << 10;

/// Jobs in one transaction: bounds how long the first of them waits for its fsync.
pub const BATCH_JOBS: usize = 512;

/// Bytes in one transaction, for the same reason; the last one may be over. A disk of 100 MB/s takes them in 40 ms, and more
/// at once would not make it faster.
pub const BATCH_BYTES: usize = 4 << 20;

/// Bytes of the journal, which is written from its beginning again once it is full: what a start has to replay at most, and how
/// many messages one commit brings into the database.
pub const JOURNAL_BYTES: usize = 1 << 20;

/// Bytes of entries read at once for one stream: what a stalled reader costs the relay at most,
/// beyond its cursor.
pub const READ_BYTES: usize = 64 << 10;

/// Entries that one batch of publishes may trim, beside twice as many as it brings: what is over its bounds becomes less,
/// and no publish waits for all of it.
pub const TRIM_STEP: u64 = 64;

/// Bytes of entries that one batch may trim, beside twice what it brings; the last entry may be over.
pub const TRIM_STEP_BYTES: u64 = 256 << 10;

/// Rooms whose old entries are trimmed in one transaction of the regular round.
pub const TRIM_ROOMS: usize = 64;

/// Entries looked at in one transaction of the regular round, and rows of dropped rooms: a few milliseconds' work, then
/// publishers get their turn.
pub const TRIM_ROUND: u64 = 512;

/// Bytes of them, for the same reason; the last one may be over.
pub const TRIM_ROUND_BYTES: u64 = 4 << 20;

/// Time between two rounds of trimming by age.
pub const TRIM_INTERVAL: Duration = Duration::from_secs(600);

/// Memory of redb's page cache, in bytes: the recent end of the busy logs.
pub const PAGE_CACHE: usize = 64 << 20;

/// Entries up to which a room that only its founder was in has nothing in it: its founder's program writes one a day to keep its
/// keys fresh. One in which more was said stays for as long as entries are kept.
pub const LONE_ENTRIES: u64 = 16;

/// Tokens that are kept, those that are expired or used up included: a list that one can read, and a
/// megabyte or two. Further ones are refused until some are revoked.
pub const MAX_TOKENS: u64 = 10_000;

/// Rooms that an operator dropped and that are remembered, for as long as entries are kept: a few megabytes. The oldest are
/// forgotten first.
pub const MAX_DROPPED: u64 = 10_000;

/// Openers that may be frozen. Further ones are refused until some are thawed.
pub const MAX_FROZEN_OPENERS: u64 = 10_000;

/// Rooms that an operator's command is done to in one transaction: publishers get their turn between.
pub const HELD_ROOMS: usize = 256;

/// Remembered rate limits of one kind (per member key, room or address): as many as there may be joined
/// streams, nearly. Full ones are forgotten first. At most 7 MiB each.
pub const BUCKETS: usize = 7 << 15;

/// Time between two looks at the free space.
pub const SPACE_CHECK: Duration = Duration::from_secs(1);

/// Time between two tries to reopen a database whose disk failed.
pub const REOPEN_INTERVAL: Duration = Duration::from_secs(2);

/// QUIC: received and unread bytes of a connection that has joined no room yet: with the TLS state of a
/// handshake, a stranger costs less than 512 KiB.
pub const STRANGER_WINDOW: u32 = 256 << 10;

/// QUIC: streams at once of a connection that has joined no room yet; the rest may come a round trip later.
pub const STRANGER_STREAMS: u32 = 8;

/// QUIC: streams at once of a connection that has joined one; with more rooms it gets more.
pub const STREAMS_AT_FIRST: u32 = 16;

/// Streams over [`Limits::rooms_per_connection`] that are let in only to be told so.
pub const SPARE_STREAMS: u32 = 8;

/// QUIC: streams of one direction that a client may open where browsers are served: HTTP/3's own three (RFC 9114, 6.2). Without
/// them no browser stays.
pub const BROWSER_STREAMS: u32 = 3;

/// QUIC: bytes of datagrams that wait where browsers are served: a browser wants them offered (RFC 9297, 2.1). Nobody reads them;
/// the oldest are dropped.
pub const BROWSER_DATAGRAMS: u32 = 1500;

/// A connection without a sign of life for this long is gone.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// A sign of life is asked for this often; two may get lost, and NAT mappings (30 s in common
/// routers) stay open.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// QUIC: bytes that remember which address tokens were used; quinn's default is 20 MiB. When full, one of
/// a hundred new tokens is taken for a used one, and its client pays a round trip.
pub const TOKEN_LOG: usize = 256 << 10;

/// QUIC: address tokens used in their two weeks of life; see [`TOKEN_LOG`].
pub const TOKENS: u64 = 100_000;

/// QUIC: pieces of stream data that one packet may bring, on average. An honest client packs one per stream
/// that has something to say: ten Joins fill a packet.
pub const FRAGMENTS_PER_PACKET: u64 = 12;

/// QUIC: pieces above that average. A client with 64 rooms may end all of them in one packet, twice.
pub const FRAGMENTS_AT_ONCE: u64 = 128;

/// QUIC: handshakes waiting to be looked at; further ones are refused.
pub const MAX_INCOMING: usize = 1024;

/// QUIC: bytes kept for one and for all waiting handshakes; quinn's default is 100 MiB.
pub const INCOMING_BUFFER: u64 = 64 << 10;
/// See [`INCOMING_BUFFER`].
pub const INCOMING_BUFFER_TOTAL: u64 = 16 << 20;

/// TCP: received and unread bytes of one connection, all its streams together; over it the connection is
/// closed. Eight full streams: only rooms that all wait for the disk or for memory at once get there.
pub const TCP_UNREAD: usize = 2 << 20;

/// TCP: what each transfer that may be on its way adds to it: a stream's window.
pub const TCP_UNREAD_TRANSFER: usize = 256 << 10;

/// TCP: the same for a connection that has joined no room yet: one full stream (yamux has no smaller), and
/// room for the Joins of others. With TLS and buffers, a stranger costs less than 512 KiB.
pub const TCP_UNREAD_STRANGER: usize = 320 << 10;

/// What a socket asks for as its receive and send buffers, in bytes: 4 MiB are 30 ms of a gigabit, and so long the
/// relay may be busy elsewhere. Systems give less unless told otherwise (`relay doctor` says how); Linux takes no
/// memory before it is used.
pub const SOCKET_BUFFER: usize = 4 << 20;

/// TCP: bytes of one connection that the system keeps until they are acknowledged: 2.5 MB/s at 100 ms round
/// trip. The system's own choice goes up to 4 MiB for a reader that is slow.
pub const TCP_SEND_BUFFER: usize = 256 << 10;

/// TCP: connections that the system has accepted and the relay has not looked at.
pub const TCP_BACKLOG: i32 = 1024;

/// TCP: time until the next try to accept after one that failed: file descriptors may be free again.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// HTTP: bytes of a request's head. Browsers send 1 to 2 KiB; hyper allows no less than this.
pub const HTTP_BUFFER: usize = 8 << 10;

/// HTTP: requests on one connection before it is ended; the page has fewer files.
pub const PAGE_REQUESTS: u32 = 64;

/// HTTP: time for a connection on which the page is read, in [`Limits::join_time`]s: a minute, in which a build comes over a slow
/// telephone, 100 kbit/s.
pub const PAGE_TIMES: u32 = 6;

/// HTTP: KiB of the page that one address may fetch: an office of a hundred who come at once, at 1 MiB each. A browser keeps
/// what it has.
pub const PAGE_TRAFFIC: Rate =
    Rate { burst: 128 << 10, interval: Duration::from_nanos(60_000_000_000 / (128 << 10)) };

/// Handshakes in progress that one address may have: one part in so many of [`Limits::max_handshakes`].
pub const HANDSHAKE_SHARE: usize = 4;

/// The same of one IPv6 network, which may have many addresses: half, or four of them would have all.
pub const SITE_HANDSHAKE_SHARE: usize = 2;

/// The end of a stream: time for what is on its way to the disk to be acknowledged, and once more for the
/// client to have heard why. At shutdown, twice this, [`FLUSH_TIME`] and [`CLOSE_TIME`] stay below 5 s.
pub const LAST_FRAME_TIME: Duration = Duration::from_millis(1000);

/// Shutdown: time for the close frames to leave.
pub const CLOSE_TIME: Duration = Duration::from_millis(500);

/// Shutdown: time in which QUIC's close is repeated to who has not seen it. Every millisecond of it keeps clients
/// waiting for the next relay, which resets what is left.
pub const DRAIN_TIME: Duration = Duration::from_millis(200);

/// Shutdown: time for the disk to take what was accepted.
pub const FLUSH_TIME: Duration = Duration::from_secs(2);

/// Least MiB a minute of one address: the greatest frame has to get through.
pub const MIN_ADDRESS_MIB: i64 = 16;

const _: () = assert!(MAX_COMMIT_FRAME >> 20 < MIN_ADDRESS_MIB as usize);
/// One frame, twice in memory, must fit into the least budget, or it would wait for ever.
const _: () = assert!(2 * (MAX_COMMIT_FRAME >> 10) < ADDRESS_BUDGET_KIB as usize);
const _: () = assert!(ADDRESS_BUDGET_KIB < OPENING_BUDGET_KIB && OPENING_BUDGET_KIB < INCOMING_BUDGET_KIB);
const _: () = assert!(ADDRESS_BUDGET_KIB < OUTGOING_BUDGET_KIB);
const _: () = assert!(2 * (MAX_FIRST_FRAME >> 10) < OPENING_SHARE_KIB as usize);
const _: () =
    assert!(2 * LAST_FRAME_TIME.as_millis() + FLUSH_TIME.as_millis() + CLOSE_TIME.as_millis() < 5000);
