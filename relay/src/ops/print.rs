//! Standard output and standard error: the one way of printing. Whoever reads the output may have enough: that is no
//! failure. All else that keeps it from being written is one, and the program ends with it.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "standard output cannot be written: {0}. What was printed is not complete; look at where it goes: it may be closed, or a full disk"
)]
pub struct PrintError(#[from] io::Error);

/// Prints, at once and whole. False: nobody reads any more.
///
/// # Errors
/// [`PrintError`] when somebody would read it, and it does not arrive.
pub fn all(bytes: impl AsRef<[u8]>) -> Result<bool, PrintError> {
    match write(bytes.as_ref()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(PrintError(error)),
    }
}

/// Prints a line.
///
/// # Errors
/// As [`all`].
pub fn line(text: impl Display) -> Result<bool, PrintError> {
    all(format!("{text}\n"))
}

/// Prints what must not be lost: that nobody reads is a failure as well.
///
/// # Errors
/// [`PrintError`] when not all of it went out.
pub(crate) fn seen(text: &str) -> Result<(), PrintError> {
    write(text.as_bytes()).map_err(PrintError)
}

/// A line on standard error. Where that cannot be written, there is nobody to tell.
pub fn note(text: impl Display) {
    beside(format_args!("{text}\n"));
}

/// The same without an end of the line.
pub(crate) fn beside(text: impl Display) {
    let _ = io::stderr().write_all(text.to_string().as_bytes());
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = open()?;
    out.write_all(bytes)?;
    out.flush()
}

/// Standard output for whoever writes much.
///
/// # Errors
/// When it was closed from the beginning: else what goes there is told as written.
pub fn open() -> io::Result<impl Write> {
    match early::is_output_closed() {
        true => Err(io::Error::other("it is closed")),
        false => Ok(Steady(io::stdout().lock())),
    }
}

/// Writes through, and waits where others made the stream one that does not block.
struct Steady(io::StdoutLock<'static>);

#[cfg(unix)]
impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::{
            event::{PollFd, PollFlags, poll},
            io::Errno,
        };
        loop {
            match rustix::io::write(&self.0, bytes) {
                Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None)?),
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
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
