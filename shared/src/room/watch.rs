//! Watching the relay: the running hash over the log, and what other members say they saw of it.
//!
//! `h(n) = SHA-256("schat/2 log" ‖ h(n-1) ‖ seq ‖ at ‖ is_commit ‖ SHA-256(access change) ‖
//! SHA-256(envelope) ‖ SHA-256(the entry without envelope and access change))`, over commits as over contents. With `h(n-1)` all zero when entry n is a join or a return by
//! the look of it: so the newcomer hashes from the same point as everybody, whoever could take it. What the others had just before is a
//! [`content::Mark`] of their views, until one of them is in the log: so no join hides anything among those who were there before it.

use bytes::Bytes;
use prost::Message;
use proto::relay::Deliver;
use sha2::{Digest, Sha256};

use super::{
    Alarm, Engine, Problem,
    checks::{AUTHENTICATOR_PREFIX, Number},
    kept::Kept,
    state::HashRow,
};
use crate::content::{self, Mark};

/// Domain separation of the running hash.
const LOG_CONTEXT: &[u8] = b"schat/2 log";

/// Positions whose hash is kept, to compare with what others saw; a member that lags further behind is
/// compared by the epoch authenticator alone.
pub(super) const HASHES_KEPT: u64 = 1024;

/// Joins and returns before which a view tells the hash: all since the last word of somebody who was there. More of them, without
/// a word between, are a flood; with so many a view has some 3 KiB, beside which the longest line still fits.
pub(super) const MAX_PRIOR: usize = 64;

/// The hash after `entry`; `before` is None when the entry is a join or a return.
pub(super) fn hash_entry(before: Option<&[u8]>, entry: &Deliver) -> Vec<u8> {
    let access = entry.access.as_ref().map(Message::encode_to_vec).unwrap_or_default();
    // All else that the relay says of it: which commit it stands on, whose key, which word was given or vote cast.
    let said = Deliver { envelope: Bytes::new(), access: None, ..entry.clone() }.encode_to_vec();
    Sha256::new()
        .chain_update(LOG_CONTEXT)
        .chain_update(before.unwrap_or(&[0; 32]))
        .chain_update(entry.seq.to_be_bytes())
        .chain_update(entry.at_ms.to_be_bytes())
        .chain_update([u8::from(entry.is_commit)])
        .chain_update(Sha256::digest(access))
        .chain_update(Sha256::digest(&entry.envelope))
        .chain_update(Sha256::digest(said))
        .finalize()
        .to_vec()
}

/// The hashes of the last [`HASHES_KEPT`] positions.
#[derive(Default)]
pub(super) struct Hashes(Kept<u64, Vec<u8>>);

impl Hashes {
    pub(super) fn load(&mut self, row: HashRow) {
        self.0.load(row.seq, row.hash);
    }

    pub(super) fn insert(&mut self, row: HashRow) {
        self.0.insert(row.seq, row.hash);
        while self.0.len() as u64 > HASHES_KEPT {
            // The newer one lies in its place in storage.
            self.0.forget_first();
        }
    }

    pub(super) fn get(&self, seq: u64) -> Option<&[u8]> {
        self.0.get(&seq).map(Vec::as_slice)
    }

    /// The first of the positions up to `last` that are kept without a gap.
    pub(super) fn first_up_to(&self, last: u64) -> Option<u64> {
        let kept = self.0.range(..=last).rev().map(|(seq, _)| *seq);
        kept.zip((0..=last).rev()).take_while(|(seq, expected)| seq == expected).last().map(|(seq, _)| seq)
    }

    /// Forgets a position and all after it.
    pub(super) fn cut(&mut self, seq: u64) {
        self.0.cut(&seq);
    }

    /// The rows that storage is to have.
    pub(super) fn take_changed(&mut self) -> impl Iterator<Item = (String, Option<HashRow>)> {
        let row = |(seq, hash): (u64, Option<&Vec<u8>>)| {
            (Self::key(seq), hash.map(|hash| HashRow { seq, hash: hash.clone(), taken: false }))
        };
        self.0.take_changed().map(row)
    }

    /// The row that holds position `seq`: a ring, so storage stays bounded.
    pub(super) fn key(seq: u64) -> String {
        format!("hash/{:04}", seq.checked_rem(HASHES_KEPT).unwrap_or(0))
    }
}

impl Engine {
    pub(super) fn extend_hash(&mut self, entry: &Deliver) {
        if !self.meta.running_hash.is_empty() {
            self.set_hash(entry.seq, hash_entry(Some(&self.meta.running_hash), entry));
        }
    }

    /// A join or a return: the hash begins anew, and what it was stays known.
    pub(super) fn anchor(&mut self, entry: &Deliver) {
        let seq = entry.seq.saturating_sub(1);
        if let Some(hash) = self.hashes.get(seq) {
            let taken = self.books.position == entry.seq;
            self.meta.marks.push(HashRow { seq, hash: hash.to_vec(), taken });
        }
        if self.meta.marks.len() > MAX_PRIOR {
            // Half of them, so that a flood is told once and not with each join.
            let gone: Vec<HashRow> = self.meta.marks.drain(..MAX_PRIOR / 2).collect();
            let joins = gone.len();
            // So many may come in honestly while those who were there sleep: then they are members for all to see.
            // Who is out takes none, whatever they are.
            match gone.iter().all(|mark| mark.taken) || self.back.out.is_some() {
                true => self.refuse(Problem::JoinsUnwitnessed { joins }),
                false => self.alarm(Alarm::JoinsUnwitnessed { joins }),
            }
        }
        self.set_hash(entry.seq, hash_entry(None, entry));
    }

    pub(super) fn set_hash(&mut self, seq: u64, hash: Vec<u8>) {
        self.meta.running_hash.clone_from(&hash);
        self.hashes.insert(HashRow { seq, hash, taken: false });
        debug_assert!(Hashes::key(seq).len() < 16);
    }

    pub(super) fn own_view(&self) -> content::View {
        let row = self.meta.epochs.last();
        let authenticator =
            row.and_then(|row| row.authenticator.get(..AUTHENTICATOR_PREFIX)).unwrap_or_default();
        let mark = |row: &HashRow| Mark { seq: row.seq, running_hash: row.hash.clone().into() };
        let prior = self.meta.marks.iter().rev().map(mark);
        content::View {
            epoch: row.map_or(0, |row| row.epoch),
            authenticator: authenticator.to_vec().into(),
            seq: self.meta.cursor,
            running_hash: self.meta.running_hash.clone().into(),
            prior: prior.collect(),
        }
    }

    /// The hash at a position, as long as it is kept, or was not compared yet.
    pub(super) fn hash_at(&self, seq: u64) -> Option<&[u8]> {
        let mark = || self.meta.marks.iter().find(|mark| mark.seq == seq).map(|mark| &*mark.hash);
        self.hashes.get(seq).or_else(mark)
    }

    /// The newest mark that a view of ours has now; 0 for none.
    pub(super) fn newest_mark(&self) -> u64 {
        self.meta.marks.last().map_or(0, |mark| mark.seq)
    }

    /// A view of ours that has the marks up to there is in the log: whoever was shown something else knows it now.
    pub(super) fn marks_told(&mut self, newest: u64) {
        self.meta.marks.retain(|mark| mark.seq > newest);
    }

    /// Compares what a member had seen, when it sealed entry `seq`, with what we have seen.
    pub(super) fn check_view(&mut self, seq: u64, name: &str, number: &Number, view: Option<&content::View>) {
        let Some(view) = view else {
            return self.alarm(Alarm::ViewMissing { from: name.to_owned() });
        };
        let ours = self.meta.epochs.iter().find(|row| row.epoch == view.epoch);
        let other_epoch = ours
            .is_some_and(|row| row.authenticator.get(..AUTHENTICATOR_PREFIX) != Some(&*view.authenticator));
        let is_sane = matches!(view.running_hash.len(), 0 | 32) && view.prior.len() <= MAX_PRIOR;
        let differs = |seq: u64, theirs: &[u8]| self.hash_at(seq).is_some_and(|hash| *hash != *theirs);
        let other_log = (!view.running_hash.is_empty() && differs(view.seq, &view.running_hash))
            || view.prior.iter().any(|mark| differs(mark.seq, &mark.running_hash));
        if !is_sane || other_epoch || other_log || view.epoch != number.epoch || view.seq >= seq {
            return self.alarm(Alarm::ViewDiffers { from: name.to_owned() });
        }
        self.landed(view.seq, number.id.0);
        // What one who was there says of it need not be said again.
        self.meta.marks.retain(|mark| !view.prior.iter().any(|theirs| theirs.seq == mark.seq));
        // Entries were lost here and not there: from now on the log is watched again.
        let is_lost = self.meta.running_hash.is_empty() && view.running_hash.len() == 32;
        if is_lost && view.seq == self.meta.cursor && self.meta.cursor > 0 {
            self.set_hash(view.seq, view.running_hash.to_vec());
        }
    }
}
