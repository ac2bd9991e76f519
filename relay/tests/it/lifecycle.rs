//! Signals, settings that change, and the service manager, with the real program.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Command, Output},
};

use proto::relay::refused::Code;
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, command, run},
};

/// A relay with its settings in a file that can be written anew.
struct Configured {
    directory: TempDir,
    program: Program,
}

impl Configured {
    fn start(settings: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("relay.toml");
        fs::write(&file, settings).unwrap();
        let program = Program::with(directory.path(), &["--config", file.to_str().unwrap()]);
        Self { directory, program }
    }

    fn write(&self, settings: &str) {
        fs::write(self.directory.path().join("relay.toml"), settings).unwrap();
    }

    fn reload(&self) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = run(self.directory.path(), &["reload"]);
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_settings_file_changes_nothing_and_is_told_loudly() {
    let relay = Configured::start("rate = 1000");
    let client = Client::connect(relay.program.address, relay.directory.path()).await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    // The first setting makes sense; it must not be taken alone.
    relay.write("rate = 1\nraet = 2");
    relay.program.signal("-HUP");
    relay.program.logs("not reloaded, what was in force stays").await;
    relay.program.logs("did you mean `rate`?").await;
    // Whoever may send signals is an operator like any other.
    relay.program.logs("the operator did something").await;
    let (code, stdout, stderr) = relay.reload();
    // Whoever only looks is told, and answered.
    let (data_dir, file) = (relay.directory.path(), relay.directory.path().join("relay.toml"));
    let looked = run(data_dir, &["--config", file.to_str().unwrap(), "status"]);
    assert!(looked.status.success(), "{looked:?}");
    assert!(String::from_utf8_lossy(&looked.stderr).contains("goes on without that file"), "{looked:?}");
    let asked = run(data_dir, &["--config", file.to_str().unwrap(), "reload"]);
    assert_eq!(asked.status.code(), Some(2), "what changes something needs its settings");
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(
        stderr.contains("what was in force stays") && stderr.contains("did you mean `rate`?"),
        "{stderr}"
    );
    for id in 1..=5 {
        a.publish([id; 16], b"still at a thousand", None).await;
        a.published().await;
    }
    Client::connect(relay.program.address, relay.directory.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_brings_what_it_can_and_names_the_rest() {
    let relay = Configured::start("rate = 1000\nlog-level = \"error\"");
    let client = Client::connect(relay.program.address, relay.directory.path()).await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    relay.write(
        "rate = 1\nlog-level = \"info\"\nadmin-listen = \"127.0.0.1:1\"\nfile-days = 3\ntransfer-memory-mib = 20",
    );
    let (code, stdout, stderr) = relay.reload();
    assert_eq!(code, Some(0), "{stderr}");
    for wanted in [
        "Changed        rate: 1000 -> 1\n",
        "Changed        log-level: error -> info\n",
        "Changed        file-days: 30 -> 3\n",
        "Needs restart  transfer-memory-mib: 128 -> 20\n",
        "Needs restart  admin-listen: (not set) -> 127.0.0.1:1\n",
    ] {
        assert!(stdout.contains(wanted), "no {wanted:?} in {stdout}");
    }
    a.publish([1; 16], b"the one", None).await;
    a.published().await;
    assert_eq!(a.publish_refused([2; 16], None).await, Code::RateLimited, "the new rate is in force");
    relay.program.logs("a setting changed").await;
    // What waits for a restart is told again; what is in force is not.
    let (_, stdout, _) = relay.reload();
    assert!(
        stdout.contains("admin-listen") && stdout.contains("transfer-memory-mib") && !stdout.contains("rate"),
        "{stdout}"
    );
}

#[test]
fn reload_without_a_change_says_so() {
    let relay = Configured::start("rate = 1000");
    assert_eq!(relay.reload().1, "No setting changed. The certificate was read again.\n");
}

#[test]
fn broken_certificate_is_refused_and_the_old_one_stays() {
    let directory = TempDir::new().unwrap();
    let authority = certs::Authority::load_or_create(&directory.path().join("ca")).unwrap();
    authority.leaf(&["localhost".to_owned()]).unwrap().save(directory.path()).unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (file(certs::SERVER_CERT_FILE), file(certs::SERVER_KEY_FILE));
    let program = Program::with(directory.path(), &["--cert", &cert, "--key", &key]);
    fs::write(&cert, "no certificate").unwrap();
    let output = run(directory.path(), &["reload"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("what was in force stays"), "{error}");
    assert_eq!(run(directory.path(), &["status"]).status.code(), Some(0));
    drop(program);
}

/// A service manager that only listens.
struct Manager {
    socket: UnixDatagram,
    path: std::path::PathBuf,
}

impl Manager {
    fn new(directory: &Path) -> Self {
        let path = directory.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path }
    }

    /// Waits for a message with this line, and returns it.
    fn hears(&self, line: &str) -> String {
        loop {
            let mut buffer = [0; 4096];
            let length = self.socket.recv(&mut buffer).unwrap_or_else(|_| panic!("no {line}"));
            let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
            if message.lines().any(|said| said == line) {
                return message;
            }
        }
    }

    fn starts(&self, data_dir: &Path, watchdog_us: Option<u32>) -> Program {
        let mut command = command(data_dir);
        command.args(["--listen", "127.0.0.1:0", "--json"]).env("NOTIFY_SOCKET", &self.path);
        if let Some(us) = watchdog_us {
            command.env("WATCHDOG_USEC", us.to_string());
        }
        Program::run(data_dir, command)
    }
}

#[test]
fn service_manager_hears_of_every_turn() {
    let directory = TempDir::new().unwrap();
    let manager = Manager::new(directory.path());
    let mut program = manager.starts(&directory.path().join("data"), None);
    let ready = manager.hears("READY=1");
    assert!(ready.contains(&format!("STATUS=serving on {}, 0 members online", program.address)), "{ready}");
    program.signal("-HUP");
    assert!(manager.hears("RELOADING=1").contains("MONOTONIC_USEC="));
    manager.hears("READY=1");
    program.terminate();
    manager.hears("STOPPING=1");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn watchdog_is_fed_while_the_relay_lives() {
    let directory = TempDir::new().unwrap();
    let manager = Manager::new(directory.path());
    let _program = manager.starts(&directory.path().join("data"), Some(100_000));
    for _ in 0..3 {
        manager.hears("WATCHDOG=1");
    }
}

/// Opens these sockets as file descriptors 3 and up, as a service manager does, and becomes the relay.
const ACTIVATE: &str = r#"
import os, socket, sys
kinds = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
opened = []
for kind in sys.argv[1].split(","):
    if kind == "unix":
        opened.append(socket.socket(socket.AF_UNIX))
        continue
    s = socket.socket(socket.AF_INET, kinds[kind])
    s.bind(("127.0.0.1", opened[0].getsockname()[1] if opened else 0))
    if kind == "tcp":
        s.listen()
    opened.append(s)
# Out of the way first, so that none is overwritten.
high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(opened)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
os.environ.update(LISTEN_FDS=str(len(high)), LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"#;

fn activated(data_dir: &Path, sockets: &str) -> Option<Command> {
    if Command::new("python3").arg("--version").output().is_err() {
        skipped("there is no python3 to open sockets with");
        return None;
    }
    let mut activated = Command::new("python3");
    activated
        .args(["-c", ACTIVATE, sockets, env!("CARGO_BIN_EXE_relay"), "--json", "--data-dir"])
        .arg(data_dir);
    activated.env_remove("SCHAT_LOG");
    Some(activated)
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_the_service_manager_are_served() {
    let directory = TempDir::new().unwrap();
    let Some(command) = activated(directory.path(), "udp,tcp") else { return };
    let program = Program::run(directory.path(), command);
    assert_ne!(program.address.port(), 443, "not the default, but what was handed over");
    let client = Client::connect(program.address, directory.path()).await;
    client.create(room(1), &key(1), vec![]).await;
    program.logs("listening on sockets of the service manager").await;
    // TCP is served, too: what is no TLS gets an alert.
    let alert = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(program.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&[b'x'; 64]).unwrap();
        let mut alert = Vec::new();
        stream.read_to_end(&mut alert).map(|_| alert)
    });
    assert_eq!(alert.await.unwrap().unwrap().first(), Some(&21));
}

#[test]
fn sockets_that_are_of_no_use_are_refused_with_a_remedy() {
    let directory = TempDir::new().unwrap();
    for (sockets, expected) in
        [("unix", "use ListenDatagram= and ListenStream="), ("tcp", "add ListenDatagram=")]
    {
        let Some(mut command) = activated(directory.path(), sockets) else { return };
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(expected), "{error}");
    }
}
