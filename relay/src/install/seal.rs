//! A last line that says whether a file is still as it was written, so that no change of somebody's is lost.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};

/// What the last line begins with.
const MARK: &str = "# As written by `relay install`: sha256:";

/// The text with that line.
pub(super) fn seal(text: &str) -> String {
    format!("{text}{MARK}{}\n", checksum(text.as_bytes()))
}

/// Whether nobody has changed it.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    text.rfind(MARK).and_then(|end| text.split_at_checked(end)).is_some_and(|(body, _)| seal(body) == text)
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
        let text = seal("a = 1\nb = 2\n");
        assert!(is_whole(text.as_bytes()));
        for changed in [text.replace('1', "3"), format!("{text}more\n"), text.replace("sha256:", "sha256:0")]
        {
            assert!(!is_whole(changed.as_bytes()), "{changed}");
        }
        assert!(!is_whole(b"a = 1\nb = 2\n"));
    }
}
