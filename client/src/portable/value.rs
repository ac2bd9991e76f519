//! What a record says, as values that can only be right: lengths, names and numbers are looked at here and nowhere else.
//! Names that an earlier version took and this one does not are replaced by a part of the fingerprint: nobody loses a past by
//! them.

use proto::{RoomId, Token};
use shared::{
    identity::{
        DeviceId, Fingerprint, Identity, MAX_AVATAR, clean_name, clean_optional, clean_speaker,
        credential::{MAX_GLYPH, MAX_STATUS},
        names::clean_topic,
        recovery::{ENTROPY_LEN, RecoveryKey, seed_of},
    },
    message::timeline::{Line, MAX_NAMED, MAX_REACTIONS},
    room::{MAX_EMOJI, MAX_TEXT, Person, Stranger},
};
use zeroize::Zeroizing;

use super::{
    frames::ReadError,
    schema::{self, Body, WayIn},
};
use crate::{
    store::{
        Cursor, Happening, HappeningKey, KnownPerson, KnownRelay, MAX_NAMES, Over, OwnAvatar, OwnTexts,
        PictureKey, RoomKind, RoomLogItem, RoomRecord, Where, read_happening, read_line,
    },
    text::names::label,
    transport::{Pin, RelayAddress},
};

/// Greatest number of an entry: what fits the database's column.
const MAX_SEQ: u64 = i64::MAX as u64;

/// Longest draft, why a room is over, or words of an alarm, in bytes: as long as the longest line.
const MAX_WORDS: usize = MAX_TEXT;

/// Longest settings, in bytes: more than all of them with comments.
pub const MAX_SETTINGS: usize = 64 << 10;

/// Longest account, in bytes: a key, and how it came to be the person's.
const MAX_ACCOUNT: usize = 4 << 10;

/// Most devices by whose word somebody is verified: more than anybody has, and all of a room.
const MAX_DEVICES: usize = 1_024;

/// Longest way back into a room, in bytes.
const MAX_WAY_BACK: usize = super::frames::MAX_RECORD;

/// Longest row of the past, in bytes: a line with as many reactions and people as it takes has some 900 KiB.
const MAX_ROW: usize = 1 << 20;

/// Most named cursors of a room.
const MAX_CURSORS: usize = 128;

/// The account's secrets.
pub struct Account {
    /// The account.
    pub identity: Identity,
    /// What the phrase says that comes with it, while it is not known to be written down.
    pub phrase: Option<Zeroizing<[u8; ENTROPY_LEN]>>,
    /// What seals backups.
    pub backup_key: Option<Zeroizing<[u8; 32]>>,
    /// What the person calls the device, where they chose that.
    pub device_name: Option<String>,
}

/// A room.
pub struct Room {
    /// Where it is, and what it is called here.
    pub record: RoomRecord,
    /// Nobody wants to be told of it.
    pub muted: bool,
    /// It stands above the others.
    pub pinned: bool,
    /// How far it was read.
    pub read: u64,
    /// How far programs have dealt with it.
    pub cursors: Vec<(Cursor, u64)>,
    /// What was typed and not sent.
    pub draft: Zeroizing<String>,
    /// How to get in.
    pub entry: Option<WayIn>,
}

/// A file that was sent or fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// In which room.
    pub room: RoomId,
    /// Which of it.
    pub key: PictureKey,
    /// A name that is harmless on a disk.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// They follow.
    pub has_bytes: bool,
}

/// What a record says.
pub enum Value {
    /// When it was written, Unix milliseconds.
    Begin(u64),
    /// Who the person is.
    Account(Box<Account>),
    /// How the person is shown.
    Profile(OwnTexts, Option<OwnAvatar>),
    /// Somebody who was met.
    Person(KnownPerson),
    /// A relay, and the right to open rooms there.
    Relay(RelayAddress, KnownRelay, Option<Token>),
    /// Settings that follow the person, as a config.toml.
    Settings(String),
    /// A room.
    Room(Box<Room>),
    /// A chunk of a room's past: lines and happenings.
    Past(RoomId, Vec<Line>, Vec<(HappeningKey, Happening)>),
    /// A file.
    File(File),
    /// The next bytes of the file before.
    Bytes(Vec<u8>),
    /// That was all.
    End,
}

impl Value {
    /// What a record says.
    ///
    /// # Errors
    /// [`ReadError::Malformed`] and [`ReadError::TooLong`] when it is not of its form.
    pub fn of(body: Body) -> Result<Self, ReadError> {
        Ok(match body {
            Body::Begin(begin) => Self::Begin(begin.at),
            Body::Account(account) => Self::Account(Box::new(account_of(&account)?)),
            Body::Profile(profile) => own(profile)?,
            Body::Person(person) => Self::Person(known(&person)?),
            Body::Relay(relay) => {
                let address = address(&relay.host, relay.port)?;
                let pin = some(&relay.pin, "a relay's pin")?;
                let known = KnownRelay::of_ground(relay.ground, pin)
                    .ok_or(ReadError::Malformed("why a relay is trusted"))?;
                let token = match relay.token.as_slice() {
                    [] => None,
                    bytes => Some(Token::try_from(bytes).map_err(|_| ReadError::Malformed("a token"))?),
                };
                Self::Relay(address, known, token)
            }
            Body::Settings(settings) => Self::Settings(short(settings.toml, MAX_SETTINGS, "settings")?),
            Body::Room(room) => Self::Room(Box::new(room_of(room)?)),
            Body::Past(past) => self::past(past)?,
            Body::File(file) => Self::File(File {
                room: RoomId(array(&file.room, "a room's id")?),
                key: PictureKey::from_bytes(array(&file.key, "a file")?),
                name: shared::file::clean_name(&short(file.name, MAX_WORDS, "a file's name")?),
                size: file.size,
                has_bytes: file.has_bytes,
            }),
            Body::Bytes(bytes) => Self::Bytes(bytes),
            Body::Elsewhere(_) => return Err(ReadError::Order("a record that is elsewhere")),
            Body::End(_) => Self::End,
        })
    }
}

fn account_of(account: &schema::Account) -> Result<Account, ReadError> {
    if account.secret.len() > MAX_ACCOUNT {
        return Err(ReadError::TooLong("the account"));
    }
    let identity = Identity::read(&account.secret).ok_or(ReadError::Malformed("the account"))?;
    let phrase = some(&account.phrase, "the phrase")?.map(Zeroizing::new);
    // Another phrase would be written down in vain.
    let is_its_own = phrase
        .as_ref()
        .is_none_or(|phrase| RecoveryKey::from_seed(&seed_of(phrase)).next() == identity.next());
    if !is_its_own {
        return Err(ReadError::Malformed("the phrase"));
    }
    let backup_key = some(&account.backup_key, "the key of backups")?.map(Zeroizing::new);
    let device_name = clean_name(&account.device_name).ok();
    Ok(Account { identity, phrase, backup_key, device_name })
}

fn own(profile: schema::Profile) -> Result<Value, ReadError> {
    let schema::Profile { name, status, glyph, picture_name, picture, relay } = profile;
    let texts = OwnTexts {
        name: clean_speaker(&name).unwrap_or_default(),
        status: clean_optional(&status, MAX_STATUS).unwrap_or_default(),
        glyph: clean_optional(&glyph, MAX_GLYPH).unwrap_or_default(),
        relay: relay.parse::<RelayAddress>().map(|relay| relay.to_string()).unwrap_or_default(),
    };
    if picture.len() > MAX_AVATAR as usize {
        return Err(ReadError::TooLong("a picture"));
    }
    let picture = match (some(&picture_name, "the name of a picture")?, picture.is_empty()) {
        (Some(name), false) => Some((name, Zeroizing::new(picture))),
        _ => None,
    };
    Ok(Value::Profile(texts, picture))
}

fn known(person: &schema::Person) -> Result<KnownPerson, ReadError> {
    let fingerprint = Fingerprint(array(&person.fingerprint, "a fingerprint")?);
    if person.names.len() > MAX_NAMES {
        return Err(ReadError::TooLong("names of a person"));
    }
    let names = person.names.iter().map(|name| called(name, &fingerprint)).collect();
    let replaced_by: Option<[u8; 32]> = some(&person.replaced_by, "another account")?;
    if person.verified_by.len() > MAX_DEVICES {
        return Err(ReadError::TooLong("devices of a mark"));
    }
    let device = |by: &Vec<u8>| Ok(DeviceId(array(by, "a device")?));
    Ok(KnownPerson {
        verified_by: person.verified_by.iter().map(device).collect::<Result<_, ReadError>>()?,
        fingerprint,
        names,
        first_seen: person.first_seen,
        verified_at: person.verified_at,
        replaced_at: person.replaced_at,
        replaced_by: replaced_by.map(hex::encode),
    })
}

fn room_of(room: schema::Room) -> Result<Room, ReadError> {
    let id = RoomId(array(&room.id, "a room's id")?);
    let place = match room.host.as_str() {
        "" => Where::Own,
        host => Where::Relay {
            address: address(host, room.port)?,
            pin: some(&room.pin, "a room's pin")?.map(Pin::from),
        },
    };
    if room.cursors.len() > MAX_CURSORS {
        return Err(ReadError::TooLong("cursors of a room"));
    }
    let cursor = |cursor: &schema::Cursor| {
        let name = Some(cursor.name.as_str()).filter(|name| !name.is_empty());
        let named = Cursor::named(name).map_err(|_| ReadError::Malformed("the name of a cursor"))?;
        Ok((named, cursor.acked.min(MAX_SEQ)))
    };
    let kind = RoomKind::of(room.kind.into()).ok_or(ReadError::Malformed("what a room is for"))?;
    let closed =
        room.closed.map(|why| short(why, MAX_WORDS, "why a room is over")).transpose()?.map(Over::of_text);
    let entry = match room.entry {
        Some(WayIn::Invite(link)) => Some(WayIn::Invite(short(link, MAX_WORDS, "a link")?)),
        Some(WayIn::WayBack(way)) if way.len() > MAX_WAY_BACK => {
            return Err(ReadError::TooLong("the way back into a room"));
        }
        entry => entry,
    };
    Ok(Room {
        record: RoomRecord { id, label: called_room(&room.label, id), place, acked: 0, closed, kind },
        muted: room.muted,
        pinned: room.pinned,
        read: room.read.min(MAX_SEQ),
        cursors: room.cursors.iter().map(cursor).collect::<Result<_, ReadError>>()?,
        draft: Zeroizing::new(short(room.draft, MAX_WORDS, "a draft")?),
        entry,
    })
}

/// What a room is called; by its id where it has no name that can be shown.
fn called_room(name: &str, id: RoomId) -> String {
    // Two rooms of one name have a part of their ids behind it, so it may be longer than a name.
    let shown = name.len() <= MAX_WORDS && name.split_whitespace().all(|word| clean_name(word).is_ok());
    let label = if shown { label(name) } else { String::new() };
    if label.is_empty() { hex::encode(id.as_bytes().get(..4).unwrap_or_default()) } else { label }
}

fn past(past: schema::Past) -> Result<Value, ReadError> {
    let room = RoomId(array(&past.room, "a room's id")?);
    let mut lines = Vec::with_capacity(past.lines.len());
    for row in past.lines {
        check_row(&row)?;
        let line = read_line(row.seq, &row.value).ok_or(ReadError::Malformed("a chat line"))?;
        lines.push(line_of(line)?);
    }
    let mut happenings = Vec::with_capacity(past.happenings.len());
    for row in past.happenings {
        check_row(&row)?;
        // One of a kind that this version does not know is a later one's, and left out, as in the database.
        let Some(happening) = read_happening(row.seq, row.expires, &row.value) else { continue };
        happenings.push(((row.seq, row.nth), happened(happening)?));
    }
    Ok(Value::Past(room, lines, happenings))
}

fn check_row(row: &schema::Row) -> Result<(), ReadError> {
    match (row.value.len(), row.seq) {
        (0..=MAX_ROW, 0..=MAX_SEQ) => Ok(()),
        (0..=MAX_ROW, _) => Err(ReadError::TooLong("the number of an entry")),
        _ => Err(ReadError::TooLong("a row of the past")),
    }
}

fn line_of(mut line: Line) -> Result<Line, ReadError> {
    let message = &mut line.message;
    if message.text.len() > MAX_TEXT {
        return Err(ReadError::TooLong("a text"));
    }
    message.from = person(&message.from);
    if let Some(mut file) = message.file.take() {
        file.check().map_err(|_| ReadError::Malformed("a file of a line"))?;
        file.name = shared::file::clean_name(&file.name);
        message.file = Some(file);
    }
    if line.reactions.len() > MAX_REACTIONS
        || line.reactions.iter().any(|reaction| reaction.people.len() > MAX_NAMED)
    {
        return Err(ReadError::TooLong("signs of a line"));
    }
    for reaction in &mut line.reactions {
        if !(1..=MAX_EMOJI).contains(&reaction.emoji.len()) {
            return Err(ReadError::Malformed("a sign"));
        }
        reaction.people.iter_mut().for_each(|who| *who = person(who));
    }
    line.handed_by = line.handed_by.as_ref().map(person);
    Ok(line)
}

fn happened(mut happening: Happening) -> Result<Happening, ReadError> {
    match &mut happening.what {
        RoomLogItem::Joined { who, by } => {
            *who = person(who);
            *by = by.as_ref().map(person);
        }
        RoomLogItem::Back(who)
        | RoomLogItem::NewPicture { who, .. }
        | RoomLogItem::Disappearing { by: who, .. } => {
            *who = person(who);
        }
        RoomLogItem::Linked { who, device } => (*who, *device) = (person(who), device_name(device)),
        RoomLogItem::Unlinked { who, device, by } => {
            (*who, *device, *by) = (person(who), device_name(device), person(by));
        }
        RoomLogItem::KeyChanged { who, .. } => *who = person(who),
        RoomLogItem::Left { who, by } => (*who, *by) = (person(who), person(by)),
        RoomLogItem::Renamed { who, was } => {
            *was = called(was, &who.fingerprint);
            *who = person(who);
        }
        RoomLogItem::Topic { by, text } => {
            *text = clean_topic(text).unwrap_or_default();
            *by = person(by);
        }
        RoomLogItem::Stranger(Stranger { who, by, .. }) => {
            *who = person(who);
            *by = by.as_ref().map(person);
        }
        RoomLogItem::OldAlarm { text, .. } if text.len() > MAX_WORDS => {
            return Err(ReadError::TooLong("words of an alarm"));
        }
        RoomLogItem::Lost { .. } | RoomLogItem::Alarm(_) | RoomLogItem::OldAlarm { .. } => {}
    }
    Ok(happening)
}

fn person(who: &Person) -> Person {
    Person { name: called(&who.name, &who.fingerprint), fingerprint: who.fingerprint }
}

/// What a device is called, where that can be shown.
fn device_name(name: &str) -> String {
    clean_name(name).unwrap_or_default()
}

/// A name that may be shown.
fn called(name: &str, who: &Fingerprint) -> String {
    clean_speaker(name).unwrap_or_else(|_| who.short())
}

fn address(host: &str, port: u32) -> Result<RelayAddress, ReadError> {
    let wrong = ReadError::Malformed("the address of a relay");
    let Ok(port) = u16::try_from(port) else { return Err(wrong) };
    RelayAddress::new(host, port).map_err(|_| wrong)
}

fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], ReadError> {
    bytes.try_into().map_err(|_| ReadError::Malformed(what))
}

fn some<const N: usize>(bytes: &[u8], what: &'static str) -> Result<Option<[u8; N]>, ReadError> {
    if bytes.is_empty() { Ok(None) } else { array(bytes, what).map(Some) }
}

fn short(text: String, most: usize, what: &'static str) -> Result<String, ReadError> {
    if text.len() <= most { Ok(text) } else { Err(ReadError::TooLong(what)) }
}
