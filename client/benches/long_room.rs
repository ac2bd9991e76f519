//! A room that was lived in: how fast `schat` starts, scrolls and echoes a key when it holds 100,000 messages, while
//! nothing happens and while somebody talks without a pause. The program on a terminal, a relay on loopback.
//!
//! `cargo bench --workspace --bench long_room -- [LINES]`

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark ends when something fails"
)]

#[path = "../tests/pty/enter.rs"]
mod enter;

#[path = "../tests/pty/terminal.rs"]
#[allow(dead_code, reason = "a part is used here")]
mod terminal;

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "long_room/screen.rs"]
mod screen;

#[path = "long_room/talk.rs"]
mod talk;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use client::runtime::Past;
use relay::{Limits, Rate, Relay, Retention};
use support::Person;
use tempfile::TempDir;

/// Its messages are `line 1`, `line 2`, …
const ROOM: &str = "team";

fn main() {
    let lines = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let dir = TempDir::new().unwrap();
    screen::newcomers(dir.path());
    let (relay, mut ann, bob, carol) = runtime.block_on(async {
        let relay = start(dir.path()).await;
        let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
        ann.runtime.create_own(ROOM).await.unwrap();
        let bob = joins(dir.path(), "bob", &mut ann).await;
        let began = Instant::now();
        talk::say(&mut ann, 1..=lines).await;
        let all = began.elapsed();
        println!("said by one device: {lines} lines, {:.0} a second", lines as f64 / all.as_secs_f64());
        // Who comes now knows nothing of all that; her start is what that of bob is compared with.
        let carol = joins(dir.path(), "carol", &mut ann).await;
        talk::say(&mut ann, lines + 1..=lines + 50).await;
        (relay, ann, bob, carol)
    });
    let last = lines + 50;
    screen::catches_up(&bob, lines, last);
    screen::catches_up(&carol, 50, last);
    screen::starts(&bob, &carol, last);
    screen::idles(&bob, last);
    screen::scrolls(&bob, last);
    screen::searches(&bob, last);
    screen::echoes(&bob, last, "nothing happens");
    let flood = runtime.spawn(async move {
        talk::say(&mut ann, last + 1..=u64::MAX).await;
    });
    screen::echoes(&bob, last + 200, "somebody talks without a pause");
    flood.abort();
    drop(relay);
}

/// A relay that keeps and passes on all of it.
async fn start(dir: &Path) -> Relay {
    let relay = support::relay(&dir.join("relay"), 0).await;
    let fast = Rate { burst: 1_000_000, interval: Duration::from_secs(60) };
    let retention = Retention { entries: 1_000_000, ..Retention::default() };
    relay.reload(Limits { publish: fast, room_publish: fast, retention, ..Limits::default() });
    relay
}

/// The home of somebody who is in the room, and away.
async fn joins(dir: &Path, name: &str, ann: &mut Person) -> PathBuf {
    let home = dir.join(format!("at {name}"));
    std::fs::create_dir(&home).unwrap();
    let link = ann.link(ROOM).await.to_string();
    let at = home.clone();
    let name = name.to_owned();
    tokio::task::spawn_blocking(move || screen::joins(&at, &name, &link)).await.unwrap();
    home
}

/// The middle one and the longest, in milliseconds.
fn figures(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("median {:.1} ms, p99 {:.1} ms, longest {:.1} ms", at(0.5), at(0.99), at(1.0))
}
