//! What somebody is told who changes a room where nothing else tells of it. The room may still refuse, and says so then.

use super::{counted, invite_id};

/// After `/accept`.
pub const ACCEPTED: &str = "You agreed: if this room stood still because its relay was restored, it goes on with what the relay has \
     now; if it was led past the end of the log, it reads on from where it was.";

/// After `/policy` with something to change.
pub fn asked_policy(moderators_invite: Option<bool>, seats: Option<u32>) -> String {
    let who = moderators_invite.map(|only| match only {
        true => "only moderators invite".to_owned(),
        false => "everybody invites".to_owned(),
    });
    let seats = seats.map(|seats| format!("{} for each person", counted(seats, "device")));
    let wishes: Vec<String> = who.into_iter().chain(seats).collect();
    format!("Asked the room: {}. /policy shows what holds.", wishes.join(", "))
}

/// After `/moderator`; the name is safe for a terminal.
pub fn asked_moderator(name: &str, is_moderator: bool) -> String {
    let what = if is_moderator { "becomes a moderator" } else { "is no moderator any more" };
    format!("Asked the room: {name} {what}. /policy shows who is one.")
}

/// After `/revoke`.
pub fn asked_revoke(id: &[u8; 16]) -> String {
    format!("Asked the room: the invite {} ends. /invites shows the live ones.", invite_id(id))
}

/// After `/topic` with something to change.
pub const ASKED_TOPIC: &str = "Asked the room to take that for its topic.";
