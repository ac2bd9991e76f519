//! One large file up and down, the programs as a user runs them, in turns with plain QUIC.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use integration_tests::{
    group::{ROOM, found},
    relay::Relay,
    schat::command,
};

use super::{directory, median, plain::Plain};

const REPETITIONS: usize = 3;

/// What one run of a program took.
struct Run {
    /// MB/s, the program's start and end included.
    speed: f64,
    /// Most memory that the client had, in KiB.
    client: u64,
    /// Most memory that the relay had meanwhile, in KiB.
    relay: u64,
}

pub fn run(mib: usize) {
    let dir = directory();
    let dir = dir.path();
    let options = ["--rate", "1000000", "--file-traffic-mib", "1000000"];
    let options = [&options[..], &["--room-files-mib", "1000000", "--opener-files-mib", "1000000"]].concat();
    let relay = Relay::with(&dir.join("relay"), &options, None);
    let (people, _) = found(dir, &relay.address, &["ann", "bob"]);
    for person in people {
        assert_eq!(person.quit().code, Some(0));
    }
    let source = dir.join("large.bin");
    write(&source, mib);
    let plain = Plain::start();
    let at_rest = resident(relay.pid(), "VmRSS");
    let (mut plains, mut ups, mut downs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..REPETITIONS {
        plains.push(plain.speed(mib));
        let up = ["file", "send", ROOM, source.to_str().expect("a path")];
        ups.push(measured(&relay, schat(dir, "ann", &up), mib));
        let target = dir.join(format!("got {round}"));
        let down = ["file", "get", ROOM, "last", "--output", target.to_str().expect("a path")];
        downs.push(measured(&relay, schat(dir, "bob", &down), mib));
        assert!(equal(&source, &target), "other bytes came");
        fs::remove_file(&target).expect("a file");
    }
    let plain = median(plains.clone());
    println!("{mib} MiB, medians of {REPETITIONS}; relay at rest {at_rest} KiB");
    println!("plain QUIC, nothing sealed or stored: {plain:.0} MB/s {plains:.0?}");
    for (what, runs) in [("sent", ups), ("fetched", downs)] {
        let speeds: Vec<_> = runs.iter().map(|run| run.speed).collect();
        let speed = median(speeds.clone());
        let client = runs.iter().map(|run| run.client).max().unwrap_or_default();
        let relay = runs.iter().map(|run| run.relay).max().unwrap_or_default();
        println!(
            "{what}: {speed:.0} MB/s {speeds:.0?}, {:.2} of plain QUIC; memory at most: client {client} KiB, relay {relay} KiB",
            speed / plain
        );
    }
}

fn schat(dir: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = command(dir, name);
    command.arg("--trust-first-use").args(arguments);
    command
}

fn measured(relay: &Relay, mut command: Command, mib: usize) -> Run {
    // So that the most from now on is counted.
    fs::write(format!("/proc/{}/clear_refs", relay.pid()), "5").expect("Linux");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().expect("schat");
    let mut client = 0;
    let status = loop {
        client = client.max(resident(child.id(), "VmHWM"));
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let took = began.elapsed();
    assert!(status.success(), "{command:?} failed");
    let speed = (mib << 20) as f64 / 1e6 / took.as_secs_f64();
    Run { speed, client, relay: resident(relay.pid(), "VmHWM") }
}

/// A figure of a process's memory, in KiB; 0 when it is gone.
fn resident(pid: u32, which: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Bytes that no two parts have alike.
fn write(path: &Path, mib: usize) {
    let mut file = File::create(path).expect("a file");
    let mut state = 1_u64;
    let mut part = vec![0; 1 << 20];
    for _ in 0..mib {
        for word in part.chunks_exact_mut(8) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&part).expect("space");
    }
    file.sync_all().expect("a disk");
}

fn equal(one: &Path, other: &Path) -> bool {
    let (mut one, mut other) = (File::open(one).expect("a file"), File::open(other).expect("a file"));
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let read = one.read(&mut a).expect("bytes");
        if read == 0 {
            return other.read(&mut b).expect("bytes") == 0;
        }
        if other.read_exact(&mut b[..read]).is_err() || a[..read] != b[..read] {
            return false;
        }
    }
}
