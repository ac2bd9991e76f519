//! Problems in words: the cause, and the remedy. The characters of names stand in them as they came.

use shared::{
    identity::{MAX_TOPIC, NameError},
    invite::MAX_INVITES,
    room::{
        BodyError, Breach, Fault, MAX_EMOJI, MAX_OUTBOX, MAX_TEXT, OutCause, Problem, RelayLimit, Right,
        TokenFault,
    },
};

use super::{as_it_came, called::operators, counted};

const MEMBERS: &str = "/members shows who is in.";
const INVITES: &str = "/invites shows the live ones.";

/// What happened, and what to do.
pub fn problem(problem: &Problem) -> (String, &'static str) {
    let (fixed, remedy) = match problem {
        Problem::NotJoined => ("This device is not in the room yet.", "Wait until it has joined."),
        Problem::Leaving => ("This device is leaving the room.", "Join again by a new invite."),
        Problem::Said(error) => return said(*error),
        Problem::OutboxFull => {
            let message =
                format!("{MAX_OUTBOX} messages wait for the relay already; this one was not taken.");
            return (message, "Wait until the relay is back.");
        }
        Problem::BadName(error) => return (format!("{error}."), "Choose another name."),
        Problem::BadProfile(error) => return (format!("{error}."), "Choose something shorter and simpler."),
        Problem::BadTopic(NameError::TooLong(bytes)) => {
            let message = format!("A topic may have {MAX_TOPIC} bytes, this one has {bytes}.");
            return (message, "Say it in fewer words.");
        }
        Problem::BadTopic(error) => {
            return (format!("A topic is written as a name is: {error}."), "Choose something simpler.");
        }
        Problem::NotModerator(right) => not_moderator(*right),
        Problem::NoSuchMember { besides_us: true } => {
            ("Nobody else in the room has this fingerprint.", MEMBERS)
        }
        Problem::NoSuchMember { besides_us: false } => ("Nobody in the room has this fingerprint.", MEMBERS),
        Problem::LastModerator => {
            ("A room has at least one moderator.", "/moderator NAME makes another one first.")
        }
        Problem::LastModeratorStays => (
            "You are the room's last moderator, so you cannot leave while others are in it.",
            "/moderator NAME makes another one; then leave. Or close the room: remove the others, then leave.",
        ),
        Problem::OwnDevicesStay => (
            "This is the room of your own devices, by which they keep in step: no device leaves it by itself.",
            "On another device: /devices shows them, schat devices remove takes one out.",
        ),
        Problem::TooManyModerators { most } => {
            let message = format!("A room has at most {most} moderators.");
            return (message, "Take the right from one who does not use it.");
        }
        Problem::BadPolicy { most } => {
            let message = format!("One person may have 1 to {most} devices in a room.");
            return (message, "Choose a number among them.");
        }
        Problem::TooManyInvites => {
            let message = format!("The room has {MAX_INVITES} live invites already.");
            return (message, "/invites shows them, /revoke ends one.");
        }
        Problem::BadTime => ("That time is over already.", "Choose a later one."),
        Problem::NoSuchInvite => ("There is no such invite.", INVITES),
        Problem::OpenRoom => {
            ("This room is open: anybody who knows its name can join.", "Make a private room.")
        }
        Problem::NoInvite => {
            ("An invite could not be made: others were faster, or only moderators may any more.", INVITES)
        }
        Problem::NothingToAccept => (
            "There is nothing to accept in this room.",
            "That is for a relay that was restored from a backup, and for a device that was led past the end of the log.",
        ),
        Problem::RelayRestored => (
            "The relay was restored from a backup: what was said since then is gone there, and members may have seen \
             different things.",
            "This room stands still until you agree: ask the relay's operator whether that is so, then say /accept here (a \
             program: the command accept).",
        ),
        Problem::LostAtRestore { from, missing } => {
            let message = format!(
                "The relay says that it was restored from a backup; {} from {} went missing with that before this device had read {}.",
                counted(*missing, "message"),
                as_it_came(from),
                if *missing == 1 { "it" } else { "them" }
            );
            return (
                message,
                "Ask them what they said, and the relay's operator whether that is so. There is nothing to accept.",
            );
        }
        Problem::LedAstray => (
            "The relay led this device past the end of this room's log, with the help of a member or after a true gap: nothing is \
             sent.",
            "Compare in another way what the others see. /accept (a program: the command accept) reads on from where this device \
             was before.",
        ),
        Problem::NotSent { messages } => {
            let message = format!("{messages} of your messages in this room were not sent.");
            return (message, "Say them again in a room that you are in.");
        }
        Problem::ChangeRefused => (
            "The relay refused a change of the room for good.",
            "Tell the relay's operator, or update this program.",
        ),
        Problem::MessageRefused => (
            "The relay refused a message for good; it was not sent.",
            "Tell the relay's operator, or update this program.",
        ),
        Problem::RoomRefused { code } => {
            let message = format!("The relay refused to open the room ({code}).");
            return (message, "Update this program, or tell the relay's operator.");
        }
        Problem::NoLedger => (
            "The relay does not say who may do what in this room, so this device cannot check what it says of changes and votes.",
            "If this happens each time, do not trust this relay: compare in another way what the others see.",
        ),
        Problem::NoRoomState => ("The relay accepted the invite but sent no room state.", "Try again."),
        Problem::Token(fault) => token(*fault),
        Problem::Limit(limit) => self::limit(*limit),
        Problem::Frozen { reason } => {
            let message = format!(
                "The relay's operator froze this room{}. It can be read, and nothing is added to it: what you say is kept here.",
                operators(reason)
            );
            return (message, "Ask the relay's operator. When the room goes on, it is sent by itself.");
        }
        Problem::JoinFrozen { reason } => {
            let message = format!(
                "The relay's operator froze this room{}. Nobody comes in meanwhile.",
                operators(reason)
            );
            return (message, "Ask the relay's operator. When the room goes on, use the link again.");
        }
        Problem::Thawed => {
            ("The relay's operator lets this room go on.", "What you said meanwhile is sent now.")
        }
        Problem::OpenerFrozen { reason } => {
            let message = format!(
                "The relay's operator lets you, or your network, open no rooms{}.",
                operators(reason)
            );
            return (message, "Ask the relay's operator, or make the room at another relay.");
        }
        Problem::Out(cause) => {
            let message = format!("{} It asks to be let back in; what you say meanwhile waits.", out(*cause));
            let remedy =
                "Wait until another member is online; if that does not help, join again by a new invite.";
            return (message, remedy);
        }
        Problem::Back { has_missed: false } => {
            ("This device follows the room again.", "What you said meanwhile is sent now.")
        }
        Problem::Back { has_missed: true } => (
            "This device follows the room again. What was said while it was out cannot be read here.",
            "Ask the others what you missed.",
        ),
        Problem::OtherRules { moderators, policy } => {
            let what = match (moderators, policy) {
                (true, true) => "other people moderate this room, and other rules hold in it",
                (true, false) => "other people moderate this room",
                (false, _) => "other rules hold in this room",
            };
            let message = format!("Since this device went out it has changed who decides here: {what}.");
            let remedy = "Ask the others whether that is right; /members shows who moderates. If nobody knows of it, a member deceives this device.";
            return (message, remedy);
        }
        Problem::JoinsUnwitnessed { joins } => {
            let message = format!(
                "{joins} people and devices came in, and nobody who was there before has said anything since: this device can no longer \
                 check that the relay showed all of them the same log."
            );
            return (message, "");
        }
        Problem::ReturnRefused { unread } => {
            let lost = match unread {
                0 => String::new(),
                unread => {
                    format!(
                        " What this device said since then ({unread}) was read by nobody else: say it again."
                    )
                }
            };
            let message = format!(
                "The others do not know the state of the room by which this device came back; it asks for another one.{lost}"
            );
            let remedy = "Nothing to do. If this happens again, a member deceives this device: compare what the others see.";
            return (message, remedy);
        }
        Problem::Bridged => (
            "The relay lost changes of this room that this device has taken; the room goes on with them.",
            "Nothing to do. People who joined by one of these changes may have to join again; /members shows who is in.",
        ),
        Problem::Undone { entry } => {
            let message = format!(
                "A majority of this room's members undid the change at entry {entry}, and what came after it."
            );
            return (message, MEMBERS);
        }
        Problem::TakenBack => {
            ("The last change of this room was taken back: not everybody could follow it.", MEMBERS)
        }
        Problem::AnotherCame => (
            "This device's place in the room was taken up again by somebody who has its keys: another copy of it, or of its backup, is in use.",
            "If that was you, use one of the two and delete the other; two of them put each other out. If it was not, somebody has \
             your backup and its phrase, or a copy of this device: run `schat devices replace-key` at once.",
        ),
        Problem::PlaceLost => (
            "The relay says that this device's join was dropped before it was settled; it joins again by its link.",
            "/members shows who is in: before that nobody counts as heard. If another device of yours took this one out, or the account's key was \
             replaced, that is why: `schat link` makes it one of yours again. If neither, and it happens again, do not trust this relay.",
        ),
        Problem::InvalidCommit(why) => {
            let message = format!("A change of this room was refused: {}.", breach(why));
            return (message, "Nothing to do: the room goes on without it. /members shows who is in.");
        }
        Problem::CommitMisplaced => {
            ("The relay put a change of this device in the wrong place.", "It is made again.")
        }
        Problem::Forged { entry, fault } => {
            let message = format!("Entry {entry} of the log {}; it was refused.", self::fault(*fault));
            return (message, "If this happens again, do not trust this relay.");
        }
        Problem::NotTheirs { who } => {
            let message =
                format!("{} tried to change a message of somebody else; it was refused.", as_it_came(who));
            return (message, "Nothing to do: the message stands as it was. /kick removes a member.");
        }
        Problem::Unreadable => {
            ("An entry could not be read; it was probably said before you joined.", "Nothing to do.")
        }
        Problem::MissedByNewcomer { entry, who } => {
            let names: Vec<String> = who.iter().map(|name| as_it_came(name)).collect();
            let message = format!(
                "What you said or changed (entry {entry}) cannot be read by {}, who joined while it was on its way.",
                names.join(" and ")
            );
            return (message, "Say it again if it is meant for them, too.");
        }
        Problem::Group { error } => {
            let message = format!("The room's group refused a step: {error}.");
            return (message, "Restart; if it stays, join again by a new invite.");
        }
        Problem::Version1 { rooms, more } => {
            let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!(
                "This profile is from version 1. Its rooms are archives from now on: {}{more}. All that was said is kept.",
                rooms.iter().map(|room| as_it_came(room)).collect::<Vec<_>>().join(", ")
            );
            let remedy = "To talk on, make the rooms anew (/create) or ask for new links; open ones are joined by their name.";
            return (message, remedy);
        }
    };
    (fixed.to_owned(), remedy)
}

/// Why something may not be said.
pub fn said(error: BodyError) -> (String, &'static str) {
    match error {
        BodyError::Empty => ("There is nothing to send.".to_owned(), "Type something."),
        BodyError::TooLong(length) => {
            (format!("The message has {length} bytes; at most {MAX_TEXT} fit."), "Send it in parts.")
        }
        BodyError::Emoji => {
            let message = format!(
                "A reaction is one sign of at most {MAX_EMOJI} bytes, without spaces and control characters."
            );
            (message, "Choose an emoji or a short word.")
        }
        BodyError::File(error) => {
            (format!("This is no file that can be sent: {error}."), "Send another one.")
        }
        BodyError::Id => (
            "It names a message by something that is no id.".to_owned(),
            "Take the id of a message that was shown.",
        ),
    }
}

/// The rest of a sentence on a commit or a state that is refused.
pub(super) fn breach(breach: &Breach) -> String {
    match breach {
        Breach::Rule(violation) => violation.to_string(),
        Breach::Other(error) => error.clone(),
    }
}

fn not_moderator(right: Right) -> (&'static str, &'static str) {
    let ask = "/members shows who they are: ask one of them.";
    match right {
        Right::Remove => ("Only moderators remove others.", ask),
        Right::MakeModerators => ("Only moderators make moderators.", ask),
        Right::ChangeTopic => ("Only moderators say what the room is about.", ask),
        Right::ChangePolicy => ("Only moderators change the room's policy.", ask),
        Right::Invite => ("In this room only moderators invite.", ask),
        Right::Revoke => (
            "Only moderators revoke the invites of others.",
            "/members shows who they are: ask one of them, or the member who made it.",
        ),
    }
}

fn token(fault: TokenFault) -> (&'static str, &'static str) {
    let message = match fault {
        TokenFault::Missing => "This relay opens rooms only for those who have a token.",
        TokenFault::Refused => {
            "The relay does not accept your token: it is unknown there, has expired or was revoked."
        }
        TokenFault::Spent => "Your token for this relay has opened as many rooms as it may.",
    };
    let remedy = "Ask the relay's operator for a link with a token, give that to /join, and make the room again. You need no \
                  token to join a room that you are invited to.";
    (message, remedy)
}

fn out(cause: OutCause) -> &'static str {
    match cause {
        OutCause::Commit => {
            "Others have taken a change of this room that this device cannot read, and so it is out."
        }
        OutCause::Away => {
            "This device was away for longer than the relay keeps messages, and so it is out of this room."
        }
        OutCause::OldProfile => {
            "This room has seen more of this device than this profile knows, so it is out: the profile is an older copy, or a copy or backup of \
             it is in use elsewhere."
        }
        OutCause::Undone => {
            "A majority of this room undid a change, and this device has only what came after it, and so it is out."
        }
        OutCause::Backup => {
            "This device was restored from a backup, which holds nothing that opens this room."
        }
        OutCause::Restored => "This device has changes of this room that the relay lost, and so it is out.",
    }
}

fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::NoEnvelope => "is not an envelope",
        Fault::NoMember => "was sealed by nobody in the room, or too long ago",
        Fault::InOurName => "is a forgery in this device's name",
        Fault::NothingKnown => "holds nothing that belongs into an envelope",
        Fault::MessageMisplaced => "holds a message that does not belong there",
        Fault::MessageUnverified => "holds a message that does not verify",
        Fault::MayNotBeSaid => "holds something that may not be said so",
        Fault::OthersEnvelope => "holds a commit in somebody else's envelope",
        Fault::CommitMisplaced => "holds a commit that does not belong there",
    }
}

fn limit(limit: RelayLimit) -> (&'static str, &'static str) {
    match limit {
        RelayLimit::MemberRate => (
            "You send more messages in a minute than the relay takes; what you said is kept here and sent bit by bit.",
            "Wait a little. The relay's operator can raise --rate, or --address-mib.",
        ),
        RelayLimit::RoomRate => (
            "This room sends more messages in a minute than the relay takes; yours is kept here and sent bit by bit.",
            "Wait a little, and ask the others to. The relay's operator can raise --room-rate, or --deliveries.",
        ),
        RelayLimit::InviteRate => (
            "More people join by this link in a minute than the relay takes; it is tried again by itself.",
            "Wait a little. The relay's operator can raise --invite-rate.",
        ),
        RelayLimit::Unnamed => (
            "The relay takes no more for the moment; what you said is kept here and sent later.",
            "Wait a little. If it goes on, ask the relay's operator.",
        ),
        RelayLimit::RoomsOpened => (
            "Too many rooms were opened at this relay from your network; this one is tried again by itself.",
            "Wait up to an hour, or use a room that exists. The relay's operator can raise --rooms-per-address.",
        ),
        RelayLimit::BadTokens => (
            "Too many tokens from your network were refused by the relay; it is tried again by itself.",
            "Check the token with the person who gave it to you.",
        ),
        RelayLimit::TokenRooms => (
            "As many rooms exist by your token as it allows.",
            "Ask the relay's operator for another token, or use a room that exists.",
        ),
        RelayLimit::TokenUses => (
            "Your token has opened as many rooms as it may.",
            "Ask the relay's operator for another token, or use a room that exists.",
        ),
        RelayLimit::RoomsPerConnection => (
            "You are in more rooms of this relay than it serves at once; this one waits until another is left.",
            "Leave a room that you need no more. The relay's operator can raise --rooms-per-connection.",
        ),
        RelayLimit::MessageSize => (
            "It is larger than this relay takes, and was not sent.",
            "Say it in smaller parts. The relay's operator can raise --max-message-kib.",
        ),
        RelayLimit::AccessKeys => (
            "The room is full: it has as many members and live invites as this relay allows.",
            "Somebody has to leave, or to be removed, first. The relay's operator can raise --max-keys-per-room.",
        ),
        RelayLimit::Disk => (
            "The relay's disk is full; what you said is kept here and sent again.",
            "Tell the relay's operator.",
        ),
        RelayLimit::OpenerShare => (
            "The rooms of this room's opener take their share of the relay's disk; what you said is kept here and sent again.",
            "Leave rooms that nobody needs. The relay's operator can raise --opener-percent.",
        ),
        RelayLimit::Damaged => (
            "A message of this room is damaged on the relay's disk, so nothing after it can be had; what you say is kept here.",
            "Tell the relay's operator: `relay check` names the rooms. If it cannot be mended, found the room anew.",
        ),
        RelayLimit::FileSize => (
            "The file has more bytes than this relay takes.",
            "Send it in pieces. The relay's operator can raise --max-file-mib.",
        ),
        RelayLimit::RoomFiles => (
            "The files of this room are as many, or have as many bytes, as the relay allows a room.",
            "Delete messages whose files nobody needs. The relay's operator can raise --room-files-mib and --files-per-room.",
        ),
        RelayLimit::MemberFiles => (
            "Your files take your part of what the relay allows this room.",
            "Delete messages whose files nobody needs. The relay's operator can raise --room-files-mib.",
        ),
        RelayLimit::OpenerFiles => (
            "The rooms of this room's opener got as many bytes of files today as the relay takes in a day, or takes of one member.",
            "Wait for the next day (UTC). The relay's operator can raise --opener-files-mib.",
        ),
        RelayLimit::Transfers => (
            "As many files are on their way at once as the relay carries.",
            "Wait until one is through. The relay's operator can raise --transfers-per-connection, --transfers-per-room and --transfers-per-member.",
        ),
        RelayLimit::FileRate => (
            "More files were begun or fetched within a minute than the relay takes.",
            "Wait a little. The relay's operator can raise --files-per-address.",
        ),
        RelayLimit::FilesDisk => (
            "The relay's files take all that they may of its disk; messages go on.",
            "Delete messages whose files nobody needs. The relay's operator can raise --max-files-mib.",
        ),
    }
}
