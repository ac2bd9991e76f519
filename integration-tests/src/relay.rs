//! The program `relay` as a process.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{namespace, programs::program};

/// Tries to get a port back that a stranger's socket may have taken for a moment.
const TRIES: usize = 50;

/// A running relay; killed when dropped.
pub struct Relay {
    child: Child,
    options: Vec<String>,
    namespace: Option<String>,
    dir: PathBuf,
    /// `127.0.0.1:PORT`; stays the same when it is started again.
    pub address: String,
    /// What its own certificate authority is pinned by.
    pub pin: String,
}

impl Relay {
    /// On a free port, with its data in `dir`, without a limit that a fast test could reach.
    pub fn start(dir: &Path) -> Self {
        Self::with(dir, &["--rate", "1000000"], None)
    }

    /// With these options. `log`: trace everything to standard error.
    pub fn with(dir: &Path, options: &[&str], log: Option<&str>) -> Self {
        let mut options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        options.extend(log.map(|filter| format!("log={filter}")));
        let started = spawn(dir, "127.0.0.1:0", &options, None);
        let (child, address, pin) = started.expect("the relay does not start");
        Self { child, options, namespace: None, dir: dir.to_owned(), address, pin }
    }

    /// In a network namespace, at this address.
    pub fn inside(namespace: &str, listen: &str, dir: &Path) -> Self {
        let options: Vec<String> = ["--rate", "1000000", "--tcp"].map(str::to_owned).to_vec();
        let started = spawn(dir, listen, &options, Some(namespace));
        let (child, address, pin) = started.expect("the relay does not start");
        Self { child, options, namespace: Some(namespace.to_owned()), dir: dir.to_owned(), address, pin }
    }

    /// SIGKILL: no goodbye, no flush.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits until it has ended: every client is told, everything accepted is on disk.
    pub fn terminate(&mut self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "it did not end in order:\n{}", self.log());
    }

    /// Starts it again where it was, after [`Relay::kill`] or [`Relay::terminate`].
    pub fn restart(&mut self) {
        let started = (0..TRIES)
            .find_map(|_| spawn(&self.dir, &self.address, &self.options, self.namespace.as_deref()));
        let (child, address, pin) = started.expect("the relay does not start again");
        assert_eq!((&address, &pin), (&self.address, &self.pin), "another relay came back");
        self.child = child;
    }

    /// From the next start on it has these options.
    pub fn set_options(&mut self, options: &[&str]) {
        self.options = options.iter().map(|&option| option.to_owned()).collect();
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data directory; the log file in it is `standard-error`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it wrote to standard error, over all starts.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(log_file(&self.dir)).unwrap()).into_owned()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            assert!(!self.log().contains("panicked"), "the relay panicked:\n{}", self.log());
        }
    }
}

/// `relay` with its data in `dir`.
pub fn command(dir: &Path) -> Command {
    let mut command = program("relay");
    command.arg("--data-dir").arg(dir);
    command
}

fn log_file(dir: &Path) -> PathBuf {
    dir.join("standard-error")
}

fn spawn(
    dir: &Path,
    listen: &str,
    options: &[String],
    namespace: Option<&str>,
) -> Option<(Child, String, String)> {
    fs::create_dir_all(dir).unwrap();
    let log = File::options().create(true).append(true).open(log_file(dir)).unwrap();
    let mut command = match namespace {
        Some(namespace) => namespace::inside(namespace, &command(dir)),
        None => command(dir),
    };
    command.args(["--json", "--listen", listen]).stdout(Stdio::piped()).stderr(log);
    for option in options {
        match option.strip_prefix("log=") {
            Some(filter) => command.env("SCHAT_LOG", filter).env("RUST_LOG", filter),
            None => command.arg(option),
        };
    }
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let Ok(greeting) = serde_json::from_str::<Value>(&line) else {
        child.wait().unwrap();
        return None;
    };
    let field = |name: &str| greeting[name].as_str().unwrap().to_owned();
    Some((child, field("address"), field("pin")))
}
