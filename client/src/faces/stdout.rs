//! Standard output. Whoever reads it may have enough: that is no failure. All else that keeps it from being written
//! is one, and the program ends with it, whichever part of it was writing.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use crate::failure::{Exit, Failure};

/// Why it could not be written, the first time. There is one standard output, so there is one of these.
static BROKEN: OnceLock<String> = OnceLock::new();

/// Writes a line, at once and whole. False: nothing more comes through.
pub(crate) fn line(text: &str) -> bool {
    all(format!("{text}\n").as_bytes())
}

/// Writes bytes, at once and whole. False: nothing more comes through.
pub(crate) fn all(bytes: &[u8]) -> bool {
    kept(open().write_all(bytes))
}

/// Remembers what went wrong.
pub(crate) fn kept(written: io::Result<()>) -> bool {
    match written {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
        Err(error) => {
            let _ = BROKEN.set(error.to_string());
            false
        }
    }
}

/// Standard output for whoever writes much; the result goes to [`kept`].
pub(crate) fn open() -> impl Write {
    Steady(io::stdout().lock())
}

/// There is a standard output at all; for whoever prints in another way.
pub(crate) fn is_open() -> bool {
    kept(is_there())
}

/// Else it is told as written, though it goes nowhere.
fn is_there() -> io::Result<()> {
    if early::is_output_closed() { Err(io::Error::other("it is closed")) } else { Ok(()) }
}

/// What kept it from being written, other than that nobody reads.
pub(crate) fn failure() -> Option<Failure> {
    BROKEN.get().map(|error| {
        let message =
            format!("Standard output cannot be written: {error}. What was printed is not complete.");
        Failure::new(
            Exit::Local,
            "output",
            message,
            "Look at where it goes: it may be closed, or a full disk.",
        )
    })
}

/// Writes through, and waits where others made the stream one that does not block.
struct Steady(io::StdoutLock<'static>);

#[cfg(unix)]
impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::{event::PollFlags, io::Errno};
        is_there()?;
        loop {
            match rustix::io::write(&self.0, bytes) {
                Err(Errno::AGAIN) => super::input::wait(&self.0, PollFlags::OUT)?,
                written => return Ok(written?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        is_there()?;
        let written = self.0.write(bytes)?;
        self.0.flush().map(|()| written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
