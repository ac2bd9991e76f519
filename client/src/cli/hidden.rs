//! A line that is typed at the terminal without being shown there, whatever standard input and output are.

use std::io;

use zeroize::Zeroizing;

/// What is taken of a line, in bytes; the rest is read and dropped, and the line is too long.
const MAX_TYPED: usize = 4_096;

/// Asks, and reads one line. [`io::ErrorKind::Interrupted`]: Ctrl-C; [`io::ErrorKind::UnexpectedEof`]: the end came instead.
#[cfg(unix)]
pub(super) fn ask(prompt: &str) -> io::Result<Zeroizing<String>> {
    use std::{
        fs::{File, OpenOptions},
        io::Write as _,
    };

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The terminal as it was, which comes back whatever happens.
    struct Hidden(File, Termios);

    impl Drop for Hidden {
        fn drop(&mut self) {
            // Nobody is left who could be told.
            let _ = tcsetattr(&self.0, OptionalActions::Now, &self.1);
            let _ = self.0.write_all(b"\n");
        }
    }

    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    // Without signals as well: Ctrl-C is to give the terminal back before the program ends.
    silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    tcsetattr(&terminal, OptionalActions::Now, &silent)?;
    let hidden = Hidden(terminal.try_clone()?, before);
    terminal.write_all(prompt.as_bytes())?;
    terminal.flush()?;
    let line = typed(&mut terminal);
    drop(hidden);
    line
}

/// Asks, and reads one line.
#[cfg(not(unix))]
pub(super) fn ask(prompt: &str) -> io::Result<Zeroizing<String>> {
    rpassword::prompt_password(prompt).map(Zeroizing::new)
}

/// One key after the other, so that nothing of what is typed behind the line is taken, and nothing stays in a buffer.
#[cfg_attr(not(unix), allow(dead_code))]
fn typed(keys: &mut impl io::Read) -> io::Result<Zeroizing<String>> {
    // Enough that nothing is copied while it grows.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_TYPED + 1));
    let mut key = Zeroizing::new([0; 1]);
    loop {
        let count = match keys.read(key.as_mut_slice()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let [byte] = *key;
        match (count, byte) {
            (0, _) | (_, CTRL_D) if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            (0, _) | (_, b'\r' | b'\n') => break,
            (_, CTRL_C) => return Err(io::ErrorKind::Interrupted.into()),
            (_, CTRL_U) => line.clear(),
            (_, BACKSPACE | DELETE) => drop_last(&mut line),
            (_, byte) if byte < b' ' && byte != b'\t' => {}
            (_, byte) if line.len() <= MAX_TYPED => line.push(byte),
            _ => {}
        }
    }
    let text = str::from_utf8(&line).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Zeroizing::new(text.to_owned()))
}

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CTRL_U: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// A character, with all of its bytes.
#[cfg_attr(not(unix), allow(dead_code))]
fn drop_last(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_what_was_typed_and_not_taken_back() {
        let line =
            |keys: &[u8]| typed(&mut &*keys).map(|line| line.to_string()).map_err(|error| error.kind());
        for (keys, what) in [
            (&b"correct horse\n"[..], "correct horse"),
            (b"correct horse\rmore", "correct horse"),
            (b"wrong\x15right\n", "right"),
            ("sch\u{f6}\u{7f}o\u{e9}\u{8}n\n".as_bytes(), "schon"),
            (b"\x7f\x7fa\x1b\x04\n", "a"),
            (b"\n", ""),
            (b" no end ", " no end "),
        ] {
            assert_eq!(line(keys).as_deref(), Ok(what));
        }
        assert_eq!(line(b"half\x03"), Err(io::ErrorKind::Interrupted));
        assert_eq!(line(b"\x04"), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(line(b""), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(line(b"\xff\n"), Err(io::ErrorKind::InvalidData));
        assert_eq!(
            line(&[b'x'; 99_999]).map(|line| line.len()),
            Ok(MAX_TYPED + 1),
            "longer than any passphrase"
        );
    }

    #[test]
    fn what_is_typed_behind_the_line_is_left_to_others() {
        let mut keys = &b"secret\nhello\n"[..];
        assert_eq!(*typed(&mut keys).unwrap(), "secret");
        assert_eq!(keys, b"hello\n");
    }
}
