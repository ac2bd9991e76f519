//! The way of a newcomer: the link that the program shows at first, and the list that it begins with.

use super::terminal::Terminal;

/// The link that fills some lines of the screen, with an empty one behind it.
pub(crate) fn link(terminal: &Terminal) -> String {
    let lines = |screen: &str| -> Vec<String> {
        let lines = screen.lines().map(|line| line.trim().to_owned());
        lines.skip_while(|line| !line.starts_with("schat://")).collect()
    };
    let screen = terminal.wait("the link", |screen| lines(screen).iter().any(String::is_empty));
    lines(&screen).into_iter().take_while(|line| !line.is_empty()).collect()
}

/// Joins with an empty profile, and waits until it is in the room.
pub(crate) fn enters(terminal: &mut Terminal, link: &str) {
    terminal.wait_for("1  Join a room");
    terminal.press(&["1"]);
    terminal.wait_for("Paste the link here");
    terminal.paste(link);
    terminal.press(&["\r"]);
    terminal.wait_for("You are in");
}
