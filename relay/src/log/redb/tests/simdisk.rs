//! A disk in memory with two files, a database and its journal, that remembers every write and fsync, and can lose its power
//! between any two of them.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex},
};

use redb::StorageBackend;

use super::dice::Dice;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What is on the disk: a database and its journal.
pub(crate) type Content = [Vec<u8>; 2];

/// The number of the database in it.
pub(crate) const DATABASE: usize = 0;

/// That of the journal.
pub(crate) const JOURNAL: usize = 1;

/// What was done to a file.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(usize, u64, Vec<u8>),
    SetLen(usize, u64),
    Sync(usize),
}

/// A step, and what the world had been told before it.
#[derive(Clone, Debug)]
pub(crate) struct Traced {
    pub step: Step,
    pub promised: usize,
}

/// When the disk says no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// After so many steps nothing but reads, as where even overwriting needs space.
    NothingAfter(u64),
    /// After so many steps an fsync fails, once, and what it was for is gone from memory as well.
    Forgets(u64),
    /// After so many steps only what was written before can be overwritten; a file may still grow by holes.
    NoBlocksAfter(u64),
}

type Promised = Box<dyn FnMut() -> usize + Send>;

#[derive(Default)]
struct State {
    content: Content,
    /// What fsyncs have brought there.
    durable: Content,
    trace: Vec<Traced>,
    fault: Fault,
    /// Blocks that were ever written.
    blocks: HashSet<(usize, u64)>,
    promised: Option<Promised>,
}

/// One of its files. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<State>>, usize);

impl SimDisk {
    /// A disk with this on it.
    pub(crate) fn with(content: Content) -> Self {
        let durable = content.clone();
        Self(Arc::new(Mutex::new(State { content, durable, ..State::default() })), DATABASE)
    }

    /// Another of its files.
    pub(crate) fn file(&self, number: usize) -> Self {
        Self(self.0.clone(), number)
    }

    /// Before each step `promised` is asked how many batches have been answered.
    pub(crate) fn watch(&self, promised: impl FnMut() -> usize + Send + 'static) {
        self.0.lock().unwrap().promised = Some(Box::new(promised));
    }

    pub(crate) fn set_fault(&self, fault: Fault) {
        self.0.lock().unwrap().fault = fault;
    }

    /// What is on it.
    pub(crate) fn content(&self) -> Content {
        self.0.lock().unwrap().content.clone()
    }

    /// What is on it after a power cut that loses all that was not synced.
    pub(crate) fn durable(&self) -> Content {
        self.0.lock().unwrap().durable.clone()
    }

    pub(crate) fn take_trace(&self) -> Vec<Traced> {
        std::mem::take(&mut self.0.lock().unwrap().trace)
    }
}

/// Bytes that a file system gives out at once.
const BLOCK: u64 = 4096;

fn blocks(offset: u64, data: &[u8]) -> std::ops::RangeInclusive<u64> {
    offset / BLOCK..=(offset + data.len() as u64 - 1) / BLOCK
}

impl State {
    fn allows(&mut self, step: &Step) -> bool {
        match &mut self.fault {
            Fault::None => true,
            Fault::NothingAfter(0) => false,
            Fault::Forgets(0) => match step {
                Step::Sync(file) => {
                    self.content[*file].clone_from(&self.durable[*file]);
                    self.fault = Fault::None;
                    false
                }
                _ => true,
            },
            Fault::NoBlocksAfter(0) => match step {
                Step::Write(file, offset, data) => {
                    blocks(*offset, data).all(|block| self.blocks.contains(&(*file, block)))
                }
                Step::SetLen(..) | Step::Sync(_) => true,
            },
            Fault::NothingAfter(steps) | Fault::Forgets(steps) | Fault::NoBlocksAfter(steps) => {
                *steps -= 1;
                true
            }
        }
    }

    fn step(&mut self, step: Step) -> io::Result<()> {
        if !self.allows(&step) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if let Step::Write(file, offset, data) = &step {
            self.blocks.extend(blocks(*offset, data).map(|block| (*file, block)));
        }
        if let Step::Sync(file) = &step {
            self.durable[*file].clone_from(&self.content[*file]);
        }
        let promised = self.promised.as_mut().map_or(0, |promised| promised());
        apply(&mut self.content, &step);
        self.trace.push(Traced { step, promised });
        Ok(())
    }
}

impl StorageBackend for SimDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().content[self.1].len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let end = offset as usize + out.len();
        out.copy_from_slice(
            state.content[self.1].get(offset as usize..end).ok_or(io::ErrorKind::UnexpectedEof)?,
        );
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().unwrap().step(Step::SetLen(self.1, len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.lock().unwrap().step(Step::Sync(self.1))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().step(Step::Write(self.1, offset, data.to_vec()))
    }
}

impl std::fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimDisk").finish_non_exhaustive()
    }
}

/// What may be on the disk after a power cut: all that was synced, and of the steps since then any part.
pub(crate) fn after_power_cut(synced: &Content, since: &[Step], dice: &mut Dice) -> Content {
    let mut content = synced.clone();
    match dice.below(6) {
        0 => {}
        1 => since.iter().for_each(|step| apply(&mut content, step)),
        2 => {
            let kept = dice.below(since.len() as u64 + 1) as usize;
            since[..kept].iter().for_each(|step| apply(&mut content, step));
        }
        3 => since.iter().filter(|_| dice.below(2) == 0).for_each(|step| apply(&mut content, step)),
        4 => {
            // All but one: the rarest accident, and the one that a checksum has to notice.
            let lost = dice.below(since.len() as u64 + 1) as usize;
            let kept = since.iter().enumerate().filter(|(number, _)| *number != lost);
            kept.for_each(|(_, step)| apply(&mut content, step));
        }
        _ => since.iter().for_each(|step| tear(&mut content, step, dice)),
    }
    content
}

/// Does a step.
pub(crate) fn apply(content: &mut Content, step: &Step) {
    let content = &mut content[step.file()];
    match step {
        Step::Write(_, offset, data) => {
            let (start, end) = (*offset as usize, *offset as usize + data.len());
            if content.len() < end {
                content.resize(end, 0);
            }
            content[start..end].copy_from_slice(data);
        }
        Step::SetLen(_, len) => content.resize(*len as usize, 0),
        Step::Sync(_) => {}
    }
}

impl Step {
    pub(crate) fn file(&self) -> usize {
        match self {
            Self::Write(file, ..) | Self::SetLen(file, _) | Self::Sync(file) => *file,
        }
    }
}

/// Does a step; what was done to a file since its last fsync stays in `since`.
pub(crate) fn pass(synced: &mut Content, since: &mut Vec<Step>, step: &Step) {
    if let Step::Sync(file) = step {
        since.extract_if(.., |step| step.file() == *file).for_each(|step| apply(synced, &step));
    } else {
        since.push(step.clone());
    }
}

/// Does some sectors of a write.
fn tear(content: &mut Content, step: &Step, dice: &mut Dice) {
    let Step::Write(file, offset, data) = step else {
        if dice.below(2) == 0 {
            apply(content, step);
        }
        return;
    };
    let mut at = 0;
    while at < data.len() {
        // Sectors are where the disk has them, not where the write begins.
        let rest = SECTOR - (*offset as usize + at) % SECTOR;
        let end = (at + rest).min(data.len());
        if dice.below(2) == 0 {
            apply(content, &Step::Write(*file, offset + at as u64, data[at..end].to_vec()));
        }
        at = end;
    }
}
