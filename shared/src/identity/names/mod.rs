//! What a name may be, and when two names are one.
//!
//! All members hold a credential and a room against [`clean_name`], so what it says must be the same everywhere: its
//! data (Unicode, as the crates have it) belong to the protocol, and a test notices when an update changes them.

use unicode_normalization::UnicodeNormalization as _;

mod fold;
mod marks;
mod speaker;

pub use fold::fold;
pub use marks::{is_hidden, is_needed};
pub use speaker::clean_speaker;

/// Longest display name, in bytes: fits a line of a narrow terminal even in four-byte scripts.
pub const MAX_NAME: usize = 64;

/// Longest topic of a room, in bytes: a long sentence in any script.
pub const MAX_TOPIC: usize = 512;

/// How many times longer a text may be before it is cleaned: white space and decomposed letters may shrink to a name.
const RAW: usize = 16;

/// Why text cannot be a display name.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NameError {
    /// Nothing but white space, marks and the like.
    #[error("a name needs at least one visible character")]
    Empty,
    /// Too long.
    #[error("a name may have {MAX_NAME} bytes, this one has {0}")]
    TooLong(usize),
    /// Terminal control characters, or marks that reorder text.
    #[error("a name may not contain control characters")]
    Control,
    /// Something that shows nothing, and makes two names look like one.
    #[error("a name may not contain the invisible character U+{:04X}", u32::from(*.0))]
    Invisible(char),
    /// A joiner where no script and no emoji has one.
    #[error(
        "the invisible joiner U+{:04X} may stand only where a script or an emoji needs it, as in می‌خواهم or 👩‍💻",
        u32::from(*.0)
    )]
    Joiner(char),
    /// A combining mark with no letter to stand on.
    #[error("the mark U+{:04X} needs a letter before it", u32::from(*.0))]
    Mark(char),
    /// Not a character yet.
    #[error("U+{:04X} is no character that this version knows", u32::from(*.0))]
    Unassigned(char),
    /// A person's name that reads as a name and what was said.
    #[error(
        "a name may not have {0} before a space or at its end, because what somebody says is shown behind that; leave the {0} out"
    )]
    Says(char),
    /// A person's name that reads as the beginning of another line.
    #[error(
        "a name may not begin with {0}, because other lines than what somebody says begin so; leave the {0} out"
    )]
    Begins(char),
}

/// The name as it may be shown: in NFC (UAX #15), trimmed, white space as single spaces, 1 to [`MAX_NAME`] bytes, with
/// something to see, and nothing that controls a terminal or hides text. What languages and emoji need inside a word
/// stays: see [`is_needed`].
///
/// # Errors
/// [`NameError`] says what is wrong.
pub fn clean_name(name: &str) -> Result<String, NameError> {
    clean(name, MAX_NAME)
}

/// What a room is about: a line of the same characters as a name, of at most [`MAX_TOPIC`] bytes, or nothing.
///
/// # Errors
/// [`NameError`] says what is wrong.
pub fn clean_topic(text: &str) -> Result<String, NameError> {
    if text.trim().is_empty() { Ok(String::new()) } else { clean(text, MAX_TOPIC) }
}

fn clean(name: &str, most: usize) -> Result<String, NameError> {
    let name = name.trim();
    if name.len() > RAW * most {
        return Err(NameError::TooLong(name.len()));
    }
    let name: String = spaced(name)?.nfc().collect();
    if name.len() > most {
        return Err(NameError::TooLong(name.len()));
    }
    let chars: Vec<char> = name.chars().collect();
    for (at, c) in chars.iter().copied().enumerate() {
        check(&chars, at, c)?;
    }
    if !chars.iter().copied().any(marks::is_visible) {
        return Err(NameError::Empty);
    }
    Ok(name)
}

/// Words of somebody who is no member, the relay's operator: a line of the same characters as a name, of at most
/// [`proto::MAX_WORDS`] bytes. Hidden ones are left out, and all of it where that does not make it one.
pub fn clean_words(text: &str) -> String {
    if text.len() > RAW * proto::MAX_WORDS {
        return String::new();
    }
    clean(text, proto::MAX_WORDS).unwrap_or_else(|_| {
        let spaces = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
        let shown: String = spaces.filter(|c| !is_hidden(*c)).collect();
        clean(&shown, proto::MAX_WORDS).unwrap_or_default()
    })
}

/// A status or a sign of a person's: as a name, but it may be empty, and has at most `most` bytes.
///
/// # Errors
/// [`NameError`] says what is wrong.
pub fn clean_optional(text: &str, most: usize) -> Result<String, NameError> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    // In its one form it may be longer.
    let text = clean_name(text)?;
    if text.len() > most { Err(NameError::TooLong(text.len())) } else { Ok(text) }
}

/// White space of any kind as one space; a break of the line is none.
fn spaced(name: &str) -> Result<String, NameError> {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '\u{2028}' | '\u{2029}' => return Err(NameError::Control),
            c if c.is_control() => return Err(NameError::Control),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    Ok(out.trim_end().to_owned())
}

fn check(chars: &[char], at: usize, c: char) -> Result<(), NameError> {
    match c {
        c if c.is_ascii() => Ok(()),
        c if is_hidden(c) && is_needed(chars, at) => Ok(()),
        '\u{200c}' | '\u{200d}' => Err(NameError::Joiner(c)),
        // They reorder what stands beside them.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Err(NameError::Control)
        }
        c if is_hidden(c) => Err(NameError::Invisible(c)),
        c if marks::is_unassigned(c) => Err(NameError::Unassigned(c)),
        c if marks::is_mark(c) => {
            let before = at.checked_sub(1).and_then(|at| chars.get(at));
            before.is_some_and(|before| *before != ' ').then_some(()).ok_or(NameError::Mark(c))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
