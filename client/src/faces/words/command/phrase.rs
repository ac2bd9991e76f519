//! Of the twelve words: shown, asked for, and what is wrong with them.

use std::{fmt::Write as _, io, path::Path};

use shared::identity::phrase::PhraseError;

use crate::{
    faces::words::counted,
    failure::{Exit, Failure},
};

/// Why they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A first backup.
    Backup,
    /// The same, for an account that has no recovery key.
    BackupAlone,
    /// The account gets another key, and with it another phrase.
    NewKey,
}

/// Shown once.
pub fn phrase(words: &[&str], why: Why) -> String {
    let open = match why {
        Why::BackupAlone => "These twelve words open your backups, and nothing else does.",
        Why::Backup => {
            "These twelve words open your backups, and give your account another key when a device is lost or stolen (`schat devices \
             replace-key`). Nothing else does either."
        }
        Why::NewKey => {
            "These are your new twelve words. They open the backups that you make from now on, and give your account another key when \
             a device is lost; nothing else does. The old ones still open the backups that you have."
        }
    };
    let mut text = format!(
        "{open} Write them down on paper, in this order, and keep them where no one else looks. They are not shown again.\n\n"
    );
    for (row, words) in words.chunks(4).enumerate() {
        for (column, word) in words.iter().enumerate() {
            let _ = write!(text, "  {:>2}. {word:<9}", row * 4 + column + 1);
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

/// Whether it is written down: which words are asked for.
pub fn asked(places: &[usize]) -> String {
    let places: Vec<String> = places.iter().map(ToString::to_string).collect();
    format!("Once they are written down, type words {}: ", places.join(", "))
}

/// They were others.
pub const NOT_THOSE: &str = "Those are others. Look at what you wrote down.";

/// Nobody typed them.
pub fn not_confirmed(why: Why) -> Failure {
    let (message, remedy) = match why {
        Why::Backup | Why::BackupAlone => (
            "The words were not repeated, so no backup was written.",
            "Begin again: `schat backup` shows the words once more.",
        ),
        Why::NewKey => (
            "The words were not repeated, so the account has the key that it had.",
            "Begin again: `schat devices replace-key` draws other words. Those that were shown are of no use.",
        ),
    };
    Failure::new(Exit::Usage, "phrase", message, remedy)
}

/// The end came instead of the words.
pub fn nothing_typed() -> Failure {
    Failure::new(Exit::Usage, "phrase", "The twelve words were not typed.", "Try again.")
}

/// There is nobody to ask for them.
pub fn no_terminal(error: &io::Error) -> Failure {
    let message = format!("There is no terminal to ask for your twelve words at: {error}.");
    Failure::new(
        Exit::Usage,
        "phrase",
        message,
        "Run it at a terminal; or name the file that has them with --phrase-file.",
    )
}

/// There is no terminal.
pub fn nobody_to_show(why: Why) -> Failure {
    let (message, remedy) = match why {
        Why::Backup | Why::BackupAlone => (
            "The first backup shows twelve words, and there is no terminal to show them at.",
            "Run it once at a terminal; or name a file for them with --phrase-file, and keep that safe.",
        ),
        Why::NewKey => (
            "There are new twelve words to be shown, and no terminal to show them at.",
            "Run it at a terminal; or name a file for them with --new-phrase-file, and keep that safe.",
        ),
    };
    Failure::new(Exit::Usage, "phrase", message, remedy)
}

/// What was typed or read is no phrase.
pub fn no_phrase(error: PhraseError) -> Failure {
    if error == PhraseError::Count(0) {
        let remedy = "Give all twelve in one line, as they were written down; or name the file that has them with --phrase-file.";
        return Failure::new(Exit::Usage, "phrase", "There is no phrase: nothing was typed or read.", remedy);
    }
    let message = match error {
        PhraseError::Count(count) => {
            format!("That is no phrase: it has {}, and not twelve.", counted(count, "word"))
        }
        PhraseError::Unknown(place) => {
            format!("That is no phrase: word {place} is not in the list of words.")
        }
        PhraseError::Checksum => {
            "That is no phrase: each word could be in one, but they do not belong together.".to_owned()
        }
    };
    let remedy = "Look at each word and their order; all twelve in one line, as they were written down.";
    Failure::new(Exit::Usage, "phrase", message, remedy)
}

/// The file with the phrase.
pub fn no_phrase_file(path: &Path, error: &io::Error) -> Failure {
    let exit = if error.kind() == io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Local };
    let message = format!("The phrase file {} cannot be used: {error}.", path.display());
    Failure::new(exit, "phrase_file", message, "Name a file that is yours, in a directory that is there.")
}

/// What was typed cannot be read.
pub fn unreadable(error: &io::Error) -> Failure {
    Failure::new(
        Exit::Local,
        "input",
        format!("What you type cannot be read: {error}."),
        "Use another terminal.",
    )
}

/// What is asked.
pub const QUESTION: &str = "The twelve words of the phrase: ";

/// What is asked where nobody is to see it.
pub const UNSEEN: &str = "The twelve words of your phrase (not shown while you type): ";
