//! The power goes at every write and at every fsync: what was acknowledged is there, and nothing by halves.
//!
//! A workload runs once on a disk that remembers its steps. For each step the disk is then put together as a
//! power cut before, in or after it may have left it, opened the way a relay opens it, and compared with the
//! state after the last acknowledged batch, and with the one after the batch that was under way.
//! `SCHAT_SEEDS` sets the number of workloads.

use super::{
    dice::{Dice, seeds},
    simdisk::{Content, DATABASE, JOURNAL, SimDisk, Step, Traced, after_power_cut, apply, pass},
    workload::{Dump, Workload, holds, open},
    *,
};

/// Batches of one workload.
const BATCHES: usize = 30;

/// A workload that has run.
struct Lived {
    empty: Content,
    trace: Vec<Traced>,
    /// The database after each number of batches.
    dumps: Vec<Dump>,
    workload: Workload,
}

fn live(seed: u64) -> Lived {
    let empty = empty();
    let disk = SimDisk::with(empty.clone());
    let mut workload = Workload::new(open(&disk).unwrap(), seed);
    let outbox = workload.outbox.clone();
    disk.watch(move || outbox.lock().unwrap().answered());
    for _ in 0..BATCHES {
        workload.step();
    }
    workload.store.close();
    // The same life once more: to look at the database brings into it what was in the journal alone.
    let mut twin = Workload::new(open(&SimDisk::with(empty.clone())).unwrap(), seed);
    let mut dumps = vec![twin.dump()];
    for _ in 0..BATCHES {
        twin.step();
        dumps.push(twin.dump());
    }
    Lived { empty, trace: disk.take_trace(), dumps, workload }
}

/// A disk with a new database: how one comes to be there is another test.
fn empty() -> Content {
    let (disk, mut content) = (SimDisk::default(), Content::default());
    open(&disk).unwrap().close();
    disk.take_trace().iter().for_each(|traced| apply(&mut content, &traced.step));
    content
}

#[test]
fn power_cut_while_the_database_is_made_leaves_none_rather_than_half_of_one() {
    let disk = SimDisk::default();
    open(&disk).unwrap();
    let (mut content, directory) = (Content::default(), TempDir::new().unwrap());
    for Traced { step, .. } in disk.take_trace() {
        apply(&mut content, &step);
        std::fs::write(directory.path().join("relay.redb.new"), &content[DATABASE]).unwrap();
        Store::open(directory.path()).unwrap().close();
        assert!(!directory.path().join("relay.redb.new").exists());
        std::fs::remove_file(directory.path().join("relay.redb")).unwrap();
    }
}

#[test]
fn power_cut_at_any_step_loses_nothing_acknowledged_and_leaves_nothing_by_halves() {
    let (mut cuts, mut ahead, mut again, mut in_journal) = (0, 0, 0, 0);
    for seed in 0..seeds(4) {
        let lived = live(seed);
        let mut dice = Dice::new(!seed);
        let (mut synced, mut since) = (lived.empty.clone(), Vec::new());
        for (at, Traced { step, promised }) in lived.trace.iter().enumerate() {
            // In the middle of this step.
            let under_way = [since.as_slice(), std::slice::from_ref(step)].concat();
            let content = after_power_cut(&synced, &under_way, &mut dice);
            let what = format!("seed {seed}, step {at} of {}", lived.trace.len());
            let recovered = SimDisk::with(content.clone());
            let (next, recovery) = survives(&lived, &recovered, *promised, &what);
            ahead += u64::from(next);
            cuts += 1;
            // And once more while it recovers.
            if dice.below(3) == 0 && !recovery.is_empty() {
                let cut = 1 + dice.below(recovery.len() as u64) as usize;
                let recovered = SimDisk::with(cut_again(content, &recovery[..cut], &mut dice));
                survives(&lived, &recovered, *promised, &format!("{what}, again at {cut}"));
                again += 1;
            }
            pass(&mut synced, &mut since, step);
            in_journal += u64::from(matches!(step, Step::Sync(JOURNAL)));
        }
    }
    println!("{cuts} power cuts, {again} more while recovering; {ahead} found an unacknowledged batch whole");
    println!("{in_journal} batches in the journal");
    assert!(
        cuts > 300 && ahead > 0 && again > 0 && in_journal > 20,
        "{cuts} {ahead} {again}: this tests nothing"
    );
}

fn cut_again(mut synced: Content, recovery: &[Traced], dice: &mut Dice) -> Content {
    let mut since = Vec::new();
    recovery.iter().for_each(|traced| pass(&mut synced, &mut since, &traced.step));
    after_power_cut(&synced, &since, dice)
}

/// Opens what the power cut left and checks all promises. Returns whether the batch that was under way made it,
/// and what recovering did to the disk.
fn survives(lived: &Lived, disk: &SimDisk, promised: usize, what: &str) -> (bool, Vec<Traced>) {
    let store = open(disk).unwrap_or_else(|error| panic!("{what}: does not open: {error}"));
    let recovery = disk.take_trace();
    let mut workload = Workload::new(store, 0xffff);
    let found = workload.dump();
    workload.check();
    let (before, after) = (&lived.dumps[promised], lived.dumps.get(promised + 1));
    let ahead = found != *before;
    assert!(!ahead || after == Some(&found), "{what}: neither what was acknowledged nor the next batch");

    // Idempotency, and the log goes on.
    let appended = lived.workload.outbox.lock().unwrap().appended(promised);
    if let Some((sent, was)) = appended.into_iter().find(|(sent, was)| holds(&found, sent, was)) {
        let again = Appended { repeated: true, ..was };
        assert_eq!(workload.send(&sent), Ok(again), "{what}: not recognised");
        let next = workload.news(sent.room);
        match workload.send(&next) {
            Ok(next) => assert!(next.seq > was.seq && !next.repeated, "{what}: the log does not go on"),
            Err(error) => assert!(matches!(error, AppendError::Frozen(_)), "{what}: {error:?}"),
        }
        workload.check();
    }
    (ahead, recovery)
}
