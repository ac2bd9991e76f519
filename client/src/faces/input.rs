//! Lines from standard input, read on a thread of their own: a blocked read must not keep the program alive.

use std::io::{self, BufRead};

use tokio::sync::mpsc;

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
}

/// Starts to read standard input. The channel closes at its end.
pub fn stdin() -> mpsc::Receiver<Input> {
    lines(|| io::stdin().lock())
}

/// Starts to read `open()` on a thread.
fn lines<R: BufRead>(open: impl FnOnce() -> R + Send + 'static) -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut reader = open();
        while let Ok(Some(input)) = next(&mut reader) {
            if sender.blocking_send(input).is_err() {
                return;
            }
        }
    });
    receiver
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
