//! Sentences and names for people. What is made here is safe for a terminal, but for the bare sentences of `alarm`,
//! `problem` and `closed`, in which names stand as they came.

mod alarm;
mod asked;
mod called;
mod closed;
pub mod command;
pub mod devices;
mod file;
mod invites;
mod leaving;
mod linking;
mod notice;
mod people;
mod problem;
mod progress;
mod reason;
mod relay;
mod room;
pub mod settings;
mod store;
mod stranger;
mod text;

pub use alarm::{alarm, alarm_remedy, remedy};
pub use asked::{ACCEPTED, ASKED_TOPIC, asked_moderator, asked_policy, asked_revoke};
pub use called::{as_it_came, called, cited, reaction};
pub use closed::closed;
pub use file::{Speed, bytes, file, first_words, gauge, percent, place, transfer, transfer_row};
pub use invites::{GIVE_LINK, find_invite, invite, invite_id, invited, invites, link};
pub use leaving::{UNSENT, forget, forgets, forgotten, leaves, waiting};
pub use linking::{
    LINK_ASK, LINK_DIGITS, LINK_GIVE_UP, LINK_GIVEN_UP, LINK_WAITS, link_ended, link_short, link_told,
    linking, with_camera,
};
pub use notice::notice;
pub use people::{Among, find, heard, name, namesake, safety, who, who_was};
pub use problem::{problem, said};
pub use progress::Progress;
pub use reason::{address, fault, reason};
pub use relay::{chosen, connected, trust};
pub use room::{
    About, ON_ITS_WAY, OPEN_WARNING, changed, disappearing, happening, joined, policy, profile_changed,
    room_id, topic,
};
pub use store::over;
pub use stranger::stranger;
pub use text::{beginning, counted, duration, failure, when};

#[cfg(test)]
mod tests;
