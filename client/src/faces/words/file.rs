//! Files, in a line beside other words.

use std::{
    borrow::Cow,
    path::Path,
    time::{Duration, Instant},
};

use shared::{file::Manifest, room::Message};

use super::{called, reason};
use crate::{
    faces::sanitize,
    reason::Reason,
    runtime::{Transfer, TransferState, Way},
};

/// A file that came with a message: its name and its size. Its name stands so that it passes for nothing else.
pub fn file(file: &Manifest) -> String {
    let (name, size) = (called(&file.name), bytes(file.size));
    match file.duration_ms {
        0 => format!("file {name}, {size}"),
        length => format!("voice message {name}, {}, {size}", seconds(length)),
    }
}

/// By what a message is named: what it says, or else the file that it brings.
pub fn first_words(message: &Message) -> Cow<'_, str> {
    match &message.file {
        Some(brought) if message.text.trim().is_empty() => Cow::Owned(file(brought)),
        _ => Cow::Borrowed(&message.text),
    }
}

/// So many bytes in the largest unit of which there is one, in powers of 1,000 as file managers count.
pub fn bytes(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let Some((length, unit)) = units.into_iter().find(|(length, _)| bytes >= *length) else {
        return format!("{bytes} B");
    };
    let tenths = bytes / (length / 10);
    match tenths {
        100.. => format!("{} {unit}", tenths / 10),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

/// What has become of a file under way, where it is worth a line. Bytes that go are not.
pub fn transfer(transfer: &Transfer) -> Option<String> {
    let Transfer { number, way, name, size, state, .. } = transfer;
    let name = called(name);
    let is_up = matches!(way, Way::Up(_));
    let doing = if is_up { "Sending" } else { "Fetching" };
    match state {
        TransferState::Running => {
            let place = if is_up { place(&transfer.name).unwrap_or_default() } else { "" };
            Some(format!("{doing} {name}, {} (number {number}).{place}", bytes(*size)))
        }
        TransferState::Waiting(Some(why)) if goes_on(why) => Some(format!("{doing} {name}: {}", reason(why))),
        TransferState::Waiting(Some(why)) => Some(format!("{doing} {name} waits. {}", reason(why))),
        TransferState::Waiting(None) => None,
        TransferState::Paused => Some(format!("{doing} {name} is paused; /resume {number} goes on.")),
        TransferState::Stopped(why) => {
            let tries = format!("/resume {number} tries again, /cancel {number} gives it up.");
            Some(format!("{doing} {name} stopped. {} {tries}", reason(why)))
        }
        TransferState::Done(Some(path)) => {
            Some(format!("{name} is here: {}", sanitize::line(&path.display().to_string())))
        }
        TransferState::Done(None) => Some(format!("{name} is at the relay.")),
        TransferState::Cancelled(why) => {
            let why = why.as_ref().map(|why| format!(" {}", reason(why))).unwrap_or_default();
            Some(format!("{doing} {name} was cancelled.{why}"))
        }
    }
}

/// Something of the way is gone once more; nobody has to wait or to do anything.
fn goes_on(why: &Reason) -> bool {
    matches!(why.code(), "file_changed" | "file_anew" | "parts_lost")
}

/// Endings of what cameras make and nothing is taken out of.
const MAY_TELL: [&str; 14] =
    ["heic", "heif", "avif", "tif", "tiff", "dng", "jxl", "jp2", "cr2", "cr3", "nef", "arw", "mov", "mp4"];

/// What is to be said of a file that is sent as it is, and may tell where somebody was.
pub fn place(name: &str) -> Option<&'static str> {
    let ending = Path::new(name).extension()?.to_str()?.to_lowercase();
    MAY_TELL.contains(&&*ending).then_some(" It is sent as it is, and may tell where it was taken, and when.")
}

/// How a file under way stands, for a list.
pub fn transfer_row(transfer: &Transfer) -> String {
    let Transfer { number, way, name, size, done, state, .. } = transfer;
    let arrow = if matches!(way, Way::Up(_)) { "to the relay" } else { "from the relay" };
    let why = state.reason().map(|why| format!(": {}", reason(why))).unwrap_or_default();
    let percent = percent(*done, *size);
    format!("{number}  {}, {} {arrow}, {percent} %, {}{why}", called(name), bytes(*size), state.name())
}

/// Of a hundred; a hundred only when all of it is there.
pub fn percent(done: u64, size: u64) -> u64 {
    u64::try_from(u128::from(done.min(size)) * 100 / u128::from(size.max(1))).unwrap_or(100)
}

/// A bar of so many cells.
pub fn gauge(done: u64, size: u64, cells: usize) -> String {
    let full = usize::try_from(percent(done, size)).unwrap_or(0) * cells / 100;
    format!("[{}{}]", "#".repeat(full), "-".repeat(cells.saturating_sub(full)))
}

/// How fast a file goes: over the last seconds, so that a pause shows.
#[derive(Clone, Debug)]
pub struct Speed {
    since: Instant,
    from: u64,
    /// What was there before bytes went.
    before: u64,
    rate: f64,
}

impl Speed {
    /// Begins to measure.
    pub fn start(transfer: &Transfer, now: Instant) -> Self {
        let Transfer { done, before, .. } = *transfer;
        Self { since: now, from: done, before, rate: 0.0 }
    }

    /// So many bytes are there now.
    pub fn at(&mut self, transfer: &Transfer, now: Instant) {
        const SPAN: Duration = Duration::from_secs(1);
        let Transfer { done, before, .. } = *transfer;
        if before != self.before || done < self.from {
            // It was looked how much is there: nothing of that went now.
            return *self = Self { since: now, from: done, before, rate: 0.0 };
        }
        let passed = now.saturating_duration_since(self.since);
        if passed < SPAN && self.rate > 0.0 {
            return;
        }
        if passed.is_zero() {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "people read three digits of it")]
        let now_rate = done.saturating_sub(self.from) as f64 / passed.as_secs_f64();
        self.rate = if self.rate > 0.0 { self.rate * 0.6 + now_rate * 0.4 } else { now_rate };
        (self.since, self.from) = (now, done);
    }

    /// Bytes a second, and the time that the rest takes, if anything goes.
    pub fn told(&self, left: u64) -> String {
        if self.rate < 1.0 {
            return String::new();
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive rate of bytes"
        )]
        let rate = self.rate as u64;
        let left = u32::try_from((left / rate.max(1)).saturating_mul(1_000)).unwrap_or(u32::MAX);
        format!("{}/s, {} left", bytes(rate), seconds(left))
    }
}

fn seconds(length_ms: u32) -> String {
    let seconds = length_ms.div_ceil(1_000);
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (size, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (12_345_678, "12 MB"),
            (1 << 30, "1.0 GB"),
            (32 << 30, "34 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(size), shown);
        }
        assert_eq!((seconds(61_001), seconds(12_000)), ("1:02".to_owned(), "0:12".to_owned()));
        assert_eq!((seconds(3_661_000), seconds(u32::MAX)), ("1:01:01".to_owned(), "1193:02:48".to_owned()));
        assert_eq!((percent(0, 0), percent(99, 100), percent(7, 7)), (0, 99, 100));
        assert_eq!(gauge(1, 2, 4), "[##--]");
    }

    #[test]
    fn what_may_tell_the_place_is_said_of_what_is_sent_and_of_nothing_else() {
        let told = |name: &str, way| {
            let state = TransferState::Running;
            let name = name.to_owned();
            transfer(&Transfer { number: 1, way, name, size: 5, done: 0, before: 0, state }).unwrap()
        };
        for name in ["a.HEIC", "a.tiff", "b.avif", "c.mp4"] {
            assert!(told(name, Way::Up([1; 16])).contains("may tell where it was taken"), "{name}");
            assert!(!told(name, Way::Down([1; 16])).contains("may tell"), "{name}");
        }
        for name in ["a.jpg", "heic", "a.pdf"] {
            assert!(!told(name, Way::Up([1; 16])).contains("may tell"), "{name}");
        }
    }

    #[test]
    fn speed_tells_what_is_left() {
        let start = Instant::now();
        let at = |done, before| Transfer {
            number: 1,
            way: Way::Up([1; 16]),
            name: String::new(),
            size: 122_000_000,
            done,
            before,
            state: TransferState::Running,
        };
        let mut speed = Speed::start(&at(0, 0), start);
        assert_eq!(speed.told(5), "");
        speed.at(&at(2_000_000, 0), start + Duration::from_secs(1));
        assert_eq!(speed.told(120_000_000), "2.0 MB/s, 1:00 left");
        speed.at(&at(2_000_000, 0), start + Duration::from_secs(2));
        assert_eq!(speed.told(120_000_000), "1.2 MB/s, 1:40 left");
        // It goes on after a break: what was there did not come in a moment.
        speed.at(&at(60_000_000, 60_000_000), start + Duration::from_secs(9));
        assert_eq!(speed.told(62_000_000), "");
        speed.at(&at(61_000_000, 60_000_000), start + Duration::from_secs(10));
        assert_eq!(speed.told(61_000_000), "1.0 MB/s, 1:01 left");
        // The first that a face hears of it may come behind that.
        let mut speed = Speed::start(&at(0, 0), start);
        speed.at(&at(50_000_000, 48_000_000), start + Duration::from_secs(1));
        speed.at(&at(52_000_000, 48_000_000), start + Duration::from_secs(2));
        assert_eq!(speed.told(70_000_000), "2.0 MB/s, 0:35 left");
    }
}
