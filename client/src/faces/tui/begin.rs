//! What a new person can begin with, carried out.

use std::{
    future::Future,
    io::{BufRead, BufReader, Read},
    pin::Pin,
    process::{Command as Process, Stdio},
};

use shared::room::Command;
use tokio::sync::mpsc;

use super::{answer::Answer, app::App};
use crate::{
    faces::{pending::Pending, sanitize},
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::OwnRelay,
};

/// What the first room is called.
const ROOM: &str = "lobby";

/// Longest line of the demo, in bytes; it writes shorter ones.
const MAX_LINE: u64 = 4 << 10;

/// A relay that runs in this process.
pub struct Hosted {
    /// How to reach it.
    pub own: OwnRelay,
    /// What is to be said about it.
    pub said: String,
}

/// Starts one; whoever gave this ends it.
pub type Host = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Hosted, Failure>> + Send>> + Send + Sync>;

/// Runs a relay and makes a room in it.
pub(super) async fn host(
    runtime: &Runtime,
    pending: &Pending,
    host: Option<&Host>,
    app: &mut App,
) -> Result<(), Failure> {
    let elsewhere =
        || Failure::usage("This process cannot run a relay.", "Leave (Ctrl+D) and type: schat host");
    let hosted = host.ok_or_else(elsewhere)?().await?;
    runtime.use_own(hosted.own);
    let room = runtime.create_own(ROOM).await?;
    pending.join(runtime, &room);
    app.go(&room);
    app.note(hosted.said);
    app.note("The relay ends with this program. The next time, begin with: schat host".to_owned());
    Ok(runtime.tell(&room, Command::INVITE).await?)
}

/// Runs `schat demo` as a process of its own, and shows what it says.
pub(super) fn demo(answers: mpsc::Sender<Answer>) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        let message = format!("The demo cannot be started: {error}.");
        Failure::new(Exit::Local, "demo", message, "Leave (Ctrl+D) and type: schat demo")
    };
    let mut process = Process::new(std::env::current_exe().map_err(wrong)?);
    process.arg("demo").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = process.spawn().map_err(wrong)?;
    let Some(output) = child.stdout.take() else { return Ok(()) };
    // A thread, because reading a pipe blocks; it ends with the demo.
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while (&mut output).take(MAX_LINE).read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            let text = sanitize::line(String::from_utf8_lossy(&line).trim_end());
            if answers.blocking_send(Answer::Note(text)).is_err() {
                // Nobody looks any more.
                let _ = child.kill();
                break;
            }
            line.clear();
        }
        let _ = child.wait();
    });
    Ok(())
}
