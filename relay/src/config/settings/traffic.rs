//! What clients may do.

use clap::{Args, value_parser};
use proto::MAX_ENVELOPE;

use crate::policy::limits::{Limits, MIN_ADDRESS_MIB, Rate};

/// What clients may do, and how much of it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What clients may do")]
pub struct Traffic {
    /// Messages a minute of each member.
    ///
    /// As many at once after a pause. Over it a message is refused and its sender waits; the others do not. Changes of
    /// the group count as messages.
    #[arg(long, env = "RELAY_RATE", value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// Messages a minute of each room [default: ten times --rate].
    ///
    /// All members together. Every member reads what every other says, so a flood costs as often as there are
    /// members.
    #[arg(long, hide_short_help = true, env = "RELAY_ROOM_RATE", value_name = "N", value_parser = value_parser!(u32).range(1..=10_000_000))]
    pub room_rate: Option<u32>,
    /// Mebibytes a minute that members of one address (IPv6: one /64) may publish, in all rooms together.
    ///
    /// As many at once after a pause. --rate counts the messages of one member in one room, and one machine may be many
    /// members of many rooms: this is what it can write to the disk. A message counts as 4 KiB at least, so 64 are
    /// 16,384 messages as well: more than what an office with 128 devices says at full speed. Over it they wait.
    #[arg(long, hide_short_help = true, env = "RELAY_ADDRESS_MIB", value_name = "MIB", default_value_t = 64, value_parser = value_parser!(u32).range(MIN_ADDRESS_MIB..=1 << 20))]
    pub address_mib: u32,
    /// Frames a minute that one room, and one address in all its rooms, may cause to others: one for each message and
    /// member online.
    ///
    /// A fifth of it may come at once. Each message goes to everybody who is online, so a large room in which all talk costs
    /// the square of its members: 1,000,000 are 1,000 messages to 1,000 members. Over it messages are refused and their
    /// senders wait. Signals such as typing have a quarter of it for themselves, and are dropped above.
    #[arg(long, hide_short_help = true, env = "RELAY_DELIVERIES", value_name = "N", default_value_t = 1_000_000, value_parser = value_parser!(u32).range(1000..=1_000_000_000))]
    pub deliveries: u32,
    /// Attempts to join a minute through one invite link.
    ///
    /// A join is two of them, and two more each time that somebody else was faster; a link shown to a crowd is used by
    /// many at once. Half of it may come at once.
    #[arg(long, hide_short_help = true, env = "RELAY_INVITE_RATE", value_name = "N", default_value_t = 120, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub invite_rate: u32,
    /// Signals a minute of each member that are not kept, as typing is.
    ///
    /// Over it they are dropped without an answer. A fifteenth of it may come at once.
    #[arg(long, hide_short_help = true, env = "RELAY_EPHEMERAL_RATE", value_name = "N", default_value_t = 600, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub ephemeral_rate: u32,
    /// Rooms an hour that one address may open.
    ///
    /// A room stays on the disk. One with more than 32 first keys counts as several. Over it no room is opened; joining is not
    /// touched.
    #[arg(long, hide_short_help = true, env = "RELAY_ROOMS_PER_ADDRESS", value_name = "N", default_value_t = 200, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub rooms_per_address: u32,
    /// Members and live invites of one room.
    ///
    /// Access keys. Over it nobody more can be let in before somebody leaves or an invite is revoked.
    #[arg(long, hide_short_help = true, env = "RELAY_MAX_KEYS_PER_ROOM", value_name = "N", default_value_t = 8192, value_parser = value_parser!(u64).range(2..=1 << 20))]
    pub max_keys_per_room: u64,
    /// Kibibytes of one message.
    ///
    /// The protocol's own cap is 4096. Changes of the group are not messages: they grow with it, and only that
    /// cap holds for them.
    #[arg(long, hide_short_help = true, env = "RELAY_MAX_MESSAGE_KIB", value_name = "KIB", default_value_t = 4096, value_parser = value_parser!(u32).range(1..=(MAX_ENVELOPE >> 10) as i64))]
    pub max_message_kib: u32,
}

impl Traffic {
    pub(super) fn apply(&self, limits: &mut Limits) {
        limits.publish = Rate::per_minute(self.rate, self.rate);
        let room_rate = self.room_rate.unwrap_or(self.rate.saturating_mul(10));
        limits.room_publish = Rate::per_minute(room_rate, room_rate);
        limits.invite = Rate::per_minute(self.invite_rate, self.invite_rate.div_ceil(2));
        let kib = self.address_mib << 10;
        limits.address_publish = Rate::per_minute(kib, kib);
        limits.deliveries = Rate::per_minute(self.deliveries, self.deliveries.div_ceil(5));
        limits.ephemeral = Rate::per_minute(self.ephemeral_rate, self.ephemeral_rate.div_ceil(15));
        limits.create = Rate::per_hour(self.rooms_per_address);
        limits.keys_per_room = self.max_keys_per_room;
        limits.max_message = (self.max_message_kib as usize) << 10;
    }
}
