//! A happening as it is stored.

use serde::{Deserialize, Serialize};
use shared::{
    identity::Fingerprint,
    room::{Alarm, AlarmKind, Stranger},
};

use super::{Happening, RoomLogItem};
use crate::store::who::{Who, person, who};

/// The stored form; place and end are columns.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    at: u64,
    what: StoredItem,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredItem {
    Joined(Who),
    Invited {
        who: Who,
        by: Who,
    },
    Linked {
        who: Who,
        device: String,
    },
    Unlinked {
        who: Who,
        device: String,
        by: Who,
    },
    KeyChanged {
        who: Who,
        was: [u8; 32],
    },
    Back(Who),
    Left {
        who: Who,
        by: Who,
    },
    Renamed {
        who: Who,
        was: String,
    },
    NewPicture {
        who: Who,
        is_gone: bool,
    },
    Disappearing {
        by: Who,
        seconds: u32,
    },
    Topic {
        by: Who,
        text: String,
    },
    Lost {
        after: u64,
        upto: u64,
        lines: u32,
    },
    /// As earlier versions stored it, in words.
    Alarm {
        kind: String,
        text: String,
    },
    Alarmed(Alarmed),
    Stranger(Stranger),
}

/// Earlier versions had an alarm where now a stranger is told.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Alarmed {
    Alarm(Alarm),
    #[serde(skip_serializing)]
    Earlier {
        #[serde(rename = "Stranger")]
        stranger: Stranger,
    },
}

impl Stored {
    pub(super) fn of(happening: &Happening) -> Self {
        let what = match happening.what.clone() {
            RoomLogItem::Joined { who: person, by: None } => StoredItem::Joined(who(person)),
            RoomLogItem::Joined { who: person, by: Some(by) } => {
                StoredItem::Invited { who: who(person), by: who(by) }
            }
            RoomLogItem::Linked { who: person, device } => StoredItem::Linked { who: who(person), device },
            RoomLogItem::Unlinked { who: person, device, by } => {
                StoredItem::Unlinked { who: who(person), device, by: who(by) }
            }
            RoomLogItem::KeyChanged { who: person, was } => {
                StoredItem::KeyChanged { who: who(person), was: was.0 }
            }
            RoomLogItem::Back(person) => StoredItem::Back(who(person)),
            RoomLogItem::Left { who: person, by } => StoredItem::Left { who: who(person), by: who(by) },
            RoomLogItem::Renamed { who: person, was } => StoredItem::Renamed { who: who(person), was },
            RoomLogItem::NewPicture { who: person, is_gone } => {
                StoredItem::NewPicture { who: who(person), is_gone }
            }
            RoomLogItem::Disappearing { by, seconds } => StoredItem::Disappearing { by: who(by), seconds },
            RoomLogItem::Topic { by, text } => StoredItem::Topic { by: who(by), text },
            RoomLogItem::Lost { after, upto, lines } => StoredItem::Lost { after, upto, lines },
            RoomLogItem::Alarm(alarm) => StoredItem::Alarmed(Alarmed::Alarm(alarm)),
            RoomLogItem::Stranger(stranger) => StoredItem::Stranger(stranger),
            RoomLogItem::OldAlarm { kind, text } => StoredItem::Alarm { kind: kind.name().to_owned(), text },
        };
        Self { at: happening.at, what }
    }

    /// None for a kind of alarm that this version does not know.
    pub(super) fn into_happening(self, seq: u64) -> Option<Happening> {
        let what = match self.what {
            StoredItem::Joined(who) => RoomLogItem::Joined { who: person(who), by: None },
            StoredItem::Invited { who, by } => RoomLogItem::Joined { who: person(who), by: Some(person(by)) },
            StoredItem::Linked { who, device } => RoomLogItem::Linked { who: person(who), device },
            StoredItem::Unlinked { who, device, by } => {
                RoomLogItem::Unlinked { who: person(who), device, by: person(by) }
            }
            StoredItem::KeyChanged { who, was } => {
                RoomLogItem::KeyChanged { who: person(who), was: Fingerprint(was) }
            }
            StoredItem::Back(who) => RoomLogItem::Back(person(who)),
            StoredItem::Left { who, by } => RoomLogItem::Left { who: person(who), by: person(by) },
            StoredItem::Renamed { who, was } => RoomLogItem::Renamed { who: person(who), was },
            StoredItem::NewPicture { who, is_gone } => RoomLogItem::NewPicture { who: person(who), is_gone },
            StoredItem::Disappearing { by, seconds } => RoomLogItem::Disappearing { by: person(by), seconds },
            StoredItem::Topic { by, text } => RoomLogItem::Topic { by: person(by), text },
            StoredItem::Lost { after, upto, lines } => RoomLogItem::Lost { after, upto, lines },
            StoredItem::Alarm { kind, text } => {
                RoomLogItem::OldAlarm { kind: AlarmKind::from_name(&kind)?, text }
            }
            StoredItem::Alarmed(Alarmed::Alarm(alarm)) => RoomLogItem::Alarm(alarm),
            StoredItem::Alarmed(Alarmed::Earlier { stranger }) | StoredItem::Stranger(stranger) => {
                RoomLogItem::Stranger(stranger)
            }
        };
        Some(Happening { seq: Some(seq), at: self.at, expires: None, what })
    }
}
