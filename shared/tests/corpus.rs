//! Each seed, and each input that fuzzing once found, through the function that fuzzing runs.

use std::{fs, path::Path};

fn corpus() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"))
}

#[test]
fn no_corpus_file_finds_a_fault() {
    for (target, run) in shared::fuzz::TARGETS {
        let mut files = 0;
        for entry in fs::read_dir(corpus().join(target)).unwrap() {
            run(&fs::read(entry.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 0, "{target} has no seeds");
    }
}

#[test]
fn every_corpus_belongs_to_a_target() {
    let targets = [shared::fuzz::TARGETS, proto::fuzz::TARGETS].concat();
    for entry in fs::read_dir(corpus()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(targets.iter().any(|(target, _)| name == *target), "{}", name.display());
    }
}
