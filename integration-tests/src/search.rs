//! Looking for what must not be there: in files, in another process's memory, in bytes.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Regions of memory are read in pieces of this many bytes.
const PIECE: usize = 4 << 20;

/// Spellings of a text: as it is, as UTF-16, in hexadecimal and in base64.
pub struct Needles(Vec<Vec<u8>>);

impl Needles {
    /// Those of a text without white space, of 16 characters or more.
    pub fn of(text: &str) -> Self {
        assert!(text.is_ascii() && text.len() >= 16);
        let hex = |upper: bool| -> Vec<u8> {
            let byte = |byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
            text.bytes().map(byte).collect::<String>().into_bytes()
        };
        let wide = text.bytes().flat_map(|byte| [byte, 0]).collect();
        let mut all = vec![text.as_bytes().to_vec(), wide, hex(false), hex(true)];
        all.extend((0..3).map(|shift| base64(&text.as_bytes()[shift..])));
        Self(all)
    }

    /// Is any of them in there?
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|needle| contains(bytes, needle))
    }

    /// The first file of a directory, however deep, with any of them in its content or its name.
    pub fn in_files(&self, dir: &Path) -> Option<PathBuf> {
        let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.into_iter().find_map(|path| {
            if path.is_dir() {
                return self.in_files(&path);
            }
            let in_name = self.are_in(path.as_os_str().as_encoded_bytes());
            // A socket has a name and nothing in it.
            let content = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            (in_name || self.are_in(&content)).then_some(path)
        })
    }

    /// Is any of them in a process's memory?
    ///
    /// # Errors
    /// Why the memory cannot be read: not Linux, or not allowed.
    pub fn in_memory(&self, pid: u32) -> Result<bool, String> {
        let why = |error: std::io::Error| format!("the memory of process {pid} cannot be read: {error}");
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).map_err(why)?;
        let mut memory = File::open(format!("/proc/{pid}/mem")).map_err(why)?;
        let overlap = self.0.iter().map(Vec::len).max().unwrap_or(0) as u64;
        let (mut buffer, mut total) = (vec![0; PIECE], 0);
        for (mut from, to) in maps.lines().filter_map(readable) {
            while from < to {
                let length = usize::try_from(to - from).unwrap().min(PIECE);
                let piece = &mut buffer[..length];
                // Pages that only the kernel can read are in the list, too.
                if memory.seek(SeekFrom::Start(from)).and_then(|_| memory.read_exact(piece)).is_ok() {
                    total += length;
                    if self.are_in(piece) {
                        return Ok(true);
                    }
                }
                let end = from + length as u64;
                from = if end < to { end - overlap } else { end };
            }
        }
        if total < 1 << 20 {
            Err(format!("of process {pid} only {total} bytes can be read"))
        } else {
            Ok(false)
        }
    }
}

/// A readable region of `/proc/PID/maps`.
fn readable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    let is_memory = rest.starts_with('r') && !line.contains("[vvar") && !line.contains("[vsyscall");
    let address = |text| u64::from_str_radix(text, 16).ok();
    is_memory.then_some((address(from)?, address(to)?))
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && memchr::memmem::find(bytes, needle).is_some()
}

/// Without the last characters, which depend on what follows.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |three: &[u8]| {
        let number = three.iter().fold(0u32, |number, byte| (number << 8) | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| DIGITS[(number >> shift) as usize & 63])
    };
    bytes.chunks_exact(3).flat_map(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "4f1c9a6be2d34c55";

    #[test]
    fn every_spelling_is_found_anywhere() {
        let needles = Needles::of(SECRET);
        assert!(!needles.are_in(b"4f1c9a6be2d34c5 5") && !needles.are_in(b""));
        let wide: Vec<u8> = SECRET.bytes().flat_map(|byte| [byte, 0]).collect();
        let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
        // "xy" before it, by coreutils' base64.
        let base64 = b"eHk0ZjFjOWE2YmUyZDM0YzU1".to_vec();
        for spelling in [SECRET.as_bytes().to_vec(), wide, hex.into_bytes(), base64] {
            assert!(needles.are_in(&spelling));
            assert!(needles.are_in(&[b"4f1c4f1c".to_vec(), spelling, b"tail".to_vec()].concat()));
        }
    }

    #[test]
    fn text_in_a_file_or_in_this_process_is_found() {
        let dir = tempfile::TempDir::new().unwrap();
        let text = crate::unguessable();
        let needles = Needles::of(&text);
        assert_eq!(needles.in_files(dir.path()), None);
        let inner = dir.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("c"), format!("before {text} after")).unwrap();
        assert_eq!(needles.in_files(dir.path()), Some(inner.join("c")));
        match needles.in_memory(std::process::id()) {
            Ok(found) => assert!(found),
            Err(why) => println!("skipped: {why}"),
        }
    }
}
