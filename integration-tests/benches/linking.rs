//! A new device, through the programs: how long until it is of use, and until it has the past.
//!
//! ```text
//! cargo bench -p integration-tests --bench linking -- rooms [ROOMS]          beside somebody who joins the same rooms
//! cargo bench -p integration-tests --bench linking -- past [LINES] [FILES]   beside a member who missed the same lines
//! ```
//!
//! `SCHAT_PROGRAMS` names a directory with the programs to measure; `SCHAT_BENCH_DIR` one for their data.

#[path = "linking/past.rs"]
mod past;
#[path = "linking/rooms.rs"]
mod rooms;
#[path = "linking/spent.rs"]
mod spent;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |at: usize, default: usize| {
        arguments.get(at).map_or(default, |number| number.parse().expect("a number"))
    };
    match arguments.first().map(String::as_str) {
        Some("rooms") => rooms::run(number(1, 20)),
        Some("past") => past::run(number(1, 10_000), number(2, 100)),
        Some(other) => panic!("there are `rooms` and `past`, and no `{other}`"),
        None => {
            rooms::run(20);
            past::run(10_000, 100);
        }
    }
}

/// A directory for what is measured.
fn directory() -> tempfile::TempDir {
    match std::env::var_os("SCHAT_BENCH_DIR") {
        Some(place) => tempfile::TempDir::new_in(place),
        None => tempfile::TempDir::new(),
    }
    .expect("a directory")
}
