//! What objects are made of: people, rooms, reactions.

use serde::{Deserialize, Serialize};

use shared::file::Manifest;

use super::{InviteBy, person};
use crate::{
    faces::words,
    failure::Failure,
    runtime::{KeyRoom, OwnDevice, RoomStatus},
};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonOut {
    /// Display name; chosen by the person, so several may have the same.
    pub name: String,
    /// 64 hexadecimal digits; this tells people apart.
    pub fingerprint: String,
}

/// What only some messages have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MoreOut {
    /// The file that comes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileOut>,
    /// The id of the message that this answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// When it goes, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disappears: Option<u64>,
    /// When it was edited last, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<u64>,
    /// It was taken back.
    #[serde(skip_serializing_if = "is_false")]
    pub deleted: bool,
    /// Reactions to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionOut>,
    /// Who handed it over; then nothing proves who said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed_by: Option<PersonOut>,
}

/// A file. What opens it stays in the profile: `file_get` gets it by the message's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOut {
    /// A name without folders and controls, which every file system takes.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What the sender says it is, such as `image/png`.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// How long a voice message is, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub duration_ms: u32,
}

impl FileOut {
    /// What programs see of it.
    pub fn of(file: &Manifest) -> Self {
        let Manifest { name, size, media_type, duration_ms, .. } = file.clone();
        Self { name, size, media_type, duration_ms }
    }
}

/// Where something stands in the log; in an export only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WhenOut {
    /// Sequence number of the entry that told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
}

/// Why a file waits or stopped; nothing where all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WhyOut {
    /// Stable, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl WhyOut {
    /// Of a failure, if there is one.
    pub fn of(failure: Option<&Failure>) -> Self {
        let Some(Failure { code, message, remedy, .. }) = failure.cloned() else { return Self::default() };
        Self { code: Some(code.into_owned()), message: Some(message), remedy: Some(remedy) }
    }
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionOut {
    /// The emoji.
    pub emoji: String,
    /// Whose.
    pub people: Vec<PersonOut>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberOut {
    /// Display name.
    pub name: String,
    /// 64 hexadecimal digits.
    pub fingerprint: String,
    /// It is this profile.
    pub me: bool,
    /// They have said or changed something since this profile came.
    #[serde(default)]
    pub heard: bool,
    /// What they say of themselves.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Their sign.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub glyph: String,
    /// Names their picture: another name, another picture. It proves nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub avatar: String,
    /// Somebody here compared the safety number.
    pub verified: bool,
    /// May remove others and change the room's policy.
    #[serde(default, skip_serializing_if = "is_false")]
    pub moderator: bool,
    /// The person's devices in this room.
    #[serde(default)]
    pub devices: Vec<DeviceOut>,
}

/// A device of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceOut {
    /// 32 hexadecimal digits: names it in this room.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// It is this one.
    pub me: bool,
    /// It has said or changed something since this profile came.
    pub heard: bool,
    /// When it joined, Unix milliseconds; 0 where that is not known here.
    pub since: u64,
}

/// A device of this person in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDeviceOut {
    /// The room's label.
    pub room: String,
    /// 32 hexadecimal digits: names it in this room.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// It is this one.
    pub me: bool,
    /// When it joined, Unix milliseconds; 0 where that is not known here.
    pub since: u64,
    /// It is to be taken out, or, after `remove`, it is not out yet.
    pub going: bool,
    /// In this room a person's devices keep in step; nobody is shown it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub own_devices: bool,
    /// Which device it is, by its own word: its id in that room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// On which day it was in use last, Unix milliseconds; 0 where it has not said so.
    #[serde(default, skip_serializing_if = "is_never")]
    pub seen: u64,
}

impl From<OwnDevice> for OwnDeviceOut {
    fn from(one: OwnDevice) -> Self {
        Self {
            room: one.room,
            id: one.id.to_string(),
            name: one.name,
            me: one.is_me,
            since: one.since,
            going: one.goes,
            own_devices: one.is_hidden,
            of: one.of.map(|of| of.to_string()),
            seen: one.seen,
        }
    }
}

/// A room, and whether it has taken another key of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRoomOut {
    /// The room's label.
    pub room: String,
    /// It has.
    pub done: bool,
    /// In this room a person's devices keep in step; nobody is shown it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub own_devices: bool,
}

impl From<KeyRoom> for KeyRoomOut {
    fn from(one: KeyRoom) -> Self {
        Self { room: one.room, done: one.is_done, own_devices: one.is_hidden }
    }
}

/// A live invite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteOut {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Who made it; their account signed it.
    pub by: PersonOut,
    /// This profile has its link.
    pub ours: bool,
    /// Unix milliseconds, 0 for never.
    pub expires: u64,
    /// Devices that it lets in, 0 for no limit.
    pub max_uses: u32,
    /// Devices that came by it and are still in.
    pub used: u32,
}

/// A room in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomOut {
    /// Its label.
    pub room: String,
    /// 64 hexadecimal digits: what the relay, and whoever operates it, calls it.
    pub id: String,
    /// Whoever knows the name can join; unknown before we are in.
    pub open: Option<bool>,
    /// What it is about; missing when nobody said, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// `HOST:PORT`.
    pub relay: Option<String>,
    /// How many members; none before we are in.
    pub members: Option<usize>,
    /// Somebody else is there, and everybody who is was verified.
    pub verified: bool,
    /// Why it is over, when it is.
    pub closed: Option<String>,
    /// Messages of others that were not read in any face.
    pub unread: Option<usize>,
    /// How many of them name us.
    pub mentions: Option<usize>,
    /// It stands above the others in lists.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pinned: bool,
}

/// What a room is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoOut {
    /// As in a list.
    #[serde(flatten)]
    pub room: RoomOut,
    /// The group; missing before we are in, and once it is over.
    #[serde(flatten)]
    pub group: Option<GroupOut>,
}

/// What a room's group has and allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOut {
    /// Of MLS.
    pub epoch: u64,
    /// Who may invite.
    pub invite: InviteBy,
    /// Devices that one person may have.
    pub seats: u32,
    /// Messages go so many seconds after they were said; 0 for never.
    pub disappear: u32,
    /// Messages of before that newcomers are handed.
    pub past: u32,
    /// Who may change all that.
    pub moderators: Vec<PersonOut>,
}

impl From<&RoomStatus> for InfoOut {
    fn from(status: &RoomStatus) -> Self {
        let group = status.view.as_ref().map(|view| GroupOut {
            epoch: view.epoch,
            invite: if view.moderators_invite { InviteBy::Moderators } else { InviteBy::Everybody },
            seats: view.seats,
            disappear: view.disappear_s,
            past: view.past_lines,
            moderators: view
                .people()
                .into_iter()
                .filter(|present| present.first.is_moderator)
                .map(|present| person(present.first.person.clone()))
                .collect(),
        });
        Self { room: RoomOut::from(status), group }
    }
}

impl From<&RoomStatus> for RoomOut {
    fn from(status: &RoomStatus) -> Self {
        Self {
            room: status.label.clone(),
            id: words::room_id(&status.id),
            open: status.view.as_ref().map(|view| view.open),
            topic: status.view.as_ref().map(|view| view.topic.clone()).filter(|topic| !topic.is_empty()),
            relay: status.relay.as_ref().map(ToString::to_string),
            members: status.view.as_ref().map(|view| view.count()),
            verified: status.is_verified,
            closed: status.over.as_ref().map(words::over),
            unread: None,
            mentions: None,
            pinned: status.is_pinned,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// Leaves out a time that is not known.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_never(value: &u64) -> bool {
    *value == 0
}
