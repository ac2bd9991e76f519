//! What was done to files, in order: from it the disk is put together as a power cut may have left it.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crate::log::redb::tests::dice::Dice;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// One thing that was done to a file, which is named by its number.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    /// Its name is on disk for good.
    Made(u64),
    Wrote(u64, Vec<u8>, u64),
    Synced(u64),
    /// It is cut to nothing and unlinked, and neither is waited for.
    GaveBack(u64),
}

/// All of it. Clones are the same tape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape {
    done: Arc<Mutex<Vec<Done>>>,
    fails: Arc<AtomicBool>,
}

impl Tape {
    pub(crate) fn made(&self, number: u64) {
        self.push(Done::Made(number));
    }

    pub(crate) fn wrote(&self, number: u64, bytes: &[u8], offset: u64) {
        self.push(Done::Wrote(number, bytes.to_vec(), offset));
    }

    pub(crate) fn synced(&self, number: u64) {
        self.push(Done::Synced(number));
    }

    pub(crate) fn gave_back(&self, number: u64) {
        self.push(Done::GaveBack(number));
    }

    pub(crate) fn len(&self) -> usize {
        self.done.lock().unwrap().len()
    }

    pub(crate) fn all(&self) -> Vec<Done> {
        self.done.lock().unwrap().clone()
    }

    /// From now on the disk takes nothing for good, or it does again.
    pub(crate) fn fail_syncs(&self, fails: bool) {
        self.fails.store(fails, Relaxed);
    }

    /// Whether it does.
    pub(crate) fn may_sync(&self) -> io::Result<()> {
        if self.fails.load(Relaxed) { Err(io::Error::other("the disk fails")) } else { Ok(()) }
    }

    fn push(&self, done: Done) {
        self.done.lock().unwrap().push(done);
    }
}

/// Files as they are, and what of them is on disk for good.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimFiles(BTreeMap<u64, SimFile>);

#[derive(Clone, Debug, Default)]
struct SimFile {
    synced: Vec<u8>,
    since: Vec<(Vec<u8>, u64)>,
    is_given_back: bool,
}

impl SimFiles {
    pub(crate) fn pass(&mut self, done: &Done) {
        match done {
            Done::Made(number) => drop(self.0.insert(*number, SimFile::default())),
            Done::Wrote(number, bytes, offset) => {
                self.0.get_mut(number).unwrap().since.push((bytes.clone(), *offset));
            }
            Done::Synced(number) => {
                let file = self.0.get_mut(number).unwrap();
                for (bytes, offset) in std::mem::take(&mut file.since) {
                    put(&mut file.synced, &bytes, offset as usize);
                }
            }
            Done::GaveBack(number) => {
                if let Some(file) = self.0.get_mut(number) {
                    file.is_given_back = true;
                }
            }
        }
    }

    /// What may be there after a power cut.
    pub(crate) fn after_power_cut(&self, dice: &mut Dice) -> BTreeMap<u64, Vec<u8>> {
        let mut left = BTreeMap::new();
        for (number, file) in &self.0 {
            let mut content = file.synced.clone();
            for (bytes, offset) in &file.since {
                match dice.below(3) {
                    0 => {}
                    1 => put(&mut content, bytes, *offset as usize),
                    _ => {
                        for (at, sector) in bytes.chunks(SECTOR).enumerate() {
                            if dice.below(2) == 0 {
                                put(&mut content, sector, *offset as usize + at * SECTOR);
                            }
                        }
                    }
                }
            }
            match dice.below(3) {
                0 if file.is_given_back => continue,
                1 if file.is_given_back => content.clear(),
                _ => {}
            }
            left.insert(*number, content);
        }
        left
    }
}

fn put(content: &mut Vec<u8>, bytes: &[u8], offset: usize) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}
