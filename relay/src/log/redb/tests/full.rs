//! A disk that is full, at every step of a batch, a hundred times: refused, nothing lost, nothing by halves, and it
//! goes on by itself.

use super::{
    simdisk::{Fault, SimDisk},
    workload::{Workload, open},
};

/// Batches in which a full disk may find something to overwrite; then it is given another chance.
const BATCHES: usize = 60;

/// Fills the disk so many times, by a fault that begins some steps later.
fn fill(times: u64, fault: impl Fn(u64) -> Fault, reads_go_on: bool) {
    let disk = SimDisk::default();
    let mut workload = Workload::new(open(&disk).unwrap(), 7);
    let (mut cycle, mut full, mut whole) = (0, 0, 0);
    while full < times {
        cycle += 1;
        assert!(cycle < 20 * times, "this tests nothing");
        assert!(workload.step(), "cycle {cycle}: it does not go on");
        // At another step of the batch in each cycle.
        disk.set_fault(fault(cycle % 23));
        let refused = (0..BATCHES).find_map(|_| {
            let (position, content) = (workload.position(), disk.content());
            (!workload.step()).then_some((position, content))
        });
        if reads_go_on && refused.is_some() {
            assert!(workload.is_readable(), "cycle {cycle}: reads do not go on");
        }
        disk.set_fault(Fault::None);
        // If the database is shut, this opens it.
        workload.is_readable();
        workload.check();
        if let Some((position, content)) = refused {
            full += 1;
            // The disk may have failed in the moment after: then all of it is there.
            let found = workload.dump();
            let (before, after) = workload.foregone(&position, content);
            let is_whole = found != before;
            assert!(!is_whole || found == after, "cycle {cycle}: neither refused nor whole");
            whole += u64::from(is_whole);
        }
        disk.take_trace();
    }
    println!("{full} times full in {cycle} cycles; {whole} refused batches were there all the same");
    assert!(whole < times / 4, "most of what is refused should not be there");
}

#[test]
fn disk_that_takes_nothing_any_more_corrupts_nothing() {
    fill(100, Fault::NothingAfter, false);
}

#[test]
fn disk_without_free_blocks_refuses_appends_and_serves_reads() {
    // Fewer: it takes a while until nothing can be overwritten.
    fill(20, Fault::NoBlocksAfter, true);
}
