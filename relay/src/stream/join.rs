//! From a stranger to a seat: the first frame of a stream.

use std::{sync::Arc, time::Instant};

use ed25519_dalek::{Signature, VerifyingKey};
use proto::{CHANNEL_BINDING_LEN, join_statement, relay::refused::Code};
use tokio::sync::watch;

use super::{
    farewell::Farewell,
    input::{Budget, Input},
};
use crate::{
    backend::{CreateError, View},
    clock::unix_ms,
    limit::Limit,
    limits::MAX_SMALL_JOIN,
    request::{Invalid, Join, Opening, Request},
    router::{Refusal, Seat},
    shared::{Handle, Peer},
    token::{Admission, NoRight, Right, TokenHash},
};

/// A stream that may go on.
pub(super) struct Admitted {
    pub seat: Seat,
    pub view: View,
    pub after: u64,
    pub superseded: watch::Receiver<bool>,
}

/// Reads and judges the Join.
pub(super) async fn join(peer: &Peer, input: &mut Input) -> Result<Admitted, Farewell> {
    let budget = Budget { above: MAX_SMALL_JOIN, share: &peer.share.opening, store: &peer.shared.opening };
    let (frame, _memory) = input.first(peer.shared.limits().join_time, &budget).await?;
    let join = match Request::try_from(frame) {
        Ok(Request::Join(join)) => join,
        Ok(_) => return Err(Farewell::of(Code::Malformed)),
        Err(Invalid { code: Code::TooLarge, .. }) => return Err(Refusal::over(Limit::MessageSize).into()),
        Err(invalid) => return Err(Farewell::of(invalid.code)),
    };
    let view = admit(peer, &join).await?;
    peer.joined.send_replace(true);

    let (superseded, newer) = watch::channel(false);
    let handle = Handle { superseded: Arc::new(superseded) };
    let (seat, older) = peer.shared.router().join(join.room, join.key, view.access.is_member(), handle);
    if let Some(older) = older {
        older.superseded.send_replace(true);
    }
    Ok(Admitted { seat, view, after: join.after, superseded: newer })
}

/// What the key finds in the room. No room, another's room and a bad signature get the same answer after
/// the same work.
async fn admit(peer: &Peer, join: &Join) -> Result<View, Refusal> {
    let genuine = is_genuine(join, &peer.binding);
    let view = look(peer, join).await?;
    let view = match (&join.opening, view) {
        (Some(_), Some(view)) if genuine && !view.access.is_member() => {
            return Err(Refusal::of(Code::Conflict));
        }
        (Some(opening), None) if genuine => {
            let created = create(peer, join, opening).await;
            let view = look(peer, join).await?;
            // The same Create may have been under way when the client asked again: then this one made nothing,
            // cost nothing, and the room is the client's all the same.
            if !view.is_some_and(|view| view.access.is_member()) {
                created?;
            }
            view
        }
        (_, view) => view,
    };
    view.filter(|view| genuine && view.access.may_join(unix_ms())).ok_or(Refusal::of(Code::NotAllowed))
}

async fn look(peer: &Peer, join: &Join) -> Result<Option<View>, Refusal> {
    // A disk that cannot be read now may be read soon.
    peer.shared.backend.view(join.room, join.key).await.map_err(|_| Refusal::of(Code::ShuttingDown))
}

async fn create(peer: &Peer, join: &Join, opening: &Opening) -> Result<(), Refusal> {
    let shared = &peer.shared;
    let right = right(peer, join)?;
    let allowed = shared.create_quota().take(peer.payer, Instant::now());
    allowed.map_err(|over| Refusal::over(Limit::Rooms).after(&over))?;
    let created = shared.backend.create(join.room, opening.clone(), right, unix_ms()).await;
    if created == Err(CreateError::NoRight(NoRight::Required)) {
        // A guesser does not use up the rooms of whoever shares its address.
        shared.create_quota().refund(&peer.payer);
    } else if right != Right::Anybody {
        shared.bad_tokens().refund(&peer.payer);
    }
    created.map_err(|error| match error {
        CreateError::Exists => Refusal::of(Code::Conflict),
        CreateError::NoRight(NoRight::Required) => Refusal::of(Code::TokenRequired),
        CreateError::NoRight(NoRight::Rooms) => Refusal::over(Limit::TokenRooms),
        CreateError::NoRight(NoRight::Uses) => Refusal::over(Limit::TokenUses),
        CreateError::TooLarge => Refusal::over(Limit::KeysPerRoom),
        CreateError::NoSpace(lack) => Refusal::over(lack.into()),
        CreateError::Closed | CreateError::BeingDropped => Refusal::of(Code::ShuttingDown),
    })
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

/// Strict verification: no small-order keys, no second encoding of a signature.
fn is_genuine(join: &Join, binding: &[u8; CHANNEL_BINDING_LEN]) -> bool {
    let signature = Signature::from_bytes(&join.signature);
    let statement = join_statement(&join.room, binding);
    VerifyingKey::from_bytes(&join.key.0).is_ok_and(|key| key.verify_strict(&statement, &signature).is_ok())
}
