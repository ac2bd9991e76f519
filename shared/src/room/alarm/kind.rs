//! Kinds of alarm.

/// Kinds of alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AlarmKind {
    /// An envelope came twice.
    Replay,
    /// Messages are missing.
    Gap,
    /// The relay shows different logs to different members.
    Fork,
    /// The relay, or this profile, went back in time.
    Rollback,
    /// The relay's certificate changed.
    Certificate,
    /// The relay's access keys are not what the group's commits say.
    Access,
    /// A name that is known as somebody's came with another key; the client's, not the engine's.
    Impostor,
    /// The devices or the key of an account are not what they were; the client's, not the engine's.
    Device,
}

impl AlarmKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Replay,
        Self::Gap,
        Self::Fork,
        Self::Rollback,
        Self::Certificate,
        Self::Access,
        Self::Impostor,
        Self::Device,
    ];

    /// The name that programs see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Gap => "gap",
            Self::Fork => "fork",
            Self::Rollback => "rollback",
            Self::Certificate => "certificate",
            Self::Access => "access",
            Self::Impostor => "changed_key",
            Self::Device => "device",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
