//! A chat over a bad link, alone and beside a file, by QUIC and by one TLS connection over TCP.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use integration_tests::{
    group::{ROOM, link},
    namespace::inside,
    relay::Relay,
    schat::{Schat, command},
};
use serde_json::{Value, json};

use super::{directory, median};

/// Of the link, one way, and in percent.
const DELAY_MS: u32 = 25;
const LOSS: u32 = 2;

/// Between two lines of the chat.
const PACE: Duration = Duration::from_millis(250);

const REPETITIONS: usize = 3;

/// The namespaces, and where the relay is in its own.
const RELAYS: &str = "schat-lossy-relay";
const CLIENTS: &str = "schat-lossy-clients";
const ADDRESS: &str = "10.213.9.1:4443";

/// How long lines took, in ms, and what the file got meanwhile.
struct Figures {
    p50: f64,
    p99: f64,
    /// KB/s of the file.
    file: f64,
}

pub fn run(lines: usize) {
    let dir = directory();
    let link_between = LossyLink::lay();
    let relay = Relay::inside(RELAYS, ADDRESS, &dir.path().join("relay"));
    let start = |namespace: &str, name: &str| {
        let mut schat = command(dir.path(), name);
        schat.args(["--trust-first-use", "--relay", ADDRESS]);
        Schat::spawn(inside(namespace, &schat), dir.path(), name)
    };
    let mut ann = start(CLIENTS, "ann");
    ann.tell(json!({"cmd": "create", "room": ROOM}));
    ann.event("joined");
    let mut bob = start(CLIENTS, "bob");
    // Beside the relay, so that what bob fetches is there soon.
    let mut carol = start(RELAYS, "carol");
    for person in [&mut bob, &mut carol] {
        let link = link(&mut ann);
        person.tell(json!({"cmd": "join", "link": link}));
        person.event("joined");
    }
    let large = dir.path().join("large.bin");
    File::create(&large).and_then(|file| file.set_len(1 << 30)).expect("a file");
    let message = offered(&mut carol, &large, &mut bob);
    println!(
        "{lines} lines, one each {PACE:?}, {DELAY_MS} ms each way, {LOSS} % lost; medians of {REPETITIONS} that took turns"
    );
    for by in ["quic", "tcp"] {
        if by == "tcp" {
            link_between.execute("udp off");
        }
        for person in [&mut ann, &mut bob] {
            person.wait(by, |event| event["event"] == "connected" && event["transport"] == by);
        }
        let mut figures = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..REPETITIONS {
            let name = format!("{by} {round}");
            figures[0].push(chat(&mut ann, &mut bob, lines, &format!("{name} alone"), None));
            let up = json!({"cmd": "file_send", "room": ROOM, "path": large, "id": name});
            figures[1].push(chat(&mut ann, &mut bob, lines, &format!("{name} up"), Some((true, up))));
            let got = dir.path().join(format!("got {name}"));
            let down = json!({"cmd": "file_get", "room": ROOM, "target": message, "output": got});
            figures[2].push(chat(&mut ann, &mut bob, lines, &format!("{name} down"), Some((false, down))));
        }
        let p99 = |figures: &[Figures]| median(figures.iter().map(|figures| figures.p99).collect());
        let alone = p99(&figures[0]);
        for (what, figures) in ["alone", "beside a file sent", "beside a file fetched"].iter().zip(&figures) {
            let all: Vec<_> = figures.iter().map(|figures| figures.p99).collect();
            println!(
                "{by}, {what}: p50 {:.1} ms, p99 {:.1} ms {all:.0?}, {:.2} of alone; file {:.0} KB/s",
                median(figures.iter().map(|figures| figures.p50).collect()),
                p99(figures),
                p99(figures) / alone,
                median(figures.iter().map(|figures| figures.file).collect()),
            );
        }
    }
    drop(relay);
}

/// A file that is at the relay; its message.
fn offered(carol: &mut Schat, path: &Path, bob: &mut Schat) -> Value {
    carol.tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "text": "fetch it", "id": "large"}));
    carol.sent("large");
    bob.wait("the offer", |event| event["event"] == "message" && event["text"] == "fetch it")["id"].clone()
}

/// Ann says lines, and bob hears them; beside it, perhaps, a file that one of them sends or fetches.
fn chat(ann: &mut Schat, bob: &mut Schat, lines: usize, name: &str, file: Option<(bool, Value)>) -> Figures {
    let is_transfer =
        |state: &'static str| move |event: &Value| event["event"] == "transfer" && event["state"] == state;
    if let Some((is_up, command)) = &file {
        let who = if *is_up { &mut *ann } else { &mut *bob };
        let mark = who.mark();
        who.tell(command.clone());
        who.wait_after(mark, "a transfer", |event| is_transfer("running")(event) && event["done"] != 0);
    }
    let (began, before) = (Instant::now(), moved(ann, bob, &file));
    let said: Vec<Instant> = (0..lines)
        .map(|line| {
            thread::sleep((began + PACE * line as u32).saturating_duration_since(Instant::now()));
            let now = Instant::now();
            ann.say(ROOM, &format!("{name} {line}"), &format!("{name} {line}"));
            now
        })
        .collect();
    bob.hears(&format!("{name} {}", lines - 1));
    let seconds = began.elapsed().as_secs_f64();
    let bytes = moved(ann, bob, &file) - before;
    if let Some((is_up, _)) = &file {
        let who = if *is_up { &mut *ann } else { &mut *bob };
        let mark = who.mark();
        let number = last_transfer(who)["transfer"].clone();
        who.tell(json!({"cmd": "transfer", "transfer": number, "steer": "cancel"}));
        who.wait_after(mark, "its end", is_transfer("cancelled"));
    }
    let mut times: Vec<f64> = bob
        .seen
        .iter()
        .zip(&bob.came)
        .filter(|(event, _)| event["event"] == "message")
        .filter_map(|(event, came)| {
            let line: usize = event["text"].as_str()?.strip_prefix(name)?.trim().parse().ok()?;
            Some(came.duration_since(said[line]).as_secs_f64() * 1e3)
        })
        .collect();
    assert_eq!(times.len(), lines, "lost or doubled");
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| times[(lines - 1) * share / 100];
    eprintln!("{name}: p50 {:.1} ms, p99 {:.1} ms, file {:.0} KB/s", at(50), at(99), bytes / 1e3 / seconds);
    Figures { p50: at(50), p99: at(99), file: bytes / 1e3 / seconds }
}

/// Bytes of the file that are through.
fn moved(ann: &mut Schat, bob: &mut Schat, file: &Option<(bool, Value)>) -> f64 {
    let Some((is_up, _)) = file else { return 0.0 };
    let who = if *is_up { ann } else { bob };
    who.mark();
    last_transfer(who)["done"].as_f64().unwrap_or_default()
}

fn last_transfer(who: &Schat) -> &Value {
    who.seen.iter().rev().find(|event| event["event"] == "transfer").expect("a transfer")
}

/// The program beside this file that is the link.
struct LossyLink {
    program: Child,
    commands: Option<ChildStdin>,
}

impl LossyLink {
    fn lay() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/files/lossy_link.py");
        let mut program = Command::new("python3")
            .arg(script)
            .args([RELAYS, CLIENTS, &DELAY_MS.to_string(), &LOSS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut ready = String::new();
        BufReader::new(program.stdout.take().expect("its output")).read_line(&mut ready).expect("a line");
        assert_eq!(ready, "ready\n", "the link needs root, iproute2 and /dev/net/tun");
        let commands = program.stdin.take();
        Self { program, commands }
    }

    fn execute(&self, command: &str) {
        writeln!(self.commands.as_ref().expect("its input"), "{command}").expect("the link");
    }
}

impl Drop for LossyLink {
    fn drop(&mut self) {
        // It takes the namespaces away then.
        self.commands = None;
        let _ = self.program.wait();
    }
}
