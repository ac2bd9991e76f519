//! Which limit somebody ran into: for the operator a label, for the client a name on the wire.

#[cfg(feature = "program")]
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use proto::relay::refused::{Code, Limit as Wire};

/// A limit that somebody ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Open connections in all.
    Connections,
    /// Open connections of one address.
    ConnectionsPerAddress,
    /// Handshakes in a second: the address had to prove itself.
    HandshakeRate,
    /// Handshakes in progress, or connections of one address half way to their limit: the address had to prove
    /// itself.
    RetryAbove,
    /// Handshakes in progress: refused.
    Handshakes,
    /// Handshakes a minute of one address.
    HandshakesPerAddress,
    /// Time for a handshake or a Join.
    JoinTime,
    /// Joins a minute of one connection.
    Joins,
    /// Refused joins of one connection.
    RefusedJoins,
    /// Refused joins of one address: its connections wait.
    RefusedJoinsPerAddress,
    /// Rooms at once on one connection.
    RoomsPerConnection,
    /// Messages of one member.
    MemberRate,
    /// Messages of one room.
    RoomRate,
    /// Publishes and slot reads of one address through one invite key.
    InviteRate,
    /// Bytes that members of one address publish.
    AddressRate,
    /// Frames to others that one room, or one address, causes.
    Deliveries,
    /// Frames of one member that were refused.
    RefusedFrames,
    /// Ephemeral signals of one member.
    EphemeralRate,
    /// Rooms opened by one address.
    Rooms,
    /// Rooms at once by one token.
    TokenRooms,
    /// Rooms over the life of one token.
    TokenUses,
    /// Refused tokens of one address.
    BadTokens,
    /// Bytes of one message.
    MessageSize,
    /// Bytes of a new room's slot.
    FirstSlot,
    /// Access keys of one room.
    KeysPerRoom,
    /// Free space of the file system, or a disk that takes nothing any more.
    FreeSpace,
    /// The logs' share of the disk.
    Disk,
    /// The part of the disk that the rooms of one opener may take.
    OpenerShare,
    /// Bytes of one file.
    FileSize,
    /// Bytes of the files of one room.
    RoomFiles,
    /// How many files one room has.
    FilesPerRoom,
    /// The part of a room's files that one member may have.
    MemberFiles,
    /// Bytes of files a day in the rooms of one opener.
    OpenerFiles,
    /// All files' share of the disk.
    Files,
    /// Free space that is not for files.
    FilesReserve,
    /// Transfers at once on one connection.
    TransfersPerConnection,
    /// Transfers at once in one room.
    TransfersPerRoom,
    /// Transfers at once of one member in one room.
    TransfersPerMember,
    /// Files begun, fetched and dropped from one address.
    FileRequests,
    /// Bytes of files of one address: it waits.
    FileTraffic,
    /// Time for a large frame, or memory that others waited for.
    SlowFrame,
    /// Time without progress of one transfer.
    TransferStall,
    /// No limit: an entry that is damaged on the disk was asked for.
    Damaged,
}

impl Limit {
    /// All of them: each is a series from the start, so that a first hit is an increase.
    pub const ALL: [Self; 43] = [
        Self::Connections,
        Self::ConnectionsPerAddress,
        Self::HandshakeRate,
        Self::RetryAbove,
        Self::Handshakes,
        Self::HandshakesPerAddress,
        Self::JoinTime,
        Self::Joins,
        Self::RefusedJoins,
        Self::RefusedJoinsPerAddress,
        Self::RoomsPerConnection,
        Self::MemberRate,
        Self::RoomRate,
        Self::InviteRate,
        Self::AddressRate,
        Self::Deliveries,
        Self::RefusedFrames,
        Self::EphemeralRate,
        Self::Rooms,
        Self::TokenRooms,
        Self::TokenUses,
        Self::BadTokens,
        Self::MessageSize,
        Self::FirstSlot,
        Self::KeysPerRoom,
        Self::FreeSpace,
        Self::Disk,
        Self::OpenerShare,
        Self::FileSize,
        Self::RoomFiles,
        Self::FilesPerRoom,
        Self::MemberFiles,
        Self::OpenerFiles,
        Self::Files,
        Self::FilesReserve,
        Self::TransfersPerConnection,
        Self::TransfersPerRoom,
        Self::TransfersPerMember,
        Self::FileRequests,
        Self::FileTraffic,
        Self::SlowFrame,
        Self::TransferStall,
        Self::Damaged,
    ];

    /// Its label in the metrics: the name of the setting that moves it, with underscores.
    pub fn label(self) -> &'static str {
        match self {
            Self::Connections => "max_connections",
            Self::ConnectionsPerAddress => "max_connections_per_address",
            Self::HandshakeRate => "handshakes_per_second",
            Self::RetryAbove => "retry_above",
            Self::Handshakes => "max_handshakes",
            Self::HandshakesPerAddress => "handshakes_per_address",
            Self::JoinTime => "join_seconds",
            Self::Joins => "joins_per_connection",
            Self::RefusedJoins => "refused_joins",
            Self::RefusedJoinsPerAddress => "refused_joins_per_address",
            Self::RoomsPerConnection => "rooms_per_connection",
            Self::MemberRate => "rate",
            Self::RoomRate => "room_rate",
            Self::InviteRate => "invite_rate",
            Self::AddressRate => "address_mib",
            Self::Deliveries => "deliveries",
            Self::RefusedFrames => "refused_frames",
            Self::EphemeralRate => "ephemeral_rate",
            Self::Rooms => "rooms_per_address",
            Self::TokenRooms => "token_rooms",
            Self::TokenUses => "token_uses",
            Self::BadTokens => "bad_tokens",
            Self::MessageSize => "max_message_kib",
            Self::FirstSlot => "first_slot",
            Self::KeysPerRoom => "max_keys_per_room",
            Self::FreeSpace => "reserve_mib",
            Self::Disk => "max_disk_mib",
            Self::OpenerShare => "opener_percent",
            Self::FileSize => "max_file_mib",
            Self::RoomFiles => "room_files_mib",
            Self::FilesPerRoom => "files_per_room",
            Self::MemberFiles => "member_files",
            Self::OpenerFiles => "opener_files_mib",
            Self::Files => "max_files_mib",
            Self::FilesReserve => "files_reserve",
            Self::TransfersPerConnection => "transfers_per_connection",
            Self::TransfersPerRoom => "transfers_per_room",
            Self::TransfersPerMember => "transfers_per_member",
            Self::FileRequests => "files_per_address",
            Self::FileTraffic => "file_traffic_mib",
            Self::SlowFrame => "slow_frame",
            Self::TransferStall => "transfer_stall",
            Self::Damaged => "damaged",
        }
    }

    /// The code that a client gets with it.
    pub fn code(self) -> Code {
        match self {
            Self::MessageSize | Self::FirstSlot | Self::KeysPerRoom | Self::FileSize => Code::TooLarge,
            Self::FreeSpace
            | Self::Disk
            | Self::OpenerShare
            | Self::RoomFiles
            | Self::FilesPerRoom
            | Self::MemberFiles
            | Self::Files
            | Self::FilesReserve
            | Self::Damaged => Code::NoSpace,
            Self::TokenRooms | Self::TokenUses => Code::TokenSpent,
            _ => Code::RateLimited,
        }
    }

    /// Its name in a `Refused`. Limits that close or refuse a connection have none: there is no frame.
    pub fn wire(self) -> Wire {
        match self {
            // Both are rates of whoever sends; a client waits as it is told.
            Self::MemberRate | Self::AddressRate => Wire::MemberRate,
            // What helps is the same: that less is said in the room.
            Self::RoomRate | Self::Deliveries => Wire::RoomRate,
            Self::InviteRate => Wire::InviteRate,
            Self::Rooms => Wire::RoomsOpened,
            Self::TokenRooms => Wire::TokenRooms,
            Self::TokenUses => Wire::TokenUses,
            Self::BadTokens => Wire::BadTokens,
            Self::RoomsPerConnection => Wire::RoomsPerConnection,
            Self::MessageSize | Self::FirstSlot => Wire::MessageSize,
            Self::KeysPerRoom => Wire::AccessKeys,
            // Files keep off twice the reserve: what helps is space.
            Self::FreeSpace | Self::Disk | Self::FilesReserve => Wire::Disk,
            Self::OpenerShare => Wire::OpenerShare,
            Self::Damaged => Wire::Damaged,
            Self::FileSize => Wire::FileSize,
            Self::RoomFiles | Self::FilesPerRoom => Wire::RoomFiles,
            Self::MemberFiles => Wire::MemberFiles,
            Self::OpenerFiles => Wire::OpenerFiles,
            Self::Files => Wire::FilesDisk,
            Self::TransfersPerConnection | Self::TransfersPerRoom | Self::TransfersPerMember => {
                Wire::Transfers
            }
            Self::FileRequests | Self::FileTraffic => Wire::FileRate,
            Self::Connections
            | Self::ConnectionsPerAddress
            | Self::HandshakeRate
            | Self::RetryAbove
            | Self::Handshakes
            | Self::HandshakesPerAddress
            | Self::JoinTime
            | Self::Joins
            | Self::RefusedJoins
            | Self::RefusedJoinsPerAddress
            | Self::RefusedFrames
            | Self::SlowFrame
            | Self::TransferStall
            | Self::EphemeralRate => Wire::Unspecified,
        }
    }
}

#[cfg(feature = "program")]
impl EncodeLabelValue for Limit {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.label(), encoder)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Not settings: see `limits::REFUSED_JOINS`; those of tokens are each token's own; damage is nobody's wish.
    const FIXED: &[&str] = &[
        "refused_joins",
        "refused_joins_per_address",
        "refused_frames",
        "token_rooms",
        "token_uses",
        "first_slot",
        "member_files",
        "files_reserve",
        "slow_frame",
        "transfer_stall",
        "damaged",
    ];

    #[test]
    fn label_without_a_setting_would_name_nothing_to_change() {
        let command = crate::cli::Cli::command();
        let settings: Vec<_> = command.get_arguments().map(|argument| argument.get_id().as_str()).collect();
        for limit in Limit::ALL {
            assert!(settings.contains(&limit.label()) || FIXED.contains(&limit.label()), "{limit:?}");
        }
    }

    #[test]
    fn two_limits_never_share_a_label() {
        let mut labels: Vec<_> = Limit::ALL.map(Limit::label).into();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Limit::ALL.len());
    }
}
