//! All rows of a room as bytes: what a member that cannot read its log from the beginning starts its ledger with.
//!
//! `position(8) ‖ head ‖ keys ‖ steps ‖ votes`, each list with its number(4) in front. Head: length(2) ‖ row. Key:
//! key(32) ‖ length(2) ‖ row, of an invite without its card. Step: length(2) ‖ row. Vote: first commit of the step(8) ‖ key(32).

use bytes::{Buf, BufMut, Bytes};

use super::{Corrupted, Grant, Head, KeyRow, Memory, Step};
use crate::PublicKey;

/// Most bytes of a snapshot, 4 MiB: 32,768 rows of keys and 4,096 steps take 2.9. Where votes would make it longer there is none.
pub const MAX_SNAPSHOT: usize = 4 << 20;

/// Greatest number of keys, steps or votes that is believed: far more than rows can have, and far from where sums end.
const MAX_COUNT: u64 = 1 << 31;

impl Memory {
    /// As bytes, as of an entry of the log; none if that would be more than [`MAX_SNAPSHOT`].
    pub fn to_snapshot(&self, position: u64) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        out.put_u64(position);
        put_row(&mut out, &self.head.to_bytes())?;
        out.put_u32(self.all_keys().count().try_into().ok()?);
        for (key, row) in self.all_keys() {
            out.put_slice(&key.0);
            put_row(&mut out, &row.without_card().to_bytes())?;
        }
        out.put_u32(self.all_steps().count().try_into().ok()?);
        for step in self.all_steps() {
            put_row(&mut out, &step.to_bytes())?;
        }
        out.put_u32(self.all_votes().count().try_into().ok()?);
        for (first, key) in self.all_votes() {
            out.put_u64(*first);
            out.put_slice(&key.0);
        }
        (out.len() <= MAX_SNAPSHOT).then_some(out)
    }

    /// Out of bytes, with the entry that they are as of.
    ///
    /// # Errors
    /// [`Corrupted`] for any that [`Memory::to_snapshot`] does not make.
    pub fn from_snapshot(mut from: &[u8]) -> Result<(u64, Self), Corrupted> {
        if from.len() > MAX_SNAPSHOT {
            return Err(Corrupted);
        }
        let from = &mut from;
        let position = from.try_get_u64()?;
        let head = Head::from_bytes(row(from)?)?;
        let keys = list(from, |from| Ok((key(from)?, KeyRow::from_bytes(row(from)?)?)))?;
        let steps = list(from, |from| Step::from_bytes(row(from)?))?;
        let votes = list(from, |from| Ok((from.try_get_u64()?, key(from)?)))?;
        let memory = Self::of(head, keys, steps, votes);
        if from.is_empty() && memory.is_sound(position) { Ok((position, memory)) } else { Err(Corrupted) }
    }

    /// Whether its numbers are what a room can have up to this entry: the rules count on from them. Whoever takes rows
    /// that others made asks first.
    pub fn is_sound(&self, position: u64) -> bool {
        let head = &self.head;
        let offered = [&head.offer, &head.joins].into_iter().flatten();
        let is_counted = |counts: &[u64]| counts.iter().all(|count| *count <= MAX_COUNT);
        is_counted(&[head.members, head.keys, head.rows, head.steps])
            && head.confirmed.position <= position
            && self.all_keys().all(|(_, row)| {
                row.added <= position && row.removed <= position && u64::from(row.uses) <= MAX_COUNT
            })
            && offered.chain(self.all_steps()).all(|step| {
                step.first <= step.tip.position
                    && step.tip.position <= position
                    && is_counted(&[step.voters, step.votes, step.added, step.removed])
            })
    }
}

impl KeyRow {
    /// The same for all that is decided here: nobody looks into a card.
    fn without_card(&self) -> Self {
        let mut row = self.clone();
        if let Grant::Invite { card, .. } = &mut row.grant {
            *card = Bytes::new();
        }
        row
    }
}

fn put_row(out: &mut Vec<u8>, row: &[u8]) -> Option<()> {
    out.put_u16(row.len().try_into().ok()?);
    out.put_slice(row);
    Some(())
}

/// The number is not believed: what is not there ends it.
fn list<T>(
    from: &mut &[u8],
    mut item: impl FnMut(&mut &[u8]) -> Result<T, Corrupted>,
) -> Result<Vec<T>, Corrupted> {
    (0..from.try_get_u32()?).map(|_| item(from)).collect()
}

fn row<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], Corrupted> {
    let length = usize::from(from.try_get_u16()?);
    let (row, rest) = from.split_at_checked(length).ok_or(Corrupted)?;
    *from = rest;
    Ok(row)
}

fn key(from: &mut &[u8]) -> Result<PublicKey, Corrupted> {
    let mut key = [0; 32];
    from.try_copy_to_slice(&mut key)?;
    Ok(PublicKey(key))
}
