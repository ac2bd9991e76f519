//! The relay's limits: what people are told when one is in the way.

use proto::relay::{
    Refused,
    refused::{Code, Limit},
};

use super::{Engine, Millis};

/// The same limit is told again after this time, in milliseconds: a message a second may run into it.
const TELL_AGAIN_MS: u64 = 60_000;

/// Which limit was told last, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told(Option<(Limit, Millis)>);

impl Engine {
    /// Tells of the limit that a refusal names; of a relay that names none, the nearest by its code.
    pub(super) fn tell_limit(&mut self, refused: &Refused, now: Millis) {
        let limit = match (refused.limit(), refused.code()) {
            (Limit::Unspecified, Code::NoSpace) => Limit::Disk,
            (limit, _) => limit,
        };
        let is_new = self.link.told.0.is_none_or(|(told, at)| told != limit || now >= at + TELL_AGAIN_MS);
        if is_new {
            self.link.told = Told(Some((limit, now)));
            let (code, message, remedy) = sentence(limit);
            self.refuse(code, message, remedy);
        }
    }
}

/// Name for programs, cause and remedy. `rate_limited` and `no_space` go away by themselves or by somebody else's
/// hand, and nothing is lost meanwhile.
fn sentence(limit: Limit) -> (&'static str, &'static str, &'static str) {
    match limit {
        Limit::MemberRate => (
            "rate_limited",
            "You send more messages in a minute than the relay takes; what you said is kept here and sent bit by bit.",
            "Wait a little. Who runs the relay can raise --rate.",
        ),
        Limit::RoomRate => (
            "rate_limited",
            "This room sends more messages in a minute than the relay takes; yours is kept here and sent bit by bit.",
            "Wait a little, and ask the others to. Who runs the relay can raise --room-rate.",
        ),
        Limit::InviteRate => (
            "rate_limited",
            "More people join by this link in a minute than the relay takes; it is tried again by itself.",
            "Wait a little. Who runs the relay can raise --invite-rate.",
        ),
        Limit::Unspecified => (
            "rate_limited",
            "The relay takes no more for the moment; what you said is kept here and sent later.",
            "Wait a little. If it goes on, ask who runs the relay.",
        ),
        Limit::RoomsOpened => (
            "too_many_rooms",
            "Too many rooms were opened at this relay from your network; this one is tried again by itself.",
            "Wait up to an hour, or use a room that exists. Who runs the relay can raise --rooms-per-address.",
        ),
        Limit::BadTokens => (
            "rate_limited",
            "Too many tokens from your network were refused by the relay; it is tried again by itself.",
            "Check the token with whoever gave it to you.",
        ),
        Limit::TokenRooms => (
            "token_spent",
            "As many rooms exist by your token as it allows.",
            "Ask who runs the relay for another token, or use a room that exists.",
        ),
        Limit::TokenUses => (
            "token_spent",
            "Your token has opened as many rooms as it may.",
            "Ask who runs the relay for another token, or use a room that exists.",
        ),
        Limit::RoomsPerConnection => (
            "too_many_rooms",
            "You are in more rooms of this relay than it serves at once; this one waits until another is left.",
            "Leave a room that you need no more. Who runs the relay can raise --rooms-per-connection.",
        ),
        Limit::MessageSize => (
            "too_large",
            "It is larger than this relay takes, and was not sent.",
            "Say it in smaller parts. Who runs the relay can raise --max-message-kib.",
        ),
        Limit::AccessKeys => (
            "room_full",
            "The room is full: it has as many members and live invites as this relay allows.",
            "Somebody has to leave, or to be removed, first. Who runs the relay can raise --max-keys-per-room.",
        ),
        Limit::Disk => (
            "no_space",
            "The relay's disk is full; what you said is kept here and sent again.",
            "Tell who runs the relay.",
        ),
    }
}
