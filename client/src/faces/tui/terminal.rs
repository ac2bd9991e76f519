//! The terminal: taken over, read and given back, also after a panic.

use std::io::{self, IsTerminal, Write};

use crossterm::{
    clipboard::CopyToClipboard,
    event::{
        self, DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
        EnableFocusChange, EnableMouseCapture, Event,
    },
    execute,
};
use ratatui::{DefaultTerminal, backend::Backend as _};
use tokio::sync::mpsc;

use super::{app::App, draw};
use crate::failure::{Exit, Failure};

/// Keys read ahead. Full: the terminal keeps them.
const AHEAD: usize = 256;

/// The screen while this face has it; given back on drop.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    with_mouse: bool,
}

/// Whether this program's terminal can show the full-screen face.
pub fn is_capable() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    io::stdin().is_terminal() && io::stdout().is_terminal() && (!is_dumb || cfg!(windows))
}

impl Screen {
    /// Takes the terminal over and begins to read keys. Without the mouse the terminal's own selection works as ever.
    pub fn enter(with_mouse: bool) -> Result<(Self, mpsc::Receiver<Event>), Failure> {
        let mut terminal = ratatui::try_init().map_err(|error| unusable(&error))?;
        // Where a terminal has no second screen, what was there before would show through.
        wipe(&mut terminal);
        // Terminals that know neither ignore them.
        let _ = execute!(io::stdout(), EnableBracketedPaste, EnableFocusChange);
        if with_mouse {
            let _ = execute!(io::stdout(), EnableMouseCapture);
        }
        let (sender, input) = mpsc::channel(AHEAD);
        // A thread, because reading a terminal blocks; it ends with the process or the first failed send.
        std::thread::spawn(move || {
            while let Ok(event) = event::read() {
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        Ok((Self { terminal, with_mouse }, input))
    }

    /// Shows the state.
    pub fn draw(&mut self, app: &mut App) -> Result<(), Failure> {
        self.terminal.draw(|frame| draw::draw(frame, app)).map(|_| ()).map_err(|error| unusable(&error))
    }

    /// Draws everything anew next time: another program may have written over it.
    pub fn clear(&mut self) {
        wipe(&mut self.terminal);
    }

    /// A window that became smaller and large again has lost what it showed, although its size is the one of before.
    pub fn heed(&mut self, event: &Event) {
        if matches!(event, Event::Resize(..)) {
            self.clear();
        }
    }

    /// Tells the terminal something that changes no cell: a bell, a notification.
    pub fn tell(&mut self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// Hands text to the terminal's clipboard (OSC 52); terminals that cannot ignore it.
    pub fn copy(&mut self, text: &str) {
        let _ = execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.with_mouse {
            let _ = execute!(io::stdout(), DisableMouseCapture);
        }
        let _ = execute!(io::stdout(), DisableFocusChange, DisableBracketedPaste);
        ratatui::restore();
    }
}

/// Empties the screen, so that all of it is drawn next time. Not by [`ratatui::Terminal::clear`]: that asks the terminal
/// where the cursor is, and the answer goes to whoever reads the keys.
fn wipe(terminal: &mut DefaultTerminal) {
    // What cannot be cleared is drawn over.
    let _ = terminal.backend_mut().clear();
    terminal.swap_buffers();
}

fn unusable(error: &io::Error) -> Failure {
    let message = format!("The terminal cannot be used: {error}.");
    Failure::new(Exit::Local, "terminal", message, "Try another terminal, or --plain.")
}
