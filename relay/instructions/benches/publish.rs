//! How many instructions one message takes in the log, from the publish to a frame for each reader: tables, journal, tail. More
//! than a tenth above what is written here, and it fails. Who made it cheaper, or has a reason for it to cost more, writes
//! the new number here.

use std::hint::black_box;

use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use relay::log::redb::HotPath;

/// What was counted for so many readers.
const COUNTED: [(usize, u64); 3] = [(10, 31_800), (100, 51_000), (1000, 243_000)];

fn most(readers: usize) -> LibraryBenchmarkConfig {
    let counted = COUNTED.iter().find(|(of, _)| *of == readers).map_or(0, |(_, counted)| *counted);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, counted + counted / 10)]));
    config
}

#[library_benchmark]
#[bench::ten(args = (HotPath::new(10).unwrap()), config = most(10))]
#[bench::hundred(args = (HotPath::new(100).unwrap()), config = most(100))]
#[bench::thousand(args = (HotPath::new(1000).unwrap()), config = most(1000))]
fn publish(mut path: HotPath) -> HotPath {
    black_box(path.publish().unwrap());
    path
}

library_benchmark_group!(name = log, benchmarks = publish);
main!(library_benchmark_groups = log);
