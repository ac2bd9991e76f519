//! The terminal: taken over, read and given back, also after a panic.

use std::{
    io::{self, IsTerminal, Write},
    process::{Command, Stdio},
};

use crossterm::{
    clipboard::CopyToClipboard,
    event::{
        self, DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
        EnableFocusChange, EnableMouseCapture, Event,
    },
    execute,
    terminal::{EnterAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Terminal, backend::Backend as _};
use tokio::sync::mpsc;

use super::{app::App, classical::Classical, draw, jobs::Jobs, placed::Placed, theme::Theme};
use crate::failure::{Exit, Failure};

/// Keys read ahead. Full: the terminal keeps them.
const AHEAD: usize = 256;

/// What the screen is drawn on.
type Drawn = Terminal<Placed<Classical<io::Stdout>>>;

/// The screen while this face has it; given back on drop.
pub(super) struct Screen {
    terminal: Drawn,
    with_mouse: bool,
    jobs: Jobs,
}

/// Whether this program's terminal can show the full-screen face.
pub fn is_capable() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    io::stdin().is_terminal() && io::stdout().is_terminal() && (!is_dumb || cfg!(windows))
}

impl Screen {
    /// Takes the terminal over and begins to read keys. Without the mouse the terminal's own selection works as ever.
    pub(super) fn enter(with_mouse: bool) -> Result<(Self, mpsc::Receiver<Event>), Failure> {
        ratatui::try_init().map_err(|error| unusable(&error))?;
        #[cfg(feature = "pictures")]
        crate::picture::hush();
        let backend = Placed::new(Classical::new(io::stdout(), Theme::depth()));
        let mut terminal = Terminal::new(backend).map_err(|error| unusable(&error))?;
        // Where a terminal has no second screen, what was there before would show through.
        wipe(&mut terminal);
        ask(with_mouse);
        let (sender, input) = mpsc::channel(AHEAD);
        // A thread, because reading a terminal blocks; it ends with the process or the first failed send.
        std::thread::spawn(move || {
            while let Ok(event) = event::read() {
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        Ok((Self { terminal, with_mouse, jobs: Jobs::new() }, input))
    }

    /// Shows the state.
    pub(super) fn draw(&mut self, app: &mut App) -> Result<(), Failure> {
        self.terminal.draw(|frame| draw::draw(frame, app)).map(|_| ()).map_err(|error| unusable(&error))
    }

    /// Draws everything anew next time: another program may have written over it.
    pub(super) fn clear(&mut self, app: &mut App) {
        wipe(&mut self.terminal);
        app.gallery.forget_drawn();
    }

    /// A window that became smaller and large again has lost what it showed, although its size is the one of before.
    pub(super) fn heed(&mut self, event: &Event, app: &mut App) {
        if matches!(event, Event::Resize(..)) {
            self.clear(app);
            app.find_pictures();
        }
    }

    /// Tells the terminal something that changes no cell: a bell, a notification.
    pub(super) fn tell(&mut self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// Hands text to the terminal's clipboard (OSC 52); terminals that cannot ignore it. tmux ignores it too, unless it
    /// was told otherwise, but takes it as its own buffer and hands it on itself.
    pub(super) fn copy(&mut self, text: &str) {
        let in_tmux = std::env::var_os("TMUX").is_some_and(|tmux| !tmux.is_empty());
        if in_tmux && load_buffer(text).unwrap_or(false) {
            return;
        }
        let _ = execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text));
    }
}

impl Screen {
    /// Stops the program as Ctrl-Z stops others, with the terminal as it was, and goes on when the shell says so.
    pub(super) async fn suspend(&mut self, app: &mut App) {
        self.leave();
        self.jobs.stop().await;
        self.resume(app);
    }

    /// The program goes on after somebody stopped it.
    pub(super) async fn continued(&mut self) {
        self.jobs.continued().await;
    }

    /// Takes the terminal over again: whoever had it meanwhile left it otherwise.
    pub(super) fn resume(&mut self, app: &mut App) {
        // Off first: on twice would be taken for done already.
        let _ = disable_raw_mode().and_then(|()| enable_raw_mode());
        let _ = execute!(io::stdout(), EnterAlternateScreen);
        ask(self.with_mouse);
        self.clear(app);
    }

    fn leave(&mut self) {
        if self.with_mouse {
            let _ = execute!(io::stdout(), DisableMouseCapture);
        }
        let _ = execute!(io::stdout(), DisableFocusChange, DisableBracketedPaste);
        ratatui::restore();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Asks for pastes as one, for focus, and for the mouse. Terminals that know none of it ignore it.
fn ask(with_mouse: bool) {
    let _ = execute!(io::stdout(), EnableBracketedPaste, EnableFocusChange);
    if with_mouse {
        let _ = execute!(io::stdout(), EnableMouseCapture);
    }
}

/// By standard input, because others see the arguments of a program. Whether it was taken: tmux before 3.2 hands nothing on.
fn load_buffer(text: &str) -> io::Result<bool> {
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let written = tmux.stdin.take().map(|mut stdin| stdin.write_all(text.as_bytes()));
    let ended = tmux.wait()?;
    written.transpose()?;
    Ok(ended.success())
}

/// Empties the screen, so that all of it is drawn next time. Not by [`ratatui::Terminal::clear`]: that asks the terminal
/// where the cursor is, and the answer goes to whoever reads the keys.
fn wipe(terminal: &mut Drawn) {
    // What cannot be cleared is drawn over.
    let _ = terminal.backend_mut().clear();
    terminal.swap_buffers();
}

fn unusable(error: &io::Error) -> Failure {
    let message = format!("The terminal cannot be used: {error}.");
    Failure::new(Exit::Local, "terminal", message, "Try another terminal, or --plain.")
}
