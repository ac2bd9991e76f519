//! Tokens for the operator: `relay token create`, `list` and `revoke`, over the socket or on a database that no
//! relay has open.
//!
//! The command makes the token and sends its hash: the token itself never passes the relay on this way.

use serde::{Deserialize, Serialize};

use super::{Admin, Answer, Fault, Reply, Request};
use crate::{
    log::{Backend, Hold, Revoked, TokenChange, TokenError, Tokens},
    policy::{
        reason::{Notice, Reason},
        token::{Admission, Allowance, MAX_LABEL, TokenHash, TokenId, TokenRecord},
    },
};

/// A token to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// SHA-256 of it.
    pub hash: [u8; 32],
    /// What the operator calls it.
    pub label: String,
    /// Rooms at once, 0 for no limit.
    pub rooms: u32,
    /// Rooms over its life, 0 for no limit.
    pub uses: u32,
    /// Unix milliseconds, 0 for never.
    pub expires_ms: u64,
}

/// What the command has to know to make a link of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// The relay's links without a token; none when its address is not known.
    pub links: Vec<String>,
    /// The relay is open: it will not ask for the token.
    pub open: bool,
}

/// A token in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenLine {
    /// The beginning of its hash.
    pub id: String,
    /// What the operator calls it.
    pub label: String,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// Unix milliseconds, 0 for never.
    pub expires_ms: u64,
    /// It opens nothing any more for that reason.
    pub expired: bool,
    /// Rooms opened with it that exist.
    pub rooms: u32,
    /// As many may at once, 0 for no limit.
    pub max_rooms: u32,
    /// Rooms ever opened with it.
    pub uses: u32,
    /// As many may be, 0 for no limit.
    pub max_uses: u32,
}

/// All tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenList {
    /// Version of this answer.
    pub v: u32,
    /// The oldest first.
    pub tokens: Vec<TokenLine>,
}

/// A token to be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The beginning of its id.
    pub id: String,
    /// Drop the rooms that were opened with it.
    pub drop_rooms: bool,
}

/// What a revocation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedLine {
    /// Version of this answer.
    pub v: u32,
    /// The token's id.
    pub id: String,
    /// What the operator called it.
    pub label: String,
    /// Rooms of it that stay.
    pub stay: u64,
    /// Rooms of it that were dropped.
    pub dropped: u64,
}

/// `/v1/tokens` and below.
pub(super) async fn answer(admin: &Admin, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) => Reply::json(&list(&*admin.backend, admin.shared.clock.now_ms()).await?),
        ("POST", []) => {
            add(&*admin.backend, request.json()?, admin.shared.clock.now_ms()).await?;
            admin.did("token-create");
            let open = admin.shared.limits().admission == Admission::Open;
            Reply::json(&Added { links: admin.links.clone(), open })
        }
        ("POST", ["revoke"]) => {
            let now_ms = admin.shared.clock.now_ms();
            let revoked = revoke(&*admin.backend, &request.json()?, now_ms).await?;
            admin.did("token-revoke");
            Reply::json(&revoked)
        }
        _ => Err(Fault::not_found("tokens are listed, made and revoked, nothing else")),
    }
}

/// Keeps a token.
///
/// # Errors
/// [`Fault`] with cause and remedy.
pub async fn add(backend: &dyn Tokens, token: NewToken, now_ms: u64) -> Result<(), Fault> {
    let NewToken { hash, label, rooms, uses, expires_ms } = token;
    if label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
        let message = format!("a label is one line of at most {MAX_LABEL} characters; choose another");
        return Err(Fault::new(hyper::StatusCode::BAD_REQUEST, message));
    }
    let allowance = Allowance { rooms, uses, expires_ms };
    let hash = TokenHash(hash);
    let record = TokenRecord { hash, label, created_ms: now_ms, allowance, rooms: 0, uses: 0 };
    backend.change_tokens(TokenChange::Add(record)).await?;
    Ok(())
}

/// All tokens.
///
/// # Errors
/// [`Fault`] with cause and remedy.
pub async fn list(backend: &dyn Tokens, now_ms: u64) -> Result<TokenList, Fault> {
    let tokens = backend.tokens().await?.into_iter().map(|token| TokenLine {
        id: token.hash.id(),
        created_ms: token.created_ms,
        expires_ms: token.allowance.expires_ms,
        expired: token.is_expired(now_ms),
        rooms: token.rooms,
        max_rooms: token.allowance.rooms,
        uses: token.uses,
        max_uses: token.allowance.uses,
        label: token.label,
    });
    Ok(TokenList { v: 1, tokens: tokens.collect() })
}

/// Revokes a token.
///
/// # Errors
/// [`Fault`] with cause and remedy.
pub async fn revoke(
    backend: &dyn Backend,
    revocation: &Revocation,
    now_ms: u64,
) -> Result<RevokedLine, Fault> {
    let bad =
        |error: crate::policy::token::BadId| Fault::new(hyper::StatusCode::BAD_REQUEST, error.to_string());
    let id: TokenId = revocation.id.parse().map_err(bad)?;
    let revoked = backend.change_tokens(TokenChange::Revoke(id)).await?;
    let Some(Revoked { token, rooms }) = revoked else { return Err(TokenError::Unknown.into()) };
    let mut dropped = 0;
    if revocation.drop_rooms {
        for room in &rooms {
            // A room that was dropped meanwhile is as good.
            let hold = Hold::Drop(Notice::new(now_ms, Reason::default()));
            dropped += u64::from(backend.hold_room(*room, hold).await?);
        }
    }
    let stay = if revocation.drop_rooms { 0 } else { rooms.len() as u64 };
    Ok(RevokedLine { v: 1, id: token.hash.id(), label: token.label, stay, dropped })
}

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        let status = match error {
            TokenError::Unknown => hyper::StatusCode::NOT_FOUND,
            TokenError::Ambiguous | TokenError::TooMany => hyper::StatusCode::CONFLICT,
            TokenError::Unavailable => hyper::StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
