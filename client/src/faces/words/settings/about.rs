//! What each setting does, and what each section is about.

/// What a section is about; nothing for a name that is none.
pub(super) fn section(name: &str) -> &'static str {
    match name {
        "screen" => "The full-screen face.",
        "theme" => {
            "Single colours instead of the theme's: a name (black, red, green, yellow, blue, magenta, cyan, white, \
      each also with bright- before it, or default), a number from 0 to 255 of the terminal's table, or \"#rrggbb\"."
        }
        "keys" => {
            "What keys do in the full-screen face: the name of an action and its key, or a list of keys. They replace the \
      default ones; an empty list takes them away. F1 shows actions and keys."
        }
        "spelling" => {
            "Misspelt words of what you type in the full-screen face. A program of your system looks them up: hunspell, or else \
      aspell. It gets the words, one by one; they are not written down, and none leaves this machine."
        }
        "notify" => "How you are told while you look elsewhere.",
        "privacy" => "What the members of your rooms learn of what you do. The relay learns none of it.",
        "history" => "What this device keeps.",
        "files" => "Files that you send and fetch.",
        "devices" => "What goes to your other devices, and to nobody else.",
        "lock" => "How the passphrase of a locked profile is had; see schat lock.",
        _ => "",
    }
}

/// What a setting does; nothing for a name that is none.
pub(super) fn setting(name: &str) -> &'static str {
    match name {
        "screen.mouse" => {
            "The mouse selects rooms and scrolls. Off, the terminal's own selection works as usual."
        }
        "screen.theme" => {
            "\"dark\" or \"light\", for such a ground; \"auto\" for the one that the terminal tells of, or for both; or \
      \"plain\" without colours. NO_COLOR makes it plain."
        }
        "screen.members" => "Show who is in the room, where there is room for it.",
        "screen.times" => "Times of day: \"24h\" or \"12h\".",
        "screen.pictures" => {
            "Show pictures that you sent or fetched: \"auto\" as the terminal is known to show them, \"off\", \"blocks\" as coloured halves \
         of cells, or by the protocol that you know it to have: \"kitty\", \"iterm2\" or \"sixel\"."
        }
        "theme.senders" => "Seven colours for the names of those who speak.",
        "theme.mention" => "What names you.",
        "theme.alarm" => "Alarms and failures.",
        "theme.quiet" => "Times, day lines and hints.",
        "theme.selected" => "What is selected.",
        "keys.vim" => "Modal keys as in vi: Esc leaves the input, i goes back to it.",
        "spelling.check" => "Underline misspelt words while you type.",
        "spelling.dictionary" => "The dictionaries, instead of that of your system's language.",
        "notify.bell" => "Ring the terminal's bell.",
        "notify.osc" => {
            "Ask the terminal for a notification: \"auto\" where it is known to understand it, \"off\", or one of the two \
         ways, \"9\" and \"777\"."
        }
        "notify.desktop" => "Ask the desktop for one, where there is a desktop.",
        "notify.mentions_only" => "Only for lines that name you.",
        "notify.text" => "Say what was written, not only who and where. Others may see your screen.",
        "privacy.typing" => "Say that you are typing.",
        "privacy.seen" => "Say what you have read.",
        "history.lines" => "Chat lines kept per room, from 100 to 1,000,000; the oldest go first.",
        "files.downloads" => "Where they go that you fetch, instead of the directory Downloads in your own.",
        "files.keep_metadata" => {
            "Send pictures with what they tell besides their pixels: where and when they were taken, and with what."
        }
        "files.fetch_images" => "Fetch pictures of at most 1 MiB by themselves, up to 200 in one run.",
        "devices.drafts" => "What you typed and did not send stands there as well.",
        "lock.passphrase_command" => {
            "A program and its arguments, run without a shell: the first line that it prints is the passphrase. Without it the keyring or you \
         are asked."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{KNOWN, SECTIONS};

    #[test]
    fn setting_that_nobody_explains_is_found() {
        let mut settings: Vec<String> = Vec::new();
        for known in KNOWN {
            settings.push(known.name());
        }
        settings.retain(|name| setting(name).is_empty());
        assert_eq!(settings, [""; 0]);
        assert!(SECTIONS.iter().all(|name| !section(name).is_empty()));
    }
}
