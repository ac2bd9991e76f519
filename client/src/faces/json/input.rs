//! Commands of programs.

use serde::{Deserialize, Serialize};

use super::VERSION;
use crate::{faces::sanitize, failure::Failure};

/// What becomes of a file under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SteerBy {
    /// It waits.
    Pause,
    /// It goes on.
    Resume,
    /// It ends, and what there is of it goes.
    Cancel,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
pub enum Cmd {
    /// Join a room of this profile, the open room of that name, or the room of a link.
    Join {
        /// Its label or name.
        #[serde(default)]
        room: Option<String>,
        /// An invite link instead.
        #[serde(default)]
        link: Option<String>,
        /// `HOST:PORT` of the relay for an open room, if not the one of `--relay`.
        #[serde(default)]
        relay: Option<String>,
    },
    /// Link another device: by the code that it shows, or by showing one.
    Link {
        /// What the other device shows; without it this one shows one.
        #[serde(default)]
        code: Option<String>,
    },
    /// Both devices show the same.
    LinkConfirm {
        /// The digits that the new device shows: whoever confirms has compared them.
        digits: String,
        /// How much of the past goes with it: `none`, `all`, or a number of messages of each room.
        #[serde(default)]
        history: Option<String>,
    },
    /// They do not.
    LinkRefuse,
    /// Give the linking up.
    LinkCancel,
    /// Make a private room.
    Create {
        /// Its name.
        room: String,
        /// `HOST:PORT` of the relay, if not the one of `--relay`.
        #[serde(default)]
        relay: Option<String>,
        /// Messages go so many seconds after they were said; 0 for never.
        #[serde(default)]
        disappear: u32,
        /// Messages of before that newcomers are handed; 0 for none.
        #[serde(default)]
        past: u32,
    },
    /// Say something.
    Send {
        /// Where.
        room: String,
        /// What.
        text: String,
        /// Comes back in `sent`.
        #[serde(default)]
        id: Option<String>,
        /// The id of the message that this answers.
        #[serde(default)]
        reply_to: Option<String>,
    },
    /// Send a file.
    FileSend {
        /// Where.
        room: String,
        /// Where it is, from the root.
        path: String,
        /// What is said with it.
        #[serde(default)]
        text: String,
        /// Comes back in `sent`.
        #[serde(default)]
        id: Option<String>,
        /// The id of the message that this answers.
        #[serde(default)]
        reply_to: Option<String>,
        /// Pictures keep what they tell besides their pixels.
        #[serde(default)]
        keep_metadata: bool,
        /// How long a voice message is, in milliseconds.
        #[serde(default)]
        duration_ms: u32,
    },
    /// Fetch the file of a message.
    FileGet {
        /// Where.
        room: String,
        /// The message's id.
        target: String,
        /// Where it is to be, from the root; in the directory for downloads without it.
        #[serde(default)]
        output: Option<String>,
    },
    /// Files under way, of a room or of all.
    Transfers {
        /// Where.
        #[serde(default)]
        room: Option<String>,
    },
    /// Let a file under way wait, go on or end.
    Transfer {
        /// Its number.
        transfer: i64,
        /// What.
        steer: SteerBy,
    },
    /// Give a message of ours another text.
    Edit {
        /// Where.
        room: String,
        /// The message's id.
        target: String,
        /// The new text.
        text: String,
    },
    /// Take a message of ours back.
    Delete {
        /// Where.
        room: String,
        /// The message's id.
        target: String,
    },
    /// Put a reaction under a message, or take it back.
    React {
        /// Where.
        room: String,
        /// The message's id.
        target: String,
        /// The emoji.
        emoji: String,
        /// Take it back.
        #[serde(default)]
        withdrawn: bool,
    },
    /// Tell the others how far we have read.
    Seen {
        /// Where.
        room: String,
        /// Up to and with this.
        seq: u64,
    },
    /// Somebody has read up to there, in any face; nobody else is told.
    Read {
        /// Where.
        room: String,
        /// Up to and with this.
        seq: u64,
    },
    /// Keep what is typed in a room and not sent, or tell what is kept.
    Draft {
        /// Where.
        room: String,
        /// What; empty for nothing any more. None: tell it.
        text: Option<String>,
    },
    /// Tell who is online that we type.
    Typing {
        /// Where.
        room: String,
        /// Not any more.
        #[serde(default)]
        stopped: bool,
    },
    /// Messages from now on go after a time.
    Disappear {
        /// Where.
        room: String,
        /// 0 for never.
        seconds: u32,
    },
    /// Say what the room is about.
    Topic {
        /// Which.
        room: String,
        /// One line, or nothing.
        #[serde(default)]
        text: String,
    },
    /// Change what we say of ourselves, in all rooms.
    Describe {
        /// One line, or nothing.
        #[serde(default)]
        status: String,
        /// A small sign, or nothing.
        #[serde(default)]
        glyph: String,
    },
    /// Change our picture, in all rooms.
    Avatar {
        /// A picture, from the root; none any more without it.
        #[serde(default)]
        path: Option<String>,
    },
    /// Look for words in what was said.
    Search {
        /// Where; in all rooms without it.
        #[serde(default)]
        room: Option<String>,
        /// All of these words.
        #[serde(default)]
        text: String,
        /// Only of people whose name contains this.
        #[serde(default)]
        from: Option<String>,
        /// At most so many.
        #[serde(default)]
        limit: Option<usize>,
    },
    /// Ask for an invite link.
    Invite {
        /// To which room.
        room: String,
        /// A new one that lets so many devices in; 0 for no limit.
        #[serde(default)]
        uses: Option<u32>,
        /// A new one that ends then, Unix milliseconds; 0 for never.
        #[serde(default)]
        expires: Option<u64>,
    },
    /// Ask for the live invites.
    Invites {
        /// Of which room.
        room: String,
    },
    /// End an invite.
    Revoke {
        /// Of which room.
        room: String,
        /// Its id, or the beginning of it.
        invite: String,
    },
    /// Make a member a moderator, or not any more.
    Moderator {
        /// In which room.
        room: String,
        /// The whole fingerprint.
        member: String,
        /// Not any more.
        #[serde(default)]
        withdrawn: bool,
    },
    /// Change what the room allows; what is not named stays.
    Policy {
        /// Which room.
        room: String,
        /// Who may invite: `everybody` or `moderators`.
        #[serde(default)]
        invite: Option<InviteBy>,
        /// Devices that one person may have in the room.
        #[serde(default)]
        seats: Option<u32>,
    },
    /// Ask what a room is.
    Info {
        /// Which.
        room: String,
    },
    /// Ask who is there.
    Members {
        /// In which room.
        room: String,
    },
    /// Remove a member.
    Remove {
        /// From which room.
        room: String,
        /// The whole fingerprint.
        member: String,
    },
    /// Ask for the number to compare with a member.
    Verify {
        /// In which room.
        room: String,
        /// The whole fingerprint.
        member: String,
        /// It is the same at both ends: mark the member as verified.
        #[serde(default)]
        yes: bool,
    },
    /// Take that mark back.
    Unverify {
        /// In which room.
        room: String,
        /// The whole fingerprint.
        member: String,
    },
    /// Messages up to `seq` are dealt with: they are not delivered again.
    Ack {
        /// Of which room.
        room: String,
        /// Up to and with this.
        seq: u64,
    },
    /// Leave a room.
    Leave {
        /// Which.
        room: String,
    },
    /// Go on in a room although its relay was restored from a backup.
    Accept {
        /// Which.
        room: String,
    },
    /// A room stands above the others in lists, or not any more.
    Pin {
        /// Which.
        room: String,
        /// Not any more.
        #[serde(default)]
        withdrawn: bool,
    },
    /// Delete what is kept of a room that is over.
    Forget {
        /// Which.
        room: String,
    },
    /// List the rooms.
    Rooms {
        /// Those that were left as well.
        #[serde(default)]
        all: bool,
    },
    /// List the devices of this person, by room.
    Devices,
    /// Take a device out of every room.
    DeviceRemove {
        /// What it is called, or its id in a room.
        device: String,
    },
    /// Call this device so.
    DeviceRename {
        /// From now on.
        name: String,
    },
    /// Change the display name.
    Nick {
        /// The new one.
        name: String,
    },
    /// End.
    Quit,
}

/// Who may invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteBy {
    /// Every member.
    Everybody,
    /// Only moderators.
    Moderators,
}

impl Cmd {
    /// The room and the id that an error names.
    pub fn about(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Join { room, .. } | Self::Search { room, .. } => (room.clone(), None),
            Self::Send { room, id, .. } => (Some(room.clone()), id.clone()),
            Self::Create { room, .. }
            | Self::Edit { room, .. }
            | Self::Delete { room, .. }
            | Self::React { room, .. }
            | Self::Seen { room, .. }
            | Self::Read { room, .. }
            | Self::Draft { room, .. }
            | Self::Typing { room, .. }
            | Self::Disappear { room, .. }
            | Self::Topic { room, .. }
            | Self::Invite { room, .. }
            | Self::Invites { room }
            | Self::Revoke { room, .. }
            | Self::Moderator { room, .. }
            | Self::Policy { room, .. }
            | Self::Info { room }
            | Self::Members { room }
            | Self::Remove { room, .. }
            | Self::Verify { room, .. }
            | Self::Unverify { room, .. }
            | Self::Ack { room, .. }
            | Self::Leave { room }
            | Self::Forget { room }
            | Self::Pin { room, .. }
            | Self::Accept { room } => (Some(room.clone()), None),
            Self::FileSend { room, id, .. } => (Some(room.clone()), id.clone()),
            Self::FileGet { room, .. } => (Some(room.clone()), None),
            Self::Transfers { room } => (room.clone(), None),
            Self::Transfer { .. } => (None, None),
            Self::Link { .. }
            | Self::LinkConfirm { .. }
            | Self::LinkRefuse
            | Self::LinkCancel
            | Self::Devices
            | Self::DeviceRemove { .. }
            | Self::DeviceRename { .. }
            | Self::Rooms { .. }
            | Self::Nick { .. }
            | Self::Describe { .. }
            | Self::Avatar { .. }
            | Self::Quit => (None, None),
        }
    }
}

/// Reads a command. `v` may be left out.
///
/// # Errors
/// The failure to report; the conversation goes on.
pub fn parse(line: &str) -> Result<Cmd, Failure> {
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default)]
        v: Option<u32>,
        #[serde(flatten)]
        cmd: Cmd,
    }
    let bad = |error: serde_json::Error| {
        let message = format!("The line is not a command: {}.", sanitize::line(&error.to_string()));
        Failure::usage(message, "See docs/json.md.")
    };
    let Versioned { v, cmd } = serde_json::from_str(line).map_err(bad)?;
    match v {
        None | Some(VERSION) => Ok(cmd),
        Some(other) => Err(Failure::usage(
            format!("Version {other} of the protocol is not known."),
            format!("Say \"v\":{VERSION}, or update schat."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_the_manual_parse_and_come_back() {
        for line in [
            r#"{"v":1,"cmd":"join","room":"lobby"}"#,
            r#"{"cmd":"join","link":"schat://h:1/#x"}"#,
            r#"{"cmd":"create","room":"team"}"#,
            r#"{"cmd":"send","room":"team","text":"hi","id":"a1"}"#,
            r#"{"cmd":"send","room":"team","text":"hi"}"#,
            r#"{"cmd":"send","room":"team","text":"yes","reply_to":"00112233445566778899aabbccddeeff"}"#,
            r#"{"cmd":"file_send","room":"team","path":"/tmp/cat.jpg","id":"f1"}"#,
            r#"{"cmd":"file_get","room":"team","target":"00112233445566778899aabbccddeeff","output":"/tmp/cat.jpg"}"#,
            r#"{"cmd":"transfers"}"#,
            r#"{"cmd":"transfer","transfer":3,"steer":"pause"}"#,
            r#"{"cmd":"edit","room":"team","target":"00112233445566778899aabbccddeeff","text":"hello"}"#,
            r#"{"cmd":"delete","room":"team","target":"00112233445566778899aabbccddeeff"}"#,
            r#"{"cmd":"react","room":"team","target":"00112233445566778899aabbccddeeff","emoji":"👍"}"#,
            r#"{"cmd":"seen","room":"team","seq":7}"#,
            r#"{"cmd":"read","room":"team","seq":7}"#,
            r#"{"cmd":"typing","room":"team"}"#,
            r#"{"cmd":"disappear","room":"team","seconds":86400}"#,
            r#"{"cmd":"topic","room":"team","text":"soup"}"#,
            r#"{"cmd":"topic","room":"team"}"#,
            r#"{"cmd":"describe","status":"on the train","glyph":"🚆"}"#,
            r#"{"cmd":"avatar","path":"/home/ann/me.png"}"#,
            r#"{"cmd":"search","text":"lunch tomorrow","from":"ann","limit":5}"#,
            r#"{"cmd":"invite","room":"team"}"#,
            r#"{"cmd":"invite","room":"team","uses":1,"expires":1800000000000}"#,
            r#"{"cmd":"invites","room":"team"}"#,
            r#"{"cmd":"revoke","room":"team","invite":"3fa2"}"#,
            r#"{"cmd":"moderator","room":"team","member":"00"}"#,
            r#"{"cmd":"moderator","room":"team","member":"00","withdrawn":true}"#,
            r#"{"cmd":"policy","room":"team","invite":"moderators","seats":3}"#,
            r#"{"cmd":"info","room":"team"}"#,
            r#"{"cmd":"members","room":"team"}"#,
            r#"{"cmd":"remove","room":"team","member":"00"}"#,
            r#"{"cmd":"verify","room":"team","member":"00"}"#,
            r#"{"cmd":"verify","room":"team","member":"00","yes":true}"#,
            r#"{"cmd":"unverify","room":"team","member":"00"}"#,
            r#"{"cmd":"ack","room":"team","seq":7}"#,
            r#"{"cmd":"leave","room":"team"}"#,
            r#"{"cmd":"accept","room":"team"}"#,
            r#"{"cmd":"pin","room":"team"}"#,
            r#"{"cmd":"pin","room":"team","withdrawn":true}"#,
            r#"{"cmd":"forget","room":"team"}"#,
            r#"{"cmd":"rooms"}"#,
            r#"{"cmd":"rooms","all":true}"#,
            r#"{"cmd":"nick","name":"zoë"}"#,
            r#"{"cmd":"quit"}"#,
        ] {
            let cmd = parse(line).unwrap_or_else(|failure| panic!("{line}: {failure}"));
            assert_eq!(parse(&serde_json::to_string(&cmd).unwrap()), Ok(cmd));
        }
    }

    #[test]
    fn nonsense_is_a_usage_error_with_a_remedy() {
        for line in [
            "hello",
            "{}",
            r#"{"cmd":"dance"}"#,
            r#"{"cmd":"send","room":"x"}"#,
            r#"{"v":2,"cmd":"quit"}"#,
            r#"{"cmd":"ack","room":"x","seq":-1}"#,
            "[[[[",
        ] {
            let failure = parse(line).unwrap_err();
            assert_eq!(failure.code, "usage", "{line}");
            assert!(!failure.remedy.is_empty());
        }
    }
}
