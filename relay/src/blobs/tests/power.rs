//! The power goes at every write and at every fsync, of the index and of each file: what was acknowledged is there, nothing
//! half is given as whole, and no file is left that is nobody's.
//!
//! A workload runs once on disks that remember what was done to them. For each step they are then put together as a power cut
//! in it may have left them, opened the way a relay opens them, and compared with what had been acknowledged.
//! `SCHAT_SEEDS` sets the number of workloads.

use std::collections::BTreeMap;

use redb::Database;

use super::{
    tape::{Done, SimFiles, Tape},
    *,
};
use crate::log::redb::tests::{
    dice::{Dice, seeds},
    simdisk::{Content, DATABASE, SimDisk, Step, after_power_cut, apply, pass},
};

/// What was done, in a workload.
const DEEDS: usize = 40;

/// What somebody was told of a blob, and what its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Acknowledged {
    life: u8,
    size: u64,
    parts: Vec<u32>,
}

/// All blobs of which a part was acknowledged.
type Promises = BTreeMap<u8, Acknowledged>;

/// A workload that runs.
struct Life {
    _directory: TempDir,
    blobs: Blobs,
    tape: Tape,
    promises: Promises,
    /// From how many entries of the tape and steps of the index on it had been told what.
    told: Arc<Mutex<Vec<Promises>>>,
    /// How long the tape was at each time.
    told_at: Vec<usize>,
    lives: u8,
    dice: Dice,
    /// A disk with a new index: how one comes to be there is another test.
    empty: Content,
}

/// One thing that happened to one of the disks, and how often something had been told before.
enum Happened {
    Index(Step),
    File(Done),
}

fn content(known: &Acknowledged, number: u32) -> Bytes {
    let length = Layout::of(known.size).unwrap().length(number).unwrap();
    vec![known.life.wrapping_mul(16).wrapping_add(1 + number as u8); length].into()
}

impl Life {
    fn begin(seed: u64) -> (Self, SimDisk) {
        let (directory, disk) = (TempDir::new().unwrap(), SimDisk::default());
        let files = Files::open(directory.path()).unwrap();
        let (tape, told) = (files.tape.clone(), Arc::new(Mutex::new(vec![Promises::new()])));
        let (at, so_far) = (tape.clone(), told.clone());
        // Where in the tape a step of the index is, and what had been told.
        disk.watch(move || at.len() * 1000 + so_far.lock().unwrap().len() - 1);
        let backend = disk.clone();
        let open = move || Database::builder().create_with_backend(backend.clone());
        let index = Index::open_with(Box::new(open), Duration::ZERO).unwrap();
        disk.take_trace();
        let empty = disk.durable();
        let blobs = Blobs::open_on(directory.path(), files, index, &Limits::default()).unwrap();
        let life = Self {
            _directory: directory,
            blobs,
            tape,
            promises: Promises::new(),
            told,
            told_at: vec![0],
            lives: 0,
            dice: Dice::new(seed),
            empty,
        };
        (life, disk)
    }

    fn tell(&mut self) {
        self.told.lock().unwrap().push(self.promises.clone());
        self.told_at.push(self.tape.len());
    }

    async fn step(&mut self) {
        let id = self.dice.below(4) as u8;
        match self.dice.below(8) {
            0 | 1 => {
                self.promises.remove(&id);
                self.blobs.dropped(id).await;
            }
            // Somebody opens it, and nothing comes.
            2 if !self.promises.contains_key(&id) => {
                drop(self.blobs.opened(wanted(id, 5, NOW)).await);
                self.blobs.dropped(id).await;
            }
            _ => self.send(id).await,
        }
        self.tell();
    }

    /// Some parts, some of which are kept.
    async fn send(&mut self, id: u8) {
        let known = self.promises.get(&id).cloned().unwrap_or_else(|| {
            self.lives += 1;
            let size = [7, 3000, PART as u64 + 9][self.dice.below(3) as usize];
            Acknowledged { life: self.lives, size, parts: Vec::new() }
        });
        let draft = self.blobs.opened(wanted(id, known.size, NOW)).await.unwrap();
        let (mut known, mut written) = (known, Vec::new());
        let there = (0..draft.row.layout.parts()).filter(|number| draft.row.parts.has(*number)).collect();
        if std::mem::replace(&mut known.parts, there).len() < known.parts.len() {
            // What an earlier one wrote and nobody kept.
            self.promises.insert(id, known.clone());
            self.tell();
        }
        for number in draft.row.parts.missing().collect::<Vec<_>>() {
            if self.dice.below(3) > 0 {
                let sum = self.blobs.write(&draft, number, content(&known, number)).await.unwrap();
                written.push((number, sum));
            }
        }
        if !written.is_empty() && self.dice.below(5) > 0 {
            known.parts.extend(written.iter().map(|(number, _)| *number));
            self.blobs.keep(&draft, written, NOW).await.unwrap();
            self.promises.insert(id, known);
        } else if draft.row.parts.count() == 0 {
            drop(draft);
            self.blobs.dropped(id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn power_cut_at_any_step_loses_no_part_gives_no_half_file_and_leaves_no_orphan() {
    let (mut cuts, mut found_parts, mut orphans, mut saved) = (0, 0, 0, 0);
    for seed in 0..seeds(1) {
        let (mut life, disk) = Life::begin(seed);
        for _ in 0..DEEDS {
            life.step().await;
        }
        life.blobs.close().await;
        let told_at = life.told_at.clone();
        let told = life.told.lock().unwrap().clone();
        let mut dice = Dice::new(!seed);
        let (mut index, mut since, mut files) = (life.empty.clone(), Vec::new(), SimFiles::default());
        for (at, (happened, before)) in in_order(&life.tape, &disk, &told_at).into_iter().enumerate() {
            // In the middle of this step: a file's is done, or not begun.
            let mut under_way = since.clone();
            match &happened {
                Happened::Index(step) => under_way.push(step.clone()),
                Happened::File(done) => files.pass(done),
            }
            let on_disk = after_power_cut(&index, &under_way, &mut dice);
            let what = format!("seed {seed}, step {at}");
            let promises = (&told[before], told.get(before + 1));
            let left = files.after_power_cut(&mut dice);
            let (parts, gone, more) = survives(&on_disk[DATABASE], &left, promises, &what).await;
            found_parts += parts;
            orphans += gone;
            saved += more;
            cuts += 1;
            if let Happened::Index(step) = &happened {
                pass(&mut index, &mut since, step);
            }
        }
    }
    println!(
        "{cuts} power cuts, {found_parts} parts found again, {orphans} files that were nobody's, {saved} parts by marks"
    );
    assert!(
        cuts > 200 && found_parts > 200 && orphans > 50 && saved > 20,
        "{cuts} {found_parts} {orphans} {saved}: this tests nothing"
    );
}

#[tokio::test]
async fn power_cut_while_the_index_is_made_leaves_none_rather_than_half_of_one() {
    let (disk, directory) = (SimDisk::default(), TempDir::new().unwrap());
    let backend = disk.clone();
    let open = move || Database::builder().create_with_backend(backend.clone());
    Index::open_with(Box::new(open), Duration::ZERO).unwrap();
    let (mut content, folder) = (Content::default(), directory.path().join(FOLDER));
    fs::create_dir(&folder).unwrap();
    for traced in disk.take_trace() {
        apply(&mut content, &traced.step);
        fs::write(folder.join("index.redb.new"), &content[DATABASE]).unwrap();
        let blobs = Blobs::open(directory.path(), &Limits::default()).unwrap();
        blobs.close().await;
        assert!(!folder.join("index.redb.new").exists());
        fs::remove_file(folder.join("index.redb")).unwrap();
    }
}

/// What happened to all disks, each with how often something had been told.
fn in_order(tape: &Tape, disk: &SimDisk, told_at: &[usize]) -> Vec<(Happened, usize)> {
    let (tape, mut steps) = (tape.all(), disk.take_trace().into_iter().peekable());
    let told = |at: usize| told_at.iter().rposition(|told_at| *told_at <= at).unwrap_or(0);
    let mut all: Vec<(Happened, usize)> = Vec::new();
    for (at, done) in tape.into_iter().enumerate() {
        while let Some(traced) = steps.next_if(|traced| traced.promised / 1000 <= at) {
            all.push((Happened::Index(traced.step), traced.promised % 1000));
        }
        all.push((Happened::File(done), told(at)));
    }
    all.extend(steps.map(|traced| (Happened::Index(traced.step), traced.promised % 1000)));
    all
}

/// Opens what is left and checks all promises: those that were made, and those that were about to be. Says how many parts there
/// are, and how many files were nobody's.
async fn survives(
    index: &[u8],
    files: &BTreeMap<u64, Vec<u8>>,
    (before, after): (&Promises, Option<&Promises>),
    what: &str,
) -> (usize, usize, usize) {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join(FOLDER);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("index.redb"), index).unwrap();
    for (number, content) in files {
        let folder = folder.join(format!("{:02x}", number & 0xff));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{number:016x}")), content).unwrap();
    }
    let blobs = Blobs::open(directory.path(), &Limits::default());
    let blobs = blobs.unwrap_or_else(|error| panic!("{what}: does not open: {error}"));
    let survey = blobs.shelf().survey();
    assert!(survey.damaged.is_empty() && survey.elsewhere.is_none(), "{what}: {survey:?}");
    let mut rows = BTreeMap::new();
    let read = blobs.index.read(|transaction| {
        tables::each(transaction, |(_, id, row)| {
            rows.insert(id.0[0], row);
        })
    });
    read.unwrap();
    let mut parts = 0;
    for id in 0..4 {
        let row = rows.get(&id).filter(|row| row.parts.count() > 0);
        let fits = |promises: Option<&Promises>| match (promises.and_then(|promises| promises.get(&id)), row)
        {
            (None, None) => true,
            (Some(known), Some(row)) => {
                row.layout.size() == known.size
                    && row.parts.count() as usize == known.parts.len()
                    && known.parts.iter().all(|number| {
                        row.parts.has(*number)
                            && row.sums[*number as usize] == crc32fast::hash(&content(known, *number))
                    })
            }
            _ => false,
        };
        assert!(
            fits(Some(before)) || fits(after),
            "{what}: blob {id} is {row:?}, and not {before:?} {after:?}"
        );
        parts += row.map_or(0, |row| row.parts.count() as usize);
        let is_given = blobs.find(ROOM, BlobId([id; 16]), NOW).await.is_ok();
        assert_eq!(is_given, row.is_some_and(|row| row.parts.is_whole()), "{what}: blob {id}");
    }
    let mut left = 0;
    for folder in
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        left += fs::read_dir(folder).unwrap().count();
    }
    assert!(left <= rows.len(), "{what}: {left} files, {} rows", rows.len());
    let mut saved = 0;
    for (id, row) in rows.iter().filter(|(_, row)| !row.parts.is_whole()) {
        let draft = blobs.opened(wanted(*id, row.layout.size(), NOW)).await.unwrap();
        saved += is_what_came(&blobs, row, &draft.row, what);
    }
    // And goes on.
    put(&blobs, 9, 5, NOW).await;
    assert!(is_there(&blobs, 9, NOW).await, "{what}: nothing new is taken");
    blobs.close().await;
    (parts, files.len() - left, saved)
}

/// What a row has more than before is there, as it was sent. Says how many parts that are.
fn is_what_came(blobs: &Blobs, before: &Row, row: &Row, what: &str) -> usize {
    let more = (0..row.layout.parts()).filter(|number| row.parts.has(*number) && !before.parts.has(*number));
    let file = more.clone().next().map(|_| blobs.files.read(row.number).unwrap());
    for number in more.clone() {
        let length = row.layout.length(number).unwrap();
        let bytes = files::read_at(file.as_ref().unwrap(), length, row.layout.offset(number)).unwrap();
        // All bytes of a part are the same, and say which life and which part it is.
        let is_one = bytes[0] % 16 == 1 + number as u8 && bytes.iter().all(|byte| *byte == bytes[0]);
        assert!(is_one, "{what}: part {number} is torn");
        assert_eq!(row.sums[number as usize], crc32fast::hash(&bytes), "{what}");
    }
    assert!((0..row.layout.parts()).all(|number| row.parts.has(number) || !before.parts.has(number)));
    more.count()
}
