//! The commands by what they are for, as the help shows them; and the search in it.

use shared::identity::names::fold;

use super::lines::COMMANDS;

/// What commands are for, and their words.
const GROUPS: &[(&str, &[&str])] = &[
    ("Messages", &["reply", "quote", "me", "edit", "delete", "react", "search", "disappear"]),
    ("Files", &["file", "voice", "get", "files", "pause", "resume", "cancel"]),
    (
        "Rooms",
        &[
            "join", "create", "rooms", "info", "topic", "pin", "unpin", "mute", "unmute", "leave", "forget",
            "accept",
        ],
    ),
    ("People", &["members", "verify", "unverify", "nick", "status", "glyph", "avatar"]),
    ("Devices", &["devices", "link"]),
    ("Invites and roles", &["invite", "invites", "revoke", "kick", "moderator", "policy"]),
    ("The program", &["why", "help", "quit"]),
];

/// A command: how it is written, and what it does.
pub type Usage = &'static (&'static str, &'static str);

/// The commands that a search finds, by group. Groups without any are left out.
pub fn found(wanted: &str) -> Vec<(&'static str, Vec<Usage>)> {
    let rows = |(title, words): &(&'static str, &[&str])| {
        let of_group =
            words.iter().flat_map(|word| COMMANDS.iter().filter(move |row| word_of(row.0) == *word));
        (*title, of_group.filter(|row| fits(wanted, &[title, row.0, row.1])).collect::<Vec<Usage>>())
    };
    GROUPS.iter().map(rows).filter(|(_, rows)| !rows.is_empty()).collect()
}

/// Each wanted word stands in one of the texts, in whatever capitals. Nothing wanted fits all.
pub fn fits(wanted: &str, texts: &[&str]) -> bool {
    let texts = fold(&texts.join("\n"));
    wanted.split_whitespace().all(|word| texts.contains(&fold(word)))
}

/// The help as lines, for faces without a page of their own.
pub fn help(wanted: &str) -> Vec<String> {
    let group = |(title, rows): (&str, Vec<Usage>)| {
        let rows = rows.into_iter().map(|(usage, what)| format!("  {usage:<24} {what}"));
        std::iter::once(format!("{title}:")).chain(rows).collect::<Vec<_>>()
    };
    let lines: Vec<String> = found(wanted).into_iter().flat_map(group).collect();
    let last = match (lines.is_empty(), wanted.is_empty()) {
        (true, _) => "No command has these words; /help lists them all.",
        (false, true) => "Anything else is sent to the current room. /help WORD looks for a command.",
        (false, false) => return lines,
    };
    lines.into_iter().chain([last.to_owned()]).collect()
}

fn word_of(usage: &str) -> &str {
    usage.trim_start_matches('/').split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group_and_every_word_is_a_command() {
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        for (usage, _) in COMMANDS {
            let count = grouped.iter().filter(|word| **word == word_of(usage)).count();
            assert_eq!(count, 1, "{usage}");
        }
        for word in grouped {
            assert!(COMMANDS.iter().any(|(usage, _)| word_of(usage) == word), "{word}");
        }
    }

    #[test]
    fn search_finds_words_in_any_order_and_case_and_says_when_there_is_nothing() {
        let lines = help("FOREVER");
        assert_eq!(lines, ["No command has these words; /help lists them all."]);
        let lines = help("Member remove");
        assert!(lines.iter().any(|line| line.contains("/kick")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("/join")), "{lines:?}");
        assert_eq!(help("").len(), COMMANDS.len() + GROUPS.len() + 1);
    }
}
