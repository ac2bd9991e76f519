//! From a stranger to a session: the first frame of a stream.

use std::{sync::Arc, time::Instant};

use proto::{
    CHANNEL_BINDING_LEN, RoomId,
    access::{Ed25519, Standing, Verify},
    join_statement,
    relay::refused::Code,
};
use tokio::sync::watch;

use super::{
    end::StreamEnd,
    input::{Budget, Input, InputError},
};
use crate::{
    log::{Author, CreateError, Memory, Opening, Unavailable, View},
    policy::{
        limits::{KEYS_PER_OPENING, MAX_SMALL_JOIN, OPENING_STEP_KIB},
        refusal::Limit,
        token::{Admission, NoRight, Right, TokenHash},
    },
    session::{
        peer::Peer,
        request::{Invalid, Join, Request},
        router::{Refusal, Session},
        shared::Handle,
    },
};

/// What stands in a statement for a room that the client does not know.
const NO_ROOM: RoomId = RoomId([0; 32]);

/// A stream that may go on.
pub(super) struct Admitted {
    pub session: Session,
    pub view: View,
    pub after: u64,
    /// The client knew no more than an invite.
    pub is_room_unknown: bool,
    /// It asked for the state of access.
    pub wants_access: bool,
    pub superseded: watch::Receiver<bool>,
}

/// Reads a stream's first frame; with the memory that it holds.
pub(super) async fn first(peer: &Peer, input: &mut Input) -> Result<(Request, Memory), StreamEnd> {
    let soon = peer.shared.limits().join_time;
    let budget = Budget {
        above: MAX_SMALL_JOIN,
        step_kib: OPENING_STEP_KIB,
        pool: &peer.shared.opening,
        address: peer.payer,
        // Longer, and its connection would be closed before it heard when to come again.
        patience: soon,
    };
    let first = input.first(soon, &budget).await;
    let (frame, memory) = first.map_err(|error| match error {
        InputError::TooLarge => Refusal::over(Limit::FirstSlot).into(),
        error => StreamEnd::from(error),
    })?;
    match Request::try_from(frame) {
        Ok(request) => Ok((request, memory)),
        Err(Invalid { code: Code::TooLarge, .. }) => Err(Refusal::over(Limit::FirstSlot).into()),
        Err(invalid) => Err(StreamEnd::of(invalid.code)),
    }
}

/// Judges a Join.
pub(super) async fn join(peer: &Peer, join: Join) -> Result<Admitted, StreamEnd> {
    let (room, view) = admit(peer, &join).await?;
    peer.has_joined();

    let (superseded, newer) = watch::channel(false);
    let handle = Handle { superseded: Arc::new(superseded) };
    // A suspended key has a session like a member's: a member's limits, and one stream at a time.
    let is_member = view.standing != Some(Standing::Invite);
    if is_member && view.founder.is_some_and(|founder| founder != join.key) {
        peer.shared.log.note_company(room);
    }
    let (session, older) = peer.shared.router().join(peer.payer, room, join.key, is_member, handle);
    if let Some(older) = older {
        older.superseded.send_replace(true);
    }
    let is_room_unknown = join.room.is_none();
    let (after, wants_access) = (join.after, join.wants_access);
    Ok(Admitted { session, view, after, is_room_unknown, wants_access, superseded: newer })
}

/// What the key finds in the room. No room, another's room and a bad signature get the same answer after
/// the same work.
async fn admit(peer: &Peer, join: &Join) -> Result<(RoomId, View), Refusal> {
    let genuine = is_genuine(join, &peer.binding);
    let room = match join.room {
        Some(room) => room,
        // Nobody's, if it is nobody's.
        None => peer.shared.log.room_of(join.key).await.map_err(later)?.unwrap_or(NO_ROOM),
    };
    let view = look(peer, room, join).await?;
    let view = match (&join.opening, view) {
        (Some(_), Some(view)) if genuine && !view.is_member() => {
            return Err(Refusal::of(Code::Conflict));
        }
        (Some(opening), None) if genuine => {
            let created = create(peer, room, join, opening).await;
            if created.is_ok() {
                peer.has_opened();
            }
            let view = look(peer, room, join).await?;
            // The same Create may have been under way when the client asked again: then this one made nothing,
            // cost nothing, and the room is the client's all the same.
            if !view.as_ref().is_some_and(View::is_member) {
                created?;
            }
            view
        }
        (_, view) => view,
    };
    let allowed = |view: &View| match view.standing {
        Some(Standing::Invite) => genuine,
        Some(_) => genuine && join.room.is_some(),
        None => false,
    };
    if let Some(view) = view.filter(allowed) {
        return match (&view.standing, &view.frozen) {
            // It lets nobody in.
            (Some(Standing::Invite), Some(notice)) => {
                Err(Refusal::by_operator(Code::Frozen, notice.reason.clone()))
            }
            _ => Ok((room, view)),
        };
    }
    match peer.shared.log.dropped(room).await.map_err(later)? {
        // There are no keys any more that could tell a member from others: whoever knows the id may know.
        Some(reason) if genuine => Err(Refusal::by_operator(Code::Dropped, reason)),
        _ => Err(Refusal::of(Code::NotAllowed)),
    }
}

/// A disk that cannot be read now may be read soon.
fn later(_: Unavailable) -> Refusal {
    Refusal::of(Code::ShuttingDown)
}

async fn look(peer: &Peer, room: RoomId, join: &Join) -> Result<Option<View>, Refusal> {
    let reader = Author { room, key: join.key, now_ms: peer.shared.clock.now_ms() };
    peer.shared.log.view(reader).await.map_err(later)
}

async fn create(peer: &Peer, room: RoomId, join: &Join, opening: &Opening) -> Result<(), Refusal> {
    let shared = &peer.shared;
    let right = right(peer, join)?;
    let price = price(opening.keys.len());
    let allowed = shared.create_quota().take_many(peer.payer, price, Instant::now());
    allowed.map_err(|over| Refusal::over(Limit::Rooms).after(&over))?;
    let opening = Opening { address: Some(peer.payer), ..opening.clone() };
    let created = shared.log.create(room, opening, right, shared.clock.now_ms()).await;
    if created == Err(CreateError::NoRight(NoRight::Required)) {
        // A guesser does not use up the rooms of whoever shares its address.
        shared.create_quota().refund_many(&peer.payer, price);
    } else if right != Right::Anybody {
        shared.bad_tokens().refund(&peer.payer);
    }
    created.map_err(|error| match error {
        CreateError::Exists => Refusal::of(Code::Conflict),
        CreateError::NoRight(NoRight::Required) => Refusal::of(Code::TokenRequired),
        CreateError::NoRight(NoRight::Rooms) => Refusal::over(Limit::TokenRooms),
        CreateError::NoRight(NoRight::Uses) => Refusal::over(Limit::TokenUses),
        CreateError::TooLarge => Refusal::over(Limit::KeysPerRoom),
        CreateError::NoSpace(missing) => Refusal::over(missing.into()),
        CreateError::Dropped(reason) => Refusal::by_operator(Code::Dropped, reason),
        CreateError::Frozen(reason) => Refusal::by_operator(Code::Frozen, reason),
        CreateError::Closed | CreateError::BeingDropped => Refusal::of(Code::ShuttingDown),
    })
}

/// As how many rooms one with so many first keys counts: each key is a row that is written, and nobody has proved anything yet.
fn price(keys: usize) -> u32 {
    u32::try_from(keys.div_ceil(KEYS_PER_OPENING)).unwrap_or(u32::MAX).max(1)
}

/// By what right the room is to be opened. Each try is paid for as if the token were bad: many at once learn
/// no more than one after the other.
fn right(peer: &Peer, join: &Join) -> Result<Right, Refusal> {
    let shared = &peer.shared;
    if shared.limits().admission == Admission::Open {
        return Ok(Right::Anybody);
    }
    let allowed = shared.bad_tokens().take(peer.payer, Instant::now());
    allowed.map_err(|over| Refusal::over(Limit::BadTokens).after(&over))?;
    Ok(Right::Token(join.token.as_ref().map(TokenHash::of)))
}

/// Ed25519 verification: no small-order keys, no second encoding of a signature.
fn is_genuine(join: &Join, binding: &[u8; CHANNEL_BINDING_LEN]) -> bool {
    let statement = join_statement(&join.room.unwrap_or(NO_ROOM), binding);
    Ed25519.verify(&join.key, &statement, &join.signature)
}
