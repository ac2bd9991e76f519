//! The program that looks words up.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

/// The programs, and what makes each read words from a pipe and write what it thinks of them. The first one that there is.
const PROGRAMS: [(&str, &[&str]); 2] =
    [("hunspell", &["-a", "-i", "utf-8"]), ("aspell", &["-a", "--encoding=utf-8"])];

/// Longest answer to a word, in bytes: suggestions are a line. More breaks it off.
const MAX_ANSWER: u64 = 64 << 10;

/// Most lines of an answer to one word, which may be taken for several.
const MAX_LINES: usize = 64;

/// Begins a line of words: without it some of them would be commands, that of writing a dictionary among them.
const WORDS: u8 = b'^';

/// Takes words; whoever made it is told of each whether it is in the dictionary. Dropped, it ends the program.
pub(crate) struct Speller {
    asks: SyncSender<Vec<String>>,
    child: Child,
}

impl Speller {
    /// Starts the program; None where there is none. `told` gets what it says, in a thread of its own.
    pub(crate) fn start(
        language: Option<&str>,
        told: impl FnMut(String, bool) + Send + 'static,
    ) -> Option<Self> {
        let mut child =
            PROGRAMS.into_iter().find_map(|(program, arguments)| spawn(program, arguments, language).ok())?;
        let (input, output) = (child.stdin.take()?, child.stdout.take()?);
        // Nobody asks before the answer to what was asked before.
        let (asks, asked) = sync_channel(1);
        thread::spawn(move || {
            // A program that broke off is asked no more: nothing is underlined then.
            let _ = look_up(input, BufReader::new(output), &asked, told);
        });
        Some(Self { asks, child })
    }

    /// Asks for words, without waiting. What is asked for while others are looked up is not, and neither is anything once
    /// the program broke off.
    pub(crate) fn ask(&self, words: Vec<String>) {
        let _ = self.asks.try_send(words);
    }
}

impl Drop for Speller {
    fn drop(&mut self) {
        // It may have ended already. Killed, it cannot hang.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &str, arguments: &[&str], language: Option<&str>) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(language) = language {
        command.args(["-d", language]);
    }
    // The terminal is ours.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// Word by word until nobody asks any more.
fn look_up(
    mut to: ChildStdin,
    mut from: BufReader<ChildStdout>,
    asked: &Receiver<Vec<String>>,
    mut told: impl FnMut(String, bool),
) -> io::Result<()> {
    // It says who it is.
    line(&mut from)?;
    while let Ok(words) = asked.recv() {
        for word in words {
            to.write_all(&[&[WORDS], word.as_bytes(), b"\n"].concat())?;
            to.flush()?;
            // At once: what is wrong may take half a second, for it thinks of what could be right.
            let is_good = answer(&mut from)?;
            told(word, is_good);
        }
    }
    Ok(())
}

/// What is said of one word: lines, and an empty one. `&`, `?` and `#` begin those of what is not in the dictionary.
fn answer(from: &mut BufReader<ChildStdout>) -> io::Result<bool> {
    let mut is_good = true;
    for _ in 0..MAX_LINES {
        match line(from)?.first() {
            None | Some(b'\r') => return Ok(is_good),
            Some(b'&' | b'?' | b'#') => is_good = false,
            Some(_) => {}
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// A line without its end. The end of the output is an error, and so is a line that has none.
fn line(from: &mut BufReader<ChildStdout>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(MAX_ANSWER).read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
