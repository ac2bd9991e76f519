//! The program, run in its ways.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;

pub(crate) fn schat(profile: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", profile).stdin(Stdio::null());
    command
}

pub(crate) fn run(profile: &Path, arguments: &[&str]) -> Output {
    schat(profile).args(arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Ends with this code, says nothing on standard output, and says why on standard error.
pub(crate) fn refused(output: &Output, code: i32, why: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
}

/// A daemon, ended with the test.
pub(crate) struct Daemon {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Daemon {
    pub(crate) fn start(profile: &Path) -> Self {
        let mut command = schat(profile);
        command.env("SCHAT_NAME", "tester").arg("daemon").stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(String::new()));
        while !said.lock().unwrap().contains("ready") {
            let line = lines.next().expect("the daemon is ready").unwrap();
            said.lock().unwrap().push_str(&line);
        }
        collect(lines, said.clone());
        Self { child, said }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As by `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; its exit code.
    pub(crate) fn end(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(lines: Lines<BufReader<ChildStderr>>, said: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            said.lock().unwrap().push_str(&line);
        }
    });
}

/// `schat --json`, ended with the test.
pub(crate) struct Bot {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Bot {
    pub(crate) fn start(profile: &Path, arguments: &[&str]) -> Self {
        let mut command = schat(profile);
        command.arg("--json").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub(crate) fn tell(&mut self, command: &Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
    }

    /// Sends it a signal, and waits for its end; its exit code, unless the signal killed it.
    #[allow(dead_code, reason = "another test uses it")]
    pub(crate) fn stop(&mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// The next event of that name; others are skipped.
    pub(crate) fn next(&mut self, event: &str) -> Value {
        self.until(|value| value["event"] == event).pop().unwrap()
    }

    /// All events to the one that fits.
    pub(crate) fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut seen = Vec::new();
        for line in self.lines.by_ref() {
            let value: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let found = fits(&value);
            seen.push(value);
            if found {
                return seen;
            }
        }
        panic!("in vain; seen: {seen:#?}");
    }

    /// Ends its input; its exit code.
    pub(crate) fn end(mut self) -> i32 {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
