//! Going on after the relay lost the end of its log, by a person's consent. The log is read again, and what is known is
//! told by its running hash. Where it ends or becomes another one, the group goes back to the last commit that the relay
//! still has, if that was only offered. Otherwise it stays as it is: what members have taken is not taken back, a removal
//! for instance. The next commit is a *bridge*: it stands on that old commit, is signed by the authority of the epoch that
//! this began, and tells the relay in one change what all the lost commits and itself do to the keys.

use proto::relay::{AccessKey, Deliver, access_key::Kind};

use super::{
    Engine, Problem, Stream,
    out::Cause,
    state::{BridgeRow, EPOCHS_BRIDGED, EpochRow, RestoredRow},
    watch::hash_entry,
};
use crate::mls::group::{AccessKeys, Authority, GroupError};

/// Whoever saw most of what is lost goes first: for each epoch less, a device waits so many milliseconds longer.
const STEP_MS: u64 = 500;

/// So often others may go on from a bridge's beginning without this device, before it is the one that is out.
const MAX_LOST: u32 = 2;

impl Engine {
    /// Whether an entry is one that this device has read before, while it reads the log again.
    pub(super) fn is_known(&mut self, entry: &Deliver) -> Result<bool, GroupError> {
        let before = Some(&*self.meta.running_hash).filter(|hash| !hash.is_empty());
        let is_same = self.hashes.get(entry.seq).is_some_and(|known| {
            before.is_some_and(|before| *known == *hash_entry(Some(before), entry))
                || *known == *hash_entry(None, entry)
        });
        if self.back.probes {
            self.probe(entry.seq, is_same);
        }
        if !self.back.rereads {
            return Ok(is_same);
        }
        if is_same {
            self.meta.running_hash = self.hashes.get(entry.seq).map(<[u8]>::to_vec).unwrap_or_default();
        } else {
            self.parted(entry.seq)?;
        }
        Ok(is_same)
    }

    /// The relay was restored, and perhaps nothing is lost that this device has read.
    fn probe(&mut self, seq: u64, is_same: bool) {
        if is_same {
            return;
        }
        match self.link.restored.take() {
            Some(row) if seq > self.back.probe_to => self.end_probe(&row),
            Some(row) => {
                self.link.state = Stream::Offline;
                self.stand_still(row);
            }
            // Nothing is compared but by a `Joined` that said so.
            None => self.link.state = Stream::Offline,
        }
    }

    /// It is all there: that log is the one from now on.
    fn end_probe(&mut self, row: &RestoredRow) {
        (self.back.probes, self.back.rereads) = (false, false);
        self.take_generation(row);
    }

    /// Caught up after reading again.
    pub(super) fn read_again(&mut self) {
        if self.back.probes {
            match self.link.restored.take() {
                Some(row) if self.meta.cursor >= self.back.probe_to => self.end_probe(&row),
                Some(row) => {
                    self.link.state = Stream::Offline;
                    self.stand_still(row);
                    return;
                }
                None => return,
            }
        }
        if !self.back.rereads {
            return;
        }
        if let Err(error) = self.parted(self.meta.cursor.saturating_add(1)) {
            self.refuse(Problem::Group { error: error.to_string() });
        }
        self.back.rereads = false;
        // What was under way has no place in this log, and was sealed over another one.
        self.outbox.seal_anew(|_| true);
    }

    /// From the entry at `seq` on the log is another one than before.
    pub(super) fn parted(&mut self, seq: u64) -> Result<(), GroupError> {
        if !self.back.rereads {
            return Ok(());
        }
        self.tell_lost(seq);
        self.hashes.cut(seq);
        let meta = &mut self.meta;
        self.back.may_be_bridged = true;
        meta.marks.retain(|mark| mark.seq < seq);
        self.back.since.retain(|seen| seen.seq < seq);
        self.books.untaken.take_if(|untaken| untaken.seq >= seq);
        let row = meta.epochs.iter().filter(|row| row.seq < seq).max_by_key(|row| row.epoch);
        let base = row.map(|row| row.seq);
        if self.back.out.is_some() || base == Some(self.books.position) {
            return Ok(());
        }
        match base {
            Some(base) if self.go_back(base)? => (),
            Some(base) if self.can_bridge(base) => self.begin_bridge(base),
            _ => self.go_out(Cause::Restored),
        }
        for row in self.meta.epochs.iter_mut().filter(|row| row.seq >= seq) {
            // Another commit will have that number.
            row.seq = u64::MAX;
        }
        Ok(())
    }

    fn go_back(&mut self, base: u64) -> Result<bool, GroupError> {
        if !self.return_to(base)? {
            return Ok(false);
        }
        (self.books.offer, self.books.joins, self.books.confirmed) = (None, None, base);
        Ok(true)
    }

    /// Whether the authority of that place and all that was done to keys since are kept.
    fn can_bridge(&self, base: u64) -> bool {
        let Some((first, since)) = self.bridged(base) else { return false };
        self.is_member()
            && self.back.trial.is_none()
            && Authority::of(&first.authority).is_some()
            && since.iter().all(|row| row.access.is_some())
    }

    fn begin_bridge(&mut self, base: u64) {
        let lag =
            EPOCHS_BRIDGED.saturating_sub(self.bridged(base).map_or(0, |(_, since)| since.len() as u64));
        (self.books.offer, self.books.joins, self.books.untaken) = (None, None, None);
        (self.books.position, self.books.confirmed) = (base, base);
        self.back.bridge = Some(BridgeRow { at: base, lost: 0 });
        self.wishes.want_update = true;
        self.link.bridge_wait = Some(lag * STEP_MS);
        if let Some(group) = &mut self.group {
            group.keep_bases(&[]);
        }
        self.refuse(Problem::Bridged);
    }

    /// The epoch that the commit at `base` began, and those after it.
    fn bridged(&self, base: u64) -> Option<(&EpochRow, &[EpochRow])> {
        let index = self.meta.epochs.iter().position(|row| row.seq == base)?;
        let (first, since) = self.meta.epochs.get(index..)?.split_first()?;
        Some((first, since))
    }

    /// The keys that the relay has at the commit that another one stands on. `keys`: those of the group, in its `epoch`
    /// before that other one.
    pub(super) fn relay_keys(&self, base: u64, epoch: u64, mut keys: AccessKeys) -> AccessKeys {
        if self.back.bridge.is_none_or(|bridge| bridge.at != base) {
            return keys;
        }
        let since = self.bridged(base).map_or(&[][..], |(_, since)| since);
        let since = since.iter().rev().filter(|row| row.epoch <= epoch);
        for change in since.filter_map(|row| row.access.as_ref()) {
            change.added.iter().for_each(|added| drop(keys.remove(&*added.key)));
            for removed in &change.removed {
                // Of what kind it was does not matter: it goes.
                let key =
                    AccessKey { key: removed.clone(), kind: Kind::Member.into(), ..AccessKey::default() };
                keys.insert(removed.to_vec(), key);
            }
        }
        keys
    }

    /// The authority by which a bridge from there is signed.
    pub(super) fn bridge_authority(&self, base: u64) -> Option<Authority> {
        self.back.bridge.filter(|bridge| bridge.at == base)?;
        Authority::of(&self.bridged(base)?.0.authority)
    }

    /// Somebody went on from there in a way that this device cannot take. Not for ever against each other.
    pub(super) fn bridge_lost(&mut self, base: u64, key: &[u8]) {
        let counts = self.is_confirmed(key) && self.is_member_key(key);
        let Some(bridge) = self.back.bridge.as_mut().filter(|bridge| counts && bridge.at == base) else {
            return;
        };
        bridge.lost += 1;
        if bridge.lost >= MAX_LOST {
            self.back.bridge = None;
            self.go_out(Cause::Restored);
        }
    }
}
