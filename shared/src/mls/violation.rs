//! What a commit can do wrong.

/// A rule that a commit broke. The names say the wrong.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Violation {
    /// A proposal by reference: only what the committer itself signed counts.
    #[error("the commit takes up a proposal by reference")]
    ByReference,
    /// A proposal that this protocol does not use.
    #[error("the commit holds a proposal of a kind that is not used here")]
    ForbiddenProposal,
    /// An external commit that removes a member.
    #[error("a joiner tries to remove a member")]
    JoinerRemoves,
    /// A return that is not the same device with the same keys, or does more than come back.
    #[error("a device that comes back is not the one that it replaces")]
    NotItsReturn,
    /// The authority announced to the relay is not the one of the epoch that the commit begins.
    #[error("the commit tells the relay another authority than the group's")]
    FalseAuthority,
    /// The commit changes the relay's access keys in another way than the group.
    #[error("the commit changes who may use the relay in another way than the group")]
    FalseAccess,
    /// A leaf that the joining key of the invite it names has not signed for this room and epoch.
    #[error("a joiner does not prove an invite")]
    NoInvite,
    /// The invite is not live: unknown, revoked or expired.
    #[error("the invite is not live")]
    DeadInvite,
    /// The invite let in as many as it may.
    #[error("the invite is used up")]
    UsedUpInvite,
    /// The account has as many devices in the room as it may.
    #[error("the person has as many devices in the room as one may have")]
    NoSeat,
    /// Somebody else in a room of one person's devices, or by an invite that is for one person's devices.
    #[error("a room, or an invite, is for one person's devices, and another account came")]
    OtherAccount,
    /// An account whose key was replaced is used again, by another than its owner perhaps, or is replaced a second time.
    #[error("an account is used whose key was replaced")]
    ReplacedKey,
    /// The same account key with another recovery key.
    #[error("an account is in the room with another recovery key")]
    OtherRecovery,
    /// A leaf without a proper Leaf extension, or one whose access key is somebody else's.
    #[error("a leaf's access key or invite is missing or not its own")]
    Leaf,
    /// An update that changes what must stay.
    #[error("an update changes the committer's access key or invite")]
    LeafChanged,
    /// A credential that does not verify.
    #[error("a credential does not verify")]
    Credential,
    /// The room extension is missing or malformed.
    #[error("the room's state is malformed")]
    Room,
    /// Name, openness, version or sharing of the past changed.
    #[error("the commit changes what a room keeps for ever")]
    RoomChanged,
    /// A removal that leaves an invite behind: who was removed may know its link.
    #[error("a removal does not end the room's invites")]
    InvitesKept,
    /// An invite that its maker did not sign, that is not the committer's, or that shares a key with another.
    #[error("an invite is not of whoever adds it")]
    Invite,
    /// A removal, a revocation or a change of policy by somebody who may not.
    #[error("only a moderator may do that")]
    NotModerator,
    /// A room without a moderator, or with one who is not in it.
    #[error("the room's moderators are not members, or there is none left")]
    Moderators,
    /// What stands beside the commit is not readable.
    #[error("the commit's note is malformed")]
    Note,
    /// The GroupInfo is older than the link says or than what was already seen.
    #[error("the room's state is older than it was")]
    OldGroupInfo,
}
