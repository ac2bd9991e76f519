//! Rows as bytes: fixed layouts, numbers big-endian.

use bytes::{Buf, BufMut, Bytes, TryGetError};

use super::{CommitName, Fate, Grant, Head, KeyRow, MAX_CARD, Step, Tip};
use crate::PublicKey;

/// Bytes that are no row of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of access does not parse")]
pub struct Corrupted;

const MEMBER: u8 = 1;
const INVITE: u8 = 2;

const OFFERED: u8 = 1;
const CONFIRMED: u8 = 2;
const DROPPED: u8 = 3;
const UNDONE: u8 = 4;

impl Head {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        put_tip(&mut out, self.confirmed);
        for number in [self.members, self.keys, self.rows, self.steps] {
            out.put_u64(number);
        }
        for step in [&self.offer, &self.joins] {
            out.put_u8(u8::from(step.is_some()));
            if let Some(step) = step {
                put_step(&mut out, step);
            }
        }
        out
    }

    /// Out of bytes.
    ///
    /// # Errors
    /// [`Corrupted`] for any that [`Head::to_bytes`] does not make.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, Corrupted> {
        let from = &mut bytes;
        let (confirmed, members, keys) = (tip(from)?, from.try_get_u64()?, from.try_get_u64()?);
        let (rows, steps) = (from.try_get_u64()?, from.try_get_u64()?);
        let head = Self { confirmed, offer: maybe(from)?, joins: maybe(from)?, members, keys, rows, steps };
        ended(from, head)
    }
}

impl Step {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        put_step(&mut out, self);
        out
    }

    /// Out of bytes.
    ///
    /// # Errors
    /// [`Corrupted`] for any that [`Step::to_bytes`] does not make.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, Corrupted> {
        let step = step(&mut bytes)?;
        ended(bytes, step)
    }
}

impl KeyRow {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(40);
        out.put_u8(if self.grant.is_member() { MEMBER } else { INVITE });
        out.put_u64(self.added);
        out.put_u64(self.removed);
        out.put_u8(u8::from(self.suspended));
        if let Grant::Invite { expires_ms, max_uses, card } = &self.grant {
            out.put_u64(*expires_ms);
            out.put_u32(*max_uses);
            out.put_u32(self.uses);
            out.put_slice(card);
        }
        out
    }

    /// Out of bytes.
    ///
    /// # Errors
    /// [`Corrupted`] for any that [`KeyRow::to_bytes`] does not make.
    pub fn from_bytes(mut from: &[u8]) -> Result<Self, Corrupted> {
        let (kind, added, removed) = (from.try_get_u8()?, from.try_get_u64()?, from.try_get_u64()?);
        let suspended = flag(&mut from)?;
        let (grant, uses) = match kind {
            MEMBER if from.is_empty() => (Grant::Member, 0),
            INVITE => {
                let (expires_ms, max_uses) = (from.try_get_u64()?, from.try_get_u32()?);
                let uses = from.try_get_u32()?;
                if from.len() > MAX_CARD {
                    return Err(Corrupted);
                }
                (Grant::Invite { expires_ms, max_uses, card: Bytes::copy_from_slice(from) }, uses)
            }
            _ => return Err(Corrupted),
        };
        Ok(Self { grant, uses, added, removed, suspended })
    }
}

fn put_tip(out: &mut Vec<u8>, tip: Tip) {
    out.put_u64(tip.position);
    out.put_slice(&tip.authority.0);
    out.put_slice(&tip.name.0);
}

fn put_step(out: &mut Vec<u8>, step: &Step) {
    out.put_u64(step.first);
    out.put_slice(&step.name.0);
    put_tip(out, step.tip);
    put_tip(out, step.base);
    out.put_u8(u8::from(step.author.is_some()));
    out.put_slice(&step.author.map_or([0; 32], |author| author.0));
    for number in [step.at_ms, step.since_ms, step.voters, step.votes, step.added, step.removed] {
        out.put_u64(number);
    }
    let (kind, until) = match step.fate {
        Fate::Offered => (OFFERED, 0),
        Fate::Confirmed(until) => (CONFIRMED, until),
        Fate::Dropped(until) => (DROPPED, until),
        Fate::Undone(until) => (UNDONE, until),
    };
    out.put_u8(kind);
    out.put_u64(until);
}

fn tip(from: &mut &[u8]) -> Result<Tip, Corrupted> {
    Ok(Tip { position: from.try_get_u64()?, authority: key(from)?, name: name(from)? })
}

fn step(from: &mut &[u8]) -> Result<Step, Corrupted> {
    let (first, name) = (from.try_get_u64()?, name(from)?);
    let (tip, base) = (tip(from)?, tip(from)?);
    let (has_author, author) = (flag(from)?, key(from)?);
    let mut numbers = [0; 6];
    for number in &mut numbers {
        *number = from.try_get_u64()?;
    }
    let [at_ms, since_ms, voters, votes, added, removed] = numbers;
    let fate = match (from.try_get_u8()?, from.try_get_u64()?) {
        (OFFERED, 0) => Fate::Offered,
        (CONFIRMED, until) => Fate::Confirmed(until),
        (DROPPED, until) => Fate::Dropped(until),
        (UNDONE, until) => Fate::Undone(until),
        _ => return Err(Corrupted),
    };
    let author = has_author.then_some(author);
    Ok(Step { first, name, tip, base, author, at_ms, since_ms, voters, votes, added, removed, fate })
}

fn maybe(from: &mut &[u8]) -> Result<Option<Step>, Corrupted> {
    if flag(from)? { step(from).map(Some) } else { Ok(None) }
}

fn flag(from: &mut &[u8]) -> Result<bool, Corrupted> {
    match from.try_get_u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Corrupted),
    }
}

fn key(from: &mut &[u8]) -> Result<PublicKey, Corrupted> {
    let mut key = [0; 32];
    from.try_copy_to_slice(&mut key)?;
    Ok(PublicKey(key))
}

fn name(from: &mut &[u8]) -> Result<CommitName, Corrupted> {
    key(from).map(|bytes| CommitName(bytes.0))
}

fn ended<T>(from: &[u8], value: T) -> Result<T, Corrupted> {
    if from.is_empty() { Ok(value) } else { Err(Corrupted) }
}

impl From<TryGetError> for Corrupted {
    fn from(_: TryGetError) -> Self {
        Self
    }
}
