//! Alarms: what only misbehaviour or a restored backup explains. A value says what happened; the words for people, and
//! what they can do, are the faces'.

mod kind;

pub use kind::AlarmKind;

use super::Person;

/// What happened. Clients store it by these names, so a name and its fields stay once released; new ones may join.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Alarm {
    /// The relay delivered an entry of the log a second time.
    EntryAgain {
        /// Sequence number.
        entry: u64,
    },
    /// An envelope's number was accepted before.
    NumberAgain {
        /// Sequence number of the entry.
        entry: u64,
        /// It is so old that it can only be assumed.
        is_old: bool,
    },
    /// A member's message came twice, by the member's own count.
    MessageAgain {
        /// Name of the member.
        from: String,
    },
    /// The relay skipped entries of the log.
    EntriesSkipped {
        /// How many.
        missing: u64,
    },
    /// Entries expired at the relay before this device read them.
    EntriesExpired {
        /// How many.
        missing: u64,
    },
    /// Messages are missing, by their sender's count.
    MessagesMissing {
        /// Name of the sender.
        from: String,
        /// How many.
        missing: u64,
    },
    /// The relay acknowledged a commit of this device and does not show it.
    CommitNotShown,
    /// The relay acknowledged a message of this device and does not show it.
    MessageNotShown,
    /// The relay knows this device's key, and does not show the join that brought it.
    JoinNotShown,
    /// More entries cannot be read than can have been under way when this device joined.
    TooMuchUnreadable,
    /// A member does not say what it saw of the log.
    ViewMissing {
        /// Name of the member.
        from: String,
    },
    /// A member saw another log than this device.
    ViewDiffers {
        /// Name of the member.
        from: String,
    },
    /// A member who offers to let this device back in saw another log.
    HelperViewDiffers,
    /// Joins came, and no word of anybody who was there before: what all were shown before them is not compared any more.
    JoinsUnwitnessed {
        /// How many.
        joins: usize,
    },
    /// The relay says that a majority undid a commit, and shows too few votes for that.
    TooFewVotes {
        /// Sequence number of the entry that says so.
        entry: u64,
        /// That of the first commit undone.
        undone: u64,
    },
    /// Our own ledger says that a majority undid a commit, and the relay does not.
    UndoingHidden {
        /// Sequence number of the first commit undone.
        undone: u64,
    },
    /// A commit that the rules do not allow, or that its epoch's authority did not sign.
    FalseCommit {
        /// Sequence number.
        entry: u64,
    },
    /// A vote that the rules do not allow, or that its voter did not sign.
    FalseVote {
        /// Sequence number.
        entry: u64,
    },
    /// A member's word for a commit, which that member did not give.
    FalseWord {
        /// Sequence number.
        entry: u64,
    },
    /// A commit stands on one that was passed by already.
    PassedBy {
        /// Sequence number.
        entry: u64,
    },
    /// A commit would take back the removal of the member who made it.
    OwnRemovalUndone {
        /// Sequence number.
        entry: u64,
    },
    /// The relay says that a commit removed this device, which read it and is a member.
    FalselyRemoved {
        /// Sequence number of the commit.
        entry: u64,
    },
    /// The relay names another last commit than the log that it showed.
    OtherLastCommit {
        /// What it names.
        named: u64,
        /// What the log says.
        read: u64,
    },
    /// The relay shows this device's join in another place than it took it.
    JoinMisplaced,
    /// A member reports an alarm of its own.
    Reported {
        /// Name of the member.
        by: String,
        /// Of what kind.
        kind: AlarmKind,
    },
    /// An entry is older than the one before it.
    TimeBackwards {
        /// Sequence number.
        entry: u64,
    },
    /// The relay's log ends before what this device has read.
    LogShorter {
        /// Where it ends.
        head: u64,
        /// Where this device has read to.
        read: u64,
    },
    /// This device's leaf said something that this profile does not know.
    OwnMessageUnknown,
    /// This device's keys made a commit that this profile does not know.
    OwnCommitUnknown,
    /// The state that this device was handed to come back is not the one that the log leads to, or lacks its leaf.
    HandedOldState,
    /// A commit changed the relay's access keys in another way than the group.
    AccessDiffers {
        /// Sequence number.
        entry: u64,
        /// Keys that should not be there.
        extra: usize,
        /// Keys that should be there.
        missing: usize,
    },
    /// This device's own join changed the relay's access keys in another way than it asked for.
    JoinAccessDiffers,
    /// A name that is known as somebody's came with another key. The client's, not the engine's.
    Impostor(Box<Impostor>),
    /// Somebody verified has one more device in the room. The client's, not the engine's.
    DeviceLinked {
        /// Who.
        who: Person,
        /// What it is called.
        device: String,
    },
    /// A device was linked to our account, and not by this one. The client's, not the engine's.
    OwnDeviceLinked {
        /// What it is called.
        device: String,
    },
    /// The account of somebody who was verified has another key, by the word of its recovery key; the mark stays. The
    /// client's, not the engine's.
    KeyReplaced {
        /// Who, by the new account.
        who: Person,
    },
    /// Somebody is in the room with an account whose key was replaced: a stolen device perhaps. The client's, not the
    /// engine's.
    ReplacedKeyUsed {
        /// Who, by the old account.
        who: Person,
    },
    /// An account that was replaced is said to have become another one than this device knows. The client's, not the engine's.
    KeyReplacedTwice {
        /// Who says so.
        who: Person,
    },
    /// Only a device of ours that is gone had said that these were verified: they are not any more. The client's, not the engine's.
    MarksDropped {
        /// Who.
        people: Vec<Person>,
    },
    /// Only a device of ours that is gone had taken back that these were verified: they are again. The client's, not the engine's.
    MarksRestored {
        /// Who.
        people: Vec<Person>,
    },
    /// Only a device of ours that is gone had set these settings: they are as they were before. The client's, not the engine's.
    SettingsRestored {
        /// Their names.
        settings: Vec<String>,
    },
}

/// Somebody with another one's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Impostor {
    /// Who came with the name.
    pub who: Person,
    /// How.
    pub way: Way,
    /// Whose name it looks like.
    pub owner: Person,
    /// That is us.
    pub is_me: bool,
    /// The owner was verified here.
    pub is_verified: bool,
    /// The names only look alike.
    pub is_disguise: bool,
}

/// How somebody came to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Way {
    /// By joining with it.
    Joined,
    /// It was found in a room that we entered.
    IsHere,
    /// By taking it, after this one.
    Renamed(String),
}

impl Alarm {
    /// Its kind, which is what programs see.
    pub fn kind(&self) -> AlarmKind {
        match self {
            Self::EntryAgain { .. } | Self::NumberAgain { .. } | Self::MessageAgain { .. } => {
                AlarmKind::Replay
            }
            Self::EntriesSkipped { .. }
            | Self::EntriesExpired { .. }
            | Self::MessagesMissing { .. }
            | Self::CommitNotShown
            | Self::MessageNotShown
            | Self::JoinNotShown => AlarmKind::Gap,
            Self::TooMuchUnreadable
            | Self::ViewMissing { .. }
            | Self::ViewDiffers { .. }
            | Self::HelperViewDiffers
            | Self::JoinsUnwitnessed { .. }
            | Self::TooFewVotes { .. }
            | Self::UndoingHidden { .. }
            | Self::FalseCommit { .. }
            | Self::FalseVote { .. }
            | Self::FalseWord { .. }
            | Self::PassedBy { .. }
            | Self::OwnRemovalUndone { .. }
            | Self::FalselyRemoved { .. }
            | Self::OtherLastCommit { .. }
            | Self::JoinMisplaced
            | Self::Reported { .. } => AlarmKind::Fork,
            Self::TimeBackwards { .. }
            | Self::LogShorter { .. }
            | Self::OwnMessageUnknown
            | Self::OwnCommitUnknown
            | Self::HandedOldState => AlarmKind::Rollback,
            Self::AccessDiffers { .. } | Self::JoinAccessDiffers => AlarmKind::Access,
            Self::Impostor(_) => AlarmKind::Impostor,
            Self::DeviceLinked { .. }
            | Self::OwnDeviceLinked { .. }
            | Self::KeyReplaced { .. }
            | Self::ReplacedKeyUsed { .. }
            | Self::KeyReplacedTwice { .. }
            | Self::MarksDropped { .. }
            | Self::MarksRestored { .. }
            | Self::SettingsRestored { .. } => AlarmKind::Device,
        }
    }
}
