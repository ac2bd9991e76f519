//! What the demonstration says, and where it works.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{cli::random::random, faces::stdout, failure::Exit};

/// Counts checks and prints them as they are made.
#[derive(Default)]
pub(super) struct Report {
    held: usize,
    total: usize,
}

impl Report {
    /// What happens next.
    pub(super) fn scene(&self, text: &str) {
        stdout::line(&format!("\n{text}"));
    }

    /// Something to look at.
    pub(super) fn note(&self, text: &str) {
        stdout::line(&format!("        {text}"));
    }

    /// A promise, and whether it held.
    pub(super) fn check(&mut self, promise: &str, held: bool) {
        self.total += 1;
        self.held += usize::from(held);
        stdout::line(&format!("  {}  {promise}", if held { "ok  " } else { "FAIL" }));
    }

    /// Ok only if every promise held.
    pub(super) fn end(&self) -> Exit {
        stdout::line(&format!("\n{} of {} checks held.", self.held, self.total));
        if self.held == self.total && self.total > 0 { Exit::Ok } else { Exit::Verification }
    }
}

/// A directory that goes when this is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        let name: String = random().bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        let path = std::env::temp_dir().join(format!("schat-demo-{name}"));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is ciphertext and keys of nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
