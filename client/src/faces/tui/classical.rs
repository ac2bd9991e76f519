//! The first colours as terminals have had them for ever (ECMA-48), where no others are known.
//!
//! What draws names each by the table of 256, `ESC [ 38 ; 5 ; 9 m`. A terminal that has no such table takes the 5 in it for *blink*.

use std::io::{self, Write};

use super::theme::Depth;

/// Longest sequence that is held back until its end is there, in bytes; what is longer is none of ours.
const LONGEST: usize = 64;

/// Writes on, with colours as the terminal knows them.
pub(super) struct Classical<W> {
    to: W,
    depth: Depth,
    /// The beginning of a sequence.
    begun: Vec<u8>,
}

impl<W: Write> Classical<W> {
    /// Writes to `to`.
    pub(super) fn new(to: W, depth: Depth) -> Self {
        Self { to, depth, begun: Vec::new() }
    }

    /// One more byte of a sequence, which goes on when it is whole.
    fn take(&mut self, byte: u8) -> io::Result<()> {
        self.begun.push(byte);
        let is_csi = self.begun.get(1).is_none_or(|second| *second == b'[');
        let is_open = self.begun.len() < 3 || !(0x40..=0x7e).contains(&byte);
        if is_csi && is_open && self.begun.len() < LONGEST {
            return Ok(());
        }
        let begun = std::mem::take(&mut self.begun);
        let parameters = begun.strip_prefix(b"\x1b[").and_then(|rest| rest.strip_suffix(b"m"));
        match parameters.and_then(|parameters| std::str::from_utf8(parameters).ok()) {
            Some(parameters) => write!(self.to, "\x1b[{}m", renamed(parameters, self.depth)),
            None => self.to.write_all(&begun),
        }
    }
}

impl<W: Write> Write for Classical<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.depth == Depth::Many {
            return self.to.write(bytes);
        }
        let mut rest = bytes;
        while let Some((first, others)) = rest.split_first() {
            if !self.begun.is_empty() || *first == b'\x1b' {
                self.take(*first)?;
                rest = others;
                continue;
            }
            let plain = rest.iter().position(|byte| *byte == b'\x1b').unwrap_or(rest.len());
            let (plain, others) = rest.split_at(plain);
            self.to.write_all(plain)?;
            rest = others;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The parameters with other names for the first sixteen colours; what somebody chose beyond them stays as it is.
fn renamed(parameters: &str, depth: Depth) -> String {
    let mut parts = parameters.split(';').peekable();
    let mut renamed: Vec<String> = Vec::new();
    while let Some(part) = parts.next() {
        let is_table = matches!(part, "38" | "48") && parts.next_if_eq(&"5").is_some();
        match (is_table, parts.peek().and_then(|index| index.parse().ok())) {
            (true, Some(index @ 0..16)) => {
                parts.next();
                renamed.push(name(part == "48", index, depth).to_string());
            }
            (true, _) => renamed.extend([part.to_owned(), "5".to_owned()]),
            (false, _) => renamed.push(part.to_owned()),
        }
    }
    renamed.join(";")
}

/// Where there are eight, bold makes the bright ones.
fn name(is_ground: bool, index: u8, depth: Depth) -> u8 {
    let first = if is_ground { 40 } else { 30 };
    match index {
        8.. if depth == Depth::Sixteen => first + 60 + index - 8,
        _ => first + index % 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[&str], depth: Depth) -> String {
        let mut to = Classical::new(Vec::new(), depth);
        parts.iter().for_each(|part| to.write_all(part.as_bytes()).unwrap());
        String::from_utf8(to.to).unwrap()
    }

    #[test]
    fn first_sixteen_have_their_own_names_and_nothing_else_is_changed() {
        for (text, sixteen, eight) in [
            ("\x1b[38;5;9;49mx", "\x1b[91;49mx", "\x1b[31;49mx"),
            ("\x1b[1;38;5;4;48;5;15my", "\x1b[1;34;107my", "\x1b[1;34;47my"),
            ("\x1b[38;5;130mz", "\x1b[38;5;130mz", "\x1b[38;5;130mz"),
            ("\x1b[38;2;5;9;5m", "\x1b[38;2;5;9;5m", "\x1b[38;2;5;9;5m"),
            (
                "\x1b[5;9mé\x1b[0m\x1b[2J\x1b7\x1b[?25h38;5;9",
                "\x1b[5;9mé\x1b[0m\x1b[2J\x1b7\x1b[?25h38;5;9",
                "",
            ),
        ] {
            assert_eq!(written(&[text], Depth::Many), text);
            assert_eq!(written(&[text], Depth::Sixteen), sixteen);
            if !eight.is_empty() {
                assert_eq!(written(&[text], Depth::Eight), eight);
            }
            // In however many pieces.
            let pieces: Vec<String> = text.chars().map(String::from).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            assert_eq!(written(&pieces, Depth::Sixteen), sixteen);
        }
    }
}
