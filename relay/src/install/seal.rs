//! A last line that says whether a file is still as it was written, so that no change of somebody's is lost.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};

/// What the last line says, behind the mark of a comment.
const MARK: &str = "As written by `relay install`: sha256:";

/// How a comment begins, in the language of the file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comment {
    /// Units and settings.
    Hash,
    /// Manual pages.
    Roff,
}

impl Comment {
    const ALL: [Self; 2] = [Self::Hash, Self::Roff];

    fn start(self) -> &'static str {
        match self {
            Self::Hash => "# ",
            Self::Roff => ".\\\" ",
        }
    }
}

/// The text with that line.
pub(super) fn seal(text: &str, comment: Comment) -> String {
    format!("{text}{}{MARK}{}\n", comment.start(), checksum(text.as_bytes()))
}

/// Whether nobody has changed it.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let Some((before, _)) = text.rfind(MARK).and_then(|mark| text.split_at_checked(mark)) else {
        return false;
    };
    Comment::ALL
        .into_iter()
        .any(|comment| before.strip_suffix(comment.start()).is_some_and(|body| seal(body, comment) == text))
}

fn checksum(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_breaks_it() {
        for comment in Comment::ALL {
            let text = seal("a = 1\nb = 2\n", comment);
            assert!(is_whole(text.as_bytes()));
            let longer = format!("{text}more\n");
            for changed in [text.replace('1', "3"), longer, text.replace("sha256:", "sha256:0")] {
                assert!(!is_whole(changed.as_bytes()), "{changed}");
            }
        }
        assert!(!is_whole(b"a = 1\nb = 2\n"));
    }
}
