//! The program `schat --json` as a process: commands in, events out.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Instant,
};

use serde_json::{Value, json};

use crate::{PATIENCE, programs::program};

/// A running client; killed when dropped.
pub struct Schat {
    /// Its display name.
    pub name: String,
    profile: PathBuf,
    child: Child,
    input: Option<ChildStdin>,
    events: mpsc::Receiver<(Instant, Value)>,
    /// All events so far, in order.
    pub seen: Vec<Value>,
    /// When each of them came.
    pub came: Vec<Instant>,
    errors: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// How a client ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none when it was killed.
    pub code: Option<i32>,
    /// Its standard error.
    pub errors: String,
    /// All its events.
    pub seen: Vec<Value>,
}

/// `schat` for the person `name`, whose profile is in `dir`.
pub fn command(dir: &Path, name: &str) -> Command {
    let mut command = program("schat");
    command.arg("--profile").arg(dir.join(name)).args(["--name", name]);
    command
}

/// Runs `schat` to its end with this on its standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || {
        // A program that ends without reading is a fine answer to some tests.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "schat panicked:\n{errors}");
    output
}

impl Schat {
    /// Starts a client with its profile in `dir/name`, for rooms at `relay`.
    pub fn start(dir: &Path, name: &str, relay: &str) -> Self {
        let mut command = command(dir, name);
        command.args(["--trust-first-use", "--relay", relay]);
        Self::spawn(command, dir, name)
    }

    /// Starts this command as a client; `--json` is added.
    pub fn spawn(mut command: Command, dir: &Path, name: &str) -> Self {
        command.arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, events) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if sender.send((Instant::now(), event)).is_err() {
                    return;
                }
            }
        });
        let errors = Arc::new(Mutex::new(String::new()));
        let (copy, mut stderr) = (errors.clone(), child.stderr.take().unwrap());
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut buffer) {
                copy.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        let input = child.stdin.take();
        let (name, profile) = (name.to_owned(), dir.join(name));
        let (seen, came) = (Vec::new(), Vec::new());
        Self { name, profile, child, input, events, seen, came, errors, reader: Some(reader) }
    }

    /// Gives a command.
    #[allow(clippy::needless_pass_by_value, reason = "reads better with json!")]
    pub fn tell(&mut self, command: Value) {
        self.raw(format!("{command}\n").as_bytes());
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).and_then(|()| input.flush()).unwrap_or_else(|error| {
            panic!("{} does not listen: {error}\n{}", self.name, self.errors());
        });
    }

    /// Says something with an id, which comes back in `sent`.
    pub fn say(&mut self, room: &str, text: &str, id: &str) {
        self.tell(json!({"cmd": "send", "room": room, "text": text, "id": id}));
    }

    /// The first event, past or to come, that fits.
    pub fn wait(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait_after(0, what, fits)
    }

    /// The first event that fits after the first `mark` ones; see [`Schat::mark`].
    pub fn wait_after(&mut self, mark: usize, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut next = mark;
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.seen.iter().skip(next).find(|event| fits(event)) {
                return found.clone();
            }
            next = next.max(self.seen.len());
            match self.events.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(event) => self.take(event),
                Err(error) => panic!(
                    "{} waits in vain for {what} ({error}); its last events: {:#?}\n{}",
                    self.name,
                    &self.seen[self.seen.len().saturating_sub(12)..],
                    self.errors()
                ),
            }
        }
    }

    /// How many events there were so far.
    pub fn mark(&mut self) -> usize {
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
        self.seen.len()
    }

    fn take(&mut self, (came, event): (Instant, Value)) {
        self.came.push(came);
        self.seen.push(event);
    }

    /// The first event of this kind.
    pub fn event(&mut self, kind: &str) -> Value {
        self.wait(kind, |event| event["event"] == kind)
    }

    /// Every command given before this returns was obeyed: an answer is awaited that only then comes.
    pub fn settle(&mut self) {
        let mark = self.mark();
        self.tell(json!({"cmd": "rooms"}));
        self.wait_after(mark, "rooms", |event| event["event"] == "rooms");
    }

    /// Waits until the relay has the message with this id on its disk; its position.
    pub fn sent(&mut self, id: &str) -> u64 {
        self.wait(&format!("sent {id}"), |event| event["event"] == "sent" && event["id"] == id)["seq"]
            .as_u64()
            .unwrap()
    }

    /// Waits for a message with this text; its position.
    pub fn hears(&mut self, text: &str) -> u64 {
        let fits = |event: &Value| event["event"] == "message" && event["text"] == text;
        self.wait(&format!("message {text}"), fits)["seq"].as_u64().unwrap()
    }

    /// Position and text of all messages so far.
    pub fn heard(&mut self) -> Vec<(u64, String)> {
        self.mark();
        let messages = self.seen.iter().filter(|event| event["event"] == "message");
        messages
            .map(|event| (event["seq"].as_u64().unwrap(), event["text"].as_str().unwrap().to_owned()))
            .collect()
    }

    /// Events that tell of something that must not be.
    pub fn alarms(&mut self) -> Vec<Value> {
        self.mark();
        self.seen.iter().filter(|event| event["event"] == "alarm").cloned().collect()
    }

    /// Its standard error so far.
    pub fn errors(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its profile.
    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// It has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGKILL.
    pub fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.finish()
    }

    /// Ends its input; it ends by itself.
    pub fn quit(mut self) -> Ended {
        self.input = None;
        self.finish()
    }

    /// Waits until it ends.
    pub fn finish(&mut self) -> Ended {
        let code = self.child.wait().unwrap().code();
        self.input = None;
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        // The other end is closed: this is the rest.
        while let Ok(event) = self.events.recv() {
            self.take(event);
        }
        Ended { code, errors: self.errors(), seen: std::mem::take(&mut self.seen) }
    }
}

impl Drop for Schat {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !thread::panicking() {
            let errors = self.errors();
            assert!(!errors.contains("panicked"), "{} panicked:\n{errors}", self.name);
        }
    }
}
