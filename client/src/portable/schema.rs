//! What is carried from one device of a person to another, or into a backup, as messages. Fields are added and never
//! changed; what a later version adds and this one does not know is passed over.

use std::fmt;

use prost::{Message, Oneof};
use zeroize::Zeroize as _;

/// The version that this program writes. A greater one is refused: it may mean what this one would get wrong.
pub const VERSION: u32 = 1;

/// One record of the stream.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Record {
    /// What it says. None: a later version's, to be passed over.
    #[prost(oneof = "Body", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12")]
    pub body: Option<Body>,
}

/// What a record says. In this order; of a room its lines, its happenings and its files follow it.
#[derive(Clone, PartialEq, Oneof)]
#[prost(skip_debug)]
pub enum Body {
    /// The first of all.
    #[prost(message, tag = "1")]
    Begin(Begin),
    /// Who the person is.
    #[prost(message, tag = "2")]
    Account(Account),
    /// How the person is shown.
    #[prost(message, tag = "3")]
    Profile(Profile),
    /// Somebody who was met.
    #[prost(message, tag = "4")]
    Person(Person),
    /// A relay that is known.
    #[prost(message, tag = "5")]
    Relay(Relay),
    /// Settings that follow a person.
    #[prost(message, tag = "6")]
    Settings(Settings),
    /// A room.
    #[prost(message, tag = "7")]
    Room(Room),
    /// A chunk of a room's past.
    #[prost(message, tag = "8")]
    Past(Past),
    /// A file that was sent or fetched in a room.
    #[prost(message, tag = "9")]
    File(File),
    /// The next bytes of the file before.
    #[prost(bytes = "vec", tag = "10")]
    Bytes(Vec<u8>),
    /// Here stands what is in a file of its own beside this one, in the backup of a directory.
    #[prost(message, tag = "12")]
    Elsewhere(Elsewhere),
    /// The last of all: what ends without it was cut.
    #[prost(message, tag = "11")]
    End(End),
}

/// The first record.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Begin {
    /// [`VERSION`].
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// When it was written, Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub at: u64,
}

/// The account's secrets. Wiped on drop.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Account {
    /// The account, in the form that `shared` reads: its secret key, who may give it another one, and whether that was done.
    #[prost(bytes = "vec", tag = "1")]
    pub secret: Vec<u8>,
    /// What the phrase says, 16 bytes, while the person has not confirmed that it is written down; else empty.
    #[prost(bytes = "vec", tag = "2")]
    pub phrase: Vec<u8>,
    /// What seals backups, 32 bytes, once there is one; else empty.
    #[prost(bytes = "vec", tag = "3")]
    pub backup_key: Vec<u8>,
    /// What the person calls the device that wrote this; of a backup alone, and empty where nobody chose that.
    #[prost(string, tag = "4")]
    pub device_name: String,
}

/// How the person is shown.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct Profile {
    /// The display name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What the person says of themselves.
    #[prost(string, tag = "2")]
    pub status: String,
    /// The sign beside the name.
    #[prost(string, tag = "3")]
    pub glyph: String,
    /// What the person's picture is called here, 16 bytes; empty where there is none.
    #[prost(bytes = "vec", tag = "4")]
    pub picture_name: Vec<u8>,
    /// Its bytes.
    #[prost(bytes = "vec", tag = "5")]
    pub picture: Vec<u8>,
    /// The relay for rooms that are named without one; may be empty.
    #[prost(string, tag = "6")]
    pub relay: String,
}

/// Somebody who was met.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct Person {
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub fingerprint: Vec<u8>,
    /// The names, the latest last.
    #[prost(string, repeated, tag = "2")]
    pub names: Vec<String>,
    /// Unix milliseconds.
    #[prost(uint64, tag = "3")]
    pub first_seen: u64,
    /// When the safety number was compared, Unix milliseconds.
    #[prost(uint64, optional, tag = "4")]
    pub verified_at: Option<u64>,
    /// When this account took the place of another one, Unix milliseconds.
    #[prost(uint64, optional, tag = "5")]
    pub replaced_at: Option<u64>,
    /// The fingerprint of the account that took the place of this one, 32 bytes; else empty.
    #[prost(bytes = "vec", tag = "6")]
    pub replaced_by: Vec<u8>,
    /// The devices by whose word it was compared, 16 bytes each; none: at the one that wrote this.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub verified_by: Vec<Vec<u8>>,
}

/// A relay that is known.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct Relay {
    /// Its host.
    #[prost(string, tag = "1")]
    pub host: String,
    /// Its port.
    #[prost(uint32, tag = "2")]
    pub port: u32,
    /// Why it is trusted: 0 first use, 1 a link, 2 authorities.
    #[prost(uint32, tag = "3")]
    pub ground: u32,
    /// The pin, 32 bytes; may be empty for authorities.
    #[prost(bytes = "vec", tag = "4")]
    pub pin: Vec<u8>,
    /// The right to open rooms there, 32 bytes; empty for none.
    #[prost(bytes = "vec", tag = "5")]
    pub token: Vec<u8>,
}

/// Settings that follow a person: none that names a path or a program of one machine.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct Settings {
    /// As a config.toml.
    #[prost(string, tag = "1")]
    pub toml: String,
}

/// A room.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct Room {
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// What it is called on the device.
    #[prost(string, tag = "2")]
    pub label: String,
    /// Its relay; empty for the one that ran from the profile itself.
    #[prost(string, tag = "3")]
    pub host: String,
    /// The relay's port.
    #[prost(uint32, tag = "4")]
    pub port: u32,
    /// The pin of its link, 32 bytes; empty for none.
    #[prost(bytes = "vec", tag = "5")]
    pub pin: Vec<u8>,
    /// Why it is over, where it is.
    #[prost(string, optional, tag = "6")]
    pub closed: Option<String>,
    /// Nobody wants to be told of it.
    #[prost(bool, tag = "7")]
    pub muted: bool,
    /// It stands above the others.
    #[prost(bool, tag = "8")]
    pub pinned: bool,
    /// How far it was read.
    #[prost(uint64, tag = "9")]
    pub read: u64,
    /// How far programs have dealt with it.
    #[prost(message, repeated, tag = "10")]
    pub cursors: Vec<Cursor>,
    /// What was typed and not sent.
    #[prost(string, tag = "11")]
    pub draft: String,
    /// What it is for: 0 for people, 1 for the devices of the person.
    #[prost(uint32, tag = "14")]
    pub kind: u32,
    /// How to get in.
    #[prost(oneof = "WayIn", tags = "12, 13")]
    pub entry: Option<WayIn>,
}

/// How to get into a room.
#[derive(Clone, PartialEq, Eq, Oneof)]
#[prost(skip_debug)]
pub enum WayIn {
    /// By an invite link, as another device.
    #[prost(string, tag = "12")]
    Invite(String),
    /// As the device that it was: what `shared` needs for it.
    #[prost(bytes = "vec", tag = "13")]
    WayBack(Vec<u8>),
}

/// How far a program has dealt with a room.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct Cursor {
    /// Its name; empty for the profile's own.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A sequence number.
    #[prost(uint64, tag = "2")]
    pub acked: u64,
}

/// A chunk of a room's past, in order.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct Past {
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub room: Vec<u8>,
    /// Chat lines, as they stand: edits, deletions and reactions applied.
    #[prost(message, repeated, tag = "2")]
    pub lines: Vec<Row>,
    /// What else happened.
    #[prost(message, repeated, tag = "3")]
    pub happenings: Vec<Row>,
}

/// One row of it.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct Row {
    /// The entry's number in the room's log.
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// Which of those of this entry; a line has none.
    #[prost(uint32, tag = "2")]
    pub nth: u32,
    /// When it goes, Unix milliseconds.
    #[prost(uint64, optional, tag = "3")]
    pub expires: Option<u64>,
    /// JSON, in the form that the database keeps it in, which each later version has to read.
    #[prost(bytes = "vec", tag = "4")]
    pub value: Vec<u8>,
}

/// A file that was sent or fetched in a room. Its bytes follow, if they are carried.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub struct File {
    /// The room, 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub room: Vec<u8>,
    /// Which file of the room it is, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub key: Vec<u8>,
    /// What it was called on the device, without its directory.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Bytes.
    #[prost(uint64, tag = "4")]
    pub size: u64,
    /// They follow.
    #[prost(bool, tag = "5")]
    pub has_bytes: bool,
}

/// What is in a file of its own: one record, or the bytes of the file before.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Elsewhere {
    /// What that file is called, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub name: Vec<u8>,
    /// SHA-256 of what is in it: 32 bytes; of a file's bytes, what tells one state of it from another.
    #[prost(bytes = "vec", tag = "2")]
    pub digest: Vec<u8>,
    /// Bytes that it has as it lies there.
    #[prost(uint64, tag = "3")]
    pub sealed: u64,
    /// The bytes of the file before.
    #[prost(bool, tag = "4")]
    pub is_bytes: bool,
}

/// The last record.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct End {
    /// How many records stand before it.
    #[prost(uint64, tag = "1")]
    pub records: u64,
}

impl Drop for Account {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.phrase.zeroize();
        self.backup_key.zeroize();
    }
}

macro_rules! opaque {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

// Secrets, names and texts are in all of them.
opaque!(Record, Body, Account, Profile, Person, Relay, Settings, Room, WayIn, Cursor, Past, Row, File);
