//! Lines from standard input, read on a thread of their own: a blocked read must not keep the program alive.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc;

use crate::failure::{Exit, Failure};

/// Longest line, in bytes: the longest message as JSON with every byte escaped, and room for the rest.
const MAX_LINE: usize = 256 << 10;

/// Lines read ahead. Full: reading waits, and with it whoever writes into our input.
const AHEAD: usize = 16;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A line without its end; bytes that are no UTF-8 were replaced.
    Line(String),
    /// A line over the limit; it was skipped to its end.
    TooLong,
    /// It cannot be read to its end; nothing follows.
    Broken(Failure),
}

/// Starts to read standard input. The channel closes at its end.
pub fn stdin() -> mpsc::Receiver<Input> {
    lines(steady)
}

/// Starts to read `open()` on a thread.
fn lines<R: BufRead>(open: impl FnOnce() -> R + Send + 'static) -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let (mut reader, mut is_first) = (open(), true);
        loop {
            let input = match next(&mut reader) {
                Ok(Some(Input::Line(line))) if is_first => Input::Line(without_mark(line)),
                Ok(Some(input)) => input,
                Ok(None) => return,
                Err(error) => Input::Broken(unreadable(&error)),
            };
            is_first = false;
            let is_last = matches!(input, Input::Broken(_));
            if sender.blocking_send(input).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// Some editors begin a file with the mark of its encoding, which is not a part of its first line.
pub(crate) fn without_mark(line: String) -> String {
    line.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(line)
}

/// Why there is no more to read.
pub(crate) fn unreadable(error: &io::Error) -> Failure {
    let message = format!("Standard input cannot be read to its end: {error}.");
    Failure::new(
        Exit::Local,
        "input",
        message,
        "What was read before counts. Look at where the input comes from.",
    )
}

/// Standard input as bytes. Where others made it one that does not block, it is waited for.
pub(crate) fn steady() -> impl BufRead {
    io::BufReader::new(Steady(io::stdin().lock()))
}

struct Steady(io::StdinLock<'static>);

impl Read for Steady {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(bytes) {
                #[cfg(unix)]
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&self.0, rustix::event::PollFlags::IN)?;
                }
                read => return read,
            }
        }
    }
}

/// Until a stream can be read or written.
#[cfg(unix)]
pub(super) fn wait(stream: impl std::os::fd::AsFd, what: rustix::event::PollFlags) -> io::Result<()> {
    let mut streams = [rustix::event::PollFd::new(&stream, what)];
    match rustix::event::poll(&mut streams, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn next(reader: &mut impl BufRead) -> io::Result<Option<Input>> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let bytes = match reader.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() && line.is_empty() && !too_long {
            return Ok(None);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        too_long |= line.len() + part.len() > MAX_LINE;
        if !too_long {
            line.extend_from_slice(part);
        }
        let is_last = end.is_some() || bytes.is_empty();
        let used = end.map_or(bytes.len(), |end| end + 1);
        reader.consume(used);
        if is_last {
            let text = String::from_utf8_lossy(&line);
            let text = text.strip_suffix('\r').unwrap_or(&text).to_owned();
            return Ok(Some(if too_long { Input::TooLong } else { Input::Line(text) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Input> {
        let mut reader = io::BufReader::with_capacity(7, bytes);
        std::iter::from_fn(|| next(&mut reader).unwrap()).collect()
    }

    #[test]
    fn lines_come_whole_with_or_without_a_last_line_break() {
        let line = |text: &str| Input::Line(text.to_owned());
        assert_eq!(all(b"one\r\n\ntwo and more"), [line("one"), line(""), line("two and more")]);
        assert_eq!(all(b""), []);
    }

    #[test]
    fn over_long_line_is_skipped_and_the_next_one_read() {
        let mut bytes = vec![b'x'; MAX_LINE + 1];
        bytes.extend(b"\nnext\n");
        assert_eq!(all(&bytes), [Input::TooLong, Input::Line("next".to_owned())]);
    }
}
