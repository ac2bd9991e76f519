//! A file that is dropped into a terminal comes as a paste of its path. Then the command that sends it stands in the input, and
//! Enter decides.

use std::path::{Path, PathBuf};

use crossterm::event::Event;

use crate::faces::execute::of_url;

/// What is pasted into an empty input, as it is meant.
pub(super) fn meant(event: Event, is_empty: bool) -> Event {
    match event {
        Event::Paste(text) if is_empty => match path(&text).filter(|path| path.is_file()) {
            Some(path) => Event::Paste(format!("/file {}", path.display())),
            None => Event::Paste(text),
        },
        event => event,
    }
}

/// The path that terminals and file managers write for one file, if it is one from the root.
fn path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    let within = |mark: char| text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
    let text = match (within('\'').or_else(|| within('"')), of_url(text)) {
        (Some(quoted), _) => quoted.to_owned(),
        (None, Some(path)) => path.to_str()?.to_owned(),
        (None, None) => text.replace("\\ ", " "),
    };
    let is_one = !text.chars().any(char::is_control) && Path::new(&text).is_absolute();
    is_one.then(|| PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pasted(text: &str, is_empty: bool) -> String {
        match meant(Event::Paste(text.to_owned()), is_empty) {
            Event::Paste(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn path_of_a_file_becomes_the_command_that_sends_it_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("my cat.jpg");
        std::fs::write(&file, b"x").unwrap();
        let plain = file.to_str().unwrap();
        let wanted = format!("/file {plain}");
        let written = [
            plain.to_owned(),
            format!("{plain} \n"),
            format!("'{plain}'"),
            plain.replace(' ', "\\ "),
            format!("\"{plain}\""),
            format!("file://{}", plain.replace(' ', "%20")),
            format!("file://localhost{}", plain.replace(' ', "%20").replace("cat", "%63%61t")),
        ];
        for text in written {
            assert_eq!(pasted(&text, true), wanted, "{text}");
            assert_eq!(pasted(&text, false), text);
        }
        let two = format!("{plain}\n{plain}");
        for other in ["/kick dan", "hello", "/", &two, dir.path().to_str().unwrap(), "my cat.jpg"] {
            assert_eq!(pasted(other, true), other);
        }
    }
}
