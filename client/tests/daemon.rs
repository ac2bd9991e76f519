//! One daemon, many faces: the program itself against a real relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]
#![cfg(unix)]

mod support;

#[path = "daemon/programs.rs"]
mod programs;

use std::{
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream, process::CommandExt},
    path::Path,
    time::Duration,
};

use client::runtime::Past;
use programs::{Bot, Daemon, refused, run, schat, text};
use relay::{Limits, Rate, Relay};
use serde_json::json;
use support::{Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// A relay that lets tests talk fast, somebody with a room there, and a profile in it that a daemon has.
struct Scene {
    dir: TempDir,
    _relay: Relay,
    ann: Person,
    daemon: Daemon,
}

impl Scene {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let relay = relay(&dir.path().join("relay"), 0).await;
        let fast = Rate { burst: 100_000, interval: Duration::from_secs(60) };
        relay.reload(Limits { publish: fast, room_publish: fast, ..Limits::default() });
        let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
        ann.runtime.create_own(ROOM).await.unwrap();
        let link = ann.link(ROOM).await.to_string();
        let profile = dir.path().join("shared");
        let daemon = Daemon::start(&profile);
        let mut first = Bot::start(&profile, &[]);
        first.tell(&json!({"cmd": "join", "link": link}));
        first.next("joined");
        assert_eq!(first.end(), 0);
        Self { dir, _relay: relay, ann, daemon }
    }

    fn profile(&self) -> std::path::PathBuf {
        self.dir.path().join("shared")
    }

    fn socket(&self) -> std::path::PathBuf {
        self.profile().join("daemon.sock")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_tail_and_send_use_one_profile_at_once() {
    let mut scene = Scene::new().await;
    let profile = scene.profile();
    let (mut one, mut two) = (Bot::start(&profile, &[]), Bot::start(&profile, &[]));
    one.next("joined");
    two.next("joined");
    // However its name is typed.
    let in_capitals = ROOM.to_uppercase();
    assert_ne!(in_capitals, ROOM);
    let mut tail = Bot::start(&profile, &["tail", &in_capitals]);

    scene.ann.say(ROOM, "", "hello").await;
    for bot in [&mut one, &mut two, &mut tail] {
        let heard = bot.next("message");
        assert_eq!(
            (&heard["text"], &heard["mine"], &heard["again"]),
            (&"hello".into(), &false.into(), &false.into())
        );
    }
    let sent = run(&profile, &["--json", "send", &in_capitals, "by send"]);
    assert!(sent.status.success(), "{sent:?}");
    scene.ann.hears("by send").await;
    for bot in [&mut one, &mut two, &mut tail] {
        assert_eq!(bot.next("message")["text"], "by send");
    }
    // Answers go to who asked, also when both say the same by the same id.
    one.tell(&json!({"cmd": "send", "room": ROOM, "text": "of one", "id": "a1"}));
    assert_eq!(one.next("sent")["id"], "a1");
    one.tell(&json!({"cmd": "invite", "room": ROOM}));
    let link = one.next("invite")["link"].as_str().unwrap().to_owned();
    assert!(link.starts_with("schat://"));
    one.tell(&json!({"cmd": "send", "room": ROOM, "text": "the last", "id": "a2"}));
    for event in two.until(|event| event["text"] == "the last" && event["event"] == "message") {
        assert!(
            event["event"] != "sent" && event["event"] != "invite" && event["event"] != "error",
            "{event}"
        );
    }
    // What needs no relay goes through the daemon as well.
    assert_eq!(text(&run(&profile, &["rooms"]).stdout).split('\t').next(), Some(ROOM));
    assert_eq!(text(&run(&profile, &["fingerprint"]).stdout).trim().len(), 64);
    assert!(text(&run(&profile, &["search", "of", "one"]).stdout).contains("of one"));
    let export = run(&profile, &["export", ROOM]);
    assert!(["hello", "by send", "the last"].iter().all(|said| text(&export.stdout).contains(said)));
    assert!(text(&run(&profile, &["invite", ROOM]).stdout).starts_with("schat://"));
    refused(&run(&profile, &["send", "nowhere", "hi"]), 5, "nowhere");
    refused(&run(&profile, &["host"]), 1, "schat daemon stop");
    refused(&run(&profile, &["daemon"]), 1, "already");
    // A name of its own is no reason to fail: it is that of the profile from then on.
    let renamed = schat(&profile).args(["--name", "other", "fingerprint"]).output().unwrap();
    assert!(renamed.status.success());
    assert_eq!(two.next("profile_changed")["was"], "tester");
    let status: serde_json::Value =
        serde_json::from_slice(&run(&profile, &["--json", "daemon", "status"]).stdout).unwrap();
    assert_eq!((&status["faces"], &status["rooms"]), (&3.into(), &1.into()), "{status}");
    let pid = u64::from(scene.daemon.pid());
    assert_eq!(status["pid"], pid);
    let told = String::from_utf8(run(&profile, &["daemon", "status"]).stdout).unwrap();
    assert!(told.contains("3 faces attached and 1 room."), "{told}");

    assert!(run(&profile, &["daemon", "stop"]).status.success());
    assert_eq!(scene.daemon.end(), 0);
    refused(&run(&profile, &["daemon", "status"]), 5, "No daemon");
    // The profile is free, and faces of a daemon leave when they are told to.
    assert!(run(&profile, &["rooms"]).status.success());
    assert_eq!(one.end(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn storm_with_faces_that_come_and_go_reaches_each_cursor_once_and_in_order() {
    const SAID: usize = 600;
    let mut scene = Scene::new().await;
    let profile = scene.profile();
    let stay = {
        let profile = profile.clone();
        std::thread::spawn(move || {
            let mut stay = Bot::start(&profile, &["tail", ROOM, "--ack", "--cursor", "stay"]);
            (0..SAID).map(|_| stay.next("message")["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
    };
    let go = std::thread::spawn(move || {
        let mut heard = Vec::new();
        while heard.len() < SAID {
            let mut tail = Bot::start(&profile, &["tail", ROOM, "--ack=told", "--cursor", "go"]);
            for _ in 0..40.min(SAID - heard.len()) {
                let message = tail.next("message");
                heard.push(message["text"].as_str().unwrap().to_owned());
                tail.tell(&json!({"cmd": "ack", "room": ROOM, "seq": message["seq"]}));
            }
            // It ends when what it was told is done.
            assert_eq!(tail.end(), 0);
        }
        heard
    });
    let said: Vec<String> = (0..SAID).map(|number| format!("number {number}")).collect();
    for text in &said {
        scene.ann.say(ROOM, "t", text).await;
        if text.ends_with('0') {
            scene.ann.hears(text).await;
        }
    }
    scene.ann.hears(said.last().unwrap()).await;
    assert_eq!(tokio::task::spawn_blocking(|| stay.join().unwrap()).await.unwrap(), said);
    assert_eq!(tokio::task::spawn_blocking(|| go.join().unwrap()).await.unwrap(), said);
}

#[tokio::test(flavor = "multi_thread")]
async fn daemon_that_is_killed_loses_nothing_and_faces_go_on_by_themselves() {
    let mut scene = Scene::new().await;
    let profile = scene.profile();
    let mut bot = Bot::start(&profile, &[]);
    let mut tail = Bot::start(&profile, &["tail", ROOM, "--ack"]);
    bot.next("joined");
    scene.ann.say(ROOM, "", "before").await;
    let before = bot.next("message");
    assert_eq!(tail.next("message")["text"], "before");
    scene.daemon.kill();
    let gone = bot.next("disconnected");
    assert_eq!(gone["code"], "daemon_gone");
    assert!(
        gone["retry_ms"].is_number() && gone["remedy"].as_str().unwrap().contains("schat daemon"),
        "{gone}"
    );
    scene.ann.say(ROOM, "", "while it was away").await;
    // What is asked meanwhile waits for it.
    bot.tell(&json!({"cmd": "send", "room": ROOM, "text": "asked meanwhile", "id": "m"}));
    assert!(scene.socket().exists(), "a killed daemon leaves its socket");
    scene.daemon = Daemon::start(&profile);
    let missed = bot.next("message");
    assert_eq!((&missed["text"], &missed["again"]), (&"while it was away".into(), &false.into()));
    assert_eq!(missed["seq"].as_u64().unwrap(), before["seq"].as_u64().unwrap() + 1);
    assert_eq!(bot.next("sent")["id"], "m");
    assert_eq!(tail.next("message")["text"], "while it was away");
    assert_eq!(tail.next("message")["text"], "asked meanwhile");
    scene.ann.hears("asked meanwhile").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_that_a_dead_daemon_left_is_in_nobodys_way() {
    let dir = TempDir::new().unwrap();
    let mut daemon = Daemon::start(dir.path());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let socket = dir.path().join("daemon.sock");
    assert_eq!(mode(&socket), 0o600);
    daemon.kill();
    assert!(socket.exists());
    assert!(run(dir.path(), &["fingerprint"]).status.success());
    let mut daemon = Daemon::start(dir.path());
    assert!(run(dir.path(), &["daemon", "status"]).status.success());
    assert!(run(dir.path(), &["daemon", "stop"]).status.success());
    assert_eq!(daemon.end(), 0);
    assert!(!socket.exists(), "one that ends orderly takes its socket away");
}

#[test]
fn profile_with_a_path_too_long_for_a_socket_has_a_daemon_all_the_same() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("a".repeat(60)).join("b".repeat(60));
    let _daemon = Daemon::start(&profile);
    assert!(run(&profile, &["daemon", "status"]).status.success());
}

/// As the program says hello, in the daemon's own form.
fn hello(program: &str, stop: bool) -> Vec<u8> {
    let mut body = vec![12];
    body.extend(b"schat daemon");
    body.push(7);
    body.push(u8::try_from(program.len()).unwrap());
    body.extend(program.as_bytes());
    body.push(stop.into());
    [u32::try_from(body.len()).unwrap().to_be_bytes().as_slice(), &body].concat()
}

const OURS: &str = env!("CARGO_PKG_VERSION");

/// Everything that comes until the daemon hangs up.
fn hung_up(mut stream: UnixStream) -> Vec<u8> {
    stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it goes on"),
    }
    all
}

#[test]
fn daemon_of_another_version_is_not_spoken_to() {
    let dir = TempDir::new().unwrap();
    let _daemon = Daemon::start(dir.path());
    let connect = || UnixStream::connect(dir.path().join("daemon.sock")).unwrap();
    // It says who it is, and then nothing to a face of another version.
    let mut old = connect();
    old.write_all(&hello("0.0.9", false)).unwrap();
    // An attachment, if it listened.
    let _ = old.write_all(&[0, 0, 0, 1, 1]);
    assert_eq!(hung_up(old), hello(OURS, false));
    let mut same = connect();
    same.write_all(&hello(OURS, false)).unwrap();
    same.write_all(&[0, 0, 0, 1, 1]).unwrap();
    assert!(hung_up(same).len() > hello(OURS, false).len(), "one of the same is answered");

    // And the other way round.
    let other = TempDir::new().unwrap();
    assert!(run(other.path(), &["--json"]).status.success());
    let listener = std::os::unix::net::UnixListener::bind(other.path().join("daemon.sock")).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&hello("9.0.0", false)).unwrap();
        hung_up(stream)
    });
    refused(&run(other.path(), &["rooms"]), 1, "schat daemon stop");
    assert_eq!(thread.join().unwrap(), hello(OURS, false));
}

#[test]
fn rubbish_disturbs_nobody() {
    let dir = TempDir::new().unwrap();
    let mut daemon = Daemon::start(dir.path());
    let socket = dir.path().join("daemon.sock");
    let mut bot = Bot::start(dir.path(), &[]);
    let greeted = hello(OURS, false);
    let mut state = 4_711_u64;
    let mut random = |count: usize| -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        (0..count).map(|_| next()).collect()
    };
    // Attached, and nothing else: face, Past::Nothing, all rooms.
    let attach = [0, 0, 0, 5, 0, 7, 0, 0, 0];
    for round in 0..200 {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let mut bytes = Vec::new();
        if round % 4 > 0 {
            bytes.extend(&greeted);
        }
        if round % 4 > 1 {
            bytes.extend(attach);
        }
        match round % 5 {
            0 => bytes.extend(random(300)),
            // Half a frame.
            1 => bytes.extend([0, 0, 1, 0, 2, 3]),
            // A huge one.
            2 => bytes.extend([0xff, 0xff, 0xff, 0xff, 0]),
            // More taken than there was: u32::MAX events.
            3 => bytes.extend([0, 0, 0, 6, 4, 0xff, 0xff, 0xff, 0xff, 0x0f]),
            // A frame of the right length, of rubbish.
            _ => {
                let body = random(200);
                bytes.extend([0, 0, 0, 200]);
                bytes.extend(body);
            }
        }
        // It may hang up before it has read all.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        hung_up(stream);
    }
    bot.tell(&json!({"cmd": "rooms"}));
    assert_eq!(bot.next("rooms")["rooms"], json!([]));
    assert_eq!(bot.end(), 0);
    assert!(run(dir.path(), &["daemon", "stop"]).status.success());
    assert_eq!(daemon.end(), 0);
    assert!(!daemon.said().contains("panicked"), "{}", daemon.said());
}

#[test]
fn somebody_else_is_hung_up_on() {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("profile");
    let _daemon = Daemon::start(&profile);
    // Only root can try it, and has to open the doors first.
    for open in [dir.path(), &profile] {
        std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(profile.join("daemon.sock"), std::fs::Permissions::from_mode(0o666)).unwrap();
    // It greets as one of us would.
    let probe = "
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(60)
try:
    s.sendall(bytes.fromhex(sys.argv[2]))
    said = s.recv(100)
except (BrokenPipeError, ConnectionResetError):
    said = b''
sys.stdout.write(str(len(said)))";
    let mut command = std::process::Command::new("python3");
    command.args(["-c", probe]).arg(profile.join("daemon.sock")).arg(hex::encode(hello(OURS, false)));
    command.uid(65_534);
    let Ok(output) = command.output() else {
        eprintln!("skipped: not root, or no python3");
        return;
    };
    // Not even told who is there.
    assert_eq!(text(&output.stdout), "0", "{output:?}");
}
