//! Tokens in the database. All of this runs in the writer's transactions, one after the other: what is checked
//! is still so when the room is written, however many ask at once.

use std::collections::{BTreeSet, HashMap};

use proto::RoomId;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, StorageError};

use super::{
    flaw::{CheckError, Flaw},
    tables::{Snapshot, Tables},
};
use crate::{
    log::{ExportError, Record, Revoked, Stop, TokenChange, TokenError},
    policy::{
        limits::MAX_TOKENS,
        token::{Allowance, NoRight, Right, TokenHash, TokenId, TokenRecord},
    },
};

/// The token that is to pay for a room; `None` when none has to.
///
/// # Errors
/// Inside: [`NoRight::Required`]. Whether it may pay is [`TokenRecord::may_open`]'s affair.
pub(super) fn payer(
    tables: &Tables<'_>,
    right: &Right,
    now_ms: u64,
) -> Result<Result<Option<TokenRecord>, NoRight>, StorageError> {
    let Right::Token(shown) = right else { return Ok(Ok(None)) };
    let Some(hash) = shown else { return Ok(Err(NoRight::Required)) };
    let row = tables.more()?.tokens.get(&hash.0)?;
    let known = row.map(|row| from_row(*hash, row.value())).filter(|token| !token.is_expired(now_ms));
    Ok(known.map(Some).ok_or(NoRight::Required))
}

/// Counts a room that was opened with a token.
pub(super) fn pay(
    tables: &mut Tables<'_>,
    room: &RoomId,
    mut token: TokenRecord,
) -> Result<(), StorageError> {
    token.rooms = token.rooms.saturating_add(1);
    token.uses = token.uses.saturating_add(1);
    tables.more_mut()?.tokens.insert(&token.hash.0, to_row(&token))?;
    tables.more_mut()?.opened_by.insert(&room.0, &token.hash.0)?;
    Ok(())
}

/// A room is gone: its token, if it has one, may open another in its place.
pub(super) fn free(tables: &mut Tables<'_>, room: &RoomId) -> Result<(), StorageError> {
    let Some(hash) = tables.more_mut()?.opened_by.remove(&room.0)?.map(|hash| TokenHash(*hash.value()))
    else {
        return Ok(());
    };
    let token = tables.more()?.tokens.get(&hash.0)?.map(|row| from_row(hash, row.value()));
    if let Some(token) = token {
        let token = TokenRecord { rooms: token.rooms.saturating_sub(1), ..token };
        tables.more_mut()?.tokens.insert(&hash.0, to_row(&token))?;
    }
    Ok(())
}

/// What an operator asks for.
pub(super) fn change(
    tables: &mut Tables<'_>,
    change: &TokenChange,
) -> Result<Result<Option<Revoked>, TokenError>, StorageError> {
    match change {
        TokenChange::Add(token) => {
            if tables.more()?.tokens.len()? >= MAX_TOKENS {
                return Ok(Err(TokenError::TooMany));
            }
            tables.more_mut()?.tokens.insert(&token.hash.0, to_row(token))?;
            Ok(Ok(None))
        }
        TokenChange::Revoke(id) => revoke(tables, id),
    }
}

/// Forgets a token, and which rooms were opened with it.
fn revoke(
    tables: &mut Tables<'_>,
    id: &TokenId,
) -> Result<Result<Option<Revoked>, TokenError>, StorageError> {
    let mut found = Vec::new();
    for row in tables.more()?.tokens.iter()? {
        let (hash, row) = row?;
        let hash = TokenHash(*hash.value());
        if id.fits(&hash) {
            found.push(from_row(hash, row.value()));
        }
    }
    let token = match <[TokenRecord; 1]>::try_from(found) {
        Ok([token]) => token,
        Err(found) if found.is_empty() => return Ok(Err(TokenError::Unknown)),
        Err(_) => return Ok(Err(TokenError::Ambiguous)),
    };
    let mut rooms = Vec::new();
    for row in tables.more_mut()?.opened_by.extract_if(|_, hash| *hash == token.hash.0)? {
        rooms.push(RoomId(*row?.0.value()));
    }
    tables.more_mut()?.tokens.remove(&token.hash.0)?;
    Ok(Ok(Some(Revoked { token, rooms })))
}

/// All tokens, in the order in which they were made.
pub(super) fn list(transaction: &ReadTransaction) -> Result<Vec<TokenRecord>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    let rows = snapshot.tokens.iter()?.map(|row| {
        let (hash, row) = row?;
        Ok(from_row(TokenHash(*hash.value()), row.value()))
    });
    let mut tokens = rows.collect::<Result<Vec<_>, redb::Error>>()?;
    tokens.sort_by_key(|token| (token.created_ms, token.hash));
    Ok(tokens)
}

/// Hands over every token, in the order of their hashes: for a backup. Rooms that are left out of it are not counted.
pub(super) fn export(
    all: &Snapshot,
    left_out: &BTreeSet<RoomId>,
    take: &mut dyn FnMut(Record) -> Result<(), Stop>,
) -> Result<(), ExportError> {
    let broken = |error: StorageError| ExportError::from(redb::Error::from(error));
    let mut missing = HashMap::<[u8; 32], u32>::new();
    for room in left_out {
        if let Some(hash) = all.opened_by.get(&room.0).map_err(broken)? {
            *missing.entry(*hash.value()).or_default() += 1;
        }
    }
    for row in all.tokens.iter().map_err(broken)? {
        let (hash, row) = row.map_err(broken)?;
        let missing = missing.get(hash.value()).copied().unwrap_or(0);
        let (created_ms, expires_ms, most_rooms, most_uses, rooms, uses, label) = row.value();
        let label = label.to_owned();
        let numbers = [most_rooms, most_uses, rooms.saturating_sub(missing), uses];
        take(Record::Token { hash: *hash.value(), times: [created_ms, expires_ms], numbers, label })?;
    }
    Ok(())
}

/// Whether each token counts the rooms that name it, and each of those is there.
pub(super) fn check(all: &Snapshot) -> Result<(), CheckError> {
    let mut counted = HashMap::<[u8; 32], u32>::new();
    for row in all.opened_by.iter()? {
        let (room, hash) = row?;
        if all.rooms.get(room.value())?.is_none() {
            return Err(Flaw::Orphan.into());
        }
        *counted.entry(*hash.value()).or_default() += 1;
    }
    for row in all.tokens.iter()? {
        let (hash, row) = row?;
        let token = from_row(TokenHash(*hash.value()), row.value());
        if counted.remove(hash.value()).unwrap_or(0) != token.rooms {
            return Err(Flaw::Numbers.into());
        }
    }
    if counted.is_empty() { Ok(()) } else { Err(Flaw::Orphan.into()) }
}

fn to_row(token: &TokenRecord) -> (u64, u64, u32, u32, u32, u32, &str) {
    let Allowance { rooms, uses, expires_ms } = token.allowance;
    (token.created_ms, expires_ms, rooms, uses, token.rooms, token.uses, &token.label)
}

fn from_row(
    hash: TokenHash,
    (created_ms, expires_ms, most_rooms, most_uses, rooms, uses, label): (u64, u64, u32, u32, u32, u32, &str),
) -> TokenRecord {
    let allowance = Allowance { rooms: most_rooms, uses: most_uses, expires_ms };
    TokenRecord { hash, label: label.to_owned(), created_ms, allowance, rooms, uses }
}
