//! A happening as it is stored.

use serde::{Deserialize, Serialize};
use shared::{
    identity::Fingerprint,
    room::{Alarm, AlarmKind, Stranger},
};

use super::{Happening, What};
use crate::store::who::{Who, person, who};

/// The stored form; place and end are columns.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    at: u64,
    what: StoredWhat,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredWhat {
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
            What::Joined { who: person, by: None } => StoredWhat::Joined(who(person)),
            What::Joined { who: person, by: Some(by) } => {
                StoredWhat::Invited { who: who(person), by: who(by) }
            }
            What::Linked { who: person, device } => StoredWhat::Linked { who: who(person), device },
            What::Unlinked { who: person, device, by } => {
                StoredWhat::Unlinked { who: who(person), device, by: who(by) }
            }
            What::KeyChanged { who: person, was } => StoredWhat::KeyChanged { who: who(person), was: was.0 },
            What::Back(person) => StoredWhat::Back(who(person)),
            What::Left { who: person, by } => StoredWhat::Left { who: who(person), by: who(by) },
            What::Renamed { who: person, was } => StoredWhat::Renamed { who: who(person), was },
            What::NewPicture { who: person, is_gone } => StoredWhat::NewPicture { who: who(person), is_gone },
            What::Disappearing { by, seconds } => StoredWhat::Disappearing { by: who(by), seconds },
            What::Topic { by, text } => StoredWhat::Topic { by: who(by), text },
            What::Lost { after, upto, lines } => StoredWhat::Lost { after, upto, lines },
            What::Alarm(alarm) => StoredWhat::Alarmed(Alarmed::Alarm(alarm)),
            What::Stranger(stranger) => StoredWhat::Stranger(stranger),
            What::OldAlarm { kind, text } => StoredWhat::Alarm { kind: kind.name().to_owned(), text },
        };
        Self { at: happening.at, what }
    }

    /// None for a kind of alarm that this version does not know.
    pub(super) fn into_happening(self, seq: u64) -> Option<Happening> {
        let what = match self.what {
            StoredWhat::Joined(who) => What::Joined { who: person(who), by: None },
            StoredWhat::Invited { who, by } => What::Joined { who: person(who), by: Some(person(by)) },
            StoredWhat::Linked { who, device } => What::Linked { who: person(who), device },
            StoredWhat::Unlinked { who, device, by } => {
                What::Unlinked { who: person(who), device, by: person(by) }
            }
            StoredWhat::KeyChanged { who, was } => {
                What::KeyChanged { who: person(who), was: Fingerprint(was) }
            }
            StoredWhat::Back(who) => What::Back(person(who)),
            StoredWhat::Left { who, by } => What::Left { who: person(who), by: person(by) },
            StoredWhat::Renamed { who, was } => What::Renamed { who: person(who), was },
            StoredWhat::NewPicture { who, is_gone } => What::NewPicture { who: person(who), is_gone },
            StoredWhat::Disappearing { by, seconds } => What::Disappearing { by: person(by), seconds },
            StoredWhat::Topic { by, text } => What::Topic { by: person(by), text },
            StoredWhat::Lost { after, upto, lines } => What::Lost { after, upto, lines },
            StoredWhat::Alarm { kind, text } => What::OldAlarm { kind: AlarmKind::from_name(&kind)?, text },
            StoredWhat::Alarmed(Alarmed::Alarm(alarm)) => What::Alarm(alarm),
            StoredWhat::Alarmed(Alarmed::Earlier { stranger }) | StoredWhat::Stranger(stranger) => {
                What::Stranger(stranger)
            }
        };
        Some(Happening { seq: Some(seq), at: self.at, expires: None, what })
    }
}
