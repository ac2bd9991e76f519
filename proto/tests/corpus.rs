//! Each seed, and each input that fuzzing once found, through the function that fuzzing runs.

use std::{fs, path::Path};

#[test]
fn no_corpus_file_finds_a_fault() {
    for (target, run) in proto::fuzz::TARGETS {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus")).join(target);
        let mut files = 0;
        for entry in fs::read_dir(folder).unwrap() {
            run(&fs::read(entry.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 0, "{target} has no seeds");
    }
}
