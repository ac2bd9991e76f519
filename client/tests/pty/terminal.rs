//! A terminal of its own for the program: a real pty, and its screen as a terminal shows it.

use std::{
    io::{Read, Write},
    num::NonZero,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Far longer than anything takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// `schat` on a pty; killed when dropped.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
    changed: mpsc::Receiver<()>,
    /// Keys that were pressed; what was pasted is one.
    pub keystrokes: usize,
}

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
}

fn size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("a terminal has cells")
}

impl Terminal {
    /// Starts the program with its profile in `dir`, on 80 by 24 cells of an xterm; nothing else is in its environment
    /// than `variables`.
    pub(crate) fn start(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_schat"));
        command.args(arguments);
        Self::run(command, dir, variables)
    }

    /// The same with a shell that has jobs, and starts it.
    #[allow(dead_code, reason = "the benchmark needs no shell")]
    pub(crate) fn start_shell(dir: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new("/bin/bash");
        command.args(["--norc", "--noprofile", "-i"]);
        Self::run(command, dir, variables)
    }

    fn run(mut command: CommandBuilder, dir: &Path, variables: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(size((80, 24))).unwrap();
        command.env_clear();
        command.env("HOME", dir);
        command.env("SCHAT_PROFILE", dir.join("profile"));
        command.env("TERM", "xterm-256color");
        variables.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(dir);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Seen { parser: vt100::Parser::new(cells(24), cells(80), 0), raw: Vec::new() };
        let seen = Arc::new(Mutex::new(seen));
        let (writer, mut reader) =
            (pair.master.take_writer().unwrap(), pair.master.try_clone_reader().unwrap());
        let (copy, (sender, changed)) = (seen.clone(), mpsc::channel());
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let mut seen = copy.lock().unwrap();
                seen.parser.process(&buffer[..read]);
                seen.raw.extend_from_slice(&buffer[..read]);
                drop(seen);
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        Self { master: pair.master, writer, child, seen, changed, keystrokes: 0 }
    }

    /// Presses one key after the other, as the bytes that a terminal sends for them.
    pub(crate) fn press(&mut self, keys: &[&str]) {
        for key in keys {
            self.writer.write_all(key.as_bytes()).and_then(|()| self.writer.flush()).unwrap();
            self.keystrokes += 1;
        }
    }

    /// Types letters.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush()).unwrap();
        self.keystrokes += text.chars().count();
    }

    /// Pastes, as a terminal does that knows bracketed paste.
    pub(crate) fn paste(&mut self, text: &str) {
        self.press(&[&format!("\u{1b}[200~{text}\u{1b}[201~")]);
    }

    /// Another size of the window.
    pub(crate) fn resize(&mut self, cols: u16, rows: u16) {
        self.seen.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(size((cols, rows))).unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// What the screen shows, a line of it per line.
    pub(crate) fn screen(&self) -> String {
        self.seen.lock().unwrap().parser.screen().contents()
    }

    /// Asks the screen itself: cells, colours, modes.
    pub(crate) fn look<T>(&self, what: impl FnOnce(&vt100::Screen) -> T) -> T {
        what(self.seen.lock().unwrap().parser.screen())
    }

    /// All bytes so far that the program wrote.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.seen.lock().unwrap().raw.clone()
    }

    /// Waits until the screen has this; gives it.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Waits for what takes as long as it takes.
    pub(crate) fn wait_long(&self, text: &str) {
        while !self.screen().contains(text) {
            self.changed.recv().expect("the program goes on");
        }
    }

    /// Waits until the screen fits; gives it.
    pub(crate) fn wait(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if fits(&screen) {
                return screen;
            }
            let rest = end.saturating_duration_since(Instant::now());
            assert!(self.changed.recv_timeout(rest).is_ok(), "waits in vain for {what}:\n{screen}");
        }
    }

    /// Waits until the bytes so far, from `mark` on, fit.
    pub(crate) fn wait_raw(&self, mark: usize, what: &str, fits: impl Fn(&[u8]) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !fits(&self.raw()[mark..]) {
            let rest = end.saturating_duration_since(Instant::now());
            let bytes = || String::from_utf8_lossy(&self.raw()[mark..]).escape_debug().to_string();
            assert!(self.changed.recv_timeout(rest).is_ok(), "waits in vain for {what}: {}", bytes());
        }
    }

    /// Waits for the end of the program, and of what it wrote; its exit code.
    pub(crate) fn finish(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // The reader ends with the terminal's other side.
                while self.changed.recv_timeout(PATIENCE).is_ok() {}
                return status.exit_code();
            }
            assert!(Instant::now() < end, "does not end:\n{}", self.screen());
            let _ = self.changed.recv_timeout(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
