//! Files that are dropped into a terminal come as a paste of their paths. Then the command that sends them stands in the input, and
//! Enter decides.

use crossterm::event::Event;

use super::editor::Editor;
use crate::faces::execute::paths::{pasted, written};

/// The command that sends files.
const COMMAND: &str = "/file ";

/// What is pasted into an empty input, or behind a command that sends files, as it is meant.
pub(super) fn meant(event: Event, editor: &Editor) -> Event {
    let goes_on = editor.text().starts_with(COMMAND) && editor.before() == editor.text();
    let before = match editor.text() {
        "" => COMMAND,
        text if goes_on && text.ends_with(' ') => "",
        _ if goes_on => " ",
        _ => return event,
    };
    match event {
        Event::Paste(text) => match pasted(&text) {
            Some(paths) => {
                let paths: Vec<_> = paths.iter().map(|path| written(path)).collect();
                Event::Paste(format!("{before}{}", paths.join(" ")))
            }
            None => Event::Paste(text),
        },
        event => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::execute::paths::all;

    fn pasted(text: &str, typed: &str) -> String {
        match meant(Event::Paste(text.to_owned()), &Editor::of(typed)) {
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
        let wanted = format!("/file '{plain}'");
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
            assert_eq!(pasted(&text, ""), wanted, "{text}");
            assert_eq!(pasted(&text, "look: "), text);
        }
        for other in ["/kick dan", "hello", "/", dir.path().to_str().unwrap(), "my cat.jpg"] {
            assert_eq!(pasted(other, ""), other);
        }
    }

    #[test]
    fn several_files_that_are_dropped_become_one_command_for_all() {
        let dir = tempfile::tempdir().unwrap();
        let files = ["my cat.jpg", "it's.txt", "plain"].map(|name| dir.path().join(name));
        files.iter().for_each(|file| std::fs::write(file, b"x").unwrap());
        let [cat, its, plain] = files.each_ref().map(|file| file.to_str().unwrap());
        let ways = [
            format!("{cat}\n{its}\r\n{plain}\n"),
            format!("'{cat}' \"{its}\" {plain}"),
            format!("{} {} {plain} ", cat.replace(' ', "\\ "), its.replace('\'', "\\'")),
            format!("file://{}\nfile://{its}\nfile://{plain}", cat.replace(' ', "%20")),
        ];
        for text in ways {
            let typed = pasted(&text, "");
            assert_eq!(all(typed.strip_prefix(COMMAND).unwrap()).unwrap(), files, "{text}: {typed}");
        }
        // One after the other, as some windows drop them.
        let mut typed = String::new();
        for file in [cat, its, plain] {
            typed.push_str(&pasted(file, &typed));
        }
        assert_eq!(all(typed.strip_prefix(COMMAND).unwrap()).unwrap(), files, "{typed}");
        // With something else among them it is a text.
        let mixed = format!("{cat}\nlook");
        assert_eq!(pasted(&mixed, ""), mixed);
    }
}
