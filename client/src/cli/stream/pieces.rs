//! Standard input in lines, and lines in messages.

use std::io::{self, BufRead, Read as _};

use shared::room::MAX_TEXT;
use tokio::sync::mpsc;

use crate::faces::input;

/// Bytes that are read of one line at once. Each may become three when it is no UTF-8, and still fits a message.
pub(super) const MAX_READ: usize = MAX_TEXT / 4;

/// Pieces read ahead. Full: reading waits, and with it whoever writes into our input.
const AHEAD: usize = 16;

/// A line, or a part of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Without the line's end. Bytes that are no UTF-8 became U+FFFD.
    pub(super) text: String,
    /// The line ends here.
    pub(super) ends: bool,
}

/// Reads standard input on a thread of its own. The channel closes at its end, or after what went wrong.
pub(super) fn stdin() -> mpsc::Receiver<io::Result<Piece>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        for piece in pieces(input::steady()) {
            let is_last = piece.is_err();
            if sender.blocking_send(piece).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// All pieces of an input; the mark of its encoding, with which some begin, is none of it.
fn pieces(mut reader: impl BufRead) -> impl Iterator<Item = io::Result<Piece>> {
    let (mut carry, mut is_first) = (Vec::new(), true);
    std::iter::from_fn(move || {
        let piece = next(&mut reader, &mut carry).transpose()?;
        let first = std::mem::take(&mut is_first);
        Some(piece.map(|piece| match first {
            true => Piece { text: input::without_mark(piece.text), ..piece },
            false => piece,
        }))
    })
}

/// `carry`: the beginning of a character that was cut.
fn next(reader: &mut impl BufRead, carry: &mut Vec<u8>) -> io::Result<Option<Piece>> {
    let mut bytes = std::mem::take(carry);
    let limit = u64::try_from(MAX_READ - bytes.len()).unwrap_or(0);
    let read = reader.take(limit).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let ends = bytes.last() == Some(&b'\n');
    if ends {
        bytes.pop();
        bytes.pop_if(|byte| *byte == b'\r');
    } else if read > 0
        && let Some(cut) = unfinished(&bytes)
    {
        *carry = bytes.split_off(cut);
    }
    Ok(Some(Piece { text: String::from_utf8_lossy(&bytes).into_owned(), ends }))
}

/// Where a character begins that does not end in these bytes.
fn unfinished(bytes: &[u8]) -> Option<usize> {
    let error = std::str::from_utf8(bytes).err()?;
    (error.error_len().is_none() && error.valid_up_to() > 0).then(|| error.valid_up_to())
}

/// What becomes the next message. Holds a message, and one line more.
#[derive(Default)]
pub(super) struct Batch {
    text: String,
    /// The text ends with a whole line.
    ended: bool,
    has_text: bool,
    next: Option<(String, bool)>,
}

impl Batch {
    /// Nothing is there that is worth a message: empty lines wait for the next.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.next.is_none()
    }

    /// No further piece fits.
    pub(super) fn is_full(&self) -> bool {
        self.next.is_some()
    }

    /// To be called only while it is not full.
    pub(super) fn push(&mut self, Piece { text, ends }: Piece) {
        let gap = usize::from(self.has_text && self.ended);
        if self.text.len() + gap + text.len() <= MAX_TEXT {
            if gap == 1 {
                self.text.push('\n');
            }
            self.text.push_str(&text);
            (self.ended, self.has_text) = (ends, true);
            return;
        }
        // A line that began in this message moves as a whole, if a message can hold it.
        let fits = |at: &usize| self.text.len() - at + text.len() <= MAX_TEXT;
        let begun = match self.text.rfind('\n').filter(|_| !self.ended).filter(fits) {
            Some(at) => {
                let begun = self.text.split_off(at + 1);
                self.text.truncate(at);
                begun
            }
            None => String::new(),
        };
        self.next = Some((begun + &text, ends));
    }

    /// The message; what did not fit begins the next one. Blank lines before a line that no message holds with them are none.
    pub(super) fn take(&mut self) -> Option<String> {
        let text = self.shift();
        if text.trim().is_empty() {
            Some(self.shift()).filter(|text| !text.trim().is_empty())
        } else {
            Some(text)
        }
    }

    fn shift(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.has_text = false;
        if let Some((next, ended)) = self.next.take() {
            (self.text, self.ended, self.has_text) = (next, ended, true);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_of_the_encoding_is_no_part_of_the_first_line() {
        assert_eq!(messages("\u{feff}one\ntwo\u{feff}\n".as_bytes()).join("\n"), "one\ntwo\u{feff}");
    }

    /// The messages that an input becomes when each is as long as can be.
    fn messages(bytes: &[u8]) -> Vec<String> {
        let (mut batch, mut messages) = (Batch::default(), Vec::new());
        for piece in pieces(io::BufReader::with_capacity(7, bytes)) {
            batch.push(piece.unwrap());
            if batch.is_full() {
                messages.extend(batch.take());
            }
        }
        while !batch.is_empty() {
            messages.extend(batch.take());
        }
        messages
    }

    #[test]
    fn no_line_is_lost_cut_or_moved() {
        let lines: Vec<String> = (0..60).map(|n| format!("{n}{}", "x".repeat(n * 701 % 30_000))).collect();
        let found = messages(lines.join("\n").as_bytes());
        assert!(found.iter().all(|message| message.len() <= MAX_TEXT) && found.len() > 1);
        assert_eq!(found.join("\n"), lines.join("\n"));
        assert!(
            found.iter().all(|message| message.lines().all(|line| lines.iter().any(|whole| whole == line)))
        );
        let short: Vec<String> = (0..10_000).map(|n| format!("line {n}")).collect();
        assert_eq!(messages((short.join("\r\n") + "\r\n").as_bytes()).join("\n"), short.join("\n"));
    }

    #[test]
    fn blank_lines_are_kept_within_a_message_and_are_none_themselves() {
        assert_eq!(messages(b"a\n\n\n  b\n\n"), ["a\n\n\n  b\n"]);
        let longest = "x".repeat(MAX_TEXT - 1);
        assert_eq!(messages(format!("\n\n{longest}\nend").as_bytes()), [longest.as_str(), "end"]);
    }

    #[test]
    fn line_that_fits_no_message_is_cut_between_characters() {
        let long = "é".repeat(MAX_TEXT);
        let found = messages(long.as_bytes());
        assert!(found.iter().all(|message| message.len() <= MAX_TEXT));
        assert_eq!(found.concat(), long);
    }

    #[test]
    fn bytes_that_are_no_text_are_marked_and_fit() {
        let found = messages(&vec![0xff; MAX_TEXT]);
        assert!(found.iter().all(|message| message.len() <= MAX_TEXT));
        assert_eq!(found.concat(), "\u{fffd}".repeat(MAX_TEXT));
        assert_eq!(messages(b"\n\n"), [""; 0]);
        assert_eq!(messages(b"\n\na"), ["\n\na"]);
    }
}
