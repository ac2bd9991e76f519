//! Files through the programs: how fast, in how much memory, and what a chat beside them notices.
//!
//! ```text
//! cargo bench -p integration-tests --bench files -- speed [MIB]      beside plain QUIC, on loopback
//! cargo bench -p integration-tests --bench files -- beside [LINES]   a chat over a link with 2 % loss and 50 ms; needs root
//! ```
//!
//! `SCHAT_PROGRAMS` names a directory with the programs to measure; `SCHAT_BENCH_DIR` one for their data.

#[path = "files/beside.rs"]
mod beside;
#[path = "files/plain.rs"]
mod plain;
#[path = "files/speed.rs"]
mod speed;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number =
        |default: usize| arguments.get(1).map_or(default, |number| number.parse().expect("a number"));
    match arguments.first().map(String::as_str) {
        Some("plain-server") => plain::serve(),
        Some("plain-client") => plain::send(&arguments[1], arguments[2].parse().expect("MiB")),
        Some("speed") => speed::run(number(1_024)),
        Some("beside") => beside::run(number(1_200)),
        Some(other) => panic!("there are `speed` and `beside`, and no `{other}`"),
        None => {
            speed::run(1_024);
            beside::run(1_200);
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

/// The middle one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}
